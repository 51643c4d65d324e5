import asyncio
import dataclasses
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from stancewire import explain as explaining
from stancewire.errors import DataError, Overloaded, Problem, RegistryError
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor, Stance
from stancewire.serving.loading import LoadedModel, load_model
from stancewire.serving.metrics import Metrics
from stancewire.serving.scorer import MAX_EXPLAINING, Scorer
from stancewire.serving.settings import Settings


class FakePredictor:
    """Answers with the target's length; remembers what it was asked; can be held."""

    def __init__(self) -> None:
        self.asked: list[list[StancePair]] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Semaphore(0)

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        if not pairs:
            return []
        self.asked.append(list(pairs))
        self.entered.release()
        assert self.go.wait(20)
        bad = [i for i, p in enumerate(pairs) if p.target == "too long"]
        if bad:
            raise DataError("no", [Problem(f"item {i}", "target", "is too long") for i in bad])
        return [
            Stance(Label.FAVOR, len(p.target), 1.0, {Label.FAVOR: 1.0}, False, False) for p in pairs
        ]


def model(predictor: object, version: str = "1") -> LoadedModel:
    assert isinstance(predictor, (FakePredictor, Predictor))
    return LoadedModel(
        predictor=predictor,  # type: ignore[arg-type]
        name="stancewire",
        version=version,
        run_id=None,
        bundle_sha256=version * 64,
        family="packed",
        precision="fp32",
        loaded_at=datetime.now(UTC),
        obtained="bundle",
    )


@contextmanager
def running(**settings):
    scorer = Scorer(Settings(**settings), Metrics())
    scorer.start()
    try:
        yield scorer
    finally:
        scorer.stop()


def pairs(*targets: str, text: str = "a quote") -> list[StancePair]:
    return [StancePair(text, target) for target in targets]


async def entered(predictor: FakePredictor) -> None:
    assert await asyncio.to_thread(predictor.entered.acquire, timeout=20)


def count(scorer: Scorer, name: str) -> float:
    value = scorer._metrics.registry.get_sample_value(name)
    assert value is not None
    return value


def test_answers_come_in_order_and_each_pair_is_asked_once():
    predictor = FakePredictor()
    with running() as scorer:
        scorer.swap(model(predictor))
        _, stances = asyncio.run(scorer.score(pairs("aaa", "b", "aaa", " aaa ")))
        assert [s.score for s in stances] == [3, 1, 3, 3]
        assert [p.target for p in predictor.asked[0]] == ["aaa", "b"]
        asyncio.run(scorer.score(pairs("b", "cc")))
        assert [p.target for p in predictor.asked[1]] == ["cc"]
        assert count(scorer, "stancewire_cached_answers_total") == 3
        assert count(scorer, "stancewire_items_total") == 6


def test_another_model_does_not_answer_from_memory():
    first, second = FakePredictor(), FakePredictor()
    with running() as scorer:
        scorer.swap(model(first, "1"))
        asyncio.run(scorer.score(pairs("a")))
        scorer.swap(model(second, "2"))
        named, _ = asyncio.run(scorer.score(pairs("a")))
        assert named.version == "2"
        assert len(second.asked) == 1


def test_a_quote_counts_once_for_all_its_targets():
    with running() as scorer:
        scorer.swap(model(FakePredictor()))
        asyncio.run(scorer.score([*pairs("a", "b", "c"), *pairs("a", text="another")]))
        assert count(scorer, "stancewire_quotes_total") == 2


def test_a_request_keeps_its_model_when_another_takes_over_meanwhile():
    held, other = FakePredictor(), FakePredictor()
    held.go.clear()

    async def scene(scorer: Scorer) -> str:
        scorer.swap(model(held, "1"))
        task = asyncio.create_task(scorer.score(pairs("a")))
        await entered(held)
        scorer.swap(model(other, "2"))
        held.go.set()
        named, _ = await task
        return named.version

    with running() as scorer:
        assert asyncio.run(scene(scorer)) == "1"
        assert other.asked == []


