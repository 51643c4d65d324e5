"""Real press-briefing passages, annotated stand-off.

The repository holds passage ids, targets, stances, tags and annotators (`corpus/real/`); the words
stay where they were published and are joined here. A passage's id is the first 16 hex digits of the
sha256 of its text, so that a passage that is not word for word what was annotated is refused.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stancewire.data.adapters.reading import jsonl_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.errors import DataError
from stancewire.records import Record

LABELS = Path(__file__).parents[1] / "corpus" / "real" / "labels.jsonl"
PASSAGES = "passages.jsonl"


def read(folder: Path, source: Source, *, labels: Path = LABELS) -> Iterator[Record]:
    """One record for each annotated (passage, target) pair.

    Raises `DataError` if a passage is missing or has other words than those that were annotated.
    """
    passages = {row["id"]: row for row in jsonl_rows(read_text(folder, PASSAGES))}
    if not labels.is_file():
        raise DataError(f"no passage has been annotated yet: {labels} is missing")
    rows = list(jsonl_rows(labels.read_text(encoding="utf-8")))
    for row in rows:
        _check(row["id"], passages)

    def fields(row: dict[str, Any]) -> dict[str, Any]:
        passage = passages[row["id"]]
        return {
            "text": passage["text"],
            "speaker": passage["speaker"],
            "role": passage["role"],
            "organisation": passage["organisation"],
            "date": passage["date"] or None,
            **{key: value for key, value in row.items() if key not in ("id", "number")},
            "id": f"real-{row['id']}-{row['number']}",
        }

    yield from records(source, "real", rows, fields)


def _check(name: str, passages: dict[str, dict[str, Any]]) -> None:
    if name not in passages:
        raise DataError(f"passage {name} was annotated but is not in {PASSAGES}")
    found = hashlib.sha256(passages[name]["text"].encode()).hexdigest()[:16]
    if found != name:
        raise DataError(f"passage {name} has other words than were annotated (now {found})")
