"""The public data sets that can be read: where each comes from, its files, licence and citation."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from stancewire.errors import DataError

DECLARED = Path(__file__).parent / "sources.toml"

Terms = Literal["open", "share-alike", "non-commercial", "not-stated"]
"""What the stated licence allows; a recipe names the terms it accepts."""
TERMS: tuple[Terms, ...] = get_args(Terms)
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _stays_inside(value: str) -> str:
    path = PurePosixPath(value)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in value:
        raise ValueError("expected a path inside its folder")
    return value


Inside = Annotated[str, AfterValidator(_stays_inside)]


class Frozen(BaseModel):
    """Immutable, and unknown keys are refused: what is written by hand, in TOML or YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceFile(Frozen):
    """One file of a data set, pinned to a commit of a public repository."""

    name: Inside
    """Path in the data set's folder, without a trailing `.gz`: either form is read."""
    sha256: Sha256
    """Hash of the content, uncompressed if the copy is gzipped."""
    repository: str = ""
    """`owner/name`; empty if the file is a reduction that only a mirror holds (see `notes`)."""
    commit: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40})?$")] = ""
    path: str = ""
    """Path in the repository."""
    member: str = ""
    """If the repository's file is a zip: the member that is kept."""


class Source(Frozen):
    """One public data set."""

    name: str
    title: str
    citation: str
    licence: str
    """As stated by its publisher; "not stated" if none is."""
    terms: Terms
    folder: Inside
    """Name of its folder in a cache or mirror."""
    languages: tuple[str, ...] = ("en",)
    has_neutral: bool = True
    """False: the set knows favor and against only, and a loss must not see its missing neutral."""
    notes: str = ""
    files: Annotated[tuple[SourceFile, ...], Field(min_length=1)]


@cache
def declared() -> Mapping[str, Source]:
    """All declared sources by name, in the order of `sources.toml`."""
    rows = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["source"]
    return {source.name: source for source in (Source.model_validate(row) for row in rows)}


def find(name: str) -> Source:
    """Source named `name`. Raises `DataError` listing the names if there is none."""
    try:
        return declared()[name]
    except KeyError:
        known = ", ".join(declared())
        raise DataError(f"no source is named {name!r}; declared are: {known}") from None
