"""What a run's data give away, and what is known of the weights that it began with."""

import json

import pytest

from stancewire.data.corpus import load
from stancewire.training import weights
from stancewire.training.held_out import UNKNOWN, held_out


@pytest.fixture(scope="module")
def press():
    return load("press")


@pytest.fixture
def init(tmp_path):
    path = tmp_path / weights.WEIGHTS
    path.write_bytes(b"weights")
    return path


def tell(init, held, **changes):
    report = {"weights": weights.sha256(init), "held_out": held} | changes
    (init.parent / "report.json").write_text(json.dumps(report))


def test_a_run_from_the_pretrained_encoder_tells_its_own_data_alone(press):
    (found,) = held_out(press, (), None)

    assert found["leaked"] == {}


def test_records_of_a_stage_count(press):
    class Stage:
        corpus = type("C", (), {"train": press.golden[:2]})

    (found,) = held_out(press, (Stage,), None)

    assert sum(found["leaked"].values()) == 2


def test_what_the_first_weights_run_told_is_told_on(press, init):
    (own,) = held_out(press, (), None)
    tell(init, [{**own, "leaked": {"topic is in golden": 3}}])

    (found,) = held_out(press, (), init)

    assert found["leaked"] == {"before the first weights: topic is in golden": 3}
    tell(init, [own])
    assert held_out(press, (), init) == [own]


@pytest.mark.parametrize("report", [None, "torn", {"weights": "of another run"}, {"held_out": []}])
def test_weights_of_which_nothing_is_known_count_as_a_leak(press, init, report):
    if report == "torn":
        (init.parent / "report.json").write_text("{")
    elif report is not None:
        tell(init, held_out(press, (), None), **report)

    (found,) = held_out(press, (), init)

    assert found["leaked"] == {UNKNOWN: 1}
