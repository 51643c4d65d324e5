import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from stancewire.calibration import Calibration, apply_temperature, score
from stancewire.errors import BundleError
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
