"""Admits, scores and remembers: everything between a route and the predictor."""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from stancewire.errors import DataError, Overloaded, RegistryError
from stancewire.explain import Explanation, explaining
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.serving.answers import AnswerCache, keys_of
from stancewire.serving.loading import LoadedModel
from stancewire.serving.metrics import Metrics
from stancewire.serving.settings import Settings
from stancewire.text import normalise

MAX_EXPLAINING = 4
"""Most requests for explanations at once: one is worked on, the others wait for it."""

Result = TypeVar("Result")


class Scorer:
    """Scores pairs with the current model, off the event loop, within bounds."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._answers = AnswerCache(settings.cached_answers)
        self._door = _Door(settings.max_waiting, settings.max_waiting_chars, metrics)
        self._explaining = 0  # requests; counted on the event loop, which needs no lock
        self._turn = asyncio.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._current: LoadedModel | None = None

    @property
    def current(self) -> LoadedModel:
        """The model that answers now. Raises `RegistryError` if none was loaded yet."""
        if self._current is None:
            raise RegistryError("no model is loaded yet")
        return self._current

    @property
    def is_ready(self) -> bool:
        """Whether a model is loaded."""
        return self._current is not None

    def swap(self, model: LoadedModel) -> None:
        """Answer with `model` from the next request on; those under way keep theirs."""
        self._current = model
        self._metrics.serves(model)

    def start(self) -> None:
        """Open the pool of threads."""
        self._pool = ThreadPoolExecutor(self._settings.workers, thread_name_prefix="score")

    def stop(self) -> None:
        """Close the pool once what runs in it is done."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    async def score(self, pairs: Sequence[StancePair]) -> tuple[LoadedModel, list[Stance]]:
        """One stance per pair, in their order, all from the model returned with them.

        Raises `Overloaded` before any work if there is no room, or when the time is up;
        `RegistryError` without a model; `DataError` for pairs that cannot be read.
        """
        model = self.current
        visit = self._door.enter(_cost(pairs))
        stances = await self._in_time(visit, self._run(visit, self._answer, model, pairs))
        self._metrics.answered(stances)
        return model, stances

    async def explain(self, pairs: Sequence[StancePair]) -> tuple[LoadedModel, list[Explanation]]:
        """One explained stance per pair, in their order, all from the model returned with them.

        Works in the threads that score, in small steps and on one request at a time: an answer
        waits for one step at most, and with two workers for none. Raises as `score` does.
        """
        model = self.current
        if self._explaining >= MAX_EXPLAINING:
            self._metrics.shed.inc()
            message = "more explanations are waiting than can be given soon"
            raise Overloaded(message, self._door.retry_after_s())
        visit = self._door.enter(_cost(pairs))
        self._explaining += 1
        try:
            found = await self._in_time(visit, self._explain(visit, model, pairs))
        finally:
            self._explaining -= 1
        self._metrics.answered([each.stance for each in found])
        return model, found

    async def _explain(
        self, visit: "_Visit", model: LoadedModel, pairs: Sequence[StancePair]
    ) -> list[Explanation]:
        stances = await self._run(visit, self._answer, model, pairs)
        found: list[Explanation] = []
        async with self._turn:
            for pair, stance in zip(pairs, stances, strict=True):
                steps = explaining(model.predictor, pair, stance)
                explanation = None
                while explanation is None:
                    explanation = await self._run(visit, next, steps)
                found.append(explanation)
        return found

    async def _run(self, visit: "_Visit", work: Callable[..., Result], *given: object) -> Result:
        """Result of `work`, done in a thread of the pool."""
        if self._pool is None:
            raise RegistryError("the service is not running")
        visit.work = self._pool.submit(work, *given)
        return await asyncio.wrap_future(visit.work)

    async def _in_time(self, visit: "_Visit", result: Awaitable[Result]) -> Result:
        """The result; `Overloaded` when the time is up. Ends the visit either way."""
        try:
            return await asyncio.wait_for(result, self._settings.timeout_s)
        except TimeoutError as error:
            self._metrics.shed.inc()
            message = f"no answer within {self._settings.timeout_s:g} s"
            raise Overloaded(message, self._door.retry_after_s()) from error
        finally:
            visit.end()

    def _answer(self, model: LoadedModel, pairs: Sequence[StancePair]) -> list[Stance]:
        keys = keys_of(model.bundle_sha256, pairs)
        known = {key: kept for key in set(keys) if (kept := self._answers.get(key)) is not None}
        # Each unknown pair once, at the place where it comes first.
        asked = {key: i for i, key in reversed(list(enumerate(keys))) if key not in known}
        places = sorted(asked.values())
        for i, stance in zip(places, self._predict(model, pairs, places), strict=True):
            known[keys[i]] = stance
            self._answers.put(keys[i], stance)
        self._metrics.cached.inc(len(pairs) - len(places))
        return [known[key] for key in keys]

    def _predict(
        self, model: LoadedModel, pairs: Sequence[StancePair], places: Sequence[int]
    ) -> list[Stance]:
        chosen = [pairs[i] for i in places]
        try:
            stances = model.predictor.predict(chosen)
        except DataError as error:
            problems = [problem.renumbered(places) for problem in error.problems]
            raise DataError(error.summary, problems) from error
        self._metrics.quotes.inc(len({normalise(p.text) for p in chosen}))
        return stances


class _Visit:
    """One request that was let in."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self.work: Future[Any] | None = None
        """What a thread does for it now, or did last."""

    def end(self) -> None:
        """Give up the room of the request, which nobody waits for any longer."""
        if self.work is None:
            self._leave()
        else:  # a thread that nobody waits for still takes its room
            self.work.add_done_callback(lambda _: self._leave())


class _Door:
    """Counts what was let in and refuses what would be too much."""

    def __init__(self, max_requests: int, max_chars: int, metrics: Metrics) -> None:
        self._max_requests = max_requests
        self._max_chars = max_chars
        self._metrics = metrics
        self._lock = threading.Lock()
        self._requests = 0
        self._chars = 0
        self._seconds = 0.0  # that a request lately took, waiting included

    def enter(self, chars: int) -> _Visit:
        """Let a request in that reads `chars` characters. Raises `Overloaded` without room."""
        with self._lock:
            # Whatever its size, a request that finds nobody before it is let in.
            is_full = self._requests >= self._max_requests or (
                self._requests > 0 and self._chars + chars > self._max_chars
            )
            if not is_full:
                self._requests += 1
                self._chars += chars
                self._metrics.waiting.set(self._requests)
        if is_full:
            self._metrics.shed.inc()
            raise Overloaded("more is waiting than can be answered soon", self.retry_after_s())
        started = time.monotonic()
        return _Visit(lambda: self._leave(chars, time.monotonic() - started))

    def _leave(self, chars: int, seconds: float) -> None:
        with self._lock:
            self._requests -= 1
            self._chars -= chars
            self._seconds += 0.2 * (seconds - self._seconds)
            self._metrics.waiting.set(self._requests)

    def retry_after_s(self) -> int:
        """About when there will be room: what a request lately took, from 1 to 30 seconds."""
        return min(30, max(1, math.ceil(self._seconds)))


def _cost(pairs: Sequence[StancePair]) -> int:
    """Characters to read; a quote asked about many targets is read once."""
    return sum(map(len, {p.text for p in pairs})) + sum(len(p.target) for p in pairs)
