"""Corpora by name: what this project wrote, the declared public sets, and your own files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stancewire.data.files import content_hash, read_records
from stancewire.data.readers import READERS
from stancewire.data.sources import Source, declared
from stancewire.errors import DataError
from stancewire.records import Record

PRESS = Path(__file__).parent / "corpus"
DRILLS = Path(__file__).parent / "drills"
SQUARES = Path(__file__).parent / "squares"
OWN = {"press": PRESS, "drills": DRILLS, "squares": SQUARES}
"""Corpora that lie beside the code; drills and squares are only trained on."""
REAL = ("us-briefings", "us-conferences")
"""Sources of real passages that this project annotated: together the corpus "real"."""
SPLITS = ("train", "dev", "test")
_VARIANT = re.compile("-(official|drills)$")


@dataclass(frozen=True)
class Corpus:
    """The splits of one corpus. Nothing is ever chosen on `test`; only the gate reads `golden`."""

    name: str
    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    test: tuple[Record, ...]
    golden: tuple[Record, ...] = ()

    def hashes(self) -> dict[str, str]:
        """Content hash of each split that a run sees."""
        return {name: content_hash(getattr(self, name)) for name in SPLITS}

    def records(self) -> list[Record]:
        """All records that a run sees, split by split."""
        return [*self.train, *self.dev, *self.test]


def is_public(source: str) -> bool:
    """Whether the words of `source` lie elsewhere, and are read from a mirror or the cache."""
    return source == "real" or source in READERS


def declarations(source: str) -> list[Source]:
    """Declared sets behind a name; none behind your own files."""
    parts = REAL if source == "real" else (_VARIANT.sub("", source),)
    return [declared()[part] for part in parts if part in declared()]


def read(source: str, *, mirror: Path | None = None, cache: Path | None = None) -> list[Record]:
    """Records of "press", "real", a declared public set, or the path of a file or folder.

    A public set is read from `mirror`, a folder that holds such sets, one sub-folder each, or from
    the cache that `stancewire data fetch` fills. Raises `DataError` if a file is missing or bad.
    """
    if source == "real":
        return [r for part in REAL for r in read(part, mirror=mirror, cache=cache)]
    if source in READERS:
        from stancewire.data.fetch import locate

        (one,) = declarations(source)
        return list(READERS[source](locate(one, mirror=mirror, cache=cache), one))
    folder = OWN.get(source, Path(source))
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
    return [record for file in files for record in read_records(file)]


def load(
    source: str,
    *,
    mirror: Path | None = None,
    only_tag: str | None = None,
    needed: Sequence[str] = SPLITS,
) -> Corpus:
    """Corpus named by `source` (see `read`), split.

    `only_tag` keeps, in dev and test, the records with that tag (VAST: "zero-shot").
    Raises `DataError` if a file is missing or bad, or a needed split is empty.
    """
    records = read(source, mirror=mirror)
    by_split = {s: tuple(r for r in records if r.split == s) for s in (*SPLITS, "golden")}
    if only_tag is not None:
        for name in ("dev", "test"):
            by_split[name] = tuple(r for r in by_split[name] if only_tag in r.tags)
    empty = [name for name in needed if not by_split[name]]
    if empty:
        raise DataError(f"corpus {source!r} has no record for split(s) {', '.join(empty)}")
    return Corpus(name=source, **by_split)
