import random
from collections.abc import Sequence

import numpy as np
import pytest

from stancewire.backends import Flags, Logits
from stancewire.calibration import Calibration
from stancewire.data.pool import PoolItem
from stancewire.data.sampling import STRATEGIES, Strategy, sample
from stancewire.errors import ConfigError
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor

TOPICS = {
    "harbour": "cranes docks ships sail at dawn",
    "school": "pupils read books and learn spelling",
    "farm": "cows graze on green wet fields",
}


class Told:
    """A backend whose logits stand in the target: "1 0 0"."""

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        rows = [[float(x) for x in pair.target.split()] for pair in pairs]
        return np.array(rows, dtype=np.float32), np.zeros(len(rows), np.bool_)


class Flipped(Told):
    """The same with favor and against exchanged."""

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        logits, flags = super().logits(pairs)
        return logits[:, [1, 0, 2]], flags


def model(backend: Told) -> Predictor:
    return Predictor(backend, Calibration(temperature=1.0, abstain_below=0.0))


def item(name: str, text: str, target: str = "it") -> PoolItem:
    return PoolItem(id=name, text=text, target=target, source="desk", licence="own")


SURE = item("sure", "one apple", "8 0 0")
TORN = item("torn", "two pears", "4 4 0")
LOST = item("lost", "three plums", "0 0 0")
LEAN = item("lean", "four figs", "2 0 0")
MODELS: dict[str, list[Predictor]] = {
    "uncertainty": [model(Told())],
    "disagreement": [model(Told()), model(Flipped())],
    "random": [],
    "diverse": [],
}


def test_uncertainty_is_the_entropy_of_the_probabilities() -> None:
    drawn = sample([SURE, LEAN, TORN, LOST], 4, "uncertainty", 1, predictors=MODELS["uncertainty"])
    assert [one.id for one in drawn] == ["lost", "torn", "lean", "sure"]
    # The order is that of their entropies, reckoned here by hand.
    entropies = []
    for one in drawn:
        p = np.exp(np.array([float(x) for x in one.target.split()]))
        p /= p.sum()
        entropies.append(float(-(p * np.log(p)).sum()))
    assert entropies == sorted(entropies, reverse=True)


def test_disagreement_prefers_what_models_contradict_over_what_all_find_hard() -> None:
    drawn = sample([TORN, LOST, LEAN, SURE], 2, "disagreement", 1,
                   predictors=MODELS["disagreement"])  # fmt: skip
    assert [one.id for one in drawn] == ["sure", "lean"]
    assert model(Told()).predict([SURE.pair])[0].label is Label.FAVOR
    assert model(Flipped()).predict([SURE.pair])[0].label is Label.AGAINST


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_seed_draws_the_same_whatever_the_order_of_the_pool(strategy: Strategy) -> None:
    pool = [item(f"q{i}", f"word{i} said{i} today{i}", "0 0 0") for i in range(30)]
    mixed = random.Random(5).sample(pool, len(pool))
    first = sample(pool, 8, strategy, 3, predictors=MODELS[strategy])
    assert len(first) == 8
    assert sample(mixed, 8, strategy, 3, predictors=MODELS[strategy]) == first
    assert sample(pool, 8, strategy, 4, predictors=MODELS[strategy]) != first


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_labelled_and_its_near_twins_are_not_drawn(strategy: Strategy) -> None:
    words = "we will sign the treaty before the summer and not one day later than that"
    known = [item("k1", words, "0 0 0"), item("k2", "an old quote", "0 0 0")]
    pool = [
        item("exact", words.upper() + "!", "0 0 0"),
        item("near", words.replace("summer", "winter"), "0 0 0"),
        item("k2", "the same id again", "0 0 0"),
        item("elsewhere", words, "1 0 0"),  # the same quote toward another target is new
        item("fresh", "we never saw this levy", "0 0 0"),
    ]
    drawn = sample(pool, 9, strategy, 1, predictors=MODELS[strategy], labelled=known)
    assert {one.id for one in drawn} == {"elsewhere", "fresh"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_of_twins_within_the_pool_one_is_drawn(strategy: Strategy) -> None:
    twins = [item(f"t{i}", "The vote takes place on Friday" + "!" * i, "0 0 0") for i in range(4)]
    pool = [*twins, item("other", "Nobody asked us", "0 0 0")]
    drawn = sample(pool, 5, strategy, 1, predictors=MODELS[strategy])
    assert len(drawn) == 2
    assert "other" in {one.id for one in drawn}


def test_diverse_reaches_every_topic_before_it_repeats_one() -> None:
    pool = [item(f"{topic}{i}", f"{words} n{i}", topic)
            for topic, words in TOPICS.items() for i in range(20)]  # fmt: skip
    reached = [len({one.target for one in sample(pool, 3, "diverse", seed)}) for seed in range(20)]
    chance = [len({one.target for one in sample(pool, 3, "random", seed)}) for seed in range(20)]
    assert np.mean(reached) > 2.5
    assert np.mean(reached) > np.mean(chance) + 0.4


def test_diverse_goes_where_nothing_is_labelled_yet() -> None:
    pool = [item(f"{topic}{i}", f"{words} n{i}", topic)
            for topic, words in TOPICS.items() for i in range(20)]  # fmt: skip
    known = [item(f"k-{topic}", f"{TOPICS[topic]} k", topic) for topic in ("harbour", "school")]
    drawn = [sample(pool, 1, "diverse", seed, labelled=known)[0].target for seed in range(60)]
    assert drawn.count("farm") > 30  # by chance 20


def test_an_empty_pool_gives_nothing_and_wrong_demands_are_refused() -> None:
    assert sample([], 3, "diverse", 1) == []
    with pytest.raises(ConfigError, match="1 or more"):
        sample([SURE], 0, "random", 1)
    with pytest.raises(ConfigError, match="one bundle"):
        sample([SURE], 1, "uncertainty", 1)
    with pytest.raises(ConfigError, match="two bundles"):
        sample([SURE], 1, "disagreement", 1, predictors=MODELS["uncertainty"])
    with pytest.raises(ConfigError, match="expected one of"):
        sample([SURE], 1, "best", 1)  # type: ignore[arg-type]
