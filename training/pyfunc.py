"""MLflow's pyfunc over a bundle. MLflow stores this file's text beside the bundle: no pickle.

It is logged by path ("models from code") and only read by MLflow; nothing else imports it.
"""

from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from stancewire.labels import ORDER
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor

COLUMNS = [
    "label", "score", "confidence", *(f"p_{label.value}" for label in ORDER),
    "abstained", "truncated",
]  # fmt: skip


class StancePyfunc(PythonModel):
    """Rows of `text` and `target` in, one stance per row out, in their order."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle that lies beside this code."""
        self._predictor = Predictor.load(context.artifacts["bundle"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Exactly what `Predictor.predict` gives, as columns; raises `DataError` as it does."""
        rows = zip(model_input["text"], model_input["target"], strict=True)
        stances = self._predictor.predict([StancePair(text, target) for text, target in rows])
        return pd.DataFrame(
            [
                {
                    "label": stance.label.value,
                    "score": stance.score,
                    "confidence": stance.confidence,
                    **{f"p_{label.value}": stance.probabilities[label] for label in ORDER},
                    "abstained": stance.abstained,
                    "truncated": stance.truncated,
                }
                for stance in stances
            ],
            columns=COLUMNS,
        )


mlflow.models.set_model(StancePyfunc())  # how models-from-code says which object is the model
