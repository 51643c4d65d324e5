"""Judging as a pure function: evidence in, a verdict with numbers out."""

from stancewire.errors import DataError
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate import (
    behaviour,
    calibration,
    champion,
    cost,
    data,
    metrics,
    parity,
)
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.evidence import Absent, Evidence
from stancewire.training.gate.verdict import Check, Mode, Verdict


def judge(
    found: Evidence, config: GateConfig, *, mode: Mode = "enforce", reason: str | None = None
) -> Verdict:
    """Every check of `found`; none of them hides another.

    Raises `DataError` if the models did not answer the same records, or there are none.
    """
    reason = (reason or "").strip() or None
    others = _measured(found)
    _same_records(found.candidate, others)
    candidate = found.candidate
    return Verdict(
        candidate=candidate.name,
        champion=None if isinstance(found.champion, Absent) else found.champion.name,
        mode=mode,
        reason=reason,
        judged_on=found.judged_on,
        pairs=len(candidate.records),
        statements=len(set(candidate.statements)),
        macro_f1={
            "candidate": candidate.figures["macro_f1"],
            **{name: one.figures["macro_f1"] for name, one in others.items()},
        },
        checks=tuple(_checks(found, config, reason)),
        config=config,
    )


def _checks(found: Evidence, config: GateConfig, reason: str | None) -> list[Check]:
    return [
        *data.checks(found.provenance, config.data),
        *metrics.checks(found, config),
        *calibration.checks(found.calibration, found.candidate, config),
        *behaviour.checks(found.behaviour, found.champion_behaviour),
        *parity.checks(found.parity, config.parity),
        *cost.checks(found.cost, config.cost),
        *champion.checks(found.candidate, found.champion, reason, config),
    ]


def _measured(found: Evidence) -> dict[str, Evaluation]:
    everyone = {**found.baselines, "champion": found.champion}
    return {name: one for name, one in everyone.items() if not isinstance(one, Absent)}


def _same_records(candidate: Evaluation, others: dict[str, Evaluation]) -> None:
    wanted = [(r.id, r.stance) for r in candidate.records]
    if not wanted:
        raise DataError("there is no record to judge on")
    different = [n for n, e in others.items() if [(r.id, r.stance) for r in e.records] != wanted]
    if different:
        raise DataError(f"not evaluated on the candidate's records: {', '.join(different)}")
