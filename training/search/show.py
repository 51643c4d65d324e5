"""What a search has found, as tables for a terminal."""

from optuna.trial import FrozenTrial, TrialState
from rich.table import Table
from rich.text import Text

from stancewire.training.search.study import Found, settled

SHOWN = 20
"""Trials in the table; all are in the study and in MLflow."""


def tables(found: Found) -> list[Table]:
    """The trials, best first; then, if enough of them are complete, what mattered."""
    return [_trials(found), *([_importance(found)] if found.importance else [])]


def _trials(found: Found) -> Table:
    counted = settled(found.trials)
    ordered = sorted(counted, key=_rank)
    states = [one.state for one in counted]
    said = ", ".join(
        f"{states.count(state)} {state.name.lower()}" for state in TrialState if state in states
    )
    table = Table(title=f"{found.search.config.name}: {len(counted)} trials ({said})")
    table.title_justify = "left"
    for head in ("trial", "state", "dev macro-F1", "epochs", "minutes"):
        table.add_column(head, justify="left" if head == "state" else "right")
    for path in found.search.config.space:
        table.add_column(path, justify="right", overflow="fold")
    for trial in ordered[:SHOWN]:
        is_best = found.best is not None and trial.number == found.best.number
        table.add_row(*_cells(trial, found), style="bold" if is_best else None)
    if len(ordered) > SHOWN:
        table.caption = f"and {len(ordered) - SHOWN} more"
    return table


def _importance(found: Found) -> Table:
    table = Table(title="what dev macro-F1 depends on (fANOVA, complete trials)")
    table.title_justify = "left"
    table.add_column("value")
    table.add_column("share", justify="right")
    for path, share in found.importance.items():
        table.add_row(Text(path), f"{share:.0%}")
    return table


def _rank(trial: FrozenTrial) -> tuple[bool, float]:
    """Complete trials first, by dev macro-F1; a pruned one's is of its last epoch."""
    return trial.state != TrialState.COMPLETE, -(trial.value or 0.0)


def _cells(trial: FrozenTrial, found: Found) -> list[Text]:
    took = trial.duration.total_seconds() / 60 if trial.duration else 0.0
    cells = [
        str(trial.number),
        trial.state.name.lower(),
        "" if trial.value is None else f"{100 * trial.value:.1f}",
        str(len(trial.intermediate_values) or ""),
        f"{took:.1f}",
        *(_value(trial.params.get(path, "")) for path in found.search.config.space),
    ]
    return [Text(cell) for cell in cells]


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
