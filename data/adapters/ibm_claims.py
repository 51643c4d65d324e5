"""IBM Debater Claim Stance (Bar-Haim et al., EACL 2017): Wikipedia claim → pro or con a motion.

The target is the motion as it is worded ("This house believes that …"). Test motions are not in
train; there is no dev set and no neutral.

The public copy went through a spreadsheet that took a line for a cell, and a semicolon for the end
of one: each line is read as a row of such cells, joined again by semicolons, and then as CSV.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_SPLITS: dict[str, Split] = {"train": "train", "test": "test"}
_LABELS = {"PRO": Label.FAVOR, "CON": Label.AGAINST}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, in the order of the file."""
    lines = read_text(folder, "claim_stance_dataset_v1.csv").splitlines()
    restored = (";".join(cells).rstrip(";") for cells in csv.reader(lines, delimiter=";"))
    yield from records(source, "claim", csv_rows("\n".join(restored)), _fields)


def _fields(row: Row) -> Row:
    return {
        "text": row["claims.claimCorrectedText"],
        "target": row["topicText"],
        "stance": _LABELS[row["claims.stance"]],
        "split": _SPLITS[row["split"]],
    }
