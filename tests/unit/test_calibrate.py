"""Fitting the temperature and the threshold of abstention."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.calibration import apply_temperature
from stancewire.training.calibrate import (
    MIN_DOMAIN,
    MIN_GAIN,
    choose_threshold,
    fit,
    fit_temperature,
    nonconformity,
    try_domains,
)
from stancewire.training.metrics import figures, set_figures
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


def test_domains_that_differ_get_temperatures_of_their_own_and_nll_falls():
    one, one_gold = sample(0.5, n=2000, seed=1)
    other, other_gold = sample(3.0, n=2000, seed=2)
    logits, gold = np.concatenate([one, other]), np.concatenate([one_gold, other_gold])
    domains = ["mild"] * 2000 + ["sharp"] * 2000

    found = fit(logits, gold, Refusal(), domains=domains)

    assert found.temperature_of("mild") == pytest.approx(0.5, rel=0.15)
    assert found.temperature_of("sharp") == pytest.approx(3.0, rel=0.15)
    assert found.temperature_of("mild") < found.temperature < found.temperature_of("sharp")
    told = found.fitted_on["domains"]
    assert told["sharp"]["temperature"] == pytest.approx(found.temperature_of("sharp"), abs=1e-4)
    assert told["sharp"]["used"] and told["sharp"]["gain"] > MIN_GAIN and told["mild"]["n"] == 2000
    fresh, fresh_gold = sample(3.0, n=8000, seed=3)
    nll = [
        figures(fresh_gold, apply_temperature(fresh, found.temperature_of(domain)))["nll"]
        for domain in ("sharp", None)
    ]
    assert nll[0] < nll[1]


def test_domains_that_do_not_differ_share_the_temperature():
    logits, gold = sample(2.0, n=800)

    tried = try_domains(logits, gold, ["a", "b"] * 400)
    assert set(tried) == {"a", "b"} and not any(one.is_used for one in tried.values())
    assert try_domains(logits, gold, ["a"] * 800) == {}
    alone = fit(logits, gold, Refusal())
    assert alone.domain_temperatures == {} and "domains" not in alone.fitted_on


def test_a_domain_of_few_items_is_not_fitted():
    one, one_gold = sample(0.5, n=600, seed=1)
    few, few_gold = sample(5.0, n=MIN_DOMAIN - 1, seed=2)
    domains = ["mild"] * 600 + ["few"] * (MIN_DOMAIN - 1)

    logits, gold = np.concatenate([one, few]), np.concatenate([one_gold, few_gold])
    found = fit(logits, gold, Refusal(), domains=domains)

    assert "few" not in found.domain_temperatures
    told = found.fitted_on["domains"]["few"]
    assert (told["n"], told["gain"], told["used"]) == (MIN_DOMAIN - 1, None, False)


def test_scores_ascend_and_are_rounded_up():
    rows = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0], [0.3, 1 / 3, 1 - 0.3 - 1 / 3]])

    found = nonconformity(rows, np.array([0, 1, 1]))

    assert list(found) == sorted(found)
    assert found == pytest.approx((0.3, 0.666667, 1.0), abs=2e-6)
    assert found[1] >= 2 / 3


@pytest.mark.parametrize("spoilt", [1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_label_sets_hold_the_true_label_as_often_as_promised(alpha, spoilt):
    # The promise is over drawing dev and test: 60 draws of 200 dev items, 400 test items each.
    held, sizes = [], []
    for seed in range(60):
        logits, gold = sample(spoilt, n=600, seed=seed)
        calibration = fit(logits[:200], gold[:200], Refusal())
        rows = apply_temperature(logits[200:], calibration.temperature)
        found = set_figures(gold[200:], calibration.label_sets(rows, alpha))
        held.append(found["coverage"])
        sizes.append(found["size"])

    # 24 000 test items, but only 60 calibrations: the mean has a standard error of about 0.004.
    assert 1 - alpha - 0.012 < np.mean(held) < 1 - alpha + 0.02
    assert 1 <= np.mean(sizes) < 3
