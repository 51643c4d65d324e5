"""NewsMTSC (Hamborg & Donnay, EACL 2021): news sentence → sentiment toward a person it mentions.

Two ways to read it. `read` takes the authors' halves of their evaluation sets as dev and test, so
that nothing is chosen on test; `read_official` takes the whole evaluation sets as test, for figures
to set beside published ones. Tags: "rw" (real-world distribution), "mt" (two or more targets), and
"leaked" for a sentence that stands in train too. One sentence stands both in the "mt" dev half and
in the "rw" test half.

The target is the mention, which may be a pronoun; quotation marks that cling to it are taken off.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import (
    Row,
    jsonl_rows,
    read_text,
    records,
    tag_leaked,
    trimmed,
)
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_WHOLE = {2: Label.AGAINST, 4: Label.NEUTRAL, 6: Label.FAVOR}
_HALVES = {-1: Label.AGAINST, 0: Label.NEUTRAL, 1: Label.FAVOR}
_KINDS = ("rw", "mt")
_JUDGED: tuple[Split, ...] = ("dev", "test")


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Train, and dev and test as the authors halved them."""
    yield from tag_leaked([*_whole(folder, source, "train"), *_halves(folder, source)])


def read_official(folder: Path, source: Source) -> Iterator[Record]:
    """Train, and the authors' two whole evaluation sets as test; there is no dev."""
    judged = (r for kind in _KINDS for r in _whole(folder, source, f"devtest_{kind}", kind))
    yield from tag_leaked([*_whole(folder, source, "train"), *judged])


def _halves(folder: Path, source: Source) -> Iterator[Record]:
    for split in _JUDGED:
        for kind in _KINDS:

            def fields(row: Row, split: Split = split, kind: str = kind) -> Row:
                stance = _HALVES[row["polarity"]]
                return _fields(row["sentence"], row["mention"], stance, split, kind)

            rows = jsonl_rows(read_text(folder, f"hf_{kind}_{split}.jsonl"))
            yield from records(source, f"{split}-{kind}", rows, fields)


def _whole(folder: Path, source: Source, name: str, kind: str = "") -> Iterator[Record]:
    split: Split = "test" if kind else "train"

    def fields(row: Row) -> Row:
        return _fields(row["text"], row["mention"], _WHOLE[row["polarity"]], split, kind)

    rows = _flat(jsonl_rows(read_text(folder, f"{name}.jsonl")))
    yield from records(source, name.replace("_", "-"), rows, fields)


def _flat(sentences: Iterator[Row]) -> Iterator[Row]:
    for sentence in sentences:
        for target in sentence["targets"]:
            yield {**target, "text": sentence["sentence_normalized"]}


def _fields(text: str, mention: str, stance: Label, split: Split, kind: str) -> Row:
    return {
        "text": text,
        "target": trimmed(mention),
        "stance": stance,
        "split": split,
        "tags": (kind,) if kind else (),
    }
