"""VAST (Allaway & McKeown, EMNLP 2020), read in place from a folder; its licence is not stated.

Expected files: `vast_train.zip` (with `vast_train.csv`), `vast_dev.csv`, `vast_test.csv`. Labels
0/AGAINST con, 1/FAVOR pro, 2/NONE neutral; "neutral" is nearly always a topic paired with a text at
random, so it is read as `unrelated`. Column `seen?` 0 marks zero-shot topics.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from stancewire.errors import DataError
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record, Split

_LABELS = {
    "0": Label.AGAINST, "1": Label.FAVOR, "2": Label.NEUTRAL,
    "AGAINST": Label.AGAINST, "FAVOR": Label.FAVOR, "NONE": Label.NEUTRAL,
}  # fmt: skip


def read_vast(folder: Path) -> list[Record]:
    """All records of VAST; dev and test records are tagged "zero-shot" or "few-shot"."""
    try:
        with zipfile.ZipFile(folder / "vast_train.zip") as archive:
            train = archive.read("vast_train.csv")
        dev, test = ((folder / f"vast_{name}.csv").read_bytes() for name in ("dev", "test"))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder} does not hold VAST as expected: {error}") from error
    return [
        *_records("train", train, ("post", "topic_str", "label")),
        *_records("dev", dev, ("Tweet", "Target 1", "Stance 1")),
        *_records("test", test, ("Tweet", "Target 1", "Stance 1")),
    ]


def _records(split: Split, content: bytes, columns: tuple[str, str, str]) -> Iterator[Record]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8", errors="replace")))
    for number, row in enumerate(rows):
        try:
            yield _record(split, number, row, columns)
        except (KeyError, ValidationError) as error:
            raise DataError(f"VAST {split}, row {number}, cannot be used: {error}") from error


def _record(
    split: Split, number: int, row: dict[str, str], columns: tuple[str, str, str]
) -> Record:
    text, target, label = (row[name] for name in columns)
    stance = _LABELS[label]
    seen = {"0": ("zero-shot",), "1": ("few-shot",)}.get(row.get("seen?", ""), ())
    return Record(
        id=f"vast-{split}-{number:05d}",
        text=text,
        target=target,
        stance=stance,
        neutral_kind=NeutralKind.UNRELATED if stance is Label.NEUTRAL else None,
        source="VAST",
        licence="not stated by the authors",
        split=split,
        annotators=("vast",),
        tags=seen if split != "train" else (),
    )
