"""The `stancewire` command: one module per group of verbs, each importing its room when it runs.

Nothing heavy is imported here, so that `stancewire --help` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from stancewire import (
    cli_behave,
    cli_compare,
    cli_data,
    cli_explain,
    cli_promote,
    cli_release,
    cli_score,
    cli_search,
    cli_train,
)
from stancewire.errors import ConfigError, DataError, GateRefused, StancewireError

DEBUG = "STANCEWIRE_DEBUG"
LOCAL_REGISTRY = "mlflow.db"
"""Where training tracks unless told otherwise: SQLite in the working directory."""

app = typer.Typer(
    help="Label what a spokesperson said by the stance it takes toward a target.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("score")(cli_score.score)
app.command("explain")(cli_explain.explain)
app.command("train")(cli_train.train)
app.command("search")(cli_search.search)
app.command("evaluate")(cli_train.evaluate)
app.command("behave")(cli_behave.behave)
app.command("compare")(cli_compare.compare)
app.command("promote")(cli_promote.promote)
app.command("rollback")(cli_promote.rollback)
app.command("install")(cli_release.install)
app.add_typer(cli_release.app, name="release")
app.add_typer(cli_data.app, name="data")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("stancewire"))
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", envvar=DEBUG, help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Label what a spokesperson said by the stance it takes toward a target."""
    if debug:
        os.environ[DEBUG] = "1"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    bundle: Annotated[
        Path | None, typer.Option(help="Serve this folder and follow no registry.")
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(envvar="MLFLOW_TRACKING_URI", help="MLflow registry to follow."),
    ] = None,
    alias: Annotated[str, typer.Option(help="Which version of the model to follow.")] = "champion",
    poll_s: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks at the registry.")
    ] = 15.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads per scored request.")] = 1,
) -> None:
    """Serve stances over HTTP: the champion of the registry, else what is at hand.

    At hand is the bundle of `stancewire install`, else the release that Stancewire comes with.
    """
    from pydantic import ValidationError

    from stancewire.serving.run import serve as run
    from stancewire.serving.settings import Settings

    try:
        settings = Settings(
            host=host,
            port=port,
            bundle=bundle,
            tracking_uri=None if bundle else _registry(tracking_uri),
            alias=alias,
            poll_s=poll_s,
            threads=threads,
        )
    except ValidationError as error:
        listed = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"cannot serve: {'; '.join(listed)}") from error
    if settings.tracking_uri:
        hint = "if no version has that alias yet, give it to one: stancewire promote VERSION"
        typer.echo(f"following models:/stancewire@{alias}; {hint}", err=True)
    elif not bundle:
        typer.echo("no registry is followed: serving what is at hand", err=True)
    run(settings)


def _registry(given: str | None) -> str | None:
    """Name the registry to follow: the one given, else the one that training made here.

    None is needed where a model is at hand.
    """
    if given is None and not Path(LOCAL_REGISTRY).is_file():
        from stancewire.serving.settings import default_cache
        from stancewire.serving.standby import released, standbys

        if standbys(default_cache(), released()):
            return None
        raise ConfigError(
            f"nothing to serve: there is no {LOCAL_REGISTRY} here. Give --bundle DIR or "
            "--tracking-uri, install a model (`stancewire install`), or make one: "
            "`stancewire train`, then `stancewire promote`"
        )
    return given or f"sqlite:///{LOCAL_REGISTRY}"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line (`sys.argv` unless given) and exit.

    An error that Stancewire raises on purpose becomes its message on standard error and its exit
    code; so does a file that the system refuses.
    """
    try:
        app(args=argv)
    except StancewireError as error:
        if os.environ.get(DEBUG):
            raise
        _tell(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if os.environ.get(DEBUG):
            raise
        _tell(error)
        sys.exit(1)


def _tell(error: Exception) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    message = error.summary if isinstance(error, DataError) else str(error)
    console.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    if isinstance(error, DataError):
        for problem in error.problems:
            console.print(Text(f"  {problem}"), soft_wrap=True)
    if isinstance(error, GateRefused):
        console.print(cli_promote.verdict_table(error.verdict))
