"""RuSentNE-2023 (Golubev et al., Dialogue 2023): Russian news sentence → sentiment to an entity.

Covers the author's, quoted and implied opinion. The contest's labelled validation set is dev; its
test set has no public labels. Tags: the kind of entity ("person", "country", …).
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_FILES: dict[Split, str] = {"train": "train_data.csv", "dev": "validation_data_labeled.csv"}
_LABELS = {"-1": Label.AGAINST, "0": Label.NEUTRAL, "1": Label.FAVOR}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, train first."""
    for split, name in _FILES.items():

        def fields(row: Row, split: Split = split) -> Row:
            return {
                "text": row["sentence"],
                "target": row["entity"],
                "stance": _LABELS[row["label"]],
                "language": "ru",
                "split": split,
                "tags": (row["entity_tag"].lower(),),
            }

        # Named .csv, but separated by tabs.
        table = csv_rows(read_text(folder, name), delimiter="\t", quoted=False)
        yield from records(source, split, table, fields)
