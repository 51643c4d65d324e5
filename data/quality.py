"""Looking at a corpus as it lies on disk: everything wrong with it, and its figures."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stancewire.data.checks import CHECKS, PRESS_CHECKS, Found
from stancewire.data.corpus import OWN, PRESS
from stancewire.data.files import MAX_PROBLEMS, content_hash, read_records
from stancewire.data.stats import beside, figures
from stancewire.errors import DataError, Problem
from stancewire.records import Record

FROZEN = "frozen.json"
"""File beside the records that holds the content hashes of the splits that count."""


def validate(source: str = "press") -> list[Problem]:
    """Everything wrong with a corpus: "press", or the path of a file or folder of records.

    A file that cannot be read does not hide the faults of the others. Empty if all is well.
    """
    path = _path(source)
    found, problems = _read(path)
    unread = bool(problems)
    for check in PRESS_CHECKS if source == "press" else CHECKS:
        problems += check(found)
    frozen = path / FROZEN
    # A file that was not read would only make the hash fail with it.
    if not unread and (source == "press" or frozen.exists()):
        problems += _test_is_frozen(frozen, [f.record for f in found])
    return problems


def stats(source: str = "press") -> dict[str, Any]:
    """Count what a corpus holds, as plain data. Raises `DataError` if a file cannot be read.

    For a folder, with the figures of what lies beside the records: see `data.stats.beside`.
    """
    path = _path(source)
    found, problems = _read(path)
    if problems:
        raise DataError(f"corpus {source!r} cannot be read", problems)
    records = [f.record for f in found]
    return {**figures(records), **beside(path, records)}


def _path(source: str) -> Path:
    return PRESS if source == "press" else OWN.get(source, Path(source))


def _read(source: Path) -> tuple[list[Found], list[Problem]]:
    found: list[Found] = []
    problems: list[Problem] = []
    files = sorted(source.glob("*.jsonl")) if source.is_dir() else [source]
    if not files:
        problems.append(Problem(str(source), "file", "the folder holds no .jsonl file"))
    for path in files:
        try:
            found += [Found(path.name, record) for record in read_records(path)]
        except DataError as error:
            problems += error.problems
            if len(error.problems) in (0, MAX_PROBLEMS):  # nothing listed, or not all
                problems.append(Problem(str(path), "file", error.summary))
    return found, problems


def _test_is_frozen(path: Path, records: Sequence[Record]) -> Iterator[Problem]:
    try:
        expected = json.loads(path.read_bytes())["test"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"expected the content hash of the test split: {error!r}"
        yield Problem(str(path), "test", message)
        return
    actual = content_hash([r for r in records if r.split == "test"])
    if actual != expected:
        message = f"the frozen test split has changed: expected {expected}, found {actual}"
        yield Problem(str(path), "test", message)
