"""A search from its file to a recipe that trains, on a corpus and an encoder for seconds."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from stancewire.cli import main
from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training import loop, pipeline, recipe
from stancewire.training.recipe import Recipe
from stancewire.training.search import config, study
from stancewire.training.search.config import Search

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # MLflow's own tables use what SQLAlchemy 2.1 has deprecated.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow warns of a type hint of its own while it is imported.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]

SEARCH = """
name: tiny-search
extends: tiny.yaml
trials: 3
space:
  schedule.encoder_lr: {type: float, low: 1.0e-4, high: 3.0e-3, log: true}
  head.dropout: {type: float, low: 0.0, high: 0.4, step: 0.2}
sampler: {startup: 2}
pruner: {keep: 1}
"""

# Dies as by `kill -9` while the second trial looks at its first epoch.
KILLED = """
import os, signal, sys
from stancewire.cli import main
from stancewire.training import pipeline

whole, calls = pipeline.dev_score, []

def dev_score(recipe, folder, *, watch):
    calls.append(recipe)

    def look(epoch, macro_f1):
        watch(epoch, macro_f1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    return whole(recipe, folder, watch=look)

pipeline.dev_score = dev_score
import torch
torch.set_num_threads(1)
main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Home:
    """A working folder with a search's file, and the registry that its runs go to."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "search.yaml"

    @property
    def search(self) -> Search:
        return config.load(self.file)

    def children(self, study_folder: Path) -> tuple[Any, list[Any]]:
        """The study's run and those of its trials, by number."""
        import mlflow

        client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
        ident = opened(study_folder).user_attrs["id"]
        found = client.get_experiment_by_name("stancewire")
        runs = client.search_runs([found.experiment_id], f"tags.`search.study` = '{ident}'")
        (parent,) = [r for r in runs if r.data.tags["search.run"] == "study"]
        trials = [r for r in runs if r is not parent]
        return parent, sorted(trials, key=lambda r: int(r.info.run_name.removeprefix("trial-")))

    def history(self, run: Any) -> list[tuple[int, float]]:
        import mlflow

        client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
        found = client.get_metric_history(run.info.run_id, "dev_macro_f1")
        return sorted((one.step, one.value) for one in found)


def opened(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/study.db")


@pytest.fixture(scope="module")
def home(
    make_recipe: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("search")
    tiny = make_recipe("packed", parity={"int8": False})
    (folder / "tiny.yaml").write_text(recipe.dump(tiny))
    (folder / "search.yaml").write_text(SEARCH)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        yield Home(folder)


@pytest.fixture(scope="module")
def read(home: Home) -> Iterator[set[str]]:
    """The texts that any model met."""
    seen: set[str] = set()
    passes = PairEncoder.passes

    def noted(self: PairEncoder, pairs: Any) -> Any:
        seen.update(pair.text for pair in pairs)
        return passes(self, pairs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PairEncoder, "passes", noted)
        yield seen


@pytest.fixture(scope="module")
def whole(home: Home, read: set[str]) -> study.Found:
    """A search that nothing broke."""
    return study.run(home.search, home.folder / "whole")


def test_no_model_of_a_search_meets_a_record_of_test(
    whole: study.Found, read: set[str], records: list[Record]
):
    texts = {split: {r.text for r in records if r.split == split} for split in ("dev", "test")}
    assert texts["dev"] <= read
    assert not texts["test"] & read


def test_the_best_recipe_is_a_file_that_trains_to_what_the_study_says(
    whole: study.Found, home: Home
):
    assert whole.best is not None
    best = recipe.load(whole.folder / study.BEST)
    assert best.name == "tiny-search-best"
    assert best.schedule.encoder_lr == whole.best.params["schedule.encoder_lr"]
    assert best.head.dropout == whole.best.params["head.dropout"]
    assert whole.best.value == max(one.value or 0 for one in whole.trials)
    result = pipeline.run(best, out=home.folder / "best")
    figures = result.evaluations["dev"][0].figures
    assert figures["macro_f1"] == pytest.approx(whole.best.value, abs=1e-9)
    assert loop.best_dev(result.history) == pytest.approx(whole.best.value, abs=1e-9)


def test_a_study_is_a_run_with_a_run_for_each_trial_within(whole: study.Found, home: Home):
    parent, trials = home.children(whole.folder)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "tiny-search"
    assert parent.data.params["schedule.epochs"] == "2"
    space = json.loads(parent.data.params["space.schedule.encoder_lr"])
    assert (space["low"], space["high"], space["log"]) == (1e-4, 3e-3, True)
    assert whole.best is not None
    assert parent.data.metrics["dev_macro_f1"] == whole.best.value
    assert {"importance/schedule.encoder_lr", "importance/head.dropout"} <= set(parent.data.metrics)
    files = Path(parent.info.artifact_uri.removeprefix("file://"))
    assert {f.name for f in files.iterdir()} == {"base.yaml", "best.yaml", "search.yaml"}
    assert len(trials) == len(whole.trials) == 3
    for run, trial in zip(trials, whole.trials, strict=True):
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"
        assert run.data.tags["state"] == "COMPLETE"
        assert run.data.params == {name: str(value) for name, value in trial.params.items()}
        assert home.history(run) == sorted(trial.intermediate_values.items())
        assert run.data.metrics["best_dev_macro_f1"] == trial.value


def test_the_folder_of_a_study_says_what_was_searched(whole: study.Found):
    again = config.load(whole.folder / "search.yaml")
    assert again.identity() == whole.search.identity()
    assert again.config.pruner == whole.search.config.pruner


@pytest.mark.timeout(600)  # two processes and four trainings, on a machine that may be busy
def test_a_killed_search_goes_on_as_if_nothing_had_happened(
    whole: study.Found, home: Home, capfd: pytest.CaptureFixture[str]
):
    folder = home.folder / "killed"
    argv = ["search", "--config", str(home.file), "--out", str(folder)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *argv], capture_output=True, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    states = [one.state for one in opened(folder).trials]
    assert states == [TrialState.COMPLETE, TrialState.RUNNING]

    with pytest.raises(SystemExit) as done:
        main([*argv, "--resume"])
    shown = capfd.readouterr().out
    assert done.value.code == 0
    assert "trial 1 died, and is tried again" in shown
    assert f"stancewire train --config {folder / study.BEST}" in shown

    trials = opened(folder).trials
    assert [one.state.name for one in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].user_attrs["again"] == 1
    assert trials[2].params == trials[1].params
    # What counts is what a search that nobody killed has: the same values, drawn and reached.
    counted = [(one.params, one.value) for one in study.settled(trials)]
    assert counted == [(one.params, one.value) for one in whole.trials]
    assert (folder / study.BEST).read_text().splitlines()[1:] == (
        (whole.folder / study.BEST).read_text().splitlines()[1:]
    )

    parent, runs = home.children(folder)
    assert parent.info.status == "FINISHED"
    assert [r.data.tags["state"] for r in runs] == [one.state.name for one in trials]
    assert [r.info.status for r in runs] == ["FINISHED", "FAILED", "FINISHED", "FINISHED"]
    assert [home.history(r) for r in runs] == [
        sorted(one.intermediate_values.items()) for one in trials
    ]
    assert runs[2].data.tags["again"] == "1"

    # Taken up when it is done, it adds nothing.
    study.run(home.search, folder, resume=True)
    assert len(opened(folder).trials) == 4
    assert len(home.children(folder)[1]) == 4
    assert len(home.history(home.children(folder)[0])) == 1


def test_a_linear_family_is_searched_too(
    home: Home, make_recipe: Callable[..., Recipe], tmp_path: Path
):
    (tmp_path / "base.yaml").write_text(recipe.dump(make_recipe("tfidf")))
    file = tmp_path / "search.yaml"
    file.write_text(
        "name: tiny-linear\nextends: base.yaml\ntrials: 2\n"
        "space: {linear.c: {type: float, low: 0.01, high: 100, log: true}}\n"
    )
    found = study.run(config.load(file), tmp_path / "study")
    assert found.best is not None
    result = pipeline.run(recipe.load(tmp_path / "study" / study.BEST), out=tmp_path / "run")
    assert result.evaluations["dev"][0].figures["macro_f1"] == pytest.approx(found.best.value)
