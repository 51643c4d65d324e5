"""Behaviour tests: none of the capabilities may be worse than the champion's."""

from stancewire.training.behaviour.compare import CONFIDENCE, compare
from stancewire.training.behaviour.marks import Marks
from stancewire.training.gate.evidence import Absent
from stancewire.training.gate.verdict import Check, at_most, cannot, not_asked


def checks(candidate: Marks | Absent, champion: Marks | Absent) -> list[Check]:
    """One check: a report is there, and no capability got worse."""
    if isinstance(candidate, Absent):
        return [cannot("behaviour", "behaviour", f"there is no usable report: {candidate.why}")]
    rate = f"{candidate.failed.mean():.1%} of {len(candidate.cases)} cases fail"
    if isinstance(champion, Absent):
        return [not_asked("behaviour", "behaviour", f"{rate}; not compared: {champion.why}")]
    found = compare(candidate, champion)
    named = ", ".join(found.worse) or "no capability is worse"
    words = (
        f"{named}, at {CONFIDENCE:.0%} each; {rate}, of the champion's answers "
        f"{champion.failed.mean():.1%}"
    )
    return [at_most("behaviour", "behaviour", len(found.worse), 0, words)]
