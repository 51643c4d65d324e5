"""Which passes an epoch sees, where some are to be seen more or less often than once.

A pass is drawn whole, so that the targets of a quote stay together. Passes are taken in turn from
one shuffle after another: none is seen a second time before every other of its group was seen once,
also across epochs. What an epoch draws follows from the seed and its number alone, so a run that is
taken up again sees what it would have seen.
"""

import random
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


def drawn(size: int, count: int, epoch: int, seed: object) -> list[int]:
    """Which of `size` items `epoch` (from 0) sees: `count` of them, some twice if need be.

    After any number of epochs, none was seen more than once more often than another.
    """
    start, stop = epoch * count, (epoch + 1) * count
    found: list[int] = []
    for number in range(start // size, -(-stop // size)):
        shuffled = torch.randperm(size, generator=_generator(seed, number)).tolist()
        first = number * size
        found += shuffled[max(0, start - first) : max(0, min(size, stop - first))]
    return found


class RatedSampler(Sampler[int]):
    """Indices of an epoch, each item as often as its rate says, in batches of like length."""

    def __init__(
        self, rates: Sequence[float], lengths: Sequence[int], batch: int, *, seed: int
    ) -> None:
        """`rates`: how often each item is seen per epoch; equal rates are drawn as one group."""
        groups: dict[float, list[int]] = {}
        for index, rate in enumerate(rates):
            groups.setdefault(rate, []).append(index)
        self._groups = list(groups.values())
        self._counts = [max(1, round(rate * len(group))) for rate, group in groups.items()]
        self._lengths, self._batch, self._seed = lengths, batch, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Told by the Trainer before each epoch, also when a run is taken up again."""
        self._epoch = epoch

    def __len__(self) -> int:
        return sum(self._counts)

    def __iter__(self) -> Iterator[int]:
        chosen = [
            group[i]
            for number, (group, count) in enumerate(zip(self._groups, self._counts, strict=True))
            for i in drawn(len(group), count, self._epoch, f"{self._seed}/{number}")
        ]
        lengths = [self._lengths[i] for i in chosen]
        generator = _generator(f"{self._seed}/order", self._epoch)
        order = get_length_grouped_indices(lengths, self._batch, generator=generator)  # type: ignore[no-untyped-call]
        return (chosen[i] for i in order)


def pass_rates(members: Sequence[Sequence[int]], rates: Sequence[float]) -> list[float]:
    """Rate of each pass: that of its first record, also if several sources share the quote."""
    return [rates[one[0]] for one in members]


def _generator(seed: object, number: int) -> torch.Generator:
    # Seeded by words, so that neighbouring seeds and numbers have nothing in common.
    return torch.Generator().manual_seed(random.Random(f"{seed}/{number}").getrandbits(63))
