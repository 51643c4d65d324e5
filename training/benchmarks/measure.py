"""Bundles on a benchmark's test split: every figure with its interval, baselines beside it."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stancewire.bundle import MODEL, Bundle, Precision
from stancewire.calibration import FloatArray
from stancewire.data.corpus import Corpus
from stancewire.data.files import content_hash
from stancewire.labels import ORDER
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training.benchmarks.answers import Ask, Model, target_hidden, text_hidden
from stancewire.training.benchmarks.provenance import Benchmark, Seen, Standing, topics_seen
from stancewire.training.benchmarks.scores import Score, draws, score
from stancewire.training.benchmarks.sets import (
    Family,
    Task,
    View,
    behaviours,
    decide,
    reversed_pair,
)
from stancewire.training.evaluate import BASELINES, majority, tfidf
from stancewire.training.metrics import IntArray
from stancewire.training.recipe import Linear

SEED = 0
"""Of the bootstrap and of the baselines, as in every report."""
TAG_METRIC = "accuracy"  # pairs of one tag often share their gold label
Hiding = Mapping[str, Callable[[Ask], Ask]]
HIDDEN: Hiding = {"target hidden": target_hidden, "text hidden": text_hidden}


@dataclass(frozen=True)
class Entry:
    """One recipe's bundles, one per seed: a row of every table."""

    label: str
    bundles: tuple[Bundle, ...]
    seen: Seen | None
    """What they were trained and chosen on; none if that is not known and was not asked for."""

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """Of the bundles, in their order."""
        return tuple(bundle.manifest.made.get("seed") for bundle in self.bundles)


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    cache: Path
    limit: int | None = None
    """About so many test pairs at most: for a quick look, never for a figure."""
    ablations: bool = False
    precision: Precision | None = None
    """Of the graph that is asked; the bundle's own if none is named."""
    threads: int = 1


@dataclass(frozen=True)
class Row:
    """One model on one family: its figures, or why there are none."""

    name: str
    kind: str
    """`model`, `ablation` or `baseline`."""
    seeds: tuple[int | None, ...] = ()
    standing: Standing | None = None
    topics_seen: Mapping[str, float] = field(default_factory=dict)
    """Key of a task → share of its topics that are the topic of a training record."""
    refused: str | None = None
    scores: Mapping[tuple[str, View], Score] = field(default_factory=dict)
    seconds: float = 0.0
    """Of answering; found on disk or not."""


@dataclass(frozen=True)
class Result:
    """All rows of one family."""

    family: Family
    sizes: Mapping[str, tuple[int, int]]
    """Key of a task → its pairs and texts; in the order of the tasks."""
    tags: tuple[str, ...]
    """Which of the tasks are behaviour tags."""
    pairs: int
    texts: int
    hashes: Mapping[str, str]
    """Content hash of the test records as measured and of the whole train split."""
    rows: tuple[Row, ...]


def measure(family: Family, data: Corpus, entries: Sequence[Entry], settings: Settings) -> Result:
    """All entries and the baselines on the test split of `data`.

    Raises `DataError` if a model cannot read a pair, `BundleError` if a bundle is broken.
    """
    test = limited(data.test, settings.limit)
    tags = behaviours(test) if family.by_tag else []
    tasks = (*family.tasks, *(Task(tag, TAG_METRIC, only_tag=tag) for tag in tags))
    there = [task for task in tasks if any(task.has(record) for record in test)]
    bench = _Bench(family, there, test)
    rows = _model_rows(entries, bench, data, settings)
    rows += [_baseline_row(name, data.train, bench, settings) for name in ("majority", *BASELINES)]
    return Result(
        family=family,
        sizes={task.key: bench.size(task) for task in there},
        tags=tuple(tags),
        pairs=len(test),
        texts=len({record.statement for record in test}),
        hashes={"test": content_hash(test), "train": content_hash(data.train)},
        rows=tuple(rows),
    )


def limited(records: Sequence[Record], limit: int | None) -> list[Record]:
    """Records of whole texts drawn at random, the same on every run, at most about `limit`."""
    if limit is None or limit >= len(records):
        return list(records)
    texts = sorted({record.statement for record in records})
    random.Random(SEED).shuffle(texts)
    sizes = np.cumsum([sum(r.statement == text for r in records) for text in texts[:limit]])
    kept = set(texts[: max(1, int(np.searchsorted(sizes, limit, side="right")))])
    return [record for record in records if record.statement in kept]


