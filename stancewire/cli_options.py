"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
WithoutTag = Annotated[str | None, typer.Option(help="Leave out the records with this tag.")]
