"""The study without training: what a trial scores is a function of its values."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from stancewire.errors import ConfigError
from stancewire.training import recipe
from stancewire.training.recipe import Recipe
from stancewire.training.search import config, show, study
from stancewire.training.search.config import Search

FILE = """
name: {name}
extends: base.yaml
trials: 8
space:
  head.dropout: {{type: float, low: 0.0, high: {high}}}
  schedule.label_smoothing: {{type: float, low: 0.0, high: 0.5}}
sampler: {{seed: 3, startup: 3}}
pruner: {{keep: {keep}, startup: 2, warmup: 1}}
"""
EPOCHS = 4


class Mirror:
    """Stands in for MLflow: keeps what it was told."""

    written: list[tuple[int, str]]

    def __init__(self, *_: Any) -> None:
        type(self).written = []

    def write(self, trial: FrozenTrial) -> None:
        self.written.append((trial.number, trial.state.name))

    def running(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()

    def finish(self, *_: Any) -> None:
        pass


class Manifest:
    digest = "the data"


def peak(one: Recipe, epoch: int) -> float:
    """Best without dropout; grows from epoch to epoch."""
    return (1 - one.head.dropout) * epoch / EPOCHS


class Scores:
    """Stands in for training: one call for each trial."""

    def __init__(self) -> None:
        self.recipes: list[Recipe] = []
        self.epochs: list[int] = []
        self.at: Callable[[int, int], None] = lambda call, epoch: None

    def __call__(self, one: Recipe, folder: Path, *, watch: Any) -> float:
        self.recipes.append(one)
        self.epochs.append(0)
        (folder / "checkpoints").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            self.epochs[-1] = epoch
            watch(epoch, peak(one, epoch))
            self.at(len(self.recipes), epoch)
        return peak(one, EPOCHS)


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Scores:
    made = Scores()
    monkeypatch.setattr(study.pipeline, "dev_score", made)
    monkeypatch.setattr(study.pipeline, "checked", lambda one, folder: Manifest)
    monkeypatch.setattr(study, "Mirror", Mirror)
    return made


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return load(tmp_path)


def load(folder: Path, *, name: str = "a", high: float = 0.9, keep: float = 0.5) -> Search:
    (folder / "base.yaml").write_text(
        f"name: base\nfamily: packed\nschedule: {{epochs: {EPOCHS}}}\n"
    )
    (folder / "search.yaml").write_text(FILE.format(name=name, high=high, keep=keep))
    return config.load(folder / "search.yaml")


def values(trials: Any) -> list[tuple[dict[str, Any], float | None]]:
    return [(one.params, one.value) for one in trials]


def test_the_best_of_all_trials_is_written(scores: Scores, search: Search, tmp_path: Path):
    told: list[str] = []
    found = study.run(search, tmp_path / "out", tell=told.append)
    assert len(found.trials) == len(scores.recipes) == len(told) == 8
    assert found.best is not None
    lowest = min(one.head.dropout for one in scores.recipes)
    assert found.best.params["head.dropout"] == lowest
    best = recipe.load(tmp_path / "out" / study.BEST)
    assert (best.name, best.head.dropout) == ("a-best", lowest)
    assert best.seed == search.base.seed
    assert not list((tmp_path / "out" / "trial").iterdir())


def test_what_lags_behind_is_given_up_and_the_last_epoch_is_never_too_late(
    scores: Scores, search: Search, tmp_path: Path
):
    found = study.run(search, tmp_path / "out")
    pruned = [one for one in found.trials if one.state == TrialState.PRUNED]
    assert pruned
    for trial, epochs in zip(found.trials, scores.epochs, strict=True):
        is_pruned = trial.state == TrialState.PRUNED
        assert epochs == (2 if is_pruned else EPOCHS)  # the first epoch says too little
        assert len(trial.intermediate_values) == epochs
        before = [t for t in found.trials[: trial.number] if t.state == TrialState.COMPLETE]
        if len(before) >= 2:
            reached = sorted(t.intermediate_values[2] for t in before)
            half = len(reached) // 2
            median = (reached[half] + reached[-half - 1]) / 2
            assert is_pruned == (trial.intermediate_values[2] < median)
    assert found.best is not None
    assert found.best.state == TrialState.COMPLETE


def test_importance_tells_what_decides(scores: Scores, tmp_path: Path):
    found = study.run(load(tmp_path, keep=1), tmp_path / "out")
    assert list(found.importance) == ["head.dropout", "schedule.label_smoothing"]
    assert found.importance["head.dropout"] > 0.7
    assert sum(found.importance.values()) == pytest.approx(1)


def test_it_draws_the_same_again(scores: Scores, search: Search, tmp_path: Path):
    one, two = (study.run(search, tmp_path / name) for name in "ab")
    assert values(one.trials) == values(two.trials)
    drawn = [one.head.dropout for one in scores.recipes[:8]]
    assert len(set(drawn)) == 8


def test_more_trials_go_on_where_the_first_stopped(scores: Scores, search: Search, tmp_path: Path):
    study.run(search, tmp_path / "parts", trials=3)
    parts = study.run(search, tmp_path / "parts", resume=True)
    assert values(parts.trials) == values(study.run(search, tmp_path / "whole").trials)


@pytest.mark.parametrize("call", [1, 5])
def test_whose_process_died_is_failed_and_tried_again_once(
    scores: Scores, search: Search, tmp_path: Path, call: int
):
    def die(number: int, epoch: int) -> None:
        if (number, epoch) == (call, 1):
            raise KeyboardInterrupt  # as a kill does, it leaves the trial RUNNING

    scores.at = die
    with pytest.raises(KeyboardInterrupt):
        study.run(search, tmp_path / "out")
    told: list[str] = []
    found = study.run(search, tmp_path / "out", resume=True, tell=told.append)
    assert told[0] == f"trial {call - 1} died, and is tried again"
    dead, again = found.trials[call - 1], found.trials[call]
    assert (dead.state, again.user_attrs["again"]) == (TrialState.FAIL, dead.number)
    assert (again.params, again.user_attrs["attempt"]) == (dead.params, 2)
    assert len(found.trials) == 9
    assert len(study.settled(found.trials)) == 8
    scores.at = lambda *_: None
    whole = study.run(search, tmp_path / "whole")
    assert values(study.settled(found.trials)) == values(whole.trials)


def test_a_process_that_dies_while_queueing_queues_once(
    scores: Scores, search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    scores.at = die
    with pytest.raises(KeyboardInterrupt):
        study.run(search, tmp_path / "out")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(optuna.Study, "tell", die)  # queued, not yet marked failed
        study.run(search, tmp_path / "out", resume=True)
    scores.at = lambda *_: None
    found = study.run(search, tmp_path / "out", resume=True)
    assert [one.user_attrs.get("again") for one in found.trials].count(0) == 1
    assert len(study.settled(found.trials)) == 8


def test_values_that_kill_every_time_are_not_tried_for_ever(
    scores: Scores, search: Search, tmp_path: Path
):
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    scores.at = die
    for attempt in range(study.ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            study.run(search, tmp_path / "out", resume=attempt > 0)
    scores.at = lambda *_: None
    found = study.run(search, tmp_path / "out", resume=True)
    states = [one.state.name for one in found.trials]
    assert states[: study.ATTEMPTS] == ["FAIL"] * study.ATTEMPTS
    assert "FAIL" not in states[study.ATTEMPTS :]
    assert len(study.settled(found.trials)) == 8  # the one that fails for good is one of them


def test_an_error_ends_the_search_and_does_not_come_again(
    scores: Scores, search: Search, tmp_path: Path
):
    def fail(number: int, _: int) -> None:
        if number == 2:
            raise RuntimeError("out of memory")

    scores.at = fail
    with pytest.raises(RuntimeError, match="out of memory"):
        study.run(search, tmp_path / "out")
    found = study.run(search, tmp_path / "out", resume=True)
    assert [one.state.name for one in found.trials].count("FAIL") == 1
    assert found.trials[1].user_attrs["error"] == "RuntimeError: out of memory"
    assert len(found.trials) == len(scores.recipes) == 8


def test_no_trial_begins_when_time_is_up(scores: Scores, search: Search, tmp_path: Path):
    found = study.run(search, tmp_path / "out", timeout_s=0)
    assert (found.trials, found.best) == ((), None)
    assert not (tmp_path / "out" / study.BEST).exists()


def test_a_study_is_not_begun_twice_nor_taken_up_from_nothing(
    scores: Scores, search: Search, tmp_path: Path
):
    with pytest.raises(ConfigError, match="nothing to resume"):
        study.run(search, tmp_path / "out", resume=True)
    study.run(search, tmp_path / "out", trials=1)
    with pytest.raises(ConfigError, match="--resume goes on with it"):
        study.run(search, tmp_path / "out")
    assert len(scores.recipes) == 1


def test_another_search_is_not_taken_up(
    scores: Scores, search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    study.run(search, tmp_path / "out", trials=1)
    for other in (load(tmp_path, high=0.8), load(tmp_path, name="b")):
        with pytest.raises(ConfigError, match="cannot resume"):
            study.run(other, tmp_path / "out", resume=True)
    monkeypatch.setattr(Manifest, "digest", "other data")
    with pytest.raises(ConfigError, match="another recipe, space or data"):
        study.run(load(tmp_path), tmp_path / "out", resume=True)
    assert len(scores.recipes) == 1


def test_two_processes_do_not_search_in_one_folder(scores: Scores, search: Search, tmp_path: Path):
    def second(*_: Any) -> None:
        study.run(search, tmp_path / "out", resume=True)

    scores.at = second
    with pytest.raises(ConfigError, match="another process searches"):
        study.run(search, tmp_path / "out")


def test_every_change_of_a_trial_is_mirrored(scores: Scores, search: Search, tmp_path: Path):
    study.run(search, tmp_path / "out", trials=1)
    assert Mirror.written == [(0, "RUNNING")] * (1 + EPOCHS) + [(0, "COMPLETE")]
    study.run(search, tmp_path / "out", trials=1, resume=True)
    assert Mirror.written == [(0, "COMPLETE")]


def test_the_tables_show_the_best_first_and_what_mattered(
    scores: Scores, search: Search, tmp_path: Path
):
    found = study.run(search, tmp_path / "out")
    console = Console(width=130, record=True, file=io.StringIO())
    for table in show.tables(found):
        console.print(table)
    shown = console.export_text()
    complete = sum(one.state == TrialState.COMPLETE for one in found.trials)
    assert f"a: 8 trials ({complete} complete, {8 - complete} pruned)" in shown
    assert found.best is not None
    first = next(line for line in shown.splitlines() if " complete " in line and "│" in line)
    assert first.split("│")[1].strip() == str(found.best.number)
    assert f"{100 * (found.best.value or 0):.1f}" in first
    assert f"{found.importance['head.dropout']:.0%}" in shown
    states = re.findall(r"│ (complete|pruned) ", shown)
    assert states == sorted(states) and len(set(states)) == 2
