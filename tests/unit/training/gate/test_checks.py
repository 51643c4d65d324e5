"""The checks that reckon: bounds, noise and margins, each with numbers known beforehand."""

import numpy as np
import pytest

from stancewire.labels import ORDER
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate import calibration, metrics
from stancewire.training.gate.champion import lower_bound
from stancewire.training.gate.config import GateConfig, Metrics
from stancewire.training.gate.judge import judge
from stancewire.training.metrics import expected_calibration_error

CONFIG = GateConfig(rounds=300)  # bounds of a test need not be exact


def limits(**changes):
    return GateConfig(rounds=300, metrics=Metrics(**changes))


def test_a_margin_over_a_baseline_counts(make, but):
    found = but(candidate=make.evaluation("c", range(15)))

    assert judge(found, limits(must_beat={"tfidf": 0.3}, may_tie={})).passed
    verdict = judge(found, limits(must_beat={"tfidf": 0.4}, may_tie={}))
    assert [check.name for check in verdict.failed] == ["tfidf"]


def test_a_tie_is_enough_where_it_is_allowed_and_a_margin_allows_more(make, but):
    def passed(wrong, may_tie):
        found = but(
            candidate=make.evaluation("c", range(wrong)), champion=make.evaluation("o", range(99))
        )
        checks = metrics.checks(found, limits(must_beat={}, may_tie={"frozen": may_tie}))
        return checks[0].verdict == "passed"

    assert passed(50, 0.0) and not passed(51, 0.0) and passed(51, 0.02)


def test_a_slice_is_refused_only_when_it_is_shown_to_be_below(make):
    config = limits(slice_floor=0.6)
    # 15 of 30 right in one country: 0.5, but 30 pairs cannot tell that from 0.6.
    doubtful = metrics.worst_slice(make.evaluation("c", range(15)), config)
    shown = metrics.worst_slice(make.evaluation("c", range(26)), config)

    assert doubtful.verdict == "passed" and "country: Peru" in doubtful.words
    assert doubtful.measured > 0.6
    assert shown.verdict == "failed" and shown.measured < 0.6


def test_slices_too_small_are_not_judged(make):
    few = make.evaluation("c", range(20))

    check = metrics.worst_slice(few, limits(slice_pairs=121))

    assert check.verdict == "not asked"


def test_pairs_of_few_statements_are_not_judged(make):
    one = make.evaluation("c", range(30), items=make.records(statement=lambda i: i // 60))

    assert metrics.worst_slice(one, limits(slice_statements=5)).verdict == "not asked"


def test_noise_is_what_a_perfect_model_shows_and_shrinks_with_pairs(make):
    rng = np.random.default_rng(3)

    def drawn(n):
        rows = rng.dirichlet((2, 2, 2), size=n)
        gold = (rng.random((n, 1)) > rows.cumsum(axis=1)[:, :-1]).sum(axis=1)
        items = make.records([ORDER[g] for g in gold])
        return Evaluation("perfect", items, rows, (False,) * n)

    small, large = drawn(90), drawn(1500)
    bounds = [calibration.noise(e, confidence=0.95, seed=1) for e in (small, large)]

    assert bounds[0] > 2 * bounds[1] > 0
    assert expected_calibration_error(large.gold, large.probabilities) < bounds[1]


def test_a_calibration_error_within_noise_passes_above_the_limit(make):
    doubtful = make.evaluation("c", range(6), items=make.records()[:30], sure=0.74)
    assert doubtful.figures["ece"] > 0.05

    check = calibration._error(doubtful, CONFIG)

    assert check.verdict == "passed" and check.limit > 0.05
    assert check.measured == doubtful.figures["ece"]


@pytest.mark.parametrize("fitted", [{}, {"n": 0}, {"n": "many"}])
def test_a_temperature_must_have_been_fitted(fitted):
    from stancewire.calibration import Calibration

    assert calibration._fitted(Calibration(fitted_on=fitted)).verdict == "failed"


def test_an_equal_of_the_champion_is_not_worse_at_any_margin(make):
    equal = make.evaluation("c", range(30)), make.evaluation("ch", range(30))

    assert lower_bound(*equal, CONFIG) == 0.0


def test_clearly_worse_is_shown_as_worse(make):
    assert (
        lower_bound(make.evaluation("c", range(60)), make.evaluation("ch", range(10)), CONFIG)
        < -0.3
    )


def test_as_good_on_the_whole_but_on_other_items_is_not_shown_to_be_no_worse(make):
    # Both err on a quarter of the items, on different ones: the true difference is uncertain.
    bound = lower_bound(
        make.evaluation("c", range(30)), make.evaluation("ch", range(60, 90)), CONFIG
    )

    assert bound < -0.03


def test_pairs_of_one_statement_are_resampled_together(make):
    # The same answers, once over 120 statements, once over 12 of ten pairs that are right or
    # wrong together. Ten perfectly correlated pairs say no more than one: the bound is wider by
    # about the root of ten.
    gold = [ORDER[(i // 10) % 3] for i in range(120)]
    bounds = {}
    for name, statement in (("naive", lambda i: i), ("clustered", lambda i: i // 10)):
        items = make.records(gold, statement)
        candidate = make.evaluation("c", wrong=range(40, 50), items=items)
        champion = make.evaluation("ch", wrong=range(80, 90), items=items)
        bounds[name] = lower_bound(candidate, champion, CONFIG)

    assert bounds["clustered"] < 1.8 * bounds["naive"] < 0
