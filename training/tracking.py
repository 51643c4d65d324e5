"""Writing a run to MLflow: what went in, how good it is, and the model as a registered version."""

import logging
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from stancewire.bundle import MANIFEST, Bundle
from stancewire.errors import RegistryError
from stancewire.labels import ORDER
from stancewire.training import energy
from stancewire.training.artifacts import CARD, write_artifacts
from stancewire.training.behaviour import track
from stancewire.training.card import in_short
from stancewire.training.pipeline import Result, machine
from stancewire.training.recipe import Recipe
from stancewire.training.registry import NAME, connect, experiment, reaching

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

_logger = logging.getLogger(__name__)

CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
"""Split → what MLflow calls its use."""
DIGEST_LENGTH = 32
"""MLflow takes at most 36 characters; the whole hash stands in the source and in the tags."""
MAX_PARAM = 6000
"""Characters that MLflow keeps of a parameter; a list of stages may be longer."""
REQUIREMENTS = ("stancewire", "mlflow", "numpy", "onnxruntime", "pandas", "pydantic", "tokenizers")
"""What the pyfunc needs; `stancewire` itself is installed from its repository or wheel."""

EXAMPLE = {
    "text": "We welcome the agreement, but we have never supported the tariff.",
    "target": "the tariff",
}
"""Input that is stored with the model, for people who look at it in MLflow."""


def log(result: Result, *, register: bool = True) -> str | None:
    """Write `result` as a finished run and give the number of the registered version.

    With `register` false the model is kept with the run but no version is made. No record's text
    or target is uploaded: data sets go by name and hash, predictions by record id (a TF-IDF bundle
    holds the words of its vocabulary). Raises `RegistryError` if MLflow cannot be used; whatever
    stops the writing, the run ends as FAILED.
    """
    with _run(result.recipe, tags(result)) as (client, run_id), TemporaryDirectory() as folder:
        _log_data(result)
        _log_metrics(client, run_id, result)
        write_artifacts(result, Path(folder))
        client.log_artifacts(run_id, folder)
        if result.behaviour is not None:
            track.log(client, run_id, result.behaviour)
        number = _log_model(result, register=register)
        if number is not None:
            client.update_model_version(NAME, number, description=_description(result, run_id))
        return number


def log_failure(recipe: Recipe, error: BaseException) -> None:
    """Write a FAILED run for a training that stopped with `error`, so that it leaves a trace.

    Only warns if MLflow cannot be used: the error to be told is the other one.
    """
    said = f"{type(error).__name__}: {error}"[:5000]
    try:
        client = connect()
        with reaching():
            run = client.create_run(
                experiment(client), tags={"error": said}, run_name=_run_name(recipe)
            )
            _log_params(client, run.info.run_id, recipe)
            client.set_terminated(run.info.run_id, "FAILED")
    except RegistryError as away:
        _logger.warning("the failed run was not logged: %s", away)


def tags(result: Result) -> dict[str, str]:
    """What identifies a run: tags of the run and of its version."""
    hardware = machine()
    return {
        "family": result.recipe.family,
        "recipe": result.recipe.name,
        "seed": str(result.recipe.seed),
        "git": str(result.bundle.manifest.made.get("git", "unknown")),
        "machine": f"{hardware['cpu']}; Python {hardware['python']}",
        "bundle_sha256": result.bundle.sha256,
        "corpus": result.corpus.name,
        "data.manifest": result.manifest.digest,
        **{f"data.{split}": digest for split, digest in result.corpus.hashes().items()},
    }


