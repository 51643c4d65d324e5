"""Fitting the temperature and the threshold of abstention."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.calibration import apply_temperature
from stancewire.training.calibrate import choose_threshold, fit, fit_temperature
from stancewire.training.metrics import figures
from stancewire.training.recipe import Refusal


def sample(temperature, n=4000, seed=0):
    """Labels drawn from softmax(logits), and the logits made too sharp by `temperature`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 3))
    shares = apply_temperature(logits, 1.0)
    gold = np.array([rng.choice(3, p=row) for row in shares])
    return (logits * temperature).astype(np.float32), gold


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_spoilt_the_logits_is_found(temperature):
    logits, gold = sample(temperature)

    assert fit_temperature(logits, gold) == pytest.approx(temperature, rel=0.1)


def test_calibration_lowers_nll_and_ece_and_keeps_the_labels():
    logits, gold = sample(3.0)

    found = fit(logits, gold, Refusal())

    before = figures(gold, apply_temperature(logits, 1.0))
    after = figures(gold, apply_temperature(logits, found.temperature))
    assert after["nll"] < before["nll"]
    assert after["ece"] < before["ece"]
    assert after["accuracy"] == before["accuracy"]
    assert found.fitted_on["n"] == len(gold)
    assert found.fitted_on["before"]["nll"] == pytest.approx(before["nll"], abs=1e-4)
    assert found.fitted_on["after"]["ece"] == pytest.approx(after["ece"], abs=1e-4)


def probabilities(confidences, right):
    """Rows whose top class is 0 with that confidence; gold is 0 where `right`."""
    rows = np.array([[c, (1 - c) * 0.6, (1 - c) * 0.4] for c in confidences])
    return rows, np.array([0 if r else 1 for r in right])


def test_the_threshold_answers_as_much_as_the_risk_allows():
    rows, gold = probabilities([0.9, 0.8, 0.7, 0.6, 0.5], [True, True, False, True, False])

    found = choose_threshold(rows, gold, Refusal(max_risk=0.25, min_coverage=0.2))

    assert found == (pytest.approx(0.6), 0.8, 0.25)


def test_a_risk_that_cannot_be_met_is_told():
    rows, gold = probabilities([0.9, 0.8, 0.7, 0.6], [False, False, False, True])

    threshold, coverage, risk = choose_threshold(
        rows, gold, Refusal(max_risk=0.1, min_coverage=0.5)
    )

    assert (threshold, coverage, risk) == (pytest.approx(0.8), 0.5, 1.0)


def test_items_of_equal_confidence_are_answered_together():
    rows, gold = probabilities([0.9, 0.7, 0.7, 0.5], [True, True, False, False])

    threshold, coverage, risk = choose_threshold(
        rows, gold, Refusal(max_risk=0.2, min_coverage=0.2)
    )

    # Taking one of the two items at 0.7 would look safe; both together are not.
    assert (threshold, coverage, risk) == (pytest.approx(0.9), 0.25, 0.0)


@given(
    st.lists(st.tuples(st.floats(0.4, 0.99), st.booleans()), min_size=1, max_size=40),
    st.floats(0.05, 0.9),
    st.floats(0.1, 1.0),
)
def test_the_threshold_does_what_it_says(items, max_risk, min_coverage):
    rows, gold = probabilities(*zip(*items, strict=True))
    refusal = Refusal(max_risk=max_risk, min_coverage=min_coverage)

    threshold, coverage, risk = choose_threshold(rows, gold, refusal)

    answered = rows.max(axis=1) >= threshold
    assert coverage == pytest.approx(answered.mean()) and coverage >= min_coverage
    assert risk == pytest.approx((gold[answered] != 0).mean())
