"""What a run's training, that before its first weights included, gives away of judged splits."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancewire.data.corpus import Corpus
from stancewire.data.leaks import leaks
from stancewire.training import weights
from stancewire.training.stages import Prepared

UNKNOWN = "nobody knows what the first weights were trained on"


def held_out(data: Corpus, stages: Sequence[Prepared], init: Path | None) -> list[dict[str, Any]]:
    """Leaks of the main training and its stages (see `data.leaks`), and those told by `init`'s run.

    Weights whose run left no report, or one of a time before there was this, count as a leak.
    """
    trained = [*data.train, *(record for one in stages for record in one.corpus.train)]
    found = leaks(trained, data)
    if init is None:
        return found
    earlier = {one["sha256"]: one["leaked"] for one in _told(init)}
    return [{**one, "leaked": one["leaked"] | _before(earlier.get(one["sha256"]))} for one in found]


def _before(leaked: dict[str, int] | None) -> dict[str, int]:
    if leaked is None:
        return {UNKNOWN: 1}
    return {f"before the first weights: {reason}": n for reason, n in leaked.items()}


def _told(init: Path) -> list[dict[str, Any]]:
    """What the report beside the weights says, if it is theirs."""
    try:
        report = json.loads((init.parent / "report.json").read_bytes())
        told = report["held_out"] if report["weights"] == weights.sha256(init) else []
        return [one for one in told if {"sha256", "leaked"} <= one.keys()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
