"""Behaviour tests of a run, written to its MLflow run."""

from pathlib import Path
from typing import TYPE_CHECKING

from stancewire.bundle import Bundle
from stancewire.predictor import Predictor
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.groups import gaps
from stancewire.training.behaviour.report import Report, run
from stancewire.training.behaviour.show import markdown

if TYPE_CHECKING:
    from mlflow import MlflowClient

REPORT = "behaviour.json"
PAGE = "BEHAVIOUR.md"


def of_bundle(bundle: Bundle, *, threads: int = 1) -> Report:
    """The whole suite, at its own seed and size, asked of a bundle."""
    return run(Predictor.load(bundle, threads=threads), expand(), name=bundle.sha256)


def metrics(report: Report) -> dict[str, float]:
    """Figures by MLflow name: `behaviour/negation`, `behaviour_gap/country`, and the mean."""
    return {
        "behaviour_mean_failure_rate": report.mean_rate,
        **{f"behaviour/{tally.capability}": tally.rate for tally in report.tallies},
        **{f"behaviour_gap/{name}": gap for name, gap in gaps(report.leanings).items()},
    }


def write(report: Report, folder: Path) -> None:
    """Write `behaviour.json` and `BEHAVIOUR.md` into `folder`; all texts in them are templates."""
    (folder / REPORT).write_text(report.to_json(), encoding="utf-8")
    (folder / PAGE).write_text(f"# Behaviour\n\n{markdown(report)}", encoding="utf-8")


def log(client: "MlflowClient", run_id: str, report: Report) -> None:
    """Write figures and files to a run that is open or done."""
    import time

    from mlflow.entities import Metric

    now = int(1000 * time.time())
    rows = [Metric(name, value, now, 0) for name, value in metrics(report).items()]
    client.log_batch(run_id, metrics=rows)
    client.log_text(run_id, report.to_json(), REPORT)
    client.log_text(run_id, f"# Behaviour\n\n{markdown(report)}", PAGE)
