"""Two models side by side on the same records: figures, labels that changed, slices that moved."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from stancewire.bundle import MANIFEST, Bundle
from stancewire.data import corpus
from stancewire.errors import DataError
from stancewire.labels import ORDER, Label
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training.evaluate import Evaluation, evaluate
from stancewire.training.metrics import IntArray, figures, resamples
from stancewire.training.slices import interval, members, weights_of

METRICS = (
    "macro_f1", *(f"f1_{label.value}" for label in ORDER),
    "accuracy", "nll", "brier", "ece", "aurc",
)  # fmt: skip
LOWER_IS_BETTER = frozenset({"nll", "brier", "ece", "aurc"})

Kind = Literal["fixed", "broken", "other"]


@dataclass(frozen=True)
class Difference:
    """One figure of both models; 95 % bounds of B − A from a paired bootstrap over statements."""

    name: str
    a: float
    b: float
    low: float
    high: float
    pairs: int
    lower_is_better: bool = False

    @property
    def moved(self) -> bool:
        """The interval leaves zero out."""
        return self.low > 0 or self.high < 0

    @property
    def improved(self) -> bool:
        """B is measured better than A, whatever the interval says."""
        return (self.b < self.a) if self.lower_is_better else (self.b > self.a)


@dataclass(frozen=True)
class Change:
    """A record that A and B label differently."""

    record: Record
    kind: Kind
    """`fixed`: wrong → right; `broken`: right → wrong; `other`: wrong both times."""
    a: Label
    b: Label
    confidence_a: float
    confidence_b: float


@dataclass(frozen=True)
class Comparison:
    """A and B on one list of records."""

    a: str
    b: str
    where: str
    """Corpus and split."""
    pairs: int
    statements: int
    metrics: tuple[Difference, ...]
    slices: tuple[Difference, ...]
    """Accuracy by slice, in the order of their names."""
    changes: tuple[Change, ...]
    """Broken first, then fixed, then other; within each the surest answers of B first."""

    @property
    def moved(self) -> list[Difference]:
        """Slices whose interval leaves zero out, the worst loss first."""
        return sorted((s for s in self.slices if s.moved), key=lambda s: s.b - s.a)

    def count(self, kind: Kind) -> int:
        """How many labels changed in that way."""
        return sum(change.kind == kind for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data, texts included."""
        return {
            "a": self.a,
            "b": self.b,
            "where": self.where,
            "pairs": self.pairs,
            "statements": self.statements,
            "metrics": {d.name: _plain(d) for d in self.metrics},
            "slices": {d.name: _plain(d) for d in self.slices},
            "changes": [_plain_change(change) for change in self.changes],
        }


def compare_models(
    a: str,
    b: str,
    *,
    source: str = "press",
    split: Literal["dev", "test"] = "test",
    mirror: Path | None = None,
    only_tag: str | None = None,
    threads: int = 1,
) -> Comparison:
    """Both models on a split of a corpus; see `open_model` for what names a model.

    Raises `DataError` if the corpus cannot be read, `BundleError` if a bundle is missing or
    broken, and `RegistryError` if the registry is away or has no such version.
    """
    data = corpus.load(source, mirror=mirror, only_tag=only_tag, needed=(split,))
    records = data.dev if split == "dev" else data.test
    with TemporaryDirectory() as folder:
        opened = [open_model(ref, Path(folder) / name) for ref, name in ((a, "a"), (b, "b"))]
        first, second = (
            evaluate(name, Predictor.load(bundle, threads=threads), records)
            for name, bundle in opened
        )
    where = f"{source}, {split}" + (f", tag {only_tag}" if only_tag else "")
    return compare(first, second, where=where)


