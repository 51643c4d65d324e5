"""Stand-off annotation: labels in this repository, words where they were published.

`corpus/real/<source>.jsonl` holds passage ids, targets, stances, tags and annotators. A passage's
id is the first 16 hex digits of the sha256 of its text, so that a passage that is not word for word
what was annotated is refused.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from stancewire.data.adapters.reading import Row, jsonl_rows, records
from stancewire.data.sources import Source
from stancewire.errors import DataError
from stancewire.records import Record

REAL = Path(__file__).parents[1] / "corpus" / "real"


def passage_id(text: str) -> str:
    """Id of a passage: of exactly these words."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def join(source: Source, passages: Mapping[str, Row], labels: Path) -> Iterator[Record]:
    """One record for each annotated (passage, target) pair.

    `passages` gives by id the record's fields that come from the origin, `text` among them; tags
    of the origin stand before those of the annotation.
    Raises `DataError` if a passage is missing or has other words than those that were annotated.
    """
    if not labels.is_file():
        raise DataError(f"no passage has been annotated yet: {labels} is missing")
    rows = list(jsonl_rows(labels.read_text(encoding="utf-8")))
    for row in rows:
        _check(row["id"], passages)

    def fields(row: Row) -> Row:
        passage = passages[row["id"]]
        own = {key: value for key, value in row.items() if key not in ("id", "number")}
        return {
            **passage,
            **own,
            "id": f"real-{row['id']}-{row['number']}",
            "tags": [*passage.get("tags", ()), *row["tags"]],
        }

    yield from records(source, "real", rows, fields)


def _check(name: str, passages: Mapping[str, Row]) -> None:
    if name not in passages:
        raise DataError(f"passage {name} was annotated but is not among those of its source")
    found = passage_id(passages[name]["text"])
    if found != name:
        raise DataError(f"passage {name} has other words than were annotated (now {found})")
