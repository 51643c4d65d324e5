"""Real passages of US government press briefings, annotated stand-off."""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, jsonl_rows, read_text
from stancewire.data.adapters.standoff import REAL, join
from stancewire.data.sources import Source
from stancewire.records import Record

LABELS = REAL / "us-briefings.jsonl"
DRILLS = Path(__file__).parents[1] / "drills" / "real" / "us-briefings.jsonl"
"""More passages, labelled once, for training alone."""
PASSAGES = "passages.jsonl"


def read(folder: Path, source: Source, *, labels: Path = LABELS) -> Iterator[Record]:
    """One record for each annotated (passage, target) pair; see `standoff.join`.

    Tag `briefing:` says which briefing a passage is from: none is in two splits.
    """
    passages = {row["id"]: _fields(row) for row in jsonl_rows(read_text(folder, PASSAGES))}
    yield from join(source, passages, labels)


def read_drills(folder: Path, source: Source) -> Iterator[Record]:
    """The passages that are only trained on: of no briefing that is in dev or test."""
    yield from read(folder, source, labels=DRILLS)


def _fields(row: Row) -> Row:
    kept = {key: row[key] for key in ("text", "speaker", "role", "organisation")}
    return {**kept, "date": row["date"] or None, "tags": [f"briefing:{row['source']}"]}
