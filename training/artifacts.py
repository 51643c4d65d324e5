"""The files that a tracked run leaves beside its model."""

import csv
import json
from importlib.metadata import distributions
from pathlib import Path

from stancewire.data.mixture import MANIFEST
from stancewire.labels import ORDER
from stancewire.training.card import card
from stancewire.training.evaluate import Evaluation
from stancewire.training.pictures import (
    confusion_matrix,
    reliability_diagram,
    risk_coverage_curve,
)
from stancewire.training.pipeline import Result, summary
from stancewire.training.recipe import dump

CARD = "MODEL_CARD.md"
"""Of every run, beside its bundle and in MLflow."""


def write_artifacts(result: Result, folder: Path) -> None:
    """Write report, recipe, card, environment, pictures and predictions into `folder`."""
    texts = {
        "report.json": json.dumps(summary(result), indent=2) + "\n",
        "recipe.yaml": dump(result.recipe),
        CARD: card(result),
        MANIFEST: result.manifest.to_json(),
        "environment.txt": "\n".join(environment()) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for split, (model, *_) in result.evaluations.items():
        title = f"{result.recipe.name}, {split}"
        (folder / f"{split}_confusion.png").write_bytes(confusion_matrix(model, title))
        (folder / f"{split}_reliability.png").write_bytes(reliability_diagram(model, title))
        (folder / f"{split}_risk_coverage.png").write_bytes(risk_coverage_curve(model, title))
        _write_predictions(model, folder / f"{split}_predictions.csv")


def environment() -> list[str]:
    """Installed distributions as `name==version`, sorted."""
    return sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions()})


def _write_predictions(evaluation: Evaluation, path: Path) -> None:
    """Ids, labels and probabilities; the texts stay where the records are."""
    header = ["id", "gold", "label", *(f"p_{label.value}" for label in ORDER), "abstained"]
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(header)
        for i, record in enumerate(evaluation.records):
            label = ORDER[evaluation.predicted[i]]
            probabilities = (repr(float(p)) for p in evaluation.probabilities[i])
            abstained = str(evaluation.abstained[i]).lower()
            rows.writerow([record.id, record.stance.value, label.value, *probabilities, abstained])
