"""Training records as batches of passes: one item is a quote with its targets and their labels."""

import random
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import TrainerCallback

from stancewire.data.sources import declared
from stancewire.errors import DataError
from stancewire.pairs import PairEncoder, Pass, StancePair
from stancewire.records import Record
from stancewire.training.metrics import gold_indices

IGNORED = -100
"""Label of a block that does not exist: passes of a batch have different numbers of targets."""

Vary = Callable[[str, Sequence[str], random.Random], tuple[str, list[str]]]
"""A quote and its targets, reworded so that every label stays true (see `augment`)."""


class Passes(Dataset[dict[str, Any]]):
    """Records as passes with their labels, reworded anew each epoch if `vary` is given."""

    def __init__(
        self,
        records: Sequence[Record],
        encoder: PairEncoder,
        vary: Vary | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.pairs = [r.pair for r in records]
        self.passes = encoder.passes(self.pairs)
        self.gold = gold_indices([r.stance for r in records])
        self.open = np.array([_knows_neutral(r.source) for r in records], dtype=bool)
        self.epoch = 0
        self._encoder, self._vary, self._seed = encoder, vary, seed

    @property
    def lengths(self) -> list[int]:
        """Tokens of each pass, as written."""
        return [len(one) for one in self.passes]

    def __len__(self) -> int:
        return len(self.passes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        members = list(self.passes[index].members)
        one = self._varied(index) if self._vary else self.passes[index]
        # "input_ids" is what the Trainer's length-grouping sampler measures.
        return {
            "input_ids": one.input_ids,
            "pass": one,
            "gold": self.gold[members],
            "open": self.open[members],
        }

    def _varied(self, index: int) -> Pass:
        """The pass in other words, the same each time in an epoch; as written if they don't fit."""
        assert self._vary is not None
        pairs = [self.pairs[i] for i in self.passes[index].members]
        rng = random.Random(f"{self._seed}/{self.epoch}/{index}")
        text, targets = self._vary(pairs[0].text, [p.target for p in pairs], rng)
        try:
            found = self._encoder.passes([StancePair(text, target) for target in targets])
        except DataError:  # longer than the encoder reads
            return self.passes[index]
        return found[0] if len(found) == 1 else self.passes[index]


class TellEpoch(TrainerCallback):
    """Tells the items which epoch begins, so that each sees other words."""

    def __init__(self, items: Passes) -> None:
        self._items = items

    def on_epoch_begin(self, args: object, state: Any, control: object, **_: Any) -> None:
        """As the Trainer calls it."""
        self._items.epoch = int(state.epoch or 0)


class Collator:
    """Pads passes to a batch; labels of missing blocks are `IGNORED`."""

    def __init__(self, encoder: PairEncoder) -> None:
        self._encoder = encoder

    def __call__(self, items: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Inputs of the graph, `labels` (b, k) and `has_neutral` (b, k)."""
        passes: list[Pass] = [item["pass"] for item in items]
        batch = self._encoder.batch(passes)
        labels = np.full((len(items), len(batch.block_ids)), IGNORED, dtype=np.int64)
        has_neutral = np.ones(labels.shape, dtype=bool)
        for row, item in enumerate(items):
            labels[row, : len(item["gold"])] = item["gold"]
            has_neutral[row, : len(item["open"])] = item["open"]
        feed = {**batch.feed(), "labels": labels, "has_neutral": has_neutral}
        return {name: torch.from_numpy(values) for name, values in feed.items()}


def narrowed(encoder: PairEncoder, targets: int | None) -> PairEncoder:
    """The encoder with at most `targets` targets in a pass; a quote with more has several passes.

    The bound of the encoding itself holds as well. It moves no answer, only what a batch costs.
    """
    if targets is None or targets >= encoder.encoding.max_targets:
        return encoder
    narrow = copy(encoder)
    narrow.encoding = encoder.encoding.model_copy(update={"max_targets": targets})
    return narrow


def _knows_neutral(source: str) -> bool:
    declaration = declared().get(source)
    return declaration is None or declaration.has_neutral
