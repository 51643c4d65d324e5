"""A verdict as one HTML page that needs nothing else."""

from html import escape

from stancewire.training.gate.verdict import Check, Said, Verdict
from stancewire.training.page import document, row, table

STYLES: dict[Said, str] = {"passed": "better", "failed": "worse", "not asked": "quiet"}


def page(verdict: Verdict) -> str:
    """The whole page. Every word that comes from data, a name or a person is escaped."""
    title = f"{verdict.candidate}: {'passed' if verdict.passed else 'refused'}"
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(said(verdict))}</p>"]
    if verdict.reason:
        parts.append(f"<p>Reason recorded: {escape(verdict.reason)}</p>")
    head = row("th", ("part", "check", "measured", "limit", "in words", ""), numbers=(2, 3))
    parts += ["<h2>Checks</h2>", table(head, map(_check, verdict.checks))]
    figures = [row("td", (n, f"{v:.4f}"), numbers=(1,)) for n, v in verdict.macro_f1.items()]
    parts += ["<h2>Macro-F1</h2>", table(row("th", ("model", "macro-F1"), numbers=(1,)), figures)]
    return document(title, parts)


def said(verdict: Verdict) -> str:
    """The outcome in plain words."""
    against = f"against {verdict.champion}" if verdict.champion else "without a champion"
    if verdict.passed:
        outcome = "No check refuses it."
    else:
        names = ", ".join(check.name for check in verdict.failed)
        outcome = f"Refused by {len(verdict.failed)} of {len(verdict.checks)} checks: {names}."
    dry = " This was a dry run: it changed nothing." if verdict.mode == "dry-run" else ""
    return (
        f"{verdict.candidate} {against}, on {verdict.pairs} pairs of {verdict.statements} "
        f"statements ({verdict.judged_on}). {outcome}{dry}"
    )


def number(value: float | None) -> str:
    """A figure of any size, in a few digits; empty if there is none."""
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 10 and value != int(value) else f"{value:.6g}"


def _check(check: Check) -> str:
    cells = (check.family, check.name, number(check.measured), number(check.limit), check.words)
    style = STYLES[check.verdict]
    return row("td", (*cells, check.verdict), numbers=(2, 3), last=style)
