"""Energy and carbon follow from processor time and two constants."""

import pytest

from stancewire.training.energy import GRAMS_PER_KWH, WATTS_PER_CORE, Cost, cpu_seconds


def test_an_hour_of_one_core():
    cost = Cost(3600)

    assert cost.kwh == pytest.approx(WATTS_PER_CORE / 1000)
    assert cost.grams == pytest.approx(WATTS_PER_CORE / 1000 * GRAMS_PER_KWH)
    assert cost.to_dict()["watts_per_core"] == WATTS_PER_CORE


def test_work_takes_processor_time_and_waiting_takes_none():
    before = cpu_seconds()
    sum(i * i for i in range(300_000))

    assert cpu_seconds() > before
