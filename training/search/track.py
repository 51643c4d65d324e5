"""A study in MLflow: a run for it, and within it a run for each trial.

The study's database is the truth and MLflow its mirror: whatever is written here may be written
again, and is there once. So a process may die anywhere, and a server that is away costs nothing but
a warning until the end.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from stancewire.errors import RegistryError
from stancewire.training.pipeline import git_commit, machine
from stancewire.training.registry import connect, experiment, reaching
from stancewire.training.search.config import Search
from stancewire.training.tracking import MAX_PARAM, flatten

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_logger = logging.getLogger(__name__)

METRIC = "dev_macro_f1"
STUDY = "study"
STATUS = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",  # MLflow has no word for it: the tag `state` says so
    TrialState.FAIL: "FAILED",
}
"""State of a finished trial → status of its run."""


class Mirror:
    """Keeps MLflow as the study `study_id` is."""

    def __init__(self, search: Search, study_id: str) -> None:
        """Find or make the study's run. Raises `RegistryError` if MLflow cannot be used."""
        self._client = connect()
        self._study_id = study_id
        with reaching():
            self._experiment = experiment(self._client)
            run = self._find(STUDY) or self._client.create_run(
                self._experiment, run_name=search.config.name, tags=self._study_tags(search)
            )
            self._parent = run.info.run_id
            _write(self._client, self._parent, params=_study_params(search))

    def write(self, trial: FrozenTrial) -> None:
        """Bring the trial's run up to what the study knows of it; only warns if MLflow is away."""
        try:
            self._mirror(trial)
        except RegistryError as away:
            _logger.warning("trial %d is not in MLflow yet: %s", trial.number, away)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The study's run is RUNNING within, FINISHED after, FAILED or KILLED if it is broken."""
        self._set_status("RUNNING")
        try:
            yield
        except Exception:
            self._set_status("FAILED")
            raise
        except BaseException:  # Ctrl-C: the trial stays RUNNING in the study, to be tried again
            self._set_status("KILLED")
            raise
        else:
            self._set_status("FINISHED")

    def finish(
        self,
        trials: Sequence[FrozenTrial],
        best: FrozenTrial | None,
        importance: dict[str, float],
        folder: Path,
    ) -> None:
        """Write what is found, and every trial's run that is missing. Raises `RegistryError`."""
        for trial in trials:
            self._mirror(trial)
        ended = len([one for one in trials if one.state.is_finished()])
        figures = {f"importance/{path}": share for path, share in importance.items()}
        if best is not None:
            figures[METRIC] = float(best.value or 0)
        with reaching():
            metrics = [(name, value, ended) for name, value in figures.items()]
            _write(self._client, self._parent, metrics=metrics)
            for file in sorted(folder.glob("*.yaml")):
                self._client.log_artifact(self._parent, str(file))

    def _mirror(self, trial: FrozenTrial) -> None:
        if trial.state == TrialState.WAITING:
            return
        name = f"trial-{trial.number}"
        with reaching():
            run = self._find(name) or self._client.create_run(
                self._experiment,
                start_time=_ms(trial.datetime_start),
                run_name=name,
                tags={**self._tags(name), "mlflow.parentRunId": self._parent},
            )
            if run.info.status != "RUNNING":
                return
            epochs = [(METRIC, value, step) for step, value in trial.intermediate_values.items()]
            best = [] if trial.value is None else [(f"best_{METRIC}", trial.value, 0)]
            told = {key: str(value) for key, value in trial.user_attrs.items()}
            tags = {**told, "state": trial.state.name}
            _write(self._client, run.info.run_id, trial.params, [*epochs, *best], tags)
            if trial.state in STATUS:
                end = _ms(trial.datetime_complete)
                self._client.set_terminated(run.info.run_id, STATUS[trial.state], end)

    def _find(self, name: str) -> "Run | None":
        clauses = (f"tags.`{key}` = '{value}'" for key, value in self._tags(name).items())
        found = self._client.search_runs([self._experiment], " and ".join(clauses), max_results=1)
        return found[0] if found else None

    def _tags(self, name: str) -> dict[str, str]:
        """What a run is known by: the study, and whether it is its own or which trial's."""
        return {"search.study": self._study_id, "search.run": name}

    def _study_tags(self, search: Search) -> dict[str, str]:
        hardware = machine()
        return {
            **self._tags(STUDY),
            "recipe": search.base.name,
            "family": search.base.family,
            "git": git_commit(),
            "machine": f"{hardware['cpu']}; Python {hardware['python']}",
        }

    def _set_status(self, status: str) -> None:
        try:
            with reaching():
                if status == "RUNNING":
                    self._client.update_run(self._parent, status=status)
                else:
                    self._client.set_terminated(self._parent, status)
        except RegistryError as away:
            _logger.warning("the study's run is not marked %s: %s", status, away)


def _write(
    client: "MlflowClient",
    run_id: str,
    params: Mapping[str, Any] | None = None,
    metrics: Sequence[tuple[str, float, int]] = (),
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write parameters, tags, and those metrics (name, value, step) that are not there yet."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(1000 * time.time())
    known = {
        (name, one.step)
        for name in {name for name, _, _ in metrics}
        for one in client.get_metric_history(run_id, name)
    }
    client.log_batch(
        run_id,
        metrics=[Metric(n, v, now, step) for n, v, step in metrics if (n, step) not in known],
        params=[Param(name, str(value)[:MAX_PARAM]) for name, value in (params or {}).items()],
        tags=[RunTag(name, value) for name, value in (tags or {}).items()],
    )


def _study_params(search: Search) -> dict[str, Any]:
    """The base recipe, and what is tried in its place."""
    asked = search.identity()
    space = {f"space.{path}": json.dumps(one) for path, one in asked["space"].items()}
    return {**dict(flatten(asked["recipe"])), **space}


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(1000 * moment.timestamp())