def test_problems_name_the_item_of_the_request_not_of_what_was_left_to_score():
    with running() as scorer:
        scorer.swap(model(FakePredictor()))
        asyncio.run(scorer.score(pairs("known")))
        with pytest.raises(DataError) as caught:
            asyncio.run(scorer.score(pairs("known", "fine", "known", "too long")))
        assert [p.where for p in caught.value.problems] == ["item 3"]


def test_without_a_model_nothing_is_scored():
    with running() as scorer, pytest.raises(RegistryError, match="no model"):
        asyncio.run(scorer.score(pairs("a")))


@pytest.mark.parametrize(
    "limits", [{"max_waiting": 1}, {"max_waiting": 9, "max_waiting_chars": 12}]
)
def test_what_would_be_too_much_is_refused_before_any_work(limits):
    predictor = FakePredictor()
    predictor.go.clear()

    async def scene(scorer: Scorer) -> None:
        scorer.swap(model(predictor))
        first = asyncio.create_task(scorer.score(pairs("a")))
        await entered(predictor)
        with pytest.raises(Overloaded) as caught:
            await scorer.score(pairs("another"))
        assert 1 <= caught.value.retry_after_s <= 30
        assert count(scorer, "stancewire_shed_total") == 1
        assert count(scorer, "stancewire_waiting_requests") == 1
        predictor.go.set()
        await first
        await scorer.score(pairs("another"))  # there is room again
        assert count(scorer, "stancewire_waiting_requests") == 0

    with running(**limits) as scorer:
        asyncio.run(scene(scorer))
    assert len(predictor.asked) == 2


def test_one_request_of_any_size_is_let_in_when_nobody_waits():
    with running(max_waiting_chars=1) as scorer:
        scorer.swap(model(FakePredictor()))
        _, stances = asyncio.run(scorer.score(pairs("many more characters than one")))
        assert len(stances) == 1


def test_work_that_nobody_waits_for_still_takes_its_room():
    predictor = FakePredictor()
    predictor.go.clear()

    async def scene(scorer: Scorer) -> None:
        scorer.swap(model(predictor))
        with pytest.raises(Overloaded, match="no answer within"):
            await scorer.score(pairs("a"))
        with pytest.raises(Overloaded, match="more is waiting"):
            await scorer.score(pairs("b"))

    with running(timeout_s=0.05, max_waiting=1, workers=1) as scorer:
        asyncio.run(scene(scorer))
        predictor.go.set()
    assert count(scorer, "stancewire_waiting_requests") == 0


def test_a_real_predictor_answers_as_it_does_alone(tfidf_bundle):
    loaded = load_model(tfidf_bundle.folder, name="stancewire", obtained="bundle")
    asked = [StancePair("We welcome it.", "the treaty"), StancePair("We reject it.", "a levy")]
    with running() as scorer:
        scorer.swap(loaded)
        named, stances = asyncio.run(scorer.score(asked))
    assert stances == Predictor.load(tfidf_bundle).predict(asked)
    assert named.version == f"local-{tfidf_bundle.sha256[:12]}"
    with pytest.raises(dataclasses.FrozenInstanceError):
        named.version = "9"  # type: ignore[misc]


def test_an_explanation_is_the_predictor_s_own(tfidf_bundle):
    loaded = load_model(tfidf_bundle.folder, name="stancewire", obtained="bundle")
    asked = [StancePair("We welcome it.", "the treaty"), StancePair("We reject it.", "a levy")]
    with running() as scorer:
        scorer.swap(loaded)
        named, found = asyncio.run(scorer.explain(asked))
        assert count(scorer, "stancewire_items_total") == 2
        assert count(scorer, "stancewire_waiting_requests") == 0
    assert named is loaded
    assert found == [explaining.explain(loaded.predictor, pair) for pair in asked]


def test_what_was_taken_apart_is_not_kept_as_an_answer():
    predictor = FakePredictor()
    with running() as scorer:
        scorer.swap(model(predictor))
        asyncio.run(scorer.explain(pairs("a", text="some words")))
        asyncio.run(scorer.score(pairs("a", text="some words")))
        before = len(predictor.asked)
        asyncio.run(scorer.score(pairs("a", text="words")))
        assert len(predictor.asked) == before + 1


