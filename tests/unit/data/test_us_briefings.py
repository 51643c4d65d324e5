"""Stand-off annotation: labels here, words elsewhere, joined by hash."""

import gzip
import hashlib
import json

import pytest

from stancewire.data.adapters.us_briefings import PASSAGES, read
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import DataError
from stancewire.labels import Label

SOURCE = Source(
    name="us-briefings", title="t", citation="c", licence="public domain", terms="open",
    folder="us-briefings-raw", files=(SourceFile(name=PASSAGES, sha256="0" * 64),),
)  # fmt: skip
WORDS = "We will open the harbour in May, and nobody shall close it again."


def name_of(words):
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def passage(words=WORDS, **fields):
    return {
        "id": name_of(words), "text": words, "speaker": "MS. EXAMPLE", "role": "briefing",
        "organisation": "The House", "country": "US", "date": "2014-03-02", "source": "a:b",
        "paragraph": 3, **fields,
    }  # fmt: skip


def label(words=WORDS, number=1, **fields):
    return {
        "id": name_of(words), "number": number, "target": "opening the harbour", "stance": "favor",
        "annotators": ["reader-01", "annotator-R1"], "tags": ["plain"], "split": "train", **fields,
    }  # fmt: skip


def joined(folder, passages, labels):
    lines = "".join(json.dumps(p) + "\n" for p in passages)
    (folder / f"{PASSAGES}.gz").write_bytes(gzip.compress(lines.encode()))
    path = folder / "labels.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in labels))
    return list(read(folder, SOURCE, labels=path))


def test_labels_and_words_are_joined(tmp_path):
    rows = [label(), label(number=2, target="closing the harbour", stance="against")]
    first, second = joined(tmp_path, [passage(), passage("Other words.")], rows)
    assert (first.id, second.id) == (f"real-{name_of(WORDS)}-1", f"real-{name_of(WORDS)}-2")
    assert first.text == second.text == WORDS
    assert (first.stance, second.stance) == (Label.FAVOR, Label.AGAINST)
    assert (first.speaker, str(first.date), first.split) == ("MS. EXAMPLE", "2014-03-02", "train")
    assert first.licence == "public domain"
    assert first.annotators == ("reader-01", "annotator-R1")


def test_a_passage_without_a_date_has_none(tmp_path):
    (one,) = joined(tmp_path, [passage(date="")], [label()])
    assert one.date is None


def test_other_words_than_were_annotated_are_refused(tmp_path):
    changed = passage(text=WORDS.replace("May", "June"))
    with pytest.raises(DataError, match=f"{name_of(WORDS)} has other words"):
        joined(tmp_path, [changed], [label()])


def test_a_missing_passage_is_named(tmp_path):
    with pytest.raises(DataError, match=name_of(WORDS)):
        joined(tmp_path, [passage("Other words.")], [label()])


def test_a_bad_label_is_named_by_row(tmp_path):
    with pytest.raises(DataError, match="row 1"):
        joined(tmp_path, [passage()], [label(), label(number=2, stance="maybe")])


def test_without_annotations_it_says_so(tmp_path):
    joined(tmp_path, [passage()], [label()])
    (tmp_path / "labels.jsonl").unlink()
    with pytest.raises(DataError, match="annotated yet"):
        list(read(tmp_path, SOURCE, labels=tmp_path / "labels.jsonl"))
