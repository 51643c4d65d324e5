"""Moving `stancewire@champion`: only through the gate, and back in one call."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stancewire.bundle import Bundle
from stancewire.errors import BundleError, ConfigError, DataError, GateRefused, RegistryError
from stancewire.training.gate.config import load_config
from stancewire.training.gate.evidence import Absent
from stancewire.training.gate.gather import Artifact, Model, gather, judged_on
from stancewire.training.gate.judge import judge
from stancewire.training.gate.page import page
from stancewire.training.gate.verdict import Mode, Verdict
from stancewire.training.registry import CHAMPION, NAME, PREVIOUS, Registry
from stancewire.training.yardsticks import CACHE

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def promote(
    version: str | int,
    *,
    mode: Mode = "enforce",
    reason: str | None = None,
    against: Path | None = None,
    config_path: Path | None = None,
    source: str = "press",
    cache: Path = CACHE,
    out: Path | None = None,
) -> Verdict:
    """Judge a version ("latest" or a number) and, if it passes, make it the champion.

    `reason` lets it pass without being shown better than the champion. A dry run changes neither
    aliases nor tags, and may compare with the bundle in the folder `against` instead of the
    champion. The report is written to the version's run in any case, and to the folder `out`, if
    given, as `gate.json` and `gate.html`. Raises `GateRefused` if the
    candidate fails, `RegistryError` if the registry is away or has no such version, `BundleError`
    if the candidate's bundle is broken, `ConfigError` for options that contradict each other.
    """
    if against is not None and mode != "dry-run":
        raise ConfigError("only a dry run compares with a folder: the champion is what it replaces")
    if out is not None and not out.is_dir():
        raise ConfigError(f"{out}: there is no such folder")
    config, on = load_config(config_path), judged_on(source)
    registry = Registry()
    registered = registry.version(str(version))
    number, incumbent = str(registered.version), registry.aliases().get(CHAMPION)
    with TemporaryDirectory() as folder:
        candidate = _model(registry, registered, Path(folder) / "candidate")
        champion = _rival(registry, number, incumbent, against, Path(folder) / "champion")
        found = gather(candidate, champion, on, config, cache=cache)
    verdict = judge(found, config, mode=mode, reason=reason)
    texts = {"json": verdict.to_json(), "html": page(verdict)}
    if out is not None:
        for ending, text in texts.items():
            (out / f"gate.{ending}").write_text(text, encoding="utf-8")
    _write(registry, number, registered.run_id, verdict, texts)
    if not verdict.passed:
        failed = "; ".join(check.name for check in verdict.failed)
        raise GateRefused(f"version {number} is refused by: {failed}", verdict.to_dict())
    if mode == "enforce" and number != incumbent:
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


def _model(registry: Registry, version: "ModelVersion", folder: Path) -> Model:
    number, run_id = str(version.version), version.run_id
    return Model(
        name=f"version {number}",
        bundle=registry.bundle(number, folder),
        artifact=lambda path: registry.read(run_id, path),
        digest=version.tags.get("data.manifest"),
    )


def _rival(
    registry: Registry, number: str, incumbent: str | None, against: Path | None, folder: Path
) -> Model | Absent:
    """What the candidate is compared with, or why with nothing."""
    if against is not None:
        bundle = Bundle.open(against)
        bundle.verify()
        return Model(str(against), bundle, _beside(against))
    if incumbent is None:
        return Absent("there is no champion yet")
    if incumbent == number:
        return Absent("the candidate is the champion")
    try:
        return _model(registry, registry.version(incumbent), folder)
    except (BundleError, DataError) as error:
        # A champion that cannot answer is no bar: it must not keep its successor from serving.
        return Absent(f"the champion, version {incumbent}, cannot be judged: {error}")


def _beside(bundle: Path) -> Artifact:
    """What a run left in its folder, beside its bundle."""
    return lambda path: (bundle.parent / path).read_text(encoding="utf-8")


def _write(
    registry: Registry,
    number: str,
    run_id: str | None,
    verdict: Verdict,
    texts: Mapping[str, str],
) -> None:
    """The report to the run; the outcome, and where the report is, to the version."""
    name = f"gate/{number}" + ("-dry-run" if verdict.mode == "dry-run" else "")
    if run_id:
        registry.attach(run_id, {f"{name}.{ending}": text for ending, text in texts.items()})
    if verdict.mode == "dry-run":
        return
    links = {"gate.report": "json", "gate.page": "html"} if run_id else {}
    tags = {
        "gate.passed": str(verdict.passed).lower(),
        "gate.time": _now(),
        "gate.reason": verdict.reason or "none",
        **{tag: f"runs:/{run_id}/{name}.{ending}" for tag, ending in links.items()},
    }
    registry.tag(number, tags)


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
