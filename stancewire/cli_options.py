"""What several commands share: options, the model to ask, and the console of wide tables."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stancewire.errors import BundleError

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


def default_bundle() -> Path:
    """Folder in `$STANCEWIRE_BUNDLE`, else what a service on this machine would serve.

    That is the champion that one served last, the bundle installed, or the release, in this order.
    Raises `BundleError` saying what to do if there is none.
    """
    given = os.environ.get("STANCEWIRE_BUNDLE")
    if given:
        return Path(given)
    from stancewire.serving.settings import default_cache
    from stancewire.serving.standby import released, standbys
    from stancewire.serving.versions import VersionCache

    cache = VersionCache(default_cache())
    notes = sorted(cache.root.glob("last-good-*.json"), key=lambda p: p.stat().st_mtime)
    for note in reversed(notes):
        version = cache.last_good(note.stem.removeprefix("last-good-"))
        if version is not None and cache.bundle_folder(version).is_dir():
            return cache.bundle_folder(version)
    for _, folder in standbys(cache.root, released()):
        return folder
    raise BundleError(
        "no model to ask: give --bundle DIR (a training run leaves one in runs/NAME/bundle), "
        "set STANCEWIRE_BUNDLE, install one (`stancewire install`), or give --url of a running "
        "service"
    )
