"""Argument sets that share topics, as published, must not test each other's training topics."""

from functools import cache
from pathlib import Path

import pytest

from stancewire.data.adapters import argkp, ibm_argq, ibm_claims, perspectrum, valueeval, vast
from stancewire.data.sources import find
from stancewire.data.topics import Removed, keep_topics_apart, text_key, topic_key
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


@pytest.fixture(scope="module")
def apart(corpora: Corpora) -> tuple[Corpora, list[Removed]]:
    return keep_topics_apart(corpora)


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


@pytest.mark.parametrize("name", ADAPTERS)
def test_no_set_trains_on_what_another_holds_out(
    corpora: Corpora, apart: tuple[Corpora, list[Removed]], name: str
):
    kept, _ = apart
    train = [r for r in kept[name] if r.split == "train"]
    assert train
    for other, records in corpora.items():
        if other != name:
            held = topics(records, "dev", "test") - topics(records, "train")
            assert not topics(train, "train") & held
            assert not texts(train, "train") & texts(records, "dev", "test")


def test_dev_keeps_off_what_another_tests(corpora: Corpora, apart: tuple[Corpora, list[Removed]]):
    kept, _ = apart
    assert any(len(topics(kept[n], "dev")) < len(topics(corpora[n], "dev")) for n in corpora)
    for name, records in kept.items():
        for other in corpora:
            if other != name:
                assert not texts(records, "dev") & texts(corpora[other], "test")
                held = topics(corpora[other], "test") - topics(corpora[other], "train", "dev")
                assert not topics(records, "dev") & held


def test_all_test_records_stay_and_all_removals_are_told(
    corpora: Corpora, apart: tuple[Corpora, list[Removed]]
):
    kept, removed = apart
    for name, records in corpora.items():
        assert [r for r in kept[name] if r.split == "test"] == [
            r for r in records if r.split == "test"
        ]
        told = sum(one.count for one in removed if one.source == name)
        assert len(records) - len(kept[name]) == told
    # Each set shares a topic or text with another.
    assert {one.source for one in removed} == set(corpora)
