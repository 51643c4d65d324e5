"""ConjNLI (Saha, Nie & Bansal, EMNLP 2020): what "and", "or", "but" and "not" entail.

`adversarial_train_15k.tsv`, made by rule, is train; `conj_dev.tsv`, which people checked, is dev. A
premise that stands in dev is not read in train.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.data.topics import text_key
from stancewire.records import Record, Split

_FILES: dict[Split, str] = {"train": "adversarial_train_15k.tsv", "dev": "conj_dev.tsv"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of both parts."""
    rows = {split: list(_rows(folder, name)) for split, name in _FILES.items()}
    held = {text_key(str(row.get("Premise"))) for row in rows["dev"]}
    for split, found in rows.items():
        yield from _records(source, split, found, held if split == "train" else set())


def _records(source: Source, split: Split, rows: list[Row], held: set[str]) -> Iterator[Record]:
    def make(row: Row) -> Row | None:
        premise, hypothesis, label = (
            cell(row, name) for name in ("Premise", "Hypothesis", "Label")
        )
        return None if text_key(premise) in held else pair(premise, hypothesis, label, split)

    yield from records(source, split, rows, make)


def _rows(folder: Path, name: str) -> Iterator[Row]:
    return csv_rows(read_text(folder, name), delimiter="\t", quoted=False)
