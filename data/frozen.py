"""The splits that count are frozen: their content hashes lie beside the records."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from stancewire.data.corpus import OWN, Corpus
from stancewire.data.files import content_hash
from stancewire.errors import Problem
from stancewire.records import Record

FROZEN = "frozen.json"


def frozen_file(source: str) -> Path:
    """Where the hashes of an own corpus, a folder or a file of records are."""
    folder = OWN.get(source, Path(source))
    return (folder if folder.is_dir() else folder.parent) / FROZEN


def judged(data: Corpus) -> str:
    """Name of the split that promotion judges on: golden, if there is one.

    Every run reports its figures on test, and people choose by what they read; golden stays unread
    until a candidate stands at the gate.
    """
    return "golden" if data.golden else "test"


def changed(path: Path, splits: Mapping[str, Sequence[Record]]) -> list[Problem]:
    """Splits that are not what `path` says they are; all are, if this is empty."""
    try:
        frozen = json.loads(path.read_bytes())
        expected = {name: frozen[name] for name in splits}
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"expected the content hash of each frozen split: {error!r}"
        return [Problem(str(path), next(iter(splits)), message)]
    found = {name: content_hash(records) for name, records in splits.items()}
    return [
        Problem(
            str(path),
            name,
            f"the frozen {name} split has changed: expected {expected[name]}, found {hash_}",
        )
        for name, hash_ in found.items()
        if hash_ != expected[name]
    ]
