"""SEntFiN 1.0 (Sinha et al., JASIST 2022): financial headline → sentiment toward each entity.

This is economic fortune rather than opinion. Its use is that one headline has several targets,
often of different signs. No published split: by a hash of the headline.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records, split_of
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record

_LABELS = {"positive": Label.FAVOR, "negative": Label.AGAINST, "neutral": Label.NEUTRAL}

# Column Decisions looks like a Python dict, but names with apostrophes are not escaped.
_DECISION = re.compile(r"""(['"])(.+?)\1\s*:\s*(['"])(positive|negative|neutral)\3""")


def read(folder: Path, source: Source) -> Iterator[Record]:
    """One record for each (headline, entity) pair."""
    yield from records(source, "headline", _pairs(folder), _fields)


def _pairs(folder: Path) -> Iterator[Row]:
    for row in csv_rows(read_text(folder, "SEntFiN.csv")):
        told = row["Decisions"]
        if _DECISION.sub("", told).strip("{}, "):
            raise ValueError(f"its decisions cannot be read: {told}")
        for _, entity, _, label in _DECISION.findall(told):
            yield {"title": row["Title"], "entity": entity, "label": label}


def _fields(row: Row) -> Row:
    return {
        "text": row["title"],
        "target": row["entity"].strip(),
        "stance": _LABELS[row["label"]],
        "split": split_of(row["title"]),
    }
