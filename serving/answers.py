"""Answers already given, so that the same pair is not scored twice by the same model."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.text import normalise


class AnswerCache:
    """Least recently used answers by (bundle, normalised quote, normalised target).

    Keys are digests: no quote is kept. Safe to use from several threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[bytes, Stance] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Stance | None:
        """Answer kept under `key`."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: bytes, stance: Stance) -> None:
        """Keep an answer; the one unused for longest goes when there is no room."""
        with self._lock:
            self._answers[key] = stance
            self._answers.move_to_end(key)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)


def keys_of(bundle_sha256: str, pairs: Sequence[StancePair]) -> list[bytes]:
    """Key of every pair. Pairs that differ in typography alone have the same."""
    # Once for each string: one quote may be asked about hundreds of targets.
    strings = {s for p in pairs for s in (p.text, p.target)}
    normal = {s: normalise(s) for s in strings}
    return [_key(bundle_sha256, normal[p.text], normal[p.target]) for p in pairs]


def _key(*parts: str) -> bytes:
    # No normalised text holds the control character that joins them.
    whole = "\x1f".join(parts)
    return hashlib.sha256(whole.encode()).digest()
