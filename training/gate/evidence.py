"""All that the gate judges by, measured beforehand, so that judging is a pure function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stancewire.calibration import Calibration
from stancewire.data.mixture import Manifest
from stancewire.errors import Problem, StancewireError
from stancewire.training.behaviour.marks import Marks
from stancewire.training.evaluate import Evaluation

T = TypeVar("T")


@dataclass(frozen=True)
class Absent:
    """What could not be had, and why."""

    why: str


@dataclass(frozen=True)
class Provenance:
    """What is known of the data that a candidate was trained and is judged on."""

    frozen: tuple[Problem, ...]
    """What is wrong with the split that is judged on; nothing if it is the frozen one."""
    judged_sha256: str
    """Content hash of that split as it is."""
    manifest: Manifest | Absent
    digest: str | None
    """Of the manifest, as the registered version says."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """What the bundle's own manifest says of where it comes from."""
    held_out: list[dict[str, Any]] | Absent = field(default_factory=list)
    """What training looked for and found of judged splits in its data; see `data.leaks`."""


@dataclass(frozen=True)
class Parity:
    """int8 against fp32 on the judged split."""

    flips: float
    """Share of labels that change."""
    f1_drop: float
    """By how much macro-F1 falls; below 0 it rises."""


@dataclass(frozen=True)
class Cost:
    """What answering costs here and now, beside a peer measured in turns with the candidate."""

    latency_ms: float
    memory_mib: float
    peer: str | None = None
    """Which; none if there is nothing to compare with."""
    is_fp32: bool = False
    """The peer is the candidate's own fp32 graph."""
    latency_ratio: float | None = None
    memory_ratio: float | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything about one candidate."""

    candidate: Evaluation
    baselines: Mapping[str, Evaluation | Absent]
    champion: Evaluation | Absent
    provenance: Provenance
    calibration: Calibration
    behaviour: Marks | Absent
    champion_behaviour: Marks | Absent
    parity: Parity | Absent | None
    """None where int8 is not served."""
    cost: Cost | Absent
    judged_on: str = "test"


def measured(what: Callable[[], T]) -> T | Absent:
    """What a measurement gives, or why it failed: one that fails must not hide the others."""
    try:
        return what()
    except (StancewireError, OSError) as error:
        return Absent(f"{type(error).__name__}: {error}")
