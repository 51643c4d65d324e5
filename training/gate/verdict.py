"""What the gate says: one check after another, and the verdict over all of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from stancewire.training.gate.config import GateConfig

Family = Literal[
    "data", "metrics", "calibration", "behaviour", "parity", "cost", "champion"
]  # fmt: skip
Said = Literal["passed", "failed", "not asked"]
Mode = Literal["dry-run", "enforce"]


@dataclass(frozen=True)
class Check:
    """One thing that was asked of the candidate."""

    family: Family
    name: str
    verdict: Said
    measured: float | None
    limit: float | None
    words: str
    """What was asked and what was found, for a person."""


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may serve, and every number that says so."""

    candidate: str
    champion: str | None
    """What it was compared with; none if there was nothing to compare with."""
    mode: Mode
    reason: str | None
    """Why it should serve without being shown better, in the words of whoever promotes it."""
    judged_on: str
    """Corpus and split."""
    pairs: int
    statements: int
    macro_f1: Mapping[str, float]
    """Of the candidate, every baseline and the champion, by name."""
    checks: tuple[Check, ...]
    config: GateConfig

    @property
    def passed(self) -> bool:
        """No check failed."""
        return not self.failed

    @property
    def failed(self) -> list[Check]:
        """Checks that refuse the candidate."""
        return [check for check in self.checks if check.verdict == "failed"]

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {
            "passed": self.passed,
            "candidate": self.candidate,
            "champion": self.champion,
            "mode": self.mode,
            "reason": self.reason,
            "judged_on": self.judged_on,
            "pairs": self.pairs,
            "statements": self.statements,
            "macro_f1": {name: round(value, 6) for name, value in self.macro_f1.items()},
            "checks": [asdict(check) for check in self.checks],
            "config": self.config.model_dump(mode="json"),
        }

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"


def said(passed: bool) -> Said:
    """In a word."""
    return "passed" if passed else "failed"


def at_most(family: Family, name: str, measured: float, limit: float, words: str) -> Check:
    """A check that passes up to its limit; what is not a number does not."""
    return Check(family, name, said(measured <= limit), measured, limit, words)


def not_asked(family: Family, name: str, words: str) -> Check:
    """A check that has nothing to look at, and why."""
    return Check(family, name, "not asked", None, None, words)


def cannot(family: Family, name: str, words: str) -> Check:
    """A check whose evidence is missing: what is not shown does not pass."""
    return Check(family, name, "failed", None, None, words)
