"""Sections of the model card that are tables of figures."""

from collections.abc import Iterable, Sequence

from stancewire.labels import ORDER
from stancewire.training.behaviour.groups import gaps
from stancewire.training.behaviour.report import Report, Tally
from stancewire.training.behaviour.show import capabilities_markdown
from stancewire.training.evaluate import Evaluation
from stancewire.training.fairness import MIN_PAIRS, by_speaker, name_swaps
from stancewire.training.metrics import holds, mean_interval, set_figures
from stancewire.training.slices import Estimate, Slice, figures_by_slice

FIGURES = (
    "macro_f1", *(f"f1_{label.value}" for label in ORDER),
    "accuracy", "nll", "brier", "ece", "aurc",
)  # fmt: skip
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3)
"""Shares of the pairs at which the errors are shown."""
WORST = 10
"""Slices that are shown, those with the lowest accuracy first."""


def figures(split: str, evaluations: Sequence[Evaluation]) -> str:
    """Every metric of the model and its baselines on one split."""
    rows = []
    for one in evaluations:
        low, high = one.interval()
        values = [f"{one.figures[name]:.3f}" for name in FIGURES]
        rows.append([one.name, f"{low:.3f}–{high:.3f}", *values])
    return _table([split, "interval", *FIGURES], rows)


def slices(model: Evaluation) -> str:
    """The slices of test on which the model is least often right."""
    found = sorted(figures_by_slice(model), key=lambda one: one.accuracy.value)
    if not found:
        return "No part of the test split is large enough to be looked at by itself."
    rows = [[one.name, str(one.pairs), _share(one.accuracy)] for one in found[:WORST]]
    said = (
        f"Accuracy on the {len(rows)} slices of test where it is lowest, of {len(found)} with "
        "enough pairs; all are in `report.json`. The lowest of many is low by chance, too: read "
        "the 95 % intervals."
    )
    return f"{said}\n\n{_table(['slice', 'pairs', 'accuracy'], rows)}"


def speakers(model: Evaluation, report: Report | None) -> str:
    """Accuracy and leaning by country and kind of speaker, and what swapped names do."""
    found = by_speaker(model)
    if not found:
        told = "The records of the test split do not say who speaks, so nothing can be told."
    else:
        told = f"{_speakers_said(found)}\n\n{_speakers_table(found)}"
    if report is None:
        return f"{told}\n\nName swaps were not tested."
    return f"{told}\n\n{_swaps(report)}"


def behaviour(report: Report | None) -> str:
    """Failure rates of the behaviour tests."""
    if report is None:
        return "**Not tested**, as the recipe asked. The gate lets no such model pass."
    worst = sorted(report.tallies, key=lambda one: -one.rate)[:5]
    named = ", ".join(f"{one.capability} ({one.rate:.0%})" for one in worst)
    return (
        f"Short texts made from templates, each with one expectation that a fair reader would "
        f"share (`docs/behaviour.md`). It fails {report.mean_rate:.0%} of them, most of all: "
        f"{named}. Examples are in `behaviour.json`.\n\n{capabilities_markdown(report).strip()}"
    )


def refusal(model: Evaluation) -> str:
    """Errors by coverage, and what the label sets hold."""
    curve = model.risk_coverage
    risks = _table(
        ["answered", *(f"{coverage:.0%}" for coverage in COVERAGES)],
        [["errors among them", *(f"{curve.risk_at(coverage):.1%}" for coverage in COVERAGES)]],
    )
    if not model.label_sets:
        return f"{risks}\n\nThe model gives no label sets."
    rows = []
    for alpha, sets in model.label_sets.items():
        found = set_figures(model.gold, sets)
        held = holds(model.gold, sets).astype(float)
        covered = Estimate(found["coverage"], *mean_interval(held, model.statements, seed=0))
        single = f"{found['single']:.0%}"
        rows.append([f"{1 - alpha:.0%}", _share(covered), f"{found['size']:.2f}", single])
    heads = ["label sets: wanted", "hold the gold label", "mean size", "single labels"]
    return f"{risks}\n\n{_table(heads, rows)}"


def _speakers_said(found: Sequence[Slice]) -> str:
    tilted = [one for one in found if _excludes_zero(one.favor) or _excludes_zero(one.against)]
    return (
        "How often the model is right, and how much oftener it says favor (against) than the gold "
        f"labels do, in points, by who speaks: every country and kind with at least {MIN_PAIRS} "
        f"pairs of test. A leaning whose 95 % interval leaves zero out is bold: {len(tilted)} of "
        f"{len(found)} rows have one; of as many equal ones about {0.1 * len(found):.0f} would."
    )


def _speakers_table(found: Sequence[Slice]) -> str:
    rows = [
        [one.name, str(one.pairs), _share(one.accuracy), _lean(one.favor), _lean(one.against)]
        for one in found
    ]
    return _table(["speaker", "pairs", "accuracy", "favor", "against"], rows)


def _swaps(report: Report) -> str:
    apart = gaps(report.leanings)

    def row(one: Tally) -> list[str]:
        rate = f"{one.rate:.1%} ({100 * one.low:.1f}–{100 * one.high:.1f})"
        return [one.capability, str(one.cases), rate, f"{apart.get(one.capability, 0.0):.3f}"]

    said = "Where only the speaker changes, the label must not. How often it does all the same:"
    heads = ["swapped", "cases", "label changes", "largest gap of scores"]
    return f"{said}\n\n{_table(heads, [row(one) for one in name_swaps(report)])}"


def _share(one: Estimate) -> str:
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _lean(one: Estimate) -> str:
    told = f"{100 * one.value:+.0f} ({100 * one.low:+.0f} to {100 * one.high:+.0f})"
    return f"**{told}**" if _excludes_zero(one) else told


def _excludes_zero(one: Estimate) -> bool:
    return one.low > 0 or one.high < 0


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
