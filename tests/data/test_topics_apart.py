"""Argument sets share topics, as published: a mixture must not train on those that it tests."""

from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

from stancewire.data.adapters import argkp, ibm_argq, ibm_claims, perspectrum, valueeval, vast
from stancewire.data.sources import find
from stancewire.data.topics import keep_topics_apart, text_key, topic_key
from stancewire.records import Record

MIRROR = Path(__file__).parents[2].parent / "shared" / "datasets"
ADAPTERS = {
    "ibm-argq": ibm_argq,
    "argkp": argkp,
    "ibm-claims": ibm_claims,
    "perspectrum": perspectrum,
    "valueeval": valueeval,
    "vast": vast,
}

pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="no folder of public data sets")
Corpora = dict[str, list[Record]]
topic_of = cache(topic_key)
words_of = cache(text_key)


@pytest.fixture(scope="module")
def corpora() -> Corpora:
    sources = {name: find(name) for name in ADAPTERS}
    return {
        name: list(adapter.read(MIRROR / sources[name].folder, sources[name]))
        for name, adapter in ADAPTERS.items()
    }


def topics(records: list[Record], *splits: str) -> set[str]:
    return {topic_of(r.target) for r in records if r.split in splits}


def texts(records: list[Record], *splits: str) -> set[str]:
    return {words_of(r.text) for r in records if r.split in splits}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("ibm-argq", "argkp", 28),
        ("ibm-argq", "valueeval", 71),  # all of IBM-ArgQ-Rank-30k's
        ("argkp", "valueeval", 28),
        ("ibm-argq", "ibm-claims", 2),
        ("ibm-claims", "perspectrum", 32),
        ("perspectrum", "vast", 5),
    ],
)
def test_topics_are_known_again(corpora: Corpora, one: str, other: str, shared: int):
    every = ("train", "dev", "test")
    assert len(topics(corpora[one], *every) & topics(corpora[other], *every)) == shared


@pytest.mark.parametrize(("main", "added"), list(permutations(ADAPTERS, 2)))
def test_what_one_set_holds_out_is_not_trained_on_from_another(
    corpora: Corpora, main: str, added: str
):
    train = [r for r in corpora[added] if r.split == "train"]
    kept, removed = keep_topics_apart(train, corpora[main])
    held = topics(corpora[main], "dev", "test") - topics(corpora[main], "train")
    assert not topics(kept, "train") & held
    assert not texts(kept, "train") & texts(corpora[main], "dev", "test")
    assert len(train) - len(kept) == removed.total()
    assert len(kept) > len(train) / 3
