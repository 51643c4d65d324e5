"""Answers at news conferences, cut into passages that an annotation can name."""

import csv
import json

from hypothesis import given
from hypothesis import strategies as st

from stancewire.data.adapters.standoff import passage_id
from stancewire.data.adapters.us_conferences import FEWEST, FILE, MOST, passages, read
from stancewire.data.sources import Source, SourceFile
from stancewire.labels import Label

SOURCE = Source(
    name="us-conferences", title="t", citation="c", licence="MIT", terms="open", folder="qevasion",
    files=(SourceFile(name=FILE, sha256="0" * 64),),
)  # fmt: skip
SENTENCE = "We will open the harbour in May and nobody shall close it again. "
LONG = SENTENCE * 12  # 156 words


def test_the_speaker_is_no_part_of_the_words():
    (text,) = passages("  The President. " + SENTENCE * 2)
    assert text == (SENTENCE * 2).strip()


def test_it_ends_where_someone_else_speaks():
    answer = f"President Example. {SENTENCE * 2}Prime Minister Sample. {LONG}"
    assert passages(answer) == [(SENTENCE * 2).strip()]
    assert passages(f"{SENTENCE * 2} Q. And when? {LONG}") == [(SENTENCE * 2).strip()]


def test_a_long_answer_is_cut_between_sentences():
    first, second = passages(LONG)
    assert len(first.split()) == 104  # a ninth sentence would pass 110 words
    assert f"{first} {second}" == LONG.strip()


def test_short_answers_and_endless_sentences_give_none():
    assert passages("The President. No.") == []
    assert passages("and so on " * 60) == []
    assert passages("") == []


@given(st.text(alphabet=st.sampled_from('Aab.?! \n"“'), max_size=3000))
def test_passages_are_bounded_and_in_order(answer: str):
    words = " ".join(answer.split())
    place = 0
    for text in passages(answer):
        assert FEWEST <= len(text.split()) <= MOST
        place = words.index(text, place) + len(text)


def test_labels_are_joined_to_the_words(tmp_path):
    with (tmp_path / FILE).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Interview Question", "Interview Answer", "Question"])
        table.writerow(["Q. When?", f"The President. {LONG}", "When?"])
    row = {
        "id": passage_id(passages(LONG)[1]), "number": 2, "target": "the harbour",
        "stance": "favor", "speaker": "A. Example", "annotators": ["reader-15"], "tags": [],
        "split": "test",
    }  # fmt: skip
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(row))
    (record,) = read(tmp_path, SOURCE, labels=labels)
    assert record.text == passages(LONG)[1]
    assert (record.speaker, record.role) == ("A. Example", "president")
    assert (record.stance, record.split, record.licence) == (Label.FAVOR, "test", "MIT")
