"""VAST (Allaway & McKeown, EMNLP 2020): news comment → stance toward an open-ended topic.

Expected files: `vast_train.zip` (with `vast_train.csv`), `vast_dev.csv`, `vast_test.csv`. Labels
0/AGAINST con, 1/FAVOR pro, 2/NONE neutral; "neutral" is nearly always a topic paired with a text at
random, so it is read as `unrelated`. Column `seen?` 0 marks zero-shot topics; dev and test records
are tagged "zero-shot" or "few-shot".
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_member, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record, Split

_LABELS = {
    "0": Label.AGAINST, "1": Label.FAVOR, "2": Label.NEUTRAL,
    "AGAINST": Label.AGAINST, "FAVOR": Label.FAVOR, "NONE": Label.NEUTRAL,
}  # fmt: skip
_SEEN = {"0": "zero-shot", "1": "few-shot"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, train first."""
    train = read_member(folder, "vast_train.zip", "vast_train.csv")
    columns = ("post", "topic_str", "label")
    yield from records(
        source, "train", csv_rows(train), lambda row: _fields("train", row, *columns)
    )
    yield from _judged(folder, source, "dev")
    yield from _judged(folder, source, "test")


def _judged(folder: Path, source: Source, split: Split) -> Iterator[Record]:
    def fields(row: Row) -> Row:
        made = _fields(split, row, "Tweet", "Target 1", "Stance 1")
        return {**made, "tags": (_SEEN[row["seen?"]],)}

    yield from records(source, split, csv_rows(read_text(folder, f"vast_{split}.csv")), fields)


def _fields(split: Split, row: Row, text: str, target: str, label: str) -> Row:
    stance = _LABELS[row[label]]
    return {
        "text": row[text],
        "target": row[target],
        "stance": stance,
        "neutral_kind": NeutralKind.UNRELATED if stance is Label.NEUTRAL else None,
        "split": split,
    }