class _Bench:
    """The questions of one family, and the resamples of each of its tasks."""

    def __init__(self, family: Family, tasks: Sequence[Task], test: Sequence[Record]) -> None:
        self.family = family
        self.tasks = tasks
        self.test = test
        self._records = {task.key: [r for r in test if task.has(r)] for task in tasks}
        self._drawn: dict[str, IntArray] = {}

    def questions(self, tasks: Sequence[Task]) -> list[StancePair]:
        """All that is asked of a model for some tasks: one pass can then answer all of a text."""
        found = [r.pair for r in self.test if any(task.has(r) for task in tasks)]
        if any(task.directed for task in tasks):
            found += [pair for r in self.test if (pair := reversed_pair(r)) is not None]
        return found

    def size(self, task: Task) -> tuple[int, int]:
        """Pairs and texts of a task."""
        records = self._records[task.key]
        return len(records), len({record.statement for record in records})

    def topics_seen(self, seen: Seen) -> dict[str, float]:
        """Of each figure of the family."""
        keys = [task.key for task in self.family.tasks if task.key in self._records]
        return {key: topics_seen(seen, self._records[key]) for key in keys}

    def scores(self, asks: Sequence[Ask], tasks: Sequence[Task]) -> dict[tuple[str, View], Score]:
        """Every task and view over the seeds' answers."""
        found = {}
        for task in tasks:
            records = self._records[task.key]
            for view in self.family.views(task):
                seeds = [decide(task, view, records, ask) for ask in asks]
                found[task.key, view] = score(task.metric, seeds, self._draws(task))
        return found

    def _draws(self, task: Task) -> IntArray:
        if task.key not in self._drawn:
            texts = [record.statement for record in self._records[task.key]]
            self._drawn[task.key] = draws(texts, seed=SEED)
        return self._drawn[task.key]


def _model_rows(
    entries: Sequence[Entry], bench: "_Bench", data: Corpus, settings: Settings
) -> list[Row]:
    if not entries:  # hashing a large train split takes a while
        return []
    hashed = Benchmark([*data.train, *data.dev], data.test)
    return [row for entry in entries for row in _entry_rows(entry, bench, hashed, settings)]


def _entry_rows(
    entry: Entry, bench: _Bench, hashed: Benchmark, settings: Settings
) -> Iterator[Row]:
    standing = None if entry.seen is None else hashed.standing(entry.seen)
    about: dict[str, Any] = {"seeds": entry.seeds, "standing": standing}
    if entry.seen is not None:
        about["topics_seen"] = bench.topics_seen(entry.seen)
    if standing is not None and standing.tested:
        refused = f"trained or chosen on {standing.tested} of its test pairs"
        yield Row(entry.label, "model", refused=refused, **about)
        return
    asked = settings.precision or entry.bundles[0].manifest.precision
    models = [_model(bundle, asked, settings) for bundle in entry.bundles]
    yield _row(entry.label, "model", models, bench, bench.tasks, **about)
    if not settings.ablations:
        return
    headline = bench.tasks[:1]
    for name, hide in HIDDEN.items():
        label = f"{entry.label}, {name}"
        yield _row(label, "ablation", models, bench, headline, hide=hide, **about)
    other: Precision = "fp32" if asked == "int8" else "int8"
    if all(MODEL[other] in bundle.manifest.files for bundle in entry.bundles):
        others = [_model(bundle, other, settings) for bundle in entry.bundles]
        label = f"{entry.label}, {other} instead of {asked}"
        yield _row(label, "ablation", others, bench, headline, **about)


def _row(
    name: str,
    kind: str,
    models: Sequence[Model],
    bench: _Bench,
    tasks: Sequence[Task],
    *,
    hide: Callable[[Ask], Ask] | None = None,
    **about: Any,
) -> Row:
    asks = [hide(model.ask) if hide else model.ask for model in models]
    for model in models:
        model.seconds = 0.0
    for ask in asks:
        ask(bench.questions(tasks))
    scores = bench.scores(asks, tasks)
    seconds = sum(model.seconds for model in models)
    return Row(name, kind, scores=scores, seconds=seconds, **about)


def _model(bundle: Bundle, precision: Precision, settings: Settings) -> Model:
    return Model(
        identity=f"bundle {bundle.sha256} {precision}",
        load=lambda: Predictor.load(bundle, precision=precision, threads=settings.threads),
        cache=settings.cache,
    )


def _baseline_row(name: str, train: Sequence[Record], bench: _Bench, settings: Settings) -> Row:
    if name == "majority":
        (shares,) = majority(train, train[:1]).probabilities

        def ask(pairs: Sequence[StancePair]) -> FloatArray:
            return np.tile(shares, (len(pairs), 1)).reshape(-1, len(ORDER))

        return Row(name, "baseline", scores=bench.scores([ask], bench.tasks))
    linear, parts = Linear(), BASELINES[name]
    model = Model(
        identity=f"baseline {name} {SEED} {linear.model_dump_json()} {content_hash(train)}",
        load=lambda: tfidf(train, linear, seed=SEED, parts=parts, needs_all=False),
        cache=settings.cache,
    )
    return _row(name, "baseline", [model], bench, bench.tasks)
