"""What the press corpus promises; read from the package, as the training of a model reads it."""

from pathlib import Path
from typing import Any

import pytest

from stancewire.data.corpus import PRESS, Corpus, load
from stancewire.data.quality import stats, validate
from stancewire.labels import Label
from stancewire.text import normalise


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load("press")


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return stats("press")


def test_it_lies_beside_the_code_that_reads_it():
    files = {path.name for path in Path(PRESS).iterdir()}
    assert {"train.jsonl", "dev.jsonl", "test.jsonl", "frozen.json"} <= files


def test_nothing_is_wrong_with_it():
    assert [str(problem) for problem in validate("press")] == []


def test_it_is_large_enough(figures: dict[str, Any]):
    assert figures["pairs"] >= 900
    assert figures["statements"] >= 300
    assert figures["targets"] >= 60


def test_statements_take_several_stances(figures: dict[str, Any]):
    assert figures["share_mixed_stance"] >= 0.35


def test_neutral_is_often_a_mention(figures: dict[str, Any]):
    assert figures["share_mention_of_neutral"] >= 1 / 3
    assert set(figures["neutral_kinds"]) == {"mention", "unrelated"}


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_split_holds_every_stance(figures: dict[str, Any], split: str):
    counts = figures["by_split"][split]["stances"]
    assert set(counts) == {label.value for label in Label}
    # A split in which one stance hardly stands measures nothing of it.
    assert min(counts.values()) / sum(counts.values()) >= 0.15


def test_splits_share_no_target_and_no_statement(corpus: Corpus):
    for key in (lambda r: normalise(r.target).casefold(), lambda r: r.statement):
        parts = [{key(r) for r in part} for part in (corpus.train, corpus.dev, corpus.test)]
        assert sum(map(len, parts)) == len(set().union(*parts))


def test_statements_are_as_long_as_statements_are(figures: dict[str, Any]):
    assert figures["words"]["min"] >= 6
    assert figures["words"]["max"] <= 120


def test_quotes_can_be_traced(corpus: Corpus):
    assert all(r.source and r.licence and r.annotators for r in corpus.records())
    assert {r.language for r in corpus.records()} == {"en"}


def test_the_label_is_not_to_be_had_from_the_quote_alone(corpus: Corpus):
    """Where a statement has several targets, guessing one stance for all of them often fails."""
    stances: dict[str, list[Label]] = {}
    for record in corpus.records():
        stances.setdefault(record.statement, []).append(record.stance)
    several = [labels for labels in stances.values() if len(labels) > 1]
    best = sum(max(map(labels.count, labels)) for labels in several)
    assert best / sum(map(len, several)) < 0.8