def open_model(ref: str, folder: Path) -> tuple[str, Bundle]:
    """Name and verified bundle of `ref`: a folder, or a version of the registry.

    A version is a number, "latest" or an alias such as "champion", and is downloaded to `folder`. A
    folder that holds a manifest goes first; `./7` is never a version.
    """
    path = Path(ref)
    if (path / MANIFEST).is_file() or path.is_dir() or len(path.parts) > 1 or ref.startswith("."):
        bundle = Bundle.open(path)
        bundle.verify()
        return ref, bundle
    from stancewire.training.registry import Registry

    registry = Registry()
    alias = registry.aliases().get(ref)
    number = str(registry.version(alias or ref).version)
    folder.mkdir(parents=True, exist_ok=True)
    return f"version {number}" + (f" (@{ref})" if alias else ""), registry.bundle(number, folder)


def compare(
    a: Evaluation, b: Evaluation, *, where: str, seed: int = 13, rounds: int = 1000
) -> Comparison:
    """Compare two evaluations of the same records, on the same resampled statements.

    Raises `DataError` if the records differ or there are none.
    """
    wanted = [(r.id, r.stance) for r in a.records]
    if not wanted or [(r.id, r.stance) for r in b.records] != wanted:
        raise DataError(f"{a.name} and {b.name} were not evaluated on the same records")
    draws = resamples(a.statements, seed=seed, rounds=rounds)
    return Comparison(
        a=a.name,
        b=b.name,
        where=where,
        pairs=len(a.records),
        statements=len(set(a.statements)),
        metrics=tuple(_metrics(a, b, draws)),
        slices=tuple(_slices(a, b, draws)),
        changes=tuple(_changes(a, b)),
    )


def _metrics(a: Evaluation, b: Evaluation, draws: Sequence[IntArray]) -> list[Difference]:
    differences = defaultdict(list)
    for items in draws:
        one, other = (figures(e.gold[items], e.probabilities[items]) for e in (a, b))
        for name in METRICS:
            differences[name].append(other[name] - one[name])
    found = []
    for name in METRICS:
        low, high = np.quantile(differences[name], [0.025, 0.975])
        values = (a.figures[name], b.figures[name], float(low), float(high))
        found.append(Difference(name, *values, len(a.records), name in LOWER_IS_BETTER))
    return found


def _slices(a: Evaluation, b: Evaluation, draws: Sequence[IntArray]) -> list[Difference]:
    weights = weights_of(draws, len(a.records))
    right_a, right_b = ((e.predicted == e.gold).astype(np.float64) for e in (a, b))
    found = []
    for name, items in members(a).items():
        one, other = right_a[items], right_b[items]
        low, high = interval(weights[:, items], other - one)
        values = (float(one.mean()), float(other.mean()), low, high)
        found.append(Difference(name, *values, len(items)))
    return found


def _changes(a: Evaluation, b: Evaluation) -> list[Change]:
    changed = np.flatnonzero(a.predicted != b.predicted)
    order: Mapping[Kind, int] = {"broken": 0, "fixed": 1, "other": 2}
    found = [_change(a, b, int(index)) for index in changed]
    return sorted(found, key=lambda change: (order[change.kind], -change.confidence_b))


def _change(a: Evaluation, b: Evaluation, index: int) -> Change:
    before, after, gold = a.predicted[index], b.predicted[index], a.gold[index]
    kind: Kind = "fixed" if after == gold else "broken" if before == gold else "other"
    return Change(
        record=a.records[index],
        kind=kind,
        a=ORDER[before],
        b=ORDER[after],
        confidence_a=float(a.probabilities[index].max()),
        confidence_b=float(b.probabilities[index].max()),
    )


def _plain(d: Difference) -> dict[str, Any]:
    return {"a": d.a, "b": d.b, "interval": [d.low, d.high], "pairs": d.pairs, "moved": d.moved}


def _plain_change(change: Change) -> dict[str, Any]:
    return {
        "id": change.record.id,
        "kind": change.kind,
        "text": change.record.text,
        "target": change.record.target,
        "gold": change.record.stance.value,
        "a": {"label": change.a.value, "confidence": change.confidence_a},
        "b": {"label": change.b.value, "confidence": change.confidence_b},
    }
