"""Corpora by name: the press corpus of this project, public sets, and your own files."""

from dataclasses import dataclass
from pathlib import Path

from stancewire.data.files import content_hash, read_records
from stancewire.data.vast import read_vast
from stancewire.errors import DataError
from stancewire.records import Record

PRESS = Path(__file__).parent / "corpus"
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Corpus:
    """The three splits of one corpus. Nothing is ever chosen on `test`."""

    name: str
    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    test: tuple[Record, ...]

    def hashes(self) -> dict[str, str]:
        """Content hash of each split."""
        return {name: content_hash(getattr(self, name)) for name in SPLITS}

    def records(self) -> list[Record]:
        """All records, split by split."""
        return [*self.train, *self.dev, *self.test]


def load(source: str, *, mirror: Path | None = None, only_tag: str | None = None) -> Corpus:
    """Corpus named by `source`: "press", "vast", or the path of a file or folder of records.

    `mirror` is a folder that holds public data sets, one sub-folder each; they are read in place.
    `only_tag` keeps, in dev and test, the records with that tag (VAST: "zero-shot").
    Raises `DataError` if a file is missing or bad, or a split is empty.
    """
    if source == "vast":
        if mirror is None:
            raise DataError("VAST is read from a folder of public data sets: give --mirror DIR")
        records = read_vast(mirror / "vast")
    else:
        folder = PRESS if source == "press" else Path(source)
        files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
        records = [record for file in files for record in read_records(file)]
    by_split = {name: tuple(r for r in records if r.split == name) for name in SPLITS}
    if only_tag is not None:
        for name in ("dev", "test"):
            by_split[name] = tuple(r for r in by_split[name] if only_tag in r.tags)
    empty = [name for name, part in by_split.items() if not part]
    if empty:
        raise DataError(f"corpus {source!r} has no record for split(s) {', '.join(empty)}")
    return Corpus(name=source, **by_split)
