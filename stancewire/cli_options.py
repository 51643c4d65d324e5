"""What several commands share: options, and the console of wide tables."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


class Split(StrEnum):
    """What a model may be measured on."""

    DEV = "dev"
    TEST = "test"


Mirror = Annotated[
    Path | None,
    typer.Option(help="Folder of public data sets, one sub-folder each, read in place."),
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="[PATH]", help='"press", "drills", "real", a declared public set, or a path.'
    ),
]
Corpus = Annotated[
    str, typer.Option("--source", help="press, real, a declared public set, or a path.")
]
OnlyTag = Annotated[
    str | None, typer.Option(help="Only the dev and test records with this tag (VAST: zero-shot).")
]
WithoutTag = Annotated[str | None, typer.Option(help="Leave out the records with this tag.")]


def wide_console() -> "Console":
    """Make a console wide enough for the tables, also where there is no terminal to ask."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 130)
