"""`stancewire install` and `stancewire release build`: models that are given away, and taken in."""

from pathlib import Path
from typing import Annotated

import typer

from stancewire.cli_options import Mirror, wide_console
from stancewire.errors import ConfigError

app = typer.Typer(help="The model that comes with the package.", no_args_is_help=True)


def install(
    source: Annotated[
        str, typer.Argument(help="A folder, a .tar.gz or .zip file, or the address of a file.")
    ],
    sha256: Annotated[
        str | None,
        typer.Option(help="Of the file; of a folder: of its manifest.json. An address needs it."),
    ] = None,
) -> None:
    """Install a model: `serve` and `score` use it while the registry has no champion.

    It is checked against its hashes and loaded once; what was installed before stays until then.
    """
    from stancewire.install import install as put
    from stancewire.serving.settings import default_cache

    bundle = put(source, default_cache(), sha256=sha256)
    typer.echo(f"installed {bundle.sha256[:12]} in {bundle.folder}")


@app.callback()
def release() -> None:
    """Make the model that comes with the package."""


@app.command("build")
def build(
    run: Annotated[
        Path | None, typer.Argument(help="Folder of a finished run; or give --config.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Recipe to train by first (hours, see its head).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    mirror: Mirror = None,
    unchecked: Annotated[
        bool,
        typer.Option("--unchecked", help="Take today's records where those of the run changed."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else that of the package.")
    ] = None,
) -> None:
    """Quantise, calibrate and measure a run's network, and write it as the release.

    Refused are runs on data whose licence does not let the weights be given away, and more than
    30 MB.
    """
    if (run is None) == (config is None):
        raise ConfigError("give either the folder of a finished run or --config")
    if config is None and seed is not None:
        raise ConfigError("--seed belongs to --config")
    from stancewire.serving.standby import RELEASE
    from stancewire.training import pipeline, report
    from stancewire.training import release as releases
    from stancewire.training.recipe import load

    if config is not None:
        said = {"seed": seed, "data": {"mirror": mirror} if mirror else None}
        recipe = load(config, {name: value for name, value in said.items() if value is not None})
        run = pipeline.run(recipe).folder
    assert run is not None
    result = releases.build(run, out or RELEASE, mirror=mirror, unchecked=unchecked)
    console = wide_console()
    for table in report.tables(result):
        console.print(table)
    size = sum(path.stat().st_size for path in (out or RELEASE).iterdir())
    typer.echo(f"release {result.bundle.sha256[:12]} in {out or RELEASE}: {size / 1e6:.1f} MB")
