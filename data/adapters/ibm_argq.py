"""IBM-ArgQ-Rank-30kArgs (Gretz et al., AAAI 2020): argument → pro or con a debate motion.

Arguments were written on demand for a side. No motion is in two splits; no neutral occurs. The
stance is toward the motion as it is worded: who is against "We should ban X" is for X. ArgKP and
ValueEval hold many of the same arguments.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record

_LABELS = {"1": Label.FAVOR, "-1": Label.AGAINST}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, in the order of the file."""
    table = csv_rows(read_text(folder, "arg_quality_rank_30k.csv"))
    yield from records(source, "argument", table, _fields)


def _fields(row: Row) -> Row:
    return {
        "text": row["argument"],
        "target": row["topic"],
        "stance": _LABELS[row["stance_WA"]],
        "split": row["set"],
    }
