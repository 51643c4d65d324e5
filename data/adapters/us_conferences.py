"""Real answers of US presidents at news conferences, annotated stand-off.

The origin's labels (how evasive an answer is) are not stances and are not read. An answer is cut
into passages of whole sentences, and ends where someone else begins to speak. Who speaks is not in
the file: the annotation says so.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import csv_rows, read_text
from stancewire.data.adapters.standoff import REAL, join, passage_id
from stancewire.data.sources import Source
from stancewire.records import Record

LABELS = REAL / "us-conferences.jsonl"
FILE = "test_set.csv"
FEWEST, WANTED, MOST = 25, 110, 140
"""Words of a passage: at least, and at most; a sentence that passes `WANTED` starts a new one."""
_TITLES = (
    "Vice President|President|Prime Minister|Chancellor|Secretary|Senator|Governor|General"
    "|Ambassador"
)
_SPEAKER = re.compile(rf"(?:^|\s)(?:Q|(?:The )?(?:{_TITLES})(?: [A-Z]\w+)?)\.\s+")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"“])")


def read(folder: Path, source: Source, *, labels: Path = LABELS) -> Iterator[Record]:
    """One record for each annotated (passage, target) pair; see `standoff.join`."""
    rows = csv_rows(read_text(folder, FILE))
    texts = [text for row in rows for text in passages(row["Interview Answer"] or "")]
    origin = {"role": "president", "organisation": "Presidency of the United States"}
    yield from join(source, {passage_id(t): {"text": t, **origin} for t in texts}, labels)


def passages(answer: str) -> list[str]:
    """Passages of one answer, in order: whole sentences of its first speaker."""
    words = " ".join(answer.split())
    first = _SPEAKER.match(words)
    words = words[first.end() :] if first else words
    other = _SPEAKER.search(words)
    words = words[: other.start()] if other else words
    found: list[list[str]] = [[]]
    for sentence in _SENTENCE_END.split(words):
        if found[-1] and len(" ".join([*found[-1], sentence]).split()) > WANTED:
            found.append([])
        found[-1].append(sentence)
    whole = [" ".join(sentences) for sentences in found]
    return [text for text in whole if FEWEST <= len(text.split()) <= MOST]
