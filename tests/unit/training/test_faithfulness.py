import math
from collections.abc import Sequence

import numpy as np
import pytest

from stancewire.explain import explain
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.training.faithfulness import SHARES, deletion, measure


class Counts:
    """P(favor) grows by a tenth with every "good" it reads, up to four."""

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        return [self._answer(pair.text.split().count("good")) for pair in pairs]

    def _answer(self, good: int) -> Stance:
        favor = 0.5 + 0.1 * min(good, 4)
        shares = {Label.FAVOR: favor, Label.AGAINST: 0.0, Label.NEUTRAL: 1 - favor}
        return Stance(Label.FAVOR, favor, favor, shares, False, False)


class Deaf(Counts):
    """The same whatever it reads."""

    def _answer(self, good: int) -> Stance:
        return super()._answer(2)


TEXT = "so so good so so good so so so"  # nine words, and one of the target


def test_the_figures_follow_the_reckoning():
    pair = StancePair(TEXT, "it")
    found = explain(Counts(), pair)
    first, last = [2, 5, 0, 1, 3, 4, 6, 7, 8, 9], [0, 1, 3, 4, 6, 7, 8, 9, 2, 5]
    figures = deletion(Counts(), pair, found, [first, last])
    sizes = [math.ceil(share * 10) for share in SHARES]
    assert sizes == [1, 1, 1, 2, 5]
    # the whole has two: one gone, one gone, one gone, both gone, both gone; or kept
    assert figures[0] == pytest.approx([(3 * 0.1 + 2 * 0.2) / 5, (3 * 0.1 + 2 * 0.0) / 5])
    assert figures[1] == pytest.approx([0.0, 0.2])


def test_true_weights_beat_random_orders_and_a_seed_repeats(make_record):
    records = [make_record(id=f"r{i}", text=f"{TEXT} {i}") for i in range(8)]
    found = measure(Counts(), records, seed=13)
    assert found.labels == (Label.FAVOR,) * 8
    comprehensiveness, sufficiency = (found.explained - found.random).mean(axis=0)
    assert comprehensiveness > 0 > sufficiency
    low, high = found.interval(range(8))
    assert (low <= (found.explained - found.random).mean(axis=0)).all()
    assert low[0] > 0 > high[1]
    again, other = (measure(Counts(), records, seed=seed) for seed in (13, 14))
    assert np.array_equal(found.random, again.random)
    assert not np.array_equal(found.random, other.random)


def test_a_model_that_reads_nothing_is_as_well_explained_by_chance(make_record):
    found = measure(Deaf(), [make_record(text=TEXT)], seed=0)
    assert not found.explained.any()
    assert not found.random.any()


def test_of_a_truncated_quote_only_what_was_read_is_kept_and_taken_away():
    class Short(Counts):
        def predict(self, pairs):
            heads = [StancePair(" ".join(p.text.split()[:5]), p.target) for p in pairs]
            return [
                Stance(*list(vars(s).values())[:5], len(p.text.split()) > 5)
                for s, p in zip(super().predict(heads), pairs, strict=True)
            ]

    pair = StancePair("so good so so so good good good good", "it")
    found = explain(Short(), pair)
    assert len(found.text) == 5
    (figures,) = deletion(Short(), pair, found, [[1, 0, 2, 3, 4, 5]])
    assert figures == pytest.approx([0.1, 0.0])
