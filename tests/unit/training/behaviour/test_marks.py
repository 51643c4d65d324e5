"""Which cases failed, from a report and from the JSON that it left."""

import json

import numpy as np
import pytest

from stancewire.errors import DataError
from stancewire.predictor import Predictor
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.marks import read
from stancewire.training.behaviour.report import run


@pytest.fixture(scope="module")
def cases():
    return expand(per_capability=4)


@pytest.fixture
def report(cases, tfidf_bundle):
    return run(Predictor.load(tfidf_bundle), cases, name="one")


def test_what_a_report_left_says_the_same(report, cases):
    found = read(report.to_json(), cases)

    assert (found.name, found.suite) == ("one", report.suite)
    assert np.array_equal(found.failed, report.marks.failed)
    assert found.failed.any() and not found.failed.all()
    assert list(found.failed) == [outcome.failed for outcome in report.outcomes]


def test_a_report_of_other_cases_is_refused(report, cases):
    with pytest.raises(DataError, match="suite"):
        read(report.to_json(), cases[1:])


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_what_is_no_report_is_refused(cases, text):
    with pytest.raises(DataError, match="no report"):
        read(text, cases)


def test_a_report_from_before_there_were_marks_is_refused(report, cases):
    told = json.loads(report.to_json())
    for one in told["capabilities"]:
        del one["failed_cases"]

    with pytest.raises(DataError, match="no report"):
        read(json.dumps(told), cases)
