"""The promotion gate as a pure function: evaluations in, a verdict with numbers out.

`docs/promotion.md` explains what each check means and what it cannot see.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import Field, ValidationError

from stancewire.data.sources import Frozen
from stancewire.errors import ConfigError, DataError, Problem
from stancewire.training.evaluate import Evaluation
from stancewire.training.metrics import macro_f1, resamples

Baseline = Literal["majority", "tfidf", "text-only", "target-only", "frozen"]
CONFIG = Path("experiments/gate.yaml")


class GateConfig(Frozen):
    """What a candidate must show on the frozen test split. Margins are in macro-F1, from 0 to 1."""

    # Baseline → by how much it must be exceeded. A transformer that does not beat counting words
    # has learnt nothing from them; any positive distance is asked for, not a certain one, because
    # these three are far below any useful model.
    must_beat: Mapping[Baseline, float] = Field(default={"majority": 0.0, "tfidf": 0.0})
    # Baseline → by how much a candidate may stay below it. The frozen encoder is itself a family
    # that may be promoted, so it must be able to tie with itself.
    may_tie: Mapping[Baseline, float] = Field(default={"frozen": 0.0})
    # How much worse than the champion a candidate may at most plausibly be: some hundreds of test
    # pairs cannot show less (docs/promotion.md has the numbers). Above 0, or an equal would fail.
    champion_margin: float = Field(default=0.03, gt=0, lt=1)
    rounds: int = Field(default=2000, ge=100)  # between seeds the bound then moves by 0.05 points
    confidence: float = Field(default=0.95, gt=0.5, lt=1)  # one-sided
    seed: int = Field(default=13, ge=0)  # one candidate, one verdict


@dataclass(frozen=True)
class Check:
    """One thing that was asked: passed if `observed` is above (or, in a tie, at) `required`."""

    name: str
    passed: bool
    observed: float | None
    required: float | None
    detail: str


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may serve, and every number that says so."""

    candidate: str
    pairs: int
    statements: int
    macro_f1: Mapping[str, float]
    """Of the candidate, every baseline and the champion, by name."""
    checks: tuple[Check, ...]
    config: GateConfig

    @property
    def passed(self) -> bool:
        """Every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {
            "passed": self.passed,
            "candidate": self.candidate,
            "pairs": self.pairs,
            "statements": self.statements,
            "macro_f1": {name: round(value, 6) for name, value in self.macro_f1.items()},
            "checks": [asdict(check) for check in self.checks],
            "config": self.config.model_dump(mode="json"),
        }

    def markdown(self) -> str:
        """The verdict for people."""
        lines = [
            f"# {self.candidate}: {'passed' if self.passed else 'refused'}",
            "",
            f"{self.pairs} test pairs of {self.statements} statements.",
            "",
            "| check | | observed | required | |",
            "|---|---|---|---|---|",
        ]
        for c in self.checks:
            sign = "yes" if c.passed else "**no**"
            numbers = f"{_number(c.observed)} | {_number(c.required)}"
            lines.append(f"| {c.name} | {sign} | {numbers} | {c.detail} |")
        lines += ["", "| model | macro-F1 |", "|---|---|"]
        lines += [f"| {name} | {value:.4f} |" for name, value in self.macro_f1.items()]
        return "\n".join(lines) + "\n"


def load_config(path: Path | None = None) -> GateConfig:
    """The config in `path`; without one, `experiments/gate.yaml` if it is there, else the defaults.

    Raises `ConfigError` listing every unknown key and every value out of range.
    """
    if path is None and not CONFIG.is_file():
        return GateConfig()
    path = path or CONFIG
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return GateConfig.model_validate({} if content is None else content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    except ValidationError as error:
        problems = [
            Problem(str(path), ".".join(map(str, e["loc"])), f"{e['msg']}; found {e['input']!r}")
            for e in error.errors()
        ]
        raise ConfigError(f"{path} is not a gate's config", problems) from error


def judge(
    candidate: Evaluation,
    baselines: Mapping[str, Evaluation],
    champion: Evaluation | None,
    config: GateConfig,
    *,
    no_champion: str = "there is no champion yet",
) -> Verdict:
    """Judge `candidate` on the records that all evaluations share.

    `no_champion` says why `champion` is none. Raises `DataError` if the records differ, and
    `ConfigError` if the config names a baseline that was not evaluated.
    """
    others = {**baselines, **({"champion": champion} if champion else {})}
    _same_records(candidate, others)
    missing = sorted({*config.must_beat, *config.may_tie} - set(baselines))
    if missing:
        raise ConfigError(f"the gate asks for baseline(s) not evaluated: {', '.join(missing)}")
    checks = [_beats(candidate, n, baselines[n], by) for n, by in config.must_beat.items()]
    checks += [_ties(candidate, n, baselines[n], by) for n, by in config.may_tie.items()]
    if champion is None:
        checks.append(Check("champion", True, None, None, f"not compared: {no_champion}"))
    else:
        checks.append(_not_inferior(candidate, champion, config))
    return Verdict(
        candidate=candidate.name,
        pairs=len(candidate.records),
        statements=len(set(candidate.statements)),
        macro_f1={
            "candidate": candidate.figures["macro_f1"],
            **{name: e.figures["macro_f1"] for name, e in others.items()},
        },
        checks=tuple(checks),
        config=config,
    )


def lower_bound(candidate: Evaluation, champion: Evaluation, config: GateConfig) -> float:
    """One-sided lower bound of the macro-F1 difference, from a paired bootstrap over statements.

    Both models are scored on the same resampled statements, so that what is hard for both cancels.
    """
    gold = candidate.gold
    differences = [
        macro_f1(gold[i], candidate.predicted[i]) - macro_f1(gold[i], champion.predicted[i])
        for i in resamples(candidate.statements, seed=config.seed, rounds=config.rounds)
    ]
    return float(np.quantile(differences, 1 - config.confidence))


def _beats(candidate: Evaluation, name: str, baseline: Evaluation, by: float) -> Check:
    observed, required = candidate.figures["macro_f1"], baseline.figures["macro_f1"] + by
    detail = "macro-F1 must be above the baseline's" + (f" by more than {by}" if by else "")
    return Check(name, observed > required, observed, required, detail)


def _ties(candidate: Evaluation, name: str, baseline: Evaluation, by: float) -> Check:
    observed, required = candidate.figures["macro_f1"], baseline.figures["macro_f1"] - by
    detail = "macro-F1 must reach the baseline's" + (f" less {by}" if by else "")
    return Check(name, observed >= required, observed, required, detail)


def _not_inferior(candidate: Evaluation, champion: Evaluation, config: GateConfig) -> Check:
    bound = lower_bound(candidate, champion, config)
    difference = candidate.figures["macro_f1"] - champion.figures["macro_f1"]
    detail = (
        f"macro-F1 differs from {champion.name} by {difference:+.4f}; "
        f"lower {config.confidence:.0%} bound must be above the margin"
    )
    required = -config.champion_margin
    return Check("champion", bound > required, bound, required, detail)


def _same_records(candidate: Evaluation, others: Mapping[str, Evaluation]) -> None:
    wanted = [(r.id, r.stance) for r in candidate.records]
    if not wanted:
        raise DataError("there is no record to judge on")
    different = [n for n, e in others.items() if [(r.id, r.stance) for r in e.records] != wanted]
    if different:
        raise DataError(f"not evaluated on the candidate's records: {', '.join(different)}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
