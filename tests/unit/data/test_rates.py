"""Weights, shares and temperature as how often each source's records are drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stancewire.data.mixture import Addition, Mixture
from stancewire.data.rates import record_rates, source_rates

SIZES = st.lists(st.integers(1, 5000), min_size=1, max_size=5)


def mix(*also, **settings):
    return Mixture(also=tuple(Addition(source="more", **one) for one in also), **settings)


def test_without_a_wish_each_record_is_drawn_once():
    assert record_rates(mix({}, {}), [100, 0, 50]) is None
    assert source_rates(mix({}, {}), [100, 0, 50]) == [1.0, 0.0, 1.0]


def test_a_weight_is_how_often():
    assert source_rates(mix({"weight": 0.25}, {"weight": 3}), [100, 80, 7]) == [1.0, 0.25, 3.0]
    assert record_rates(mix({"weight": 0.5}, weight=2), [2, 1]) == [2.0, 2.0, 0.5]


def test_a_share_is_a_part_of_the_epoch_and_leaves_the_others_as_they_are():
    rates = source_rates(mix({"share": 0.2}, {}), [60, 1000, 20])
    assert rates[0] == rates[2] == 1
    assert rates[1] * 1000 == pytest.approx(0.2 * (60 + 20 + rates[1] * 1000))


@given(sizes=SIZES, heat=st.floats(1.0, 50.0))
def test_a_temperature_keeps_the_whole_and_evens_it_out(sizes, heat):
    rates = source_rates(mix(*[{}] * (len(sizes) - 1), temperature=heat), sizes)
    pairs = [rate * size for rate, size in zip(rates, sizes, strict=True)]
    assert sum(pairs) == pytest.approx(sum(sizes), rel=1e-5)
    if heat > 1:
        small, large = sizes.index(min(sizes)), sizes.index(max(sizes))
        assert rates[small] >= rates[large]


def test_a_high_temperature_draws_all_sources_alike():
    rates = source_rates(mix({}, temperature=1e6), [900, 100])
    assert [rates[0] * 900, rates[1] * 100] == pytest.approx([500, 500], rel=1e-3)


@given(sizes=SIZES, bound=st.integers(1, 10_000))
def test_a_bound_slows_all_alike(sizes, bound):
    rates = source_rates(mix(*[{}] * (len(sizes) - 1), epoch_pairs=bound), sizes)
    assert len(set(rates)) == 1
    assert rates[0] == pytest.approx(min(1.0, bound / sum(sizes)), abs=1e-8)


@pytest.mark.parametrize(
    "also",
    [[{"share": 0.5, "weight": 2}], [{"share": 0.5}, {"share": 0.5}], [{"weight": 0}]],
)
def test_what_cannot_be_is_refused(also):
    with pytest.raises(ValidationError):
        mix(*also)
