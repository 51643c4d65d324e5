"""What of the training data gives away a split that a gate judges on."""

import json

import pytest

from stancewire.data import leaks
from stancewire.data.corpus import Corpus, load
from stancewire.data.files import content_hash
from stancewire.data.frozen import judged
from stancewire.records import Record


def record(i, split, text=None, target=None):
    return Record(
        id=f"{split}-{i}", text=text or f"Unlike words {split} {i} stand here for once.",
        target=target or f"the {split} pier {i}", stance="favor", source="t", licence="CC0-1.0",
        split=split, annotators=("a",),
    )  # fmt: skip


@pytest.fixture
def corpus():
    splits = {s: tuple(record(i, s) for i in range(3)) for s in ("train", "dev", "test", "golden")}
    return Corpus("mine", **splits)


def by_name(found):
    return {one["corpus"]: one for one in found}


def test_training_apart_from_the_judged_splits_leaks_nothing(corpus):
    found = by_name(leaks.leaks(corpus.train, corpus))

    assert set(found) == {"mine", "press"}
    assert found["mine"] == {
        "corpus": "mine", "split": "golden", "sha256": content_hash(corpus.golden), "leaked": {},
    }  # fmt: skip
    assert found["press"]["sha256"] == content_hash(load("press").golden)
    assert found["press"]["leaked"] == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"target": "We should ban the golden pier 1"}, None),
        ({"target": "a golden pier 1"}, "topic is in golden"),
        ({"text": "Unlike words golden 1 stand here for once!"}, "text is nearly one of golden"),
    ],
)
def test_a_topic_or_a_text_that_is_in_both_leaks(corpus, changes, reason):
    spoilt = [*corpus.train, record(9, "train", **changes)]

    leaked = by_name(leaks.leaks(spoilt, corpus))["mine"]["leaked"]

    assert leaked == ({reason: 1} if reason else {})


def test_the_press_corpus_is_looked_at_whatever_is_trained_on(corpus):
    press = load("press")
    spoilt = [*corpus.train, press.golden[0]]

    found = by_name(leaks.leaks(spoilt, corpus))

    assert sum(found["press"]["leaked"].values()) == 1
    assert found["mine"]["leaked"] == {}
    (alone,) = leaks.leaks(press.train, press)
    assert (alone["split"], alone["leaked"]) == ("golden", {})


def test_test_is_judged_on_where_there_is_no_golden_split(corpus):
    without = Corpus("mine", corpus.train, corpus.dev, corpus.test)

    assert (judged(corpus), judged(without)) == ("golden", "test")
    found = by_name(leaks.leaks([corpus.test[0]], without))["mine"]
    assert found["split"] == "test" and found["leaked"]


def test_no_text_is_told(corpus):
    assert "words" not in json.dumps(leaks.leaks(corpus.golden, corpus))
