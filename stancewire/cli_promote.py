"""`stancewire promote` and `rollback`: moving the champion through the gate, and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import wide_console

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {"passed": "green", "failed": "bold red", "not asked": "dim"}


def promote(
    version: Annotated[str, typer.Argument(help="Version of the registered model.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge and report; no alias moves, no tag is set.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why it should serve even if it is not shown better than the champion."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="With --dry-run: a bundle's folder to compare with, not the champion."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The gate's limits; experiments/gate.yaml unless given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write gate.json and gate.html into this folder.")
    ] = None,
) -> None:
    """Make a version the champion, if it passes the gate; exit code 4 if it must not serve."""
    from stancewire.training import promote as gate

    verdict = gate.promote(
        version,
        mode="dry-run" if dry_run else "enforce",
        reason=reason,
        against=against,
        config_path=config,
        out=out,
    )
    wide_console().print(verdict_table(verdict.to_dict()))
    typer.echo(f"{verdict.candidate} {'would be' if dry_run else 'is'} the champion")


def rollback() -> None:
    """Make the previous champion the champion again."""
    from stancewire.training import promote as gate

    typer.echo(f"version {gate.rollback()} is the champion again")


def verdict_table(verdict: Mapping[str, Any]) -> "Table":
    """One row per check of the gate, from the verdict as plain data (`Verdict.to_dict`)."""
    from rich.table import Table
    from rich.text import Text

    from stancewire.training.gate.page import number

    title = f"{verdict['candidate']}: {verdict['pairs']} pairs of {verdict['judged_on']}"
    table = Table("part", "check", "", "measured", "limit", "in words", title=title)
    for check in verdict["checks"]:
        said = Text(check["verdict"], STYLES[check["verdict"]])
        figures = (number(check[name]) for name in ("measured", "limit"))
        table.add_row(check["family"], check["name"], said, *figures, Text(check["words"]))
    return table
