"""Figures against scikit-learn or against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, log_loss

from stancewire.labels import ORDER, Label
from stancewire.training.metrics import (
    bootstrap_interval,
    class_f1,
    confusion,
    expected_calibration_error,
    figures,
    gold_indices,
    intervals,
    macro_f1,
    mean_interval,
    reliability,
    resamples,
    risk_coverage,
    set_figures,
)

CLASSES = range(3)
answers = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1)


def split(pairs):
    gold, predicted = zip(*pairs, strict=True)
    return np.array(gold), np.array(predicted)


@given(answers)
def test_f1_and_confusion_equal_scikit_learn(pairs):
    gold, predicted = split(pairs)
    options = {"labels": list(CLASSES), "zero_division": 0}

    assert class_f1(gold, predicted) == pytest.approx(
        f1_score(gold, predicted, average=None, **options)
    )
    assert macro_f1(gold, predicted) == pytest.approx(
        f1_score(gold, predicted, average="macro", **options)
    )
    expected = confusion_matrix(gold, predicted, labels=list(CLASSES))
    assert confusion(gold, predicted).tolist() == expected.tolist()


def test_gold_indices_follow_the_order_of_the_labels():
    assert gold_indices([Label.NEUTRAL, Label.FAVOR]).tolist() == [
        ORDER.index(Label.NEUTRAL),
        ORDER.index(Label.FAVOR),
    ]


def test_figures_by_hand():
    gold = np.array([0, 1])
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]])

    found = figures(gold, probabilities)

    assert found["n"] == 2
    assert found["accuracy"] == 0.5
    assert found["f1_favor"] == pytest.approx(2 / 3)
    assert found["f1_against"] == found["f1_neutral"] == 0.0
    assert found["macro_f1"] == pytest.approx(2 / 9)
    assert found["nll"] == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2)
    assert found["nll"] == pytest.approx(log_loss(gold, probabilities, labels=list(CLASSES)))
    # (0.3² + 0.2² + 0.1²) and (0.5² + 0.7² + 0.2²)
    assert found["brier"] == pytest.approx((0.14 + 0.78) / 2)
    # Confidence 0.7 and right, confidence 0.5 and wrong, each alone in its bin.
    assert found["ece"] == pytest.approx((0.3 + 0.5) / 2)


def test_a_probability_of_zero_for_the_truth_gives_a_finite_nll():
    assert np.isfinite(figures(np.array([0]), np.array([[0.0, 1.0, 0.0]]))["nll"])


def test_full_confidence_falls_into_the_last_bin():
    rows = reliability(np.array([0, 1]), np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))

    assert rows == [(1.0, 0.5, 2)]


def test_confidence_that_equals_accuracy_has_no_calibration_error():
    probabilities = np.tile([0.75, 0.15, 0.10], (4, 1))

    assert expected_calibration_error(np.array([0, 0, 0, 1]), probabilities) == pytest.approx(0)
    assert expected_calibration_error(np.array([1, 1, 2, 2]), probabilities) == pytest.approx(0.75)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), st.integers(0, 9))
def test_a_resample_holds_whole_clusters(clusters, seed):
    size = {name: clusters.count(name) for name in clusters}

    for sample in resamples(clusters, seed=seed, rounds=5):
        drawn = [clusters[i] for i in sample]
        assert all(drawn.count(name) % size[name] == 0 for name in size)
        assert sum(drawn.count(name) // size[name] for name in size) == len(size)
        for name in size:  # each member as often as its siblings
            counts = {list(sample).count(i) for i, c in enumerate(clusters) if c == name}
            assert len(counts) == 1


def test_the_interval_holds_the_score_and_repeats():
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, 200)
    predicted = np.where(rng.random(200) < 0.7, gold, (gold + 1) % 3)
    names = [str(i // 2) for i in range(200)]

    low, high = bootstrap_interval(gold, predicted, names, seed=1)

    assert low < macro_f1(gold, predicted) < high
    assert 0.05 < high - low < 0.25
    assert (low, high) == bootstrap_interval(gold, predicted, names, seed=1)
    assert (low, high) != bootstrap_interval(gold, predicted, names, seed=2)


def curve_of(items):
    confidence, right = zip(*items, strict=True)
    rows = np.array([[c, (1 - c) * 0.6, (1 - c) * 0.4] for c in confidence])
    return risk_coverage(np.array([0 if r else 1 for r in right]), rows)


def test_risk_and_coverage_by_hand():
    found = curve_of([(0.6, False), (0.9, True), (0.8, False), (0.7, True)])

    assert found.threshold.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert [found.risk_at(c) for c in (0.25, 0.5, 0.6, 1.0)] == pytest.approx(
        [0, 1 / 2, 1 / 3, 1 / 2]
    )
    assert found.points()[1] == pytest.approx({"threshold": 0.8, "coverage": 0.5, "risk": 0.5})


def test_one_confidence_for_all_has_the_error_rate_at_every_coverage():
    found = curve_of([(0.6, True), (0.6, False), (0.6, True), (0.6, True)])

    assert (found.coverage.tolist(), found.risk.tolist()) == ([1.0], [0.25])
    assert found.area == pytest.approx(0.25)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.8]), st.booleans()), min_size=1, max_size=20
    ),
    st.randoms(),
)
def test_the_area_does_not_depend_on_the_order_of_the_items(items, random):
    shuffled = random.sample(items, len(items))

    assert curve_of(items).area == pytest.approx(curve_of(shuffled).area)
    assert 0 <= curve_of(items).area <= 1
    assert curve_of(items).coverage[-1] == 1.0


def test_label_sets_by_hand():
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=bool)

    found = set_figures(np.array([0, 2, 2, 1]), sets)

    assert found == {"coverage": 0.75, "size": 2.0, "single": 0.25}


def test_an_interval_of_a_mean_is_wider_if_neighbours_go_together():
    values = np.repeat(np.arange(40) % 2, 5).astype(float)
    alone = mean_interval(values, [str(i) for i in range(200)], seed=0)
    together = mean_interval(values, [str(i // 5) for i in range(200)], seed=0)

    assert alone[0] < 0.5 < alone[1]
    assert together[1] - together[0] > 1.8 * (alone[1] - alone[0])


def test_intervals_are_quantiles_of_the_figures_of_the_resamples():
    rng = np.random.default_rng(5)
    gold, probabilities = rng.integers(0, 3, 40), rng.dirichlet([1, 1, 1], 40)
    clusters = [str(i // 2) for i in range(40)]

    found = intervals(gold, probabilities, clusters, seed=3, rounds=50)

    drawn = [figures(gold[i], probabilities[i]) for i in resamples(clusters, seed=3, rounds=50)]
    assert set(found) == {"macro_f1", "nll", "brier", "ece", "aurc"}
    for name, bounds in found.items():
        expected = np.quantile([one[name] for one in drawn], [0.025, 0.975])
        assert bounds == pytest.approx(tuple(expected))
    predicted = probabilities.argmax(axis=-1)
    f1 = bootstrap_interval(gold, predicted, clusters, seed=3, rounds=50)
    assert found["macro_f1"] == pytest.approx(f1)
