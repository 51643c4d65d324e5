"""Moving `stancewire@champion`: only through the gate, and back in one call."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from stancewire.bundle import Bundle
from stancewire.data import corpus
from stancewire.data.corpus import Corpus
from stancewire.data.files import content_hash
from stancewire.data.frozen import FROZEN
from stancewire.errors import BundleError, DataError, GateRefused, RegistryError
from stancewire.predictor import Predictor
from stancewire.training.evaluate import Evaluation, evaluate
from stancewire.training.gate import GateConfig, Verdict, judge, load_config
from stancewire.training.registry import CHAMPION, NAME, PREVIOUS, Registry
from stancewire.training.yardsticks import CACHE, is_frozen_baseline, yardsticks


def promote(
    version: str | int,
    *,
    dry_run: bool = False,
    config_path: Path | None = None,
    source: str = "press",
    cache: Path = CACHE,
) -> Verdict:
    """Judge a version ("latest" or a number) and, if it passes, make it the champion.

    The verdict is written to the version and its run in any case; a dry run only leaves the
    aliases alone. Raises `GateRefused` if the candidate fails, `RegistryError` if the registry is
    away or has no such version, `BundleError` if the candidate's bundle is broken, and `DataError`
    if the test split is not the frozen one.
    """
    config = load_config(config_path)
    data = frozen_corpus(source)
    registry = Registry()
    candidate = registry.version(str(version))
    number, incumbent = str(candidate.version), registry.aliases().get(CHAMPION)
    verdict = _judge(registry, number, incumbent, data, config, cache)
    _write(registry, number, candidate.run_id, verdict)
    if not verdict.passed:
        failed = "; ".join(c.name for c in verdict.checks if not c.passed)
        raise GateRefused(f"version {number} is refused by: {failed}", verdict.to_dict())
    if not dry_run and number != incumbent:
        _move(registry, number, incumbent, cache)
    return verdict


def rollback(*, cache: Path = CACHE) -> str:
    """Make @previous the champion again and give its number.

    @previous then names nothing: a second call must not bring back what was just rolled back.
    Raises `RegistryError` if there is no previous champion, `BundleError` if its bundle is broken.
    """
    registry = Registry()
    with _lock(cache), TemporaryDirectory() as folder:
        aliases = registry.aliases()
        previous, incumbent = aliases.get(PREVIOUS), aliases.get(CHAMPION)
        if previous is None or previous == incumbent:
            raise RegistryError(f"{NAME} has no @{PREVIOUS} to roll back to")
        registry.bundle(previous, Path(folder))
        registry.point(CHAMPION, previous)
        registry.drop(PREVIOUS)
    registry.tag(previous, {"rolled_back_from": incumbent or "none", "rolled_back_at": _now()})
    if incumbent is not None:
        registry.tag(incumbent, {"rolled_back_to": previous, "rolled_back_at": _now()})
    return previous


def frozen_corpus(source: str) -> Corpus:
    """The corpus, its `test` being what promotion judges on: the golden split, if there is one.

    Raises `DataError` if that split is not the one frozen beside the records.
    """
    data = corpus.load(source)
    folder = corpus.OWN.get(source, Path(source))
    path = (folder if folder.is_dir() else folder.parent) / FROZEN
    # Every run reports its figures on test, and people choose by what they read; golden stays
    # unread until a candidate stands at the gate.
    split = "golden" if data.golden else "test"
    try:
        frozen = json.loads(path.read_bytes())[split]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not say which {split} split is frozen: {error!r}") from error
    judged = getattr(data, split)
    found = content_hash(judged)
    if found != frozen:
        raise DataError(
            f"the {split} split of {source!r} is not the frozen one: its content hash is {found}, "
            f"{path} says {frozen}"
        )
    return replace(data, test=judged)


def _judge(
    registry: Registry,
    number: str,
    incumbent: str | None,
    data: Corpus,
    config: GateConfig,
    cache: Path,
) -> Verdict:
    with TemporaryDirectory() as folder:
        bundle = registry.bundle(number, Path(folder) / "candidate")
        candidate = _evaluate(number, bundle, data)
        champion = _champion(registry, number, incumbent, data, Path(folder) / "champion")
        names = {*config.must_beat, *config.may_tie}
        own = {"frozen": candidate} if is_frozen_baseline(bundle, data) else {}
        baselines = {**yardsticks(sorted(names - set(own)), data, cache=cache), **own}
        return judge(
            candidate, baselines, champion.evaluation, config, no_champion=champion.why_none
        )


@dataclass(frozen=True)
class _Champion:
    evaluation: Evaluation | None
    why_none: str = ""


def _champion(
    registry: Registry, number: str, incumbent: str | None, data: Corpus, folder: Path
) -> _Champion:
    if incumbent is None:
        return _Champion(None, "there is no champion yet")
    if incumbent == number:
        return _Champion(None, "the candidate is the champion")
    try:
        return _Champion(_evaluate(incumbent, registry.bundle(incumbent, folder), data))
    except (BundleError, DataError) as error:
        # A champion that cannot answer is no bar: it must not keep its successor from serving.
        return _Champion(None, f"the champion, version {incumbent}, cannot be judged: {error}")


def _evaluate(number: str, bundle: Bundle, data: Corpus) -> Evaluation:
    return evaluate(f"version {number}", Predictor.load(bundle, threads=2), data.test)


def _write(registry: Registry, number: str, run_id: str | None, verdict: Verdict) -> None:
    content = verdict.to_dict()
    registry.tag(
        number,
        {
            "gate.passed": str(verdict.passed).lower(),
            "gate.verdict": json.dumps(content),
            "gate.time": _now(),
        },
    )
    if run_id:
        files = {
            f"gate/{number}.json": json.dumps(content, indent=2) + "\n",
            f"gate/{number}.md": verdict.markdown(),
        }
        registry.attach(run_id, files)


def _move(registry: Registry, number: str, incumbent: str | None, cache: Path) -> None:
    with _lock(cache):
        now = registry.aliases().get(CHAMPION)
        if now != incumbent:
            raise RegistryError(
                f"the champion changed from {incumbent} to {now} while {number} was judged: "
                "judge it again"
            )
        if incumbent is not None:
            registry.point(PREVIOUS, incumbent)
        registry.point(CHAMPION, number)
    registry.tag(number, {"promoted_from": incumbent or "none", "promoted_at": _now()})


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One promotion at a time on this machine; held only while aliases move."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "promote.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
