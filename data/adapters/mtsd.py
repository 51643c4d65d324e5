"""Multi-Target Stance Dataset (Sobhani et al., EACL 2017): tweet → stance toward each of two.

Files of Li & Caragea (Findings of ACL 2021), in which every tweet stands once per target of its
pair: "Target 1" and "Stance 1" are judged, the other target's columns are not read.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_SPLITS: dict[str, Split] = {"train": "train", "val": "dev", "test": "test"}
_LABELS = {"FAVOR": Label.FAVOR, "AGAINST": Label.AGAINST, "NONE": Label.NEUTRAL}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, train first."""
    for theirs, ours in _SPLITS.items():

        def fields(row: Row, split: Split = ours) -> Row:
            return {
                "text": row["Tweet"],
                "target": row["Target 1"],
                "stance": _LABELS[row["Stance 1"]],
                "split": split,
            }

        table = csv_rows(read_text(folder, f"raw_{theirs}_all_onecol.csv"))
        yield from records(source, ours, table, fields)
