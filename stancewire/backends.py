"""What can sit inside a bundle and answer pairs with logits: an ONNX graph, or a TF-IDF table."""

import platform
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from stancewire.errors import BundleError
from stancewire.pairs import PairEncoder, Pass, StancePair
from stancewire.text import normalise

Logits = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


SQUARE_BUDGET = 400_000
"""Largest sum, over a batch, of squared lengths: one pass of 640 tokens, or forty of 100."""


class Backend(Protocol):
    """Answers pairs."""

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        """Logits (n, 3) in the order of the pairs, and whether each quote was truncated (n,)."""


class OnnxBackend:
    """Runs a packed graph: passes sorted by length, batched up to a budget of padded tokens."""

    def __init__(
        self, graph: bytes, encoder: PairEncoder, *, threads: int = 1, token_budget: int = 2048
    ) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning workers would starve the event loop that shares these cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena keeps the largest shape it ever saw; inputs vary too much for that.
        options.enable_cpu_mem_arena = False
        if sums_saturate():
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own, undocumented classes
            raise BundleError(f"the graph cannot be loaded: {error}") from error
        self._inputs = {i.name for i in self._session.get_inputs()}
        self._encoder = encoder
        self._budget = token_budget

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        """See `Backend`. Raises `DataError` for pairs that cannot be encoded."""
        logits = np.zeros((len(pairs), 3), dtype=np.float32)
        truncated = np.zeros(len(pairs), dtype=np.bool_)
        for passes in _batches(self._encoder.passes(pairs), self._budget):
            feed = self._encoder.batch(passes).feed()
            # A graph that needs no positions has no such input: the exporter drops what is unread.
            (answer,) = self._session.run(
                ["logits"], {k: v for k, v in feed.items() if k in self._inputs}
            )
            for row, one in enumerate(passes):
                members = list(one.members)
                logits[members] = answer[row, : len(members)]
                truncated[members] = one.truncated
        return logits, truncated


@cache
def sums_saturate(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether int8 kernels lose sums of two products that do not fit 16 bits on this machine.

    x86 without VNNI does, unless onnxruntime is told to be exact, which is slower also where there
    is VNNI. So is a machine that does not say what it has.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        return re.search(r"\bavx(512)?_vnni\b", cpuinfo.read_text()) is None
    except OSError:
        return True


def _batches(passes: Sequence[Pass], budget: int) -> Iterator[list[Pass]]:
    """Passes of like length together; a batch's padded size stays within `budget` tokens.

    Attention takes memory by the square of the length, so long passes go alone.
    """
    batch: list[Pass] = []
    for one in sorted(passes, key=len):
        padded = (len(batch) + 1) * len(one)
        if batch and (padded > budget or padded * len(one) > SQUARE_BUDGET):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


_WORD = re.compile(r"(?u)\b\w\w+\b")


def terms(text: str) -> list[str]:
    """Lower-case words of two or more letters and pairs of neighbours, cut as by scikit-learn."""
    words = _WORD.findall(normalise(text).lower())
    return words + [f"{a} {b}" for a, b in pairwise(words)]


class TfidfBackend:
    """Logistic regression over the TF-IDF of quote and target, read from a plain JSON table.

    `table` has a part for `text`, one for `target` (`terms`: list of n strings, `idf`: n numbers,
    `weights`: n rows of 3), and `bias` (3 numbers). A part may be empty.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        try:
            self._bias = np.array(table["bias"], dtype=np.float64).reshape(3)
            self._parts = {name: _Part(table[name]) for name in ("text", "target")}
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"the TF-IDF table is not one: {error!r}") from error

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        """See `Backend`; nothing is ever truncated."""
        text, target = self._parts["text"], self._parts["target"]
        rows = [self._bias + text.score(p.text) + target.score(p.target) for p in pairs]
        return np.array(rows, dtype=np.float32).reshape(-1, 3), np.zeros(len(rows), np.bool_)


class _Part:
    def __init__(self, part: Mapping[str, Any]) -> None:
        self._index = {term: i for i, term in enumerate(part["terms"])}
        self._idf = np.array(part["idf"], dtype=np.float64).reshape(len(self._index))
        self._weights = np.array(part["weights"], dtype=np.float64).reshape(len(self._index), 3)

    def score(self, text: str) -> npt.NDArray[np.float64]:
        counts = Counter(self._index[t] for t in terms(text) if t in self._index)
        if not counts:
            return np.zeros(3)
        index = np.array(list(counts))
        frequency = 1.0 + np.log(np.array(list(counts.values()), dtype=np.float64))
        weight = frequency * self._idf[index]
        unit = weight / np.linalg.norm(weight)
        result: npt.NDArray[np.float64] = unit @ self._weights[index]
        return result
