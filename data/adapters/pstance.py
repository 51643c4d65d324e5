"""P-Stance (Li et al., Findings of ACL 2021): tweet → stance toward a US candidate of 2020.

One file per split and target. The authors dropped neutral tweets. A few tweets of val and test
stand in train too: they are tagged "leaked".
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records, tag_leaked
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_SPLITS: dict[str, Split] = {"train": "train", "val": "dev", "test": "test"}
_NAMES = ("trump", "biden", "bernie")
_LABELS = {"FAVOR": Label.FAVOR, "AGAINST": Label.AGAINST}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, train first; the set has no neutral."""
    yield from tag_leaked(list(_read(folder, source)))


def _read(folder: Path, source: Source) -> Iterator[Record]:
    for theirs, ours in _SPLITS.items():
        for name in _NAMES:

            def fields(row: Row, split: Split = ours) -> Row:
                return {
                    "text": row["Tweet"],
                    "target": row["Target"],
                    "stance": _LABELS[row["Stance"]],
                    "split": split,
                }

            table = csv_rows(read_text(folder, f"raw_{theirs}_{name}.csv"))
            yield from records(source, f"{ours}-{name}", table, fields)
