"""The model registry: versions of `stancewire`, their bundles and their aliases.

`MLFLOW_TRACKING_URI` names the server; without it everything is kept in `mlflow.db` and `mlruns/`
in the working folder. A version holds its bundle as plain files under `artifacts/bundle`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stancewire.bundle import MANIFEST, Bundle
from stancewire.errors import BundleError, RegistryError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

NAME = "stancewire"
"""Of the registered model and of the experiment."""
CHAMPION = "champion"
PREVIOUS = "previous"
BUNDLE = "artifacts/bundle"
"""Where the bundle lies inside a version."""


def tracking_uri() -> str:
    """Where runs and versions are kept."""
    return os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"


def connect() -> "MlflowClient":
    """MLflow, pointed at `tracking_uri`. It is first imported here, and never phones home."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read while MLflow is imported
    # The default of 7 lets a person wait two minutes for a server that is away.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    import mlflow

    uri = tracking_uri()
    # `log_model` and the downloads know only this global; nothing of ours reads it.
    mlflow.set_tracking_uri(uri)
    with reaching():
        return mlflow.MlflowClient(uri)


def experiment(client: "MlflowClient") -> str:
    """Id of the experiment, made if it is not there; with SQLite, artifacts lie beside the file."""
    found = client.get_experiment_by_name(NAME)
    if found is not None:
        return str(found.experiment_id)
    database = _database()
    location = (database.parent / "mlruns" / NAME).resolve().as_uri() if database else None
    return str(client.create_experiment(NAME, artifact_location=location))


@contextmanager
def reaching() -> Iterator[None]:
    """Turn whatever MLflow and its database raise into `RegistryError`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        first = str(error).strip().partition("\n")[0]
        raise RegistryError(_shown(f"the registry at {tracking_uri()}: {first}")) from error


class Registry:
    """Versions and aliases of the registered model. Every method raises `RegistryError`."""

    def __init__(self) -> None:
        database = _database()
        if database is not None and not database.is_file():  # MLflow would make an empty one
            raise RegistryError(
                f"there is no {database}: train a model, or set MLFLOW_TRACKING_URI"
            )
        self._client = connect()

    def version(self, ref: str) -> "ModelVersion":
        """The version with that number, or the newest for "latest"."""
        with reaching():
            found = self._client.search_model_versions(f"name='{NAME}'")
        by_number = {str(v.version): v for v in found}
        if ref == "latest" and by_number:
            return by_number[max(by_number, key=int)]
        if ref not in by_number:
            known = ", ".join(sorted(by_number, key=int)) or "none"
            raise RegistryError(f"there is no version {ref!r} of {NAME}; registered: {known}")
        return by_number[ref]

    def aliases(self) -> dict[str, str]:
        """Alias → number of the version that it names; empty before the first promotion."""
        with reaching():
            found = self._client.search_registered_models(f"name='{NAME}'")
        return {a: str(number) for model in found for a, number in model.aliases.items()}

    def bundle(self, number: str, folder: Path) -> Bundle:
        """The version's bundle, downloaded under `folder` and verified.

        Raises `BundleError` if the version holds none, or one that is torn or changed.
        """
        from mlflow.artifacts import download_artifacts

        try:
            with reaching():
                path = download_artifacts(f"models:/{NAME}/{number}/{BUNDLE}", dst_path=str(folder))
        except (OSError, RegistryError) as error:
            # A local artifact store says OSError for "no such file", and so does a full disk.
            if self._holds(number):
                raise RegistryError(f"cannot download version {number}: {error}") from error
            raise BundleError(f"version {number} holds no bundle") from error
        bundle = Bundle.open(path)
        bundle.verify()
        return bundle

    def point(self, alias: str, number: str) -> None:
        """Let `alias` name that version, whatever it named before."""
        with reaching():
            self._client.set_registered_model_alias(NAME, alias, number)

    def drop(self, alias: str) -> None:
        """Let `alias` name nothing."""
        with reaching():
            self._client.delete_registered_model_alias(NAME, alias)

    def tag(self, number: str, tags: Mapping[str, str]) -> None:
        """Write tags of a version, over those of the same name."""
        with reaching():
            for key, value in tags.items():
                self._client.set_model_version_tag(NAME, number, key, value)

    def attach(self, run_id: str, files: Mapping[str, str]) -> None:
        """Write texts as artifacts of a run, by path."""
        with reaching():
            for path, text in files.items():
                self._client.log_text(run_id, text, path)

    def read(self, run_id: str | None, path: str) -> str:
        """Text of an artifact of a run. Raises if there is no run or no such file."""
        from mlflow.artifacts import load_text

        if run_id is None:
            raise RegistryError("the version names no run")
        try:
            with reaching():
                return str(load_text(f"runs:/{run_id}/{path}"))
        except OSError as error:
            raise RegistryError(f"run {run_id} holds no {path}") from error

    def _holds(self, number: str) -> bool:
        """Whether the store answers and shows a manifest where the version's should lie."""
        from mlflow.artifacts import list_artifacts

        with reaching():
            files = list_artifacts(f"models:/{NAME}/{number}/{BUNDLE}")
        return any(Path(f.path).name == MANIFEST for f in files)


def _database() -> Path | None:
    """The SQLite file that the registry is kept in, or none if it is kept elsewhere."""
    prefix, uri = "sqlite:///", tracking_uri()
    if not uri.startswith(prefix):
        return None
    return Path(uri.removeprefix(prefix).partition("?")[0])


def _shown(text: str) -> str:
    """The text without the user and password of any URI in it."""
    return re.sub(r"://[^/@\s]*@", "://", text)