def metrics(result: Result) -> dict[str, float]:
    """All figures by name, such as `test_macro_f1` and `test_baseline_text_only_macro_f1`."""
    cost = energy.Cost(result.cpu_seconds)
    found = {
        "training_seconds": result.seconds,
        "training_cpu_seconds": cost.cpu_seconds,
        "training_kwh": cost.kwh,
        "training_grams_co2e": cost.grams,
        **result.parity,
    }
    for split, (model, *baselines) in result.evaluations.items():
        found |= {f"{split}_{name}": value for name, value in model.figures.items()}
        for baseline in baselines:
            name = baseline.name.replace("-", "_")
            found[f"{split}_baseline_{name}_macro_f1"] = baseline.figures["macro_f1"]
    return found


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings, with the path of each joined by dots."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@contextmanager
def _run(recipe: Recipe, tags: Mapping[str, str]) -> Iterator[tuple["MlflowClient", str]]:
    """An MLflow run: finished at the end, FAILED if anything is raised within."""
    client = connect()
    import mlflow

    with reaching():
        active = mlflow.start_run(
            experiment_id=experiment(client), run_name=_run_name(recipe), tags=dict(tags)
        )
        with active:
            _log_params(client, active.info.run_id, recipe)
            yield client, active.info.run_id


def _run_name(recipe: Recipe) -> str:
    return f"{recipe.name}-s{recipe.seed}"


def _log_params(client: "MlflowClient", run_id: str, recipe: Recipe) -> None:
    from mlflow.entities import Param

    flat = flatten(recipe.model_dump(mode="json"))
    params = [Param(name, str(value)[:MAX_PARAM]) for name, value in flat]
    client.log_batch(run_id, params=params)


def _log_data(result: Result) -> None:
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    for split, digest in result.corpus.hashes().items():
        source = {
            "corpus": result.corpus.name,
            "split": split,
            "content_hash": digest,
            "records": str(len(getattr(result.corpus, split))),
        }
        data = MetaDataset(  # type: ignore[abstract]  # MLflow makes it so itself
            CodeDatasetSource(source),
            name=f"{result.corpus.name}-{split}",
            digest=digest[:DIGEST_LENGTH],
        )
        mlflow.log_input(data, context=CONTEXTS[split], tags=source)


def _log_metrics(client: "MlflowClient", run_id: str, result: Result) -> None:
    from mlflow.entities import Metric

    now = int(1000 * time.time())

    def finite(name: str, value: object, step: int) -> list[Metric]:
        if not isinstance(value, int | float) or not math.isfinite(value):
            return []
        return [Metric(name, float(value), now, step)]

    rows = [m for name, value in metrics(result).items() for m in finite(name, value, 0)]
    for entry in result.history:
        step = int(entry.get("step", 0))
        for name, value in entry.items():
            if name != "step":
                rows += finite(f"training/{name}", value, step)
    for start in range(0, len(rows), 1000):  # MLflow takes so many at once
        client.log_batch(run_id, metrics=rows[start : start + 1000])


def _log_model(result: Result, *, register: bool) -> str | None:
    import mlflow
    import pandas as pd

    with TemporaryDirectory() as folder:
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"bundle": str(_copy(result.bundle, Path(folder) / "bundle"))},
            signature=_signature(),
            input_example=pd.DataFrame([EXAMPLE]),  # answered once, before it is a version
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            registered_model_name=NAME if register else None,
            tags=tags(result),  # the version is born with them
        )
    number = info.registered_model_version
    return None if number is None else str(number)


def _description(result: Result, run_id: str) -> str:
    return f"{in_short(result)}\n\nThe whole model card: `runs:/{run_id}/{CARD}`."


def _copy(bundle: Bundle, folder: Path) -> Path:
    """The files that the manifest names, and nothing else that may lie beside them."""
    folder.mkdir()
    for name in (*bundle.manifest.files, MANIFEST):
        shutil.copyfile(bundle.folder / name, folder / name)
    Bundle.open(folder).verify()
    return folder


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    probabilities = [f"p_{label.value}" for label in ORDER]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, name) for name in ("text", "target")]),
        outputs=Schema(
            [
                ColSpec(DataType.string, "label"),
                *(ColSpec(DataType.double, n) for n in ("score", "confidence", *probabilities)),
                *(ColSpec(DataType.boolean, n) for n in ("abstained", "truncated")),
            ]
        ),
    )
