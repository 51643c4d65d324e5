import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from stancewire.calibration import Calibration, apply_temperature, labels_of, score
from stancewire.errors import BundleError, ConfigError
from stancewire.labels import INDEX, Label

LOGITS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.just(3)),
    elements=st.floats(-(2.0**99), 2.0**99, width=32),
)
TEMPERATURES = st.floats(1e-3, 1e3)


@given(LOGITS, TEMPERATURES)
def test_rows_are_probabilities(logits: np.ndarray, temperature: float):
    result = apply_temperature(logits, temperature)
    assert result.shape == logits.shape
    assert (result >= 0).all()
    np.testing.assert_allclose(result.sum(axis=-1), 1.0, atol=1e-12)


@given(LOGITS, TEMPERATURES)
def test_no_temperature_changes_the_order(logits: np.ndarray, temperature: float):
    result = apply_temperature(logits, temperature)
    for before, after in zip(logits, result, strict=True):
        assert (np.diff(after[np.argsort(before, kind="stable")]) >= 0).all()


@given(LOGITS, TEMPERATURES)
def test_the_given_logits_are_left_alone(logits: np.ndarray, temperature: float):
    before = logits.copy()
    apply_temperature(logits, temperature)
    np.testing.assert_array_equal(logits, before)


def test_against_the_formula():
    (row,) = apply_temperature(np.array([[1.0, -2.0, 0.5]]), 2.0)
    powers = [math.exp(x / 2.0) for x in (1.0, -2.0, 0.5)]
    np.testing.assert_allclose(row, [p / sum(powers) for p in powers], rtol=1e-14)


def test_a_higher_temperature_softens():
    logits = np.array([[3.0, 0.0, -1.0]])
    tops = [apply_temperature(logits, t).max() for t in (0.5, 1.0, 2.0, 100.0)]
    assert tops == sorted(tops, reverse=True)
    assert tops[-1] == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_a_temperature_that_is_none_is_refused(temperature: float):
    with pytest.raises(BundleError, match="temperature"):
        apply_temperature(np.zeros((1, 3)), temperature)
    with pytest.raises(ValidationError):
        Calibration(temperature=temperature)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_broken_graph_is_not_a_sure_answer(value: float):
    with pytest.raises(BundleError, match="logit"):
        apply_temperature(np.array([[0.0, 1.0, 2.0], [0.0, value, 1.0]]), 1.0)


def test_score_is_favor_minus_against():
    rows = np.eye(3)
    result = score(rows)
    assert result[INDEX[Label.FAVOR]] == 1.0
    assert result[INDEX[Label.AGAINST]] == -1.0
    assert result[INDEX[Label.NEUTRAL]] == 0.0


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_is_a_probability(threshold: float):
    with pytest.raises(ValidationError):
        Calibration(abstain_below=threshold)


SCORES = Calibration(nonconformity=tuple(i / 10 for i in range(1, 10)))


def test_a_calibration_from_before_label_sets_still_loads():
    old = '{"temperature": 1.2, "abstain_below": 0.5, "fitted_on": {"n": 3}}'
    found = Calibration.model_validate_json(old)
    assert found.nonconformity == ()
    assert found.temperature_of("us-briefings") == 1.2


def test_a_domain_has_its_temperature_and_any_other_that_of_all():
    found = Calibration(temperature=1.5, domain_temperatures={"briefings": 2.0})
    assert [found.temperature_of(d) for d in ("briefings", "blogs", None)] == [2.0, 1.5, 1.5]
    with pytest.raises(ValidationError):
        Calibration(domain_temperatures={"briefings": 0.0})


@pytest.mark.parametrize("scores", [(0.5, 0.4), (-0.1,), (1.1,), (math.nan,)])
def test_scores_that_are_none_are_refused(scores: tuple[float, ...]):
    with pytest.raises(ValidationError):
        Calibration(nonconformity=scores)


@pytest.mark.parametrize(
    ("alpha", "wanted"),
    # ⌈(9 + 1)(1 − alpha)⌉-th smallest of .1, .2, … .9; beyond the ninth everything is in the set
    [(0.1, 0.9), (0.11, 0.9), (0.2, 0.8), (0.5, 0.5), (0.09, 1.0), (0.001, 1.0), (1 - 1e-12, 0.1)],
)
def test_the_quantile_is_the_one_of_split_conformal_prediction(alpha: float, wanted: float):
    assert SCORES.quantile(alpha) == pytest.approx(wanted)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_an_alpha_that_is_none_is_refused(alpha: float):
    with pytest.raises(ConfigError, match="between 0 and 1") as caught:
        SCORES.quantile(alpha)
    assert [(p.where, p.field) for p in caught.value.problems] == [("request", "alpha")]


def test_without_scores_no_set_is_made_up():
    with pytest.raises(ConfigError, match="without label sets"):
        Calibration().label_sets(np.array([[0.5, 0.3, 0.2]]), 0.1)


def test_a_set_holds_what_is_probable_enough_and_never_nothing():
    rows = np.array([[0.7, 0.2, 0.1], [0.45, 0.45, 0.1], [0.2, 0.2, 0.6]])
    found = [labels_of(row) for row in SCORES.label_sets(rows, 0.5)]  # 1 − p must be at most 0.5
    # No label of the second row is probable enough: its first most probable one stands in.
    assert found == [(Label.FAVOR,), (Label.FAVOR,), (Label.NEUTRAL,)]
    found = [labels_of(row) for row in SCORES.label_sets(rows, 0.2)]
    assert found == [(Label.FAVOR, Label.AGAINST), (Label.FAVOR, Label.AGAINST), tuple(Label)]


@given(LOGITS, st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_smaller_alpha_never_takes_a_label_away(logits: np.ndarray, one: float, other: float):
    rows = apply_temperature(logits, 1.0)
    small, large = (SCORES.label_sets(rows, a) for a in sorted((one, other)))
    assert (small >= large).all()
    assert large.any(axis=-1).all()
