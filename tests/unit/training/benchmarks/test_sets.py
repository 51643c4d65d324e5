"""What a benchmark asks and how answers become decisions: masks, DSE's five classes, subsets."""

import numpy as np
import pytest

from stancewire.errors import ConfigError
from stancewire.labels import ORDER
from stancewire.training.benchmarks.page import published
from stancewire.training.benchmarks.scores import METRICS
from stancewire.training.benchmarks.sets import (
    FAMILIES,
    Task,
    behaviours,
    decide,
    directed,
    find,
    reversed_pair,
)

CLAIM = Task("claims", "accuracy")
WHO = Task("who", "accuracy", directed=True)


def answering(table):
    """Probabilities by target."""
    return lambda pairs: np.array([table[pair.target] for pair in pairs])


def test_a_masked_neutral_leaves_the_likelier_side(make_record):
    records = [make_record(id=name, target=name, stance=name) for name in ("favor", "against")]
    ask = answering({"favor": [0.3, 0.1, 0.6], "against": [0.1, 0.2, 0.7]})

    masked = decide(CLAIM, "neutral masked", records, ask)
    plain = decide(CLAIM, "three-way", records, ask)

    assert [ORDER[i] for i in masked.predicted] == ["favor", "against"]
    assert [ORDER[i] for i in plain.predicted] == ["neutral", "neutral"]
    assert masked.gold.tolist() == plain.gold.tolist() == [0, 1]


def test_the_five_classes_by_hand():
    sure = {"+": [1.0, 0.0, 0.0], "-": [0.0, 1.0, 0.0], "0": [0.0, 0.0, 1.0]}
    # (toward the target, toward the holder, the holder is q) → the class of DSE
    cases = {
        ("0", "0", 0): 0, ("+", "0", 0): 1, ("-", "0", 0): 3,  # p holds: toward q
        ("+", "0", 1): 2, ("-", "0", 1): 4,  # q holds: toward p
        ("0", "+", 0): 2, ("0", "-", 0): 4, ("0", "+", 1): 1, ("0", "-", 1): 3,  # told wrongly
    }  # fmt: skip
    target, holder, is_q = zip(*cases, strict=True)

    found = directed(
        np.array([sure[one] for one in target]),
        np.array([sure[one] for one in holder]),
        np.array(is_q),
    )

    assert found.argmax(axis=-1).tolist() == list(cases.values())
    assert found.sum(axis=-1) == pytest.approx(np.ones(len(cases)))


def test_five_classes_are_shared_out_by_both_answers():
    found = directed(np.array([[0.5, 0.1, 0.4]]), np.array([[0.2, 0.2, 0.6]]), np.array([0]))

    weights = np.array([0.4 * 0.6, 0.5 * 0.6, 0.2 * 0.4, 0.1 * 0.6, 0.2 * 0.4])
    assert found[0] == pytest.approx(weights / weights.sum())


def test_the_direction_is_not_told_to_the_model(make_record):
    """The same sentence and the same answers give one class, whoever the annotation says speaks."""
    ask = answering({"Ann": [0.1, 0.8, 0.1], "Ben": [0.1, 0.1, 0.8]})
    p_speaks = make_record(id="a", speaker="Ann", target="Ben", stance="against", tags=["dse-3"])
    q_speaks = make_record(id="b", speaker="Ben", target="Ann", stance="against", tags=["dse-4"])

    found = decide(WHO, "directed", [p_speaks, q_speaks], ask)

    assert found.classes == 5
    assert found.gold.tolist() == [3, 4]
    assert found.predicted.tolist() == [4, 4]  # p is Ann in both: against Ann is q → p


def test_a_holder_without_words_is_not_asked_about(make_record):
    record = make_record(speaker=None, target="Ben", stance="neutral", tags=["dse-0"])

    found = decide(WHO, "directed", [record], answering({"Ben": [0.1, 0.1, 0.8]}))

    assert reversed_pair(record) is None
    assert found.predicted.tolist() == found.gold.tolist() == [0]


def test_only_the_mean_over_targets_looks_into_targets(make_record):
    records = [make_record(id="a", target="x"), make_record(id="b", target="y")]
    ask = answering({"x": [1, 0, 0], "y": [1, 0, 0]})

    assert decide(CLAIM, "three-way", records, ask).groups == ["all", "all"]
    by_target = Task("mean", "f_avg_of_targets")
    assert decide(by_target, "three-way", records, ask).groups == ["x", "y"]


def test_a_task_is_over_the_records_that_it_names(make_record):
    record = make_record(tags=["zero-shot", "leaked"], target="Joe Biden")

    assert Task("a", "accuracy").has(record)
    assert Task("a", "accuracy", only_tag="zero-shot").has(record)
    assert not Task("a", "accuracy", only_tag="few-shot").has(record)
    assert not Task("a", "accuracy", without_tag="leaked").has(record)
    assert Task("a", "accuracy", target="Joe Biden").has(record)
    assert not Task("a", "accuracy", target="Donald Trump").has(record)


def test_behaviours_are_the_plain_tags(make_record):
    records = [make_record(tags=["field:energy", "negation"]), make_record(tags=["irony"])]

    assert behaviours(records) == ["irony", "negation"]


def test_families_are_found_by_name_or_source():
    assert find([]) == list(FAMILIES)
    assert [family.source for family in find(["P-stance", "vast"])] == ["pstance", "vast"]
    with pytest.raises(ConfigError, match="nothing"):
        find(["nothing"])


def test_every_figure_has_a_metric_and_every_published_one_its_figure():
    keys = {family.name: {task.key for task in family.tasks} for family in FAMILIES}

    for family in FAMILIES:
        assert len(keys[family.name]) == len(family.tasks)
        assert all(task.metric in METRICS for task in family.tasks)
    assert published()
    for one in published():
        assert set(one.values) <= keys[one.family]
        assert all(10 < figure < 100 for figure in one.values.values())  # percent
