"""What the annotation of real passages promises; needs their words, which a mirror holds."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stancewire.data.agreement import read_labels
from stancewire.data.corpus import PRESS, Corpus, load, read
from stancewire.data.quality import stats, validate
from stancewire.labels import Label

MIRROR = Path(__file__).parents[3] / "shared" / "datasets"

pytestmark = pytest.mark.skipif(
    not MIRROR.is_dir(), reason="no mirror of public data sets here, so no words of the passages"
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load("real", mirror=MIRROR)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return stats("real", mirror=MIRROR)


def test_nothing_is_wrong_with_it():
    assert [str(problem) for problem in validate("real", mirror=MIRROR)] == []


def test_it_is_large_enough(corpus: Corpus, figures: dict[str, Any]):
    assert figures["pairs"] >= 1500
    assert figures["statements"] >= 500
    assert len({r.speaker for r in corpus.records()}) >= 50


def test_no_briefing_is_in_two_splits(corpus: Corpus):
    splits: dict[str, set[str]] = {}
    for record in corpus.records():
        for tag in record.tags:
            if tag.startswith("briefing:"):
                splits.setdefault(tag, set()).add(record.split)
    assert len(splits) >= 200
    assert {len(found) for found in splits.values()} == {1}


def test_drills_are_of_no_passage_here_and_of_no_held_out_briefing(corpus: Corpus):
    drills = read("us-briefings-drills", mirror=MIRROR)
    assert validate("us-briefings-drills", mirror=MIRROR) == []
    assert {r.split for r in drills} == {"train"}
    assert not {r.text for r in drills} & {r.text for r in corpus.records()}
    held = {tag for r in (*corpus.dev, *corpus.test) for tag in r.tags}
    assert not {t for r in drills for t in r.tags if t.startswith("briefing:")} & held


def test_administrations_of_both_parties_speak_in_test(corpus: Corpus):
    years = Counter(r.date.year for r in corpus.test if r.date)
    assert years[2012] and years[2022]  # Obama, Biden
    assert Counter(r.speaker for r in corpus.test)["George W. Bush"] >= 100


def test_passages_take_several_stances(figures: dict[str, Any]):
    assert figures["share_mixed_stance"] >= 0.95


def test_one_side_tells_nothing(figures: dict[str, Any]):
    baselines = figures["baselines"]
    for guess in ("text_only", "target_only", "names", "length"):
        assert baselines[guess] <= baselines["majority"] + 8


def test_targets_written_for_their_passage_tell_little():
    """Without the borrowed ones, which pull every guess to neutral; read against chance."""
    own = stats("real", mirror=MIRROR, without_tag="borrowed-target")
    assert own["pairs"] >= 1500
    for guess in ("text_only", "target_only", "length", "place"):
        assert own["baselines"][guess] <= own["baselines"]["chance"] + 8


def test_all_pairs_were_labelled_twice_and_alike(corpus: Corpus):
    labels = read_labels(PRESS / "annotations" / "labels.jsonl")
    for record in corpus.records():
        assert len(labels[record.id]) == len(record.annotators) >= 2
        assert set(labels[record.id].values()) == {record.stance.value}
    assert {r.stance for r in corpus.test} == set(Label)
