"""How often a source's records are drawn per epoch: weights, shares and a temperature as rates."""

import math
from collections.abc import Sequence

from stancewire.data.mixture import Mixture


def record_rates(mixture: Mixture, sizes: Sequence[int]) -> list[float] | None:
    """How often each training record is drawn per epoch, in order; none if each is drawn once.

    `sizes` are the training pairs of the main source and of each addition (`Manifest.train_sizes`).
    """
    rates = source_rates(mixture, sizes)
    if all(rate == 1 for rate, size in zip(rates, sizes, strict=True) if size):
        return None
    return [rate for rate, size in zip(rates, sizes, strict=True) for _ in range(size)]


def source_rates(mixture: Mixture, sizes: Sequence[int]) -> list[float]:
    """How often the records of each source are drawn per epoch.

    A source of weight w and n pairs is drawn w times. With a temperature T it is drawn in
    proportion to w·n^(1/T) (Arivazhagan et al., 2019), all of them together as often as without. A
    source with a share comes on top, as often as its share of the whole asks for. `epoch_pairs`
    bounds the whole by drawing all of them less often.
    """
    rest = [(mixture.weight, None), *((one.weight, one.share) for one in mixture.also)]
    usual = [0.0 if s else w * n for (w, s), n in zip(rest, sizes, strict=True)]
    heat = 1 / mixture.temperature
    warm = [0.0 if s else w * n**heat for (w, s), n in zip(rest, sizes, strict=True)]
    scale = sum(usual) / sum(warm) if sum(warm) else 0.0
    taken = sum(s or 0.0 for (_, s), n in zip(rest, sizes, strict=True) if n)
    whole = sum(usual) / (1 - taken)
    pairs = [s * whole if s else w * scale for (_, s), w in zip(rest, warm, strict=True)]
    total = sum(p for p, n in zip(pairs, sizes, strict=True) if n)
    slower = min(1.0, (mixture.epoch_pairs or math.inf) / total) if total else 1.0
    # Rounded: 2 · 100 / 100 must be told from 2 by nobody.
    return [round(slower * p / n, 9) if n else 0.0 for p, n in zip(pairs, sizes, strict=True)]
