"""From a folder to a model that is ready to answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stancewire.bundle import Bundle
from stancewire.errors import BundleError, StancewireError
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor
from stancewire.serving.schemas import QUOTE, Obtained
from stancewire.sums import SUMS, check_sums

_KINDS: dict[Obtained, str] = {"installed": "installed", "release": "release"}
_WARM = (
    [StancePair(QUOTE, "the grain corridor")],
    [StancePair(QUOTE * 4, f"clause {i} of the agreement") for i in range(8)],
)


@dataclass(frozen=True)
class LoadedModel:
    """A predictor and its identity, as one object: a request holds on to one from start to end."""

    predictor: Predictor
    name: str
    version: str
    run_id: str | None
    bundle_sha256: str
    family: str
    precision: str
    loaded_at: datetime
    obtained: Obtained


def load_model(
    folder: Path,
    *,
    name: str,
    version: str | None = None,
    run_id: str | None = None,
    obtained: Obtained,
    threads: int = 1,
) -> LoadedModel:
    """Verify every file of the bundle in `folder`, load it and let it answer a few pairs.

    Without `version` it is named after its hash. A `SHA256SUMS` beside it is checked as well.
    Raises `BundleError` if any of that fails.
    """
    bundle = Bundle.open(folder)
    bundle.verify()
    if (folder / SUMS).exists():
        check_sums(folder)
    predictor = Predictor.load(bundle, threads=threads)
    _warm(predictor)
    manifest = bundle.manifest
    return LoadedModel(
        predictor=predictor,
        name=name,
        version=version or f"{_KINDS.get(obtained, 'local')}-{bundle.sha256[:12]}",
        run_id=run_id or _made_by(manifest.made.get("run_id")),
        bundle_sha256=bundle.sha256,
        family=manifest.family,
        precision=manifest.precision,
        loaded_at=datetime.now(UTC),
        obtained=obtained,
    )


def _made_by(run_id: object) -> str | None:
    return run_id if isinstance(run_id, str) and run_id else None


def _warm(predictor: Predictor) -> None:
    """Run it: first runs allocate, and should not be a request; a broken graph shows here."""
    try:
        for pairs in _WARM:
            predictor.predict(pairs)
    except StancewireError:
        raise
    except Exception as error:  # the runtime raises its own, undocumented classes
        raise BundleError(f"the model loads but does not answer: {error}") from error
