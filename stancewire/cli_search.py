"""`stancewire search`: try values of a recipe on dev, and write the best recipe found."""

from pathlib import Path
from typing import Annotated

import typer

from stancewire.cli_options import Mirror, wide_console


def search(
    config: Annotated[Path, typer.Option(help="Search, a YAML file that extends a recipe.")],
    trials: Annotated[
        int | None, typer.Option(min=1, help="In all, those of a resumed study included.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Minutes after which no trial begins.")
    ] = None,
    mirror: Mirror = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the study that is there.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print what would be searched, and stop.")
    ] = False,
) -> None:
    """Search hyper-parameters by dev macro-F1, and write the best recipe; test is never read."""
    from stancewire.training.recipe import dump as dump_recipe
    from stancewire.training.search.config import dump, load

    asked = load(config, {"data": {"mirror": str(mirror)}} if mirror else None)
    if print_config:
        typer.echo(dump(asked, asked.config.extends) + "---\n" + dump_recipe(asked.base), nl=False)
        return
    from stancewire.training.search import show, study

    folder = out or Path("runs") / asked.config.name
    found = study.run(
        asked,
        folder,
        trials=trials,
        timeout_s=None if timeout is None else 60 * timeout,
        resume=resume,
        tell=typer.echo,
    )
    console = wide_console()
    for table in show.tables(found):
        console.print(table)
    if found.best is None:
        typer.echo("no trial is complete: --resume goes on")
    else:
        best = folder / study.BEST
        typer.echo(f"best recipe in {best}: stancewire train --config {best}")
