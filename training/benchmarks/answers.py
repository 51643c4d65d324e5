"""What models answered, kept on disk chunk by chunk: a run that was cut off goes on where it was.

A chunk is some whole texts with all their targets, so that one pass still answers for all of them.
Its file is named by the hash of who was asked and of the very words, in their order; a model or a
data set that differs in anything finds nothing there. Files hold plain numbers.
"""

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.labels import ORDER
from stancewire.pairs import StancePair
from stancewire.predictor import Stance

CHUNK = 512
"""Pairs after which answers are written; a text with more stays whole."""
HIDDEN_TARGET = "it"
HIDDEN_TEXT = "Something was said."
"""What stands where one side of every pair is hidden."""

Ask = Callable[[Sequence[StancePair]], FloatArray]
"""Probabilities of pairs, (n, 3), in their order."""


class Answers(Protocol):
    """Anything that answers pairs as `Predictor` does."""

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        """One stance per pair."""


@dataclass
class Model:
    """A model that may be asked; it is loaded only if something was not answered before."""

    identity: str
    """Says all that decides its answers: a bundle's sha256 and precision, or a baseline's data."""
    load: Callable[[], Answers]
    cache: Path
    seconds: float = 0.0
    """What its answers took, those found on disk included."""
    _loaded: Answers | None = None
    _known: dict[tuple[str, str], FloatArray] = field(default_factory=dict)

    def ask(self, pairs: Sequence[StancePair]) -> FloatArray:
        """Probabilities (n, 3), columns as in `labels.ORDER`. Equal pairs are asked once.

        Raises `DataError` naming every pair that cannot be read.
        """
        asked = {(pair.text, pair.target): pair for pair in pairs}
        new = [pair for words, pair in asked.items() if words not in self._known]
        for chunk in chunks(new):
            rows = self._chunk(chunk)
            self._known |= {(p.text, p.target): r for p, r in zip(chunk, rows, strict=True)}
        found = [self._known[pair.text, pair.target] for pair in pairs]
        return np.array(found).reshape(-1, len(ORDER))

    def _chunk(self, pairs: Sequence[StancePair]) -> FloatArray:
        path = self.cache / f"{self._key(pairs)}.npz"
        kept = _read(path, len(pairs))
        if kept is None:
            self._loaded = self._loaded or self.load()
            began = time.monotonic()
            stances = self._loaded.predict(pairs)
            kept = (_probabilities(stances), time.monotonic() - began)
            _write(path, *kept)
        self.seconds += kept[1]
        return kept[0]

    def _key(self, pairs: Sequence[StancePair]) -> str:
        words = [self.identity, [[pair.text, pair.target] for pair in pairs]]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def target_hidden(ask: Ask) -> Ask:
    """The same model, told of no target."""
    return lambda pairs: ask([replace(pair, target=HIDDEN_TARGET) for pair in pairs])


def text_hidden(ask: Ask) -> Ask:
    """The same model, told of no text."""
    return lambda pairs: ask([replace(pair, text=HIDDEN_TEXT) for pair in pairs])


def chunks(pairs: Sequence[StancePair], size: int = CHUNK) -> Iterator[list[StancePair]]:
    """Pairs by text, in order of first appearance, a text never cut; about `size` in each."""
    by_text: dict[str, list[StancePair]] = {}
    for pair in pairs:
        by_text.setdefault(pair.text, []).append(pair)
    chunk: list[StancePair] = []
    for members in by_text.values():
        if chunk and len(chunk) + len(members) > size:
            yield chunk
            chunk = []
        chunk += members
    if chunk:
        yield chunk


def _probabilities(stances: Sequence[Stance]) -> FloatArray:
    return np.array([[stance.probabilities[label] for label in ORDER] for stance in stances])


def _read(path: Path, rows: int) -> tuple[FloatArray, float] | None:
    """Kept answers and the seconds that they took; none if there are none that can be used."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            probabilities, seconds = kept["probabilities"], float(kept["seconds"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    usable = probabilities.shape == (rows, len(ORDER)) and np.isfinite(probabilities).all()
    return (probabilities, seconds) if usable else None


def _write(path: Path, probabilities: FloatArray, seconds: float) -> None:
    """As a whole or not at all: the process may be cut off at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    with partial.open("wb") as out:
        np.savez(out, probabilities=probabilities, seconds=seconds)
    os.replace(partial, path)
