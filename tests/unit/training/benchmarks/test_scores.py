"""The field's metrics by hand and against scikit-learn; intervals against the slow way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from stancewire.training.benchmarks.scores import (
    METRICS,
    Decisions,
    Score,
    draws,
    mean_sd,
    score,
)
from stancewire.training.metrics import bootstrap_interval

FAVOR, AGAINST, NEUTRAL = 0, 1, 2


def decisions(pairs, *, clusters=None, groups=None, classes=3):
    gold, predicted = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    n = len(pairs)
    return Decisions(
        gold, predicted, clusters or [str(i) for i in range(n)], groups or ["all"] * n, classes
    )


def value(metric, one):
    (found,) = score(metric, [one], draws(one.clusters, seed=0, rounds=2)).values
    return found


def test_f_avg_leaves_the_f1_of_neutral_out_and_counts_its_errors():
    # favor: 1 right, 1 gold lost to neutral; against: 1 right, 1 neutral taken for it.
    one = decisions(
        [(FAVOR, FAVOR), (FAVOR, NEUTRAL), (AGAINST, AGAINST), (NEUTRAL, AGAINST), (NEUTRAL, 2)]
    )

    assert value("f1_favor", one) == pytest.approx(2 / 3)  # P 1, R 1/2
    assert value("f1_against", one) == pytest.approx(2 / 3)  # P 1/2, R 1
    assert value("f_avg", one) == pytest.approx(2 / 3)
    assert value("macro_f1", one) == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert value("accuracy", one) == pytest.approx(3 / 5)


def test_the_mean_over_targets_is_not_the_pooled_figure():
    # Target a: both right, F_avg 1. Target b: both taken for favor, F_avg (2/3 + 0) / 2.
    pairs = [(FAVOR, FAVOR), (AGAINST, AGAINST), (FAVOR, FAVOR), (AGAINST, FAVOR)]
    one = decisions(pairs, groups=["a", "a", "b", "b"])

    assert value("f_avg_of_targets", one) == pytest.approx((1 + 1 / 3) / 2)
    assert value("f_avg", one) == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_five_classes_have_micro_and_macro_f1():
    one = decisions([(0, 0), (0, 0), (1, 1), (2, 0), (4, 3)], classes=5)

    assert value("accuracy", one) == pytest.approx(3 / 5)
    assert value("macro_f1", one) == pytest.approx((4 / 5 + 1 + 0 + 0 + 0) / 5)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_metrics_equal_scikit_learn(pairs):
    one = decisions(pairs)
    options = {"labels": [0, 1, 2], "average": None, "zero_division": 0}
    f1 = f1_score(one.gold, one.predicted, **options)

    assert value("macro_f1", one) == pytest.approx(f1.mean())
    assert value("f_avg", one) == pytest.approx(f1[:2].mean())
    assert value("f1_neutral", one) == pytest.approx(f1[2])
    assert value("accuracy", one) == pytest.approx(accuracy_score(one.gold, one.predicted))


def test_every_metric_takes_many_tables_at_once():
    tables = np.random.default_rng(0).integers(0, 5, (7, 2, 3, 3)).astype(float)

    for metric in METRICS.values():
        together = metric(tables)
        assert together.shape == (7,)
        assert together == pytest.approx([float(metric(one)) for one in tables])


def test_the_interval_is_that_of_the_reports():
    rng = np.random.default_rng(3)
    gold, predicted = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    clusters = [f"text {i // 3}" for i in range(60)]
    one = Decisions(gold, predicted, clusters, ["all"] * 60)

    found = score("macro_f1", [one], draws(clusters, seed=4))

    expected = bootstrap_interval(gold, predicted, clusters, seed=4)
    assert found.interval == pytest.approx(expected)


def test_several_seeds_have_a_mean_a_deviation_and_the_interval_of_the_mean():
    right = decisions([(0, 0), (1, 1), (2, 2)], clusters=["a", "b", "c"])
    wrong = decisions([(0, 1), (1, 2), (2, 0)], clusters=["a", "b", "c"])
    drawn = draws(right.clusters, seed=0)

    found = score("accuracy", [right, wrong, right], drawn)

    assert found.values == (1.0, 0.0, 1.0)
    assert found.mean == pytest.approx(2 / 3)
    assert found.sd == pytest.approx(np.std([1, 0, 1], ddof=1))
    assert found.interval == pytest.approx((2 / 3, 2 / 3))  # every resample has 1, 0 and 1
    assert score("accuracy", [right], drawn).sd is None


def test_mean_and_deviation_as_tables_show_them():
    assert mean_sd([0.5]) == "50.0"
    assert mean_sd([0.5, 0.6]) == "55.0 ± 7.1"
    assert mean_sd([1.25, 1.25], digits=3, scale=1) == "1.250 ± 0.000"
    assert Score((0.5,), (0.4, 0.6)).sd is None
