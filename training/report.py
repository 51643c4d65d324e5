"""A run's report as tables for a terminal: the model beside its baselines, split by split."""

from rich.table import Table

from stancewire.labels import ORDER
from stancewire.training.evaluate import Evaluation
from stancewire.training.pipeline import Result

COLUMNS = (
    "model", "macro-F1", "95 %", *(f"F1 {label.value}" for label in ORDER),
    "accuracy", "NLL", "Brier", "ECE", "coverage",
)  # fmt: skip


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
        f"{figures['coverage']:.0%}",
    ]


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
