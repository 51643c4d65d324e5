"""Latency and memory on this machine, in turns with a peer: what slows both is the machine."""

import time
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from stancewire.bundle import Bundle, Precision
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training.gate.config import CostLimits
from stancewire.training.gate.evidence import Absent, Cost
from stancewire.training.gate.parity import has_both
from stancewire.training.gate.verdict import Check, at_most, cannot, not_asked
from stancewire.training.gate.weigh import peak_mib

STATEMENTS = 24
"""Quotes that are timed, each with its targets; the first ones of the judged split."""
TURNS = 3
"""How often each is timed for both, after once for warmth."""
LATENCY, LATENCY_RATIO = "latency", "latency against its peer"
MEMORY, MEMORY_RATIO = "memory", "memory against its peer"

Quote = tuple[StancePair, ...]
"""The pairs of one statement."""


def measure(bundle: Bundle, champion: Bundle | None, records: Sequence[Record]) -> Cost:
    """What one quote with its targets costs; one thread, as a service starts with.

    The peer is the champion if it is of the same sort, a network or a table; else the candidate's
    own fp32 graph if it serves int8. Raises `BundleError` if a process cannot be weighed.
    """
    quotes = sample(records)
    pairs = [pair for quote in quotes for pair in quote]
    served = bundle.manifest.precision
    name, peer, precision = _peer(bundle, champion)
    candidate = Predictor.load(bundle, threads=1)
    if peer is None:
        times = clock([candidate], quotes)
        return Cost(float(np.median(times)), peak_mib(bundle, pairs, served))
    times = clock([candidate, Predictor.load(peer, precision=precision, threads=1)], quotes)
    ours, theirs = (peak_mib(b, pairs, p) for b, p in ((bundle, served), (peer, precision)))
    return Cost(
        latency_ms=float(np.median(times[:, 0])),
        memory_mib=ours,
        peer=name,
        is_fp32=peer is bundle,
        latency_ratio=float(np.median(times[:, 0] / times[:, 1])),
        memory_ratio=ours / theirs,
    )


def clock(models: Sequence[Predictor], quotes: Sequence[Quote]) -> np.ndarray:
    """Milliseconds per quote (turns × quotes, models), the models taking turns at each quote.

    Of processor time: with one thread it is what an idle machine would take, and a busy one must
    not fail a model.
    """
    rows = []
    for turn in range(TURNS + 1):
        for quote in quotes:
            row = []
            for model in models:
                started = time.process_time()
                model.predict(quote)
                row.append(1000 * (time.process_time() - started))
            if turn:  # the first is for warmth
                rows.append(row)
    return np.array(rows)


def sample(records: Sequence[Record]) -> list[Quote]:
    """The first statements of the records, each with its targets."""
    ordered = sorted(records, key=lambda record: record.statement)
    groups = groupby(ordered, key=lambda record: record.statement)
    quotes = [tuple(record.pair for record in group) for _, group in groups]
    return quotes[:STATEMENTS]


def checks(found: Cost | Absent, limits: CostLimits) -> list[Check]:
    """Two checks of latency and two of memory: the budget, and against the peer."""
    if isinstance(found, Absent):
        return [cannot("cost", LATENCY, f"the cost cannot be measured: {found.why}")]
    quote = "milliseconds of processor time for one quote with its targets, one thread, median"
    process = "MiB at most in a process that loads the bundle and answers"
    budgets = [
        at_most("cost", LATENCY, found.latency_ms, limits.max_latency_ms, quote),
        at_most("cost", MEMORY, found.memory_mib, limits.max_memory_mib, process),
    ]
    return [*budgets, *_ratios(found, limits)]


def _ratios(found: Cost, limits: CostLimits) -> list[Check]:
    if found.peer is None or found.latency_ratio is None or found.memory_ratio is None:
        why = "there is no peer: no champion of the same sort, and no fp32 graph beside int8"
        return [not_asked("cost", name, why) for name in (LATENCY_RATIO, MEMORY_RATIO)]
    slower = limits.max_fp32_ratio if found.is_fp32 else limits.max_latency_ratio
    words = f"times that of {found.peer}, measured in turns with it"
    return [
        at_most("cost", LATENCY_RATIO, found.latency_ratio, slower, words),
        at_most("cost", MEMORY_RATIO, found.memory_ratio, limits.max_memory_ratio, words),
    ]


def _peer(bundle: Bundle, champion: Bundle | None) -> tuple[str, Bundle | None, Precision]:
    def is_table(one: Bundle) -> bool:
        return one.manifest.family == "tfidf"

    if champion is not None and is_table(champion) == is_table(bundle):
        return "the champion", champion, champion.manifest.precision
    if has_both(bundle):
        return "its own fp32 graph", bundle, "fp32"
    return "", None, "fp32"
