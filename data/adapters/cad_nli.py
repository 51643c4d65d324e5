"""Counterfactually augmented NLI (Kaushik, Hovy & Lipton, ICLR 2020).

`{original,revised_premise,revised_hypothesis}/{train,dev,test}.tsv`, unquoted. Row i of an original
file has its edits in rows 2i and 2i+1 of the revised files of the same split: a pair and its edits
are never parted.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.records import Record, Split

_PARTS = ("original", "revised_premise", "revised_hypothesis")
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of all parts, tagged "part:original" and so on."""
    for split in _SPLITS:
        for part in _PARTS:
            yield from _records(folder, source, part, split)


def _records(folder: Path, source: Source, part: str, split: Split) -> Iterator[Record]:
    def make(row: Row) -> Row | None:
        premise, hypothesis, label = (
            cell(row, name) for name in ("sentence1", "sentence2", "gold_label")
        )
        return pair(premise, hypothesis, label, split, (f"part:{part}",))

    text = read_text(folder, f"{part}/{split}.tsv")
    rows = csv_rows(text, delimiter="\t", quoted=False)
    yield from records(source, f"{split}-{part}", rows, make)
