"""Answers already given, so that the same pair is not scored twice by the same model."""

import hashlib
import threading
from collections import OrderedDict

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
        """The answer kept under `key`."""
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


def key_of(bundle_sha256: str, text: str, target: str) -> bytes:
    """Key of a pair. No normalised text holds the control character that joins the parts."""
    whole = "\x1f".join([bundle_sha256, normalise(text), normalise(target)])
    return hashlib.sha256(whole.encode()).digest()
