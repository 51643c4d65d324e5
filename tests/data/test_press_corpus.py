"""What the press corpus promises; read from the package, as the training of a model reads it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stancewire.data.agreement import read_labels
from stancewire.data.corpus import PRESS, Corpus, load, read
from stancewire.data.files import read_records
from stancewire.data.quality import stats, validate
from stancewire.labels import Label
from stancewire.records import Record
from stancewire.text import normalise


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load("press")


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return stats("press")


BEHAVIOURS = (
    "negation", "double-negation", "concession", "rejected-accusation", "reported-claim",
    "conditional", "euphemism", "irony", "comparison", "rhetorical-question", "scare-quotes",
    "refusal-to-comment", "thanks-without-endorsement", "past-vs-present", "synonym-target",
    "unnamed-target", "opposite-targets", "numbers-only", "subordinate-target",
)  # fmt: skip
CONTINENTS = {"africa", "asia", "europe", "north-america", "south-america", "oceania"}


def test_it_lies_beside_the_code_that_reads_it():
    files = {path.name for path in Path(PRESS).iterdir()}
    splits = {"train.jsonl", "dev.jsonl", "test.jsonl", "golden.jsonl"}
    assert {*splits, "frozen.json", "annotations", "real"} <= files


def test_nothing_is_wrong_with_it():
    assert [str(problem) for problem in validate("press")] == []


def test_it_is_large_enough(figures: dict[str, Any]):
    assert figures["pairs"] >= 3000
    assert figures["statements"] >= 1000
    assert figures["targets"] >= 200
    assert figures["fields"] >= 25
    assert figures["speaker_kinds"] >= 40
    assert figures["by_split"]["golden"]["pairs"] >= 300
    assert figures["real_pairs"] >= 1500
    assert figures["real_passages"] >= 500


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_every_behaviour_is_there_to_be_measured(figures: dict[str, Any], behaviour: str):
    assert figures["behaviours"][behaviour] >= 60


def test_speakers_are_from_all_over_the_world(figures: dict[str, Any]):
    spoken = {tag.removeprefix("continent:") for tag in figures["tags"] if "continent:" in tag}
    assert spoken >= CONTINENTS


@pytest.mark.parametrize(
    "guess", ["text_only", "target_only", "names", "field", "country", "kind", "length"]
)
def test_no_side_of_the_pair_tells_the_stance(figures: dict[str, Any], guess: str):
    baselines = figures["baselines"]
    assert baselines[guess] <= baselines["majority"] + 8


def test_the_place_of_a_target_tells_little(figures: dict[str, Any]):
    """Read against chance: unlike the others, this guess differs within a statement."""
    assert figures["baselines"]["place"] <= figures["baselines"]["chance"] + 8


def test_every_statement_and_target_takes_every_stance(corpus: Corpus):
    """So that no model, however large, can score above a third without reading both sides."""
    for key in (lambda r: r.statement, lambda r: normalise(r.target).casefold()):
        stances: dict[str, Counter[Label]] = {}
        for record in (*corpus.records(), *corpus.golden):
            stances.setdefault(key(record), Counter())[record.stance] += 1
        assert {len(set(counts.values())) for counts in stances.values()} == {1}
        assert {len(counts) for counts in stances.values()} == {len(Label)}


def test_all_pairs_were_labelled_twice_and_alike(corpus: Corpus, figures: dict[str, Any]):
    labels = read_labels(PRESS / "annotations" / "labels.jsonl")
    for record in (*corpus.records(), *corpus.golden):
        given = labels[record.id]
        assert len(given) == len(record.annotators) >= 2
        assert set(given.values()) == {record.stance.value}
    assert 0.8 < figures["alpha"] < 1  # below 1: disputed pairs are counted too
    assert figures["hard_cases"] > 0
    assert set(BEHAVIOURS) <= set(figures["agreement_by_tag"])


def test_disputed_pairs_are_in_no_split(corpus: Corpus):
    hard = {r.id for r in read_records(PRESS / "annotations" / "hard_cases.jsonl")}
    assert not hard & {r.id for r in (*corpus.records(), *corpus.golden)}


def test_neutral_is_often_a_mention(figures: dict[str, Any]):
    assert figures["share_mention_of_neutral"] >= 3 / 4
    assert set(figures["neutral_kinds"]) == {"mention", "unrelated"}


def test_splits_share_no_target_and_no_statement(corpus: Corpus):
    for key in (lambda r: normalise(r.target).casefold(), lambda r: r.statement):
        splits = (corpus.train, corpus.dev, corpus.test, corpus.golden)
        parts = [{key(r) for r in part} for part in splits]
        assert sum(map(len, parts)) == len(set().union(*parts))


def test_statements_are_as_long_as_statements_are(figures: dict[str, Any]):
    assert figures["words"]["min"] >= 8
    assert figures["words"]["max"] <= 120


def test_quotes_can_be_traced(corpus: Corpus):
    assert all(r.source and r.licence and r.annotators for r in corpus.records())
    assert {r.language for r in corpus.records()} == {"en"}


@pytest.mark.parametrize("name", ["drills", "squares"])
def test_drills_and_squares_are_for_training_alone(name: str):
    drills = read(name)
    assert {r.split for r in drills} == {"train"}
    assert validate(name) == []
    held_out = {key for s in ("dev", "test", "golden") for key in _keys(getattr(load("press"), s))}
    assert not held_out & _keys(drills)


def test_squares_are_squares():
    squares = read("squares")
    for key in (lambda r: r.statement, lambda r: (_square(r), r.target)):
        groups = Counter((key(r), r.stance) for r in squares)
        assert set(groups.values()) == {1}
        assert len(groups) == 3 * len({key(r) for r in squares})


def _square(record: Record) -> str:
    return next(tag for tag in record.tags if tag.startswith("square:"))


def _keys(records: Iterable[Record]) -> set[str]:
    return {key for r in records for key in (r.statement, normalise(r.target).casefold())}
