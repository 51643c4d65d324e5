"""Running a search: trial after trial, kept as it goes in a database, none lost or doubled.

What a study is stands in `study.db` alone. A process that dies leaves a trial RUNNING there; who
takes the study up marks it failed and queues its values again. Only dev decides.
"""

import fcntl
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
import yaml
from optuna.trial import FrozenTrial, Trial, TrialState

from stancewire.errors import ConfigError
from stancewire.training import pipeline
from stancewire.training.recipe import dump
from stancewire.training.search import config
from stancewire.training.search.config import BASE, Search
from stancewire.training.search.track import Mirror

DATABASE = "study.db"
BEST = "best.yaml"
ATTEMPTS = 3
"""How often values are tried whose process dies: they may be what kills it."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What a search has found so far."""

    search: Search
    trials: tuple[FrozenTrial, ...]
    """All, those that died and were tried again included."""
    best: FrozenTrial | None
    importance: dict[str, float]
    """Path → its share in what the complete trials tell of dev; empty if they are few."""
    folder: Path


def run(
    search: Search,
    folder: Path,
    *,
    trials: int | None = None,
    timeout_s: float | None = None,
    resume: bool = False,
    tell: Tell = lambda line: None,
) -> Found:
    """Search until the study in `folder` has `trials` trials (the config's) or time is up.

    A trial that runs when time is up is run to its end. Raises `ConfigError` if there is a study
    and `resume` is not given, or none and it is, or one of another recipe, space or data. Whatever
    a trial raises ends the search, and leaves it ready to be taken up.
    """
    until = time.monotonic() + (math.inf if timeout_s is None else timeout_s)
    wanted = trials or search.config.trials
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        study = _open(search, folder, resume)
        mirror = Mirror(search, study.user_attrs["id"])
        _queue_again(study, tell)
        for trial in study.trials:
            mirror.write(trial)
        with mirror.running():
            while len(settled(study.trials)) < wanted and time.monotonic() < until:
                _try(study, search, folder, mirror, tell)
            found = _found(study, search, folder)
            mirror.finish(found.trials, found.best, found.importance, folder)
    return found


def settled(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: complete, pruned or failed, but for those that were tried again."""
    again = {trial.user_attrs.get("again") for trial in trials}
    return [one for one in trials if one.state.is_finished() and one.number not in again]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: so that a trial which is RUNNING here is one whose process died."""
    with (folder / "search.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"another process searches in {folder}") from error
        yield


def _open(search: Search, folder: Path, resume: bool) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # what it would say, `tell` says
    database = folder / DATABASE
    if resume and not database.is_file():
        raise ConfigError(f"nothing to resume: there is no {database}")
    if database.is_file() and not resume:
        raise ConfigError(f"{folder} holds a study: --resume goes on with it, --out names another")
    data = pipeline.checked(search.base, folder).digest  # before anything is made
    storage, name = optuna.storages.RDBStorage(f"sqlite:///{database}"), search.config.name
    if other := set(optuna.get_all_study_names(storage)) - {name}:
        raise ConfigError(f"cannot resume: {database} is of the search {', '.join(other)}")
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=search.config.pruner.make(),
    )
    identity = {**search.identity(), "data": data}
    if study.user_attrs.get("identity", identity) != identity:
        raise ConfigError(f"cannot resume: {database} is of another recipe, space or data")
    study.set_user_attr("identity", identity)
    if "id" not in study.user_attrs:
        study.set_user_attr("id", uuid.uuid4().hex)
    settings = yaml.safe_dump(search.settings, sort_keys=False, allow_unicode=True)
    (folder / BASE).write_text(settings, encoding="utf-8")
    (folder / "search.yaml").write_text(config.dump(search), encoding="utf-8")
    return study


def _queue_again(study: optuna.Study, tell: Tell) -> None:
    """Mark the trial of a process that died as failed, its values being queued first."""
    trials = study.trials
    queued = {trial.user_attrs.get("again") for trial in trials}
    for dead in (one for one in trials if one.state == TrialState.RUNNING):
        attempt = int(dead.user_attrs.get("attempt", 1))
        if dead.number not in queued and attempt < ATTEMPTS:
            study.enqueue_trial(dead.params, {"again": dead.number, "attempt": attempt + 1})
            tell(f"trial {dead.number} died, and is tried again")
        study.tell(dead.number, state=TrialState.FAIL)


def _try(study: optuna.Study, search: Search, folder: Path, mirror: Mirror, tell: Tell) -> None:
    study.sampler = search.config.sampler.make(len(settled(study.trials)))
    trial = study.ask(search.distributions)
    mirror.write(study.trials[trial.number])
    try:
        score = _score(study, trial, search, folder, mirror)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except Exception as error:
        # Told and raised: what is wrong with one trial may be wrong with all. It counts as tried,
        # so that a study which is taken up goes on behind it.
        trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:2000])
        study.tell(trial, state=TrialState.FAIL)
        mirror.write(study.trials[trial.number])
        raise
    else:
        study.tell(trial, score)
    done = study.trials[trial.number]
    mirror.write(done)
    _keep_best(study, search, folder)
    tell(_line(done))


def _score(
    study: optuna.Study, trial: Trial, search: Search, folder: Path, mirror: Mirror
) -> float:
    recipe = search.recipe_of(trial.params)

    def watch(epoch: int, macro_f1: float) -> None:
        trial.report(macro_f1, epoch)
        mirror.write(study.trials[trial.number])
        if epoch < recipe.schedule.epochs and trial.should_prune():
            raise optuna.TrialPruned

    work = folder / "trial"  # one for all, so that stages which no trial changes are trained once
    try:
        return pipeline.dev_score(recipe, work, watch=watch)
    finally:
        shutil.rmtree(work / "checkpoints", ignore_errors=True)


def _keep_best(study: optuna.Study, search: Search, folder: Path) -> FrozenTrial | None:
    """Write the best recipe so far, whole or not at all."""
    complete = [one for one in study.trials if one.state == TrialState.COMPLETE]
    if not complete:
        return None
    best = study.best_trial
    head = f"# trial {best.number} of {search.config.name}: dev macro-F1 {best.value:.4f}\n"
    new = folder / f"{BEST}.new"
    new.write_text(head + dump(search.best(best.params)), encoding="utf-8")
    os.replace(new, folder / BEST)
    return best


def _found(study: optuna.Study, search: Search, folder: Path) -> Found:
    return Found(
        search=search,
        trials=tuple(study.trials),
        best=_keep_best(study, search, folder),
        importance=_importance(study),
        folder=folder,
    )


def _importance(study: optuna.Study) -> dict[str, float]:
    """By fANOVA (Hutter et al., ICML 2014), which needs fewer trials than Optuna's default."""
    values = {one.value for one in study.trials if one.state == TrialState.COMPLETE}
    if len(values) < 2:
        return {}
    fanova = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=fanova)
    return {path: float(share) for path, share in found.items()}


def _line(trial: FrozenTrial) -> str:
    epochs = f", {len(trial.intermediate_values)} epochs" if trial.intermediate_values else ""
    values = ", ".join(f"{path} {value}" for path, value in trial.params.items())
    dev = f"dev macro-F1 {100 * (trial.value or 0):.1f}"
    return f"trial {trial.number} {trial.state.name.lower()}: {dev}{epochs}; {values}"