LONG = " ".join(["word"] * 60)


def steps(predictor: FakePredictor) -> list[int]:
    """How many answers each call of the predictor asked for."""
    return [len(asked) for asked in predictor.asked]


def test_answers_go_on_while_an_explanation_is_held():
    held, quick = FakePredictor(), FakePredictor()

    async def scene(scorer: Scorer) -> None:
        scorer.swap(model(held, "1"))
        await scorer.score(pairs("a", text=LONG))  # so that it does not have to be waited for
        await entered(held)
        held.go.clear()
        tasks = [asyncio.create_task(scorer.explain(pairs("a", text=LONG))) for _ in range(2)]
        await entered(held)
        scorer.swap(model(quick, "2"))
        for _ in range(3):  # one thread of two is free, however many explanations there are
            _, stances = await scorer.score(pairs("bb"))
            assert stances[0].score == 2
        assert len(held.asked) == 2
        held.go.set()
        for task in tasks:
            named, (found,) = await task
            assert (named.version, len(found.text)) == ("1", 60)

    with running(workers=2) as scorer:
        asyncio.run(scene(scorer))
    assert steps(held) == [1, *2 * [16, 16, 16, 13]]


async def answer_once_then_hold(scorer: Scorer, held: FakePredictor) -> None:
    """The long quote is answered, and in memory; whatever is asked next waits for `held.go`."""
    scorer.swap(model(held))
    await scorer.score(pairs("a", text=LONG))
    await entered(held)
    held.go.clear()


def test_with_one_thread_an_answer_waits_for_one_step():
    held = FakePredictor()

    async def scene(scorer: Scorer) -> None:
        await answer_once_then_hold(scorer, held)
        task = asyncio.create_task(scorer.explain(pairs("a", text=LONG)))
        await entered(held)
        answer = asyncio.create_task(scorer.score(pairs("b")))
        await asyncio.sleep(0)  # it is in line now
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.gather(task, answer)

    with running(workers=1) as scorer:
        asyncio.run(scene(scorer))
    assert steps(held) == [1, 16, 1, 16, 16, 13]


def test_more_explanations_than_can_wait_are_refused_and_answers_are_not():
    held = FakePredictor()

    async def scene(scorer: Scorer) -> None:
        await answer_once_then_hold(scorer, held)
        asked = pairs("a", text=LONG)
        tasks = [asyncio.create_task(scorer.explain(asked)) for _ in range(MAX_EXPLAINING)]
        await entered(held)
        with pytest.raises(Overloaded, match="explanations") as caught:
            await scorer.explain(asked)
        assert 1 <= caught.value.retry_after_s <= 30
        await scorer.score(asked)  # from memory
        held.go.set()
        await asyncio.gather(*tasks)
        await scorer.explain(asked)  # there is room again

    with running() as scorer:
        asyncio.run(scene(scorer))
        assert count(scorer, "stancewire_waiting_requests") == 0
        assert count(scorer, "stancewire_shed_total") == 1


def test_an_explanation_that_takes_too_long_stops_after_its_step_and_leaves():
    held = FakePredictor()

    async def scene(scorer: Scorer) -> None:
        scorer.swap(model(held))
        held.go.clear()
        with pytest.raises(Overloaded, match="no answer within"):
            await scorer.explain(pairs("a", text=LONG))
        assert count(scorer, "stancewire_waiting_requests") == 1
        held.go.set()

    with running(timeout_s=0.05) as scorer:
        asyncio.run(scene(scorer))
    assert count(scorer, "stancewire_waiting_requests") == 0
    assert steps(held) == [1]


def test_pairs_that_cannot_be_read_are_named_and_nothing_is_explained():
    predictor = FakePredictor()
    with running() as scorer:
        scorer.swap(model(predictor))
        with pytest.raises(DataError) as caught:
            asyncio.run(scorer.explain(pairs("fine", "too long")))
        assert [p.where for p in caught.value.problems] == ["item 1"]
        assert len(predictor.asked) == 1
        assert count(scorer, "stancewire_waiting_requests") == 0
