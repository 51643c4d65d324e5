"""GWSD, Global Warming Stance Dataset (Luo, Card & Jurafsky, Findings of EMNLP 2020).

Opinion clause from news → agrees, disagrees or is neutral. The label is the likeliest by the
authors' annotator model (columns agree, neutral, disagree; eight workers). Screening rows, which
have no such figures, are left out. Test is the authors' held-out part; of the rest a tenth, by a
hash of the sentence, is dev.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import (
    Row,
    csv_rows,
    read_text,
    records,
    split_of,
    tag_leaked,
)
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

TARGET = "climate change/global warming is a serious concern"
_LABELS = {"agree": Label.FAVOR, "disagree": Label.AGAINST, "neutral": Label.NEUTRAL}
_HELD_OUT = {"True": True, "False": False}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All real sentences, in the order of the file."""
    table = csv_rows(read_text(folder, "GWSD.tsv"), delimiter="\t")
    yield from tag_leaked(list(records(source, "sentence", table, _fields)))


def _fields(row: Row) -> Row | None:
    if not any(row[name] for name in _LABELS):
        return None
    likeliest = max(_LABELS, key=lambda name: float(row[name]))
    held_out = _HELD_OUT[row["in_held_out_test"]]
    split: Split = "test" if held_out else split_of(row["sentence"], dev=10, test=0)
    return {
        "text": row["sentence"],
        "target": TARGET,
        "stance": _LABELS[likeliest],
        "split": split,
    }
