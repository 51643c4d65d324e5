"""A predictor's answers to the cases, and the failure rates that follow from them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import binomtest

from stancewire.predictor import Predictor, Stance
from stancewire.training.behaviour.cases import Case, Kind
from stancewire.training.behaviour.groups import Lean, leanings
from stancewire.training.behaviour.marks import Marks

EXAMPLES = 3
"""Failures shown of each capability: of different templates, as far as there are."""


@dataclass(frozen=True)
class Outcome:
    """What was answered to one case, one stance per pair."""

    case: Case
    stances: tuple[Stance, ...]

    @cached_property
    def failed(self) -> bool:
        """Whether the answers break the case's expectation."""
        return self.case.fails(self.stances)

    def to_dict(self) -> dict[str, Any]:
        """The case and its answers as plain data."""
        labels: Sequence[str | None] = self.case.labels or [None] * len(self.stances)
        answers = [
            {
                "text": pair.text,
                "target": pair.target,
                "expected": label,
                "label": stance.label,
                "score": round(stance.score, 4),
                "abstained": stance.abstained,
            }
            for pair, stance, label in zip(self.case.pairs, self.stances, labels, strict=True)
        ]
        return {"template": self.case.template, "moves": self.case.moves, "answers": answers}


@dataclass(frozen=True)
class Tally:
    """One capability: how often it fails."""

    capability: str
    kind: Kind
    cases: int
    failures: int
    rate: float
    low: float
    high: float
    """95 % interval of the rate (Wilson 1927), which takes the cases as independent."""
    unsure: int
    """Failures in which the model abstained on at least one of the answers."""
    movement: float
    """Mean over cases of the largest less the smallest score; 0 where a case has one answer."""


@dataclass(frozen=True)
class Report:
    """All outcomes of one predictor, in the order of the cases."""

    name: str
    outcomes: tuple[Outcome, ...] = field(repr=False)

    @cached_property
    def by_capability(self) -> Mapping[str, list[Outcome]]:
        """Outcomes of each capability."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.case.capability, []).append(outcome)
        return found

    @cached_property
    def tallies(self) -> list[Tally]:
        """One per capability, in the order of the suite."""
        return [_tally(name, outcomes) for name, outcomes in self.by_capability.items()]

    @cached_property
    def leanings(self) -> list[Lean]:
        """How each group of an invariance test pulls the score; see `groups`."""
        return leanings([(o.case, o.stances) for o in self.outcomes])

    @property
    def mean_rate(self) -> float:
        """Mean failure rate of the capabilities, each counted once."""
        return float(np.mean([tally.rate for tally in self.tallies]))

    @cached_property
    def marks(self) -> Marks:
        """Which cases failed: what two models are compared by."""
        failed = np.array([outcome.failed for outcome in self.outcomes], dtype=np.bool_)
        return Marks(self.name, tuple(outcome.case for outcome in self.outcomes), failed)

    @property
    def suite(self) -> str:
        """Which cases were asked."""
        return self.marks.suite

    def examples(self, capability: str, count: int = EXAMPLES) -> list[Outcome]:
        """Failures, at most `count`, first of templates not shown yet."""
        failed = [o for o in self.by_capability[capability] if o.failed]
        first = {o.case.template: o for o in reversed(failed)}
        rest = [o for o in failed if first[o.case.template] is not o]
        return [*reversed(first.values()), *rest][:count]

    def failed_cases(self, capability: str) -> list[int]:
        """Numbers, from 0 within the capability, of the cases that failed."""
        return [i for i, o in enumerate(self.by_capability[capability]) if o.failed]

    def to_dict(self, *, examples: int = EXAMPLES) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return {
            "bundle": self.name,
            "suite": self.suite,
            "cases": len(self.outcomes),
            "mean_failure_rate": self.mean_rate,
            "capabilities": [
                asdict(t)
                | {
                    "failed_cases": self.failed_cases(t.capability),
                    "examples": [o.to_dict() for o in self.examples(t.capability, examples)],
                }
                for t in self.tallies
            ],
            "groups": [asdict(lean) for lean in self.leanings],
        }

    def to_json(self, *, examples: int = EXAMPLES) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(examples=examples), ensure_ascii=False, indent=2) + "\n"


def run(predictor: Predictor, cases: Sequence[Case], *, name: str) -> Report:
    """Ask all cases of `predictor`; `name` identifies it in the report (a bundle's hash).

    What is measured is what is served: the calibrated answers of the `Predictor`.
    """
    pairs = [pair for case in cases for pair in case.pairs]
    stances = iter(predictor.predict(pairs))
    outcomes = tuple(Outcome(case, tuple(next(stances) for _ in case.pairs)) for case in cases)
    return Report(name, outcomes)


def _tally(name: str, outcomes: Sequence[Outcome]) -> Tally:
    failed = [o for o in outcomes if o.failed]
    interval = binomtest(len(failed), len(outcomes)).proportion_ci(method="wilson")
    spans = [np.ptp([stance.score for stance in o.stances]) for o in outcomes]
    return Tally(
        capability=name,
        kind=outcomes[0].case.kind,
        cases=len(outcomes),
        failures=len(failed),
        rate=len(failed) / len(outcomes),
        low=float(interval.low),
        high=float(interval.high),
        unsure=sum(any(stance.abstained for stance in o.stances) for o in failed),
        movement=float(np.mean(spans)),
    )
