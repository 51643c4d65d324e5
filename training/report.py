"""A run's report as tables for a terminal: the model beside its baselines, split by split."""

from rich.table import Table

from stancewire.labels import ORDER
from stancewire.training.evaluate import Evaluation
from stancewire.training.metrics import holds, mean_interval, set_figures
from stancewire.training.pipeline import Result

COLUMNS = (
    "model", "macro-F1", "95 %", *(f"F1 {label.value}" for label in ORDER),
    "accuracy", "NLL", "Brier", "ECE", "AURC", "coverage",
)  # fmt: skip
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Shares of the pairs, at which the errors of a model are shown."""


def tables(result: Result) -> list[Table]:
    """One table per split; then, for a family that is exported from a network, its parity."""
    found = [split_table(split, rows) for split, rows in result.evaluations.items()]
    if result.parity:
        found.append(parity_table(result))
    return found


def split_table(split: str, evaluations: list[Evaluation]) -> Table:
    """Figures of each model on one split, in percent where they are shares; the model first."""
    model = evaluations[0]
    title = f"{split}: {len(model.records)} pairs, {len(set(model.statements))} statements"
    table = Table(title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "model" else "right")
    for evaluation in evaluations:
        table.add_row(*row(evaluation), style="bold" if evaluation is model else None)
    return table


def row(evaluation: Evaluation) -> list[str]:
    """The cells of one model, in the order of `COLUMNS`."""
    figures = evaluation.figures
    low, high = evaluation.interval()
    return [
        evaluation.name,
        f"{100 * figures['macro_f1']:.1f}",
        f"{100 * low:.1f}–{100 * high:.1f}",
        *(f"{100 * figures[f'f1_{label.value}']:.1f}" for label in ORDER),
        f"{100 * figures['accuracy']:.1f}",
        f"{figures['nll']:.3f}",
        f"{figures['brier']:.3f}",
        f"{figures['ece']:.3f}",
        f"{figures['aurc']:.3f}",
        f"{figures['coverage']:.0%}",
    ]


def refusal_tables(evaluation: Evaluation) -> list[Table]:
    """What a model's "not sure" is worth: errors by coverage, and its label sets if it has any."""
    curve = evaluation.risk_coverage
    risks = Table(title=f"{evaluation.name}: errors by coverage")
    risks.title_justify = "left"
    cells = []
    for coverage in COVERAGES:
        risks.add_column(f"{coverage:.0%}", justify="right")
        cells.append(f"{curve.risk_at(coverage):.1%}")
    risks.add_row(*cells)
    return [risks, *([_sets_table(evaluation)] if evaluation.label_sets else [])]


def _sets_table(evaluation: Evaluation) -> Table:
    table = Table(title=f"{evaluation.name}: label sets", title_justify="left")
    for column in ("alpha", "wanted", "hold the gold label", "95 %", "mean size", "single labels"):
        table.add_column(column, justify="right")
    for alpha, sets in evaluation.label_sets.items():
        found = set_figures(evaluation.gold, sets)
        held = holds(evaluation.gold, sets).astype(float)
        low, high = mean_interval(held, evaluation.statements, seed=0)
        table.add_row(
            f"{alpha:g}",
            f"≥ {1 - alpha:.0%}",
            f"{found['coverage']:.1%}",
            f"{100 * low:.1f}–{100 * high:.1f}",
            f"{found['size']:.2f}",
            f"{found['single']:.1%}",
        )
    return table


def parity_table(result: Result) -> Table:
    """How far the exported graphs are from the network, beside what the recipe allows."""
    allowed = result.recipe.parity
    table = Table(title="export parity", title_justify="left")
    for column in ("check", "measured", "allowed"):
        table.add_column(column, justify="left" if column == "check" else "right")
    parity = result.parity
    table.add_row(
        "ONNX against torch, largest difference of a logit",
        f"{parity['parity_logit_difference']:.1e}",
        f"< {allowed.max_logit_difference:.0e}",
    )
    if "parity_flips" not in parity:  # the recipe asked for no int8
        return table
    table.add_row(
        "int8 against fp32, dev labels that change",
        f"{parity['parity_flips']:.2%}",
        f"≤ {allowed.max_flips:.2%}",
    )
    table.add_row(
        "int8 against fp32, fall of dev macro-F1 in points",
        f"{100 * parity['parity_f1_drop']:+.2f}",
        f"≤ {100 * allowed.max_f1_drop:.2f}",
    )
    return table
