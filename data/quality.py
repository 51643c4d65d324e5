"""Looking at a corpus as it lies on disk: everything wrong with it, and its figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancewire.data import corpus
from stancewire.data.checks import CHECKS, PRESS_CHECKS, Found
from stancewire.data.corpus import OWN, PRESS
from stancewire.data.files import MAX_PROBLEMS, read_records
from stancewire.data.frozen import FROZEN, changed
from stancewire.data.stats import beside, figures
from stancewire.errors import DataError, Problem
from stancewire.records import Record


def validate(source: str = "press", *, mirror: Path | None = None) -> list[Problem]:
    """Everything wrong with a corpus, by name or path: see `corpus.read`. Empty if all is well.

    A file that cannot be read does not hide the faults of the others.
    """
    path = _path(source)
    found, problems = _read(source, path, mirror)
    unread = bool(problems)
    for check in PRESS_CHECKS if source == "press" else CHECKS:
        problems += check(found)
    frozen = path / FROZEN
    # A file that was not read would only make the hash fail with it.
    if not unread and (source == "press" or frozen.exists()):
        problems += changed(frozen, _held_out([f.record for f in found]))
    return problems


def stats(
    source: str = "press", *, mirror: Path | None = None, without_tag: str | None = None
) -> dict[str, Any]:
    """Count what a corpus holds, as plain data; records tagged `without_tag` are left out.

    For a folder, and for "real", with the figures of what lies beside the records: see
    `data.stats.beside`. Raises `DataError` if a file cannot be read, or nothing is left to count.
    """
    path = _path(source)
    found, problems = _read(source, path, mirror)
    if problems:
        raise DataError(f"corpus {source!r} cannot be read", problems)
    records = [f.record for f in found if without_tag not in f.record.tags]
    if not records:
        raise DataError(f"corpus {source!r} holds no record to count")
    # The labels of real passages lie with the press corpus, their words do not.
    return {**figures(records), **beside(PRESS if source == "real" else path, records)}


def _path(source: str) -> Path:
    return PRESS if source == "press" else OWN.get(source, Path(source))


def _read(source: str, place: Path, mirror: Path | None) -> tuple[list[Found], list[Problem]]:
    if corpus.is_public(source):
        return [Found(source, record) for record in corpus.read(source, mirror=mirror)], []
    found: list[Found] = []
    problems: list[Problem] = []
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    if not files:
        problems.append(Problem(str(place), "file", "the folder holds no .jsonl file"))
    for path in files:
        try:
            found += [Found(path.name, record) for record in read_records(path)]
        except DataError as error:
            problems += error.problems
            if len(error.problems) in (0, MAX_PROBLEMS):  # nothing listed, or not all
                problems.append(Problem(str(path), "file", error.summary))
    return found, problems


def _held_out(records: Sequence[Record]) -> dict[str, list[Record]]:
    # The gate judges on golden, where there is one; a corpus need not have it.
    names = ["test", *(["golden"] if "golden" in {r.split for r in records} else [])]
    return {name: [r for r in records if r.split == name] for name in names}
