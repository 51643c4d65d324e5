"""A report and a comparison as tables: for a terminal, and as Markdown for a card or a page."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from stancewire.training.behaviour.cases import Kind
from stancewire.training.behaviour.compare import Change, Comparison
from stancewire.training.behaviour.groups import Lean, gaps
from stancewire.training.behaviour.report import Outcome, Report

_HEADS = ("capability", "kind", "cases", "failed", "rate", "95 %", "unsure", "movement")


def table(report: Report) -> Table:
    """One row per capability, and their mean."""
    made = Table(title=f"behaviour: suite {report.suite}", title_justify="left")
    for number, head in enumerate(_HEADS):
        made.add_column(head, justify="left" if number < 2 else "right")
    for row in _rows(report):
        made.add_row(*map(Text, row))
    made.add_section()
    made.add_row("mean of capabilities", "", "", "", f"{report.mean_rate:.1%}")
    return made


def groups_table(report: Report) -> Table:
    """One row per invariance test with groups: how far apart they are, and the two ends."""
    made = Table(title="what the speaker and the setting do to the score", title_justify="left")
    for head in ("capability", "gap", "most toward against", "most toward favor"):
        made.add_column(head, justify="right" if head == "gap" else "left")
    for name, gap in gaps(report.leanings).items():
        ordered = sorted(
            (one for one in report.leanings if one.capability == name), key=lambda one: one.lean
        )
        made.add_row(name, f"{gap:.3f}", *(_end(one) for one in (ordered[0], ordered[-1])))
    return made


def comparison_table(comparison: Comparison) -> Table:
    """One row per capability on which the two differ, and one for all cases."""
    made = Table(title="candidate against champion", title_justify="left")
    heads = ("capability", "candidate", "champion", "only candidate", "only champion", "99 %", "")
    for head in heads:
        made.add_column(head, justify="left" if head in ("capability", "") else "right")
    for change in comparison.changes:
        if change.only_candidate or change.only_champion:
            made.add_row(*_change(change))
    made.add_section()
    made.add_row(*_change(comparison.overall))
    return made


def failures(report: Report, count: int) -> Sequence[str]:
    """Lines that show failures, at most `count` of each capability."""
    return [
        line
        for tally in report.tallies
        for outcome in report.examples(tally.capability, count)
        for line in (f"{tally.capability}:", *_answers(outcome))
    ]


def markdown(report: Report) -> str:
    """The tables of capabilities and of groups, for an artifact."""
    return f"{capabilities_markdown(report)}\n{groups_markdown(report)}"


def capabilities_markdown(report: Report) -> str:
    """One row per capability, and their mean."""
    lines = [f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(report)]
    lines += [
        "",
        f"Mean failure rate of the capabilities: {report.mean_rate:.1%} (suite `{report.suite}`, "
        f"{len(report.outcomes)} cases).",
    ]
    return "\n".join(lines) + "\n"


def groups_markdown(report: Report) -> str:
    """One row per group of an invariance test: what it does to the score."""
    lines = ["| capability | group | lean | 95 % | apart |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.capability} | {one.group} | {one.lean:+.3f} | {one.low:+.3f}–{one.high:+.3f} | "
        f"{one.apart:.1%} |"
        for one in report.leanings
    ]
    return "\n".join(lines) + "\n"


def _rows(report: Report) -> list[list[str]]:
    return [
        [
            one.capability,
            one.kind.value,
            str(one.cases),
            str(one.failures),
            f"{one.rate:.1%}",
            f"{100 * one.low:.1f}–{100 * one.high:.1f}",
            str(one.unsure),
            "" if one.kind in (Kind.MINIMUM, Kind.SWAP) else f"{one.movement:.3f}",
        ]
        for one in report.tallies
    ]


def _end(one: Lean) -> str:
    return f"{one.group} ({one.lean:+.3f}, {one.low:+.3f} to {one.high:+.3f})"


def _change(change: Change) -> list[str]:
    said = "worse" if change.worse else "better" if change.better else ""
    return [
        change.capability,
        f"{change.candidate:.1%}",
        f"{change.champion:.1%}",
        str(change.only_candidate),
        str(change.only_champion),
        f"{100 * change.low:+.1f} to {100 * change.high:+.1f}",
        said,
    ]


def _answers(outcome: Outcome) -> list[str]:
    labels = outcome.case.labels
    lines = []
    for i, (pair, stance) in enumerate(zip(outcome.case.pairs, outcome.stances, strict=True)):
        expected = f", not {labels[i].value}" if labels and labels[i] is not stance.label else ""
        lines.append(
            f"  {pair.text!r} toward {pair.target!r}: "
            f"{stance.label.value} ({stance.score:+.2f}){expected}"
        )
    return lines if outcome.case.moves is None else [*lines, f"  must move {outcome.case.moves}"]
