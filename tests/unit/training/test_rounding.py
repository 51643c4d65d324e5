import numpy as np
import pytest

from stancewire.training import rounding

TOP = 127


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs whose channels go together (n, d), weights (d, d_out) and their columns' scales."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 8)) @ rng.normal(size=(8, 200)) + 0.3 * rng.normal(size=(500, 200))
    weight = rng.normal(size=(200, 12)).astype(np.float32)
    return x.astype(np.float32), weight, np.abs(weight).max(axis=0) / 7


def test_nearest_is_within_half_a_step(drawn: tuple[np.ndarray, ...]):
    _, weight, scale = drawn
    assert np.abs(rounding.nearest(weight, scale) * scale - weight).max() <= scale.max() / 2 + 1e-6


def test_by_inputs_is_nearer_where_it_counts_and_farther_by_itself(drawn: tuple[np.ndarray, ...]):
    x, weight, scale = drawn
    plain = rounding.nearest(weight, scale) * scale
    found = rounding.by_inputs(weight, scale, x.T @ x, 7) * scale
    assert np.linalg.norm(x @ (found - weight)) < 0.5 * np.linalg.norm(x @ (plain - weight))
    assert np.linalg.norm(found - weight) > np.linalg.norm(plain - weight)


def test_inputs_that_have_nothing_in_common_leave_the_nearest(drawn: tuple[np.ndarray, ...]):
    _, weight, scale = drawn
    found = rounding.by_inputs(weight, scale, np.eye(200, dtype=np.float32), 7)
    assert (found == rounding.nearest(weight, scale)).all()


def test_the_size_of_blocks_decides_nothing(
    drawn: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
):
    x, weight, scale = drawn
    whole = rounding.by_inputs(weight, scale, x.T @ x, 7)
    monkeypatch.setattr(rounding, "BLOCK", 7)
    assert (rounding.by_inputs(weight, scale, x.T @ x, 7) == whole).mean() > 0.99


def test_inputs_that_were_never_seen_are_no_reason_to_fail():
    weight = np.ones((4, 2), np.float32)
    found = rounding.by_inputs(weight, np.ones(2, np.float32), np.zeros((4, 4), np.float32), TOP)
    assert (found == 1).all()
