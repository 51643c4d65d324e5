"""Do explanations name what the model used? ERASER's deletion test on dev of the press corpus.

Usage: python experiments/faithfulness.py BUNDLE [--seed 13] [--pairs 100] [--orders 3]

Whole statements are drawn until `--pairs` pairs are there; 0 takes all of dev. Prints a table:
comprehensiveness (higher is better) and sufficiency (lower is better) of the order of the weights,
of random orders, and their difference with its 95 % interval; overall and by the label answered.
A pair costs one explanation and, with three random orders, at most 41 answers more.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np

from stancewire import Bundle, Predictor, Record
from stancewire.data import corpus
from stancewire.labels import ORDER
from stancewire.training.faithfulness import TESTS, Faithfulness, measure


def sample(records: Sequence[Record], pairs: int, seed: int) -> list[Record]:
    """Records of whole statements in random order, until there are at least `pairs`; 0 is all."""
    names = sorted({record.statement for record in records})
    chosen: list[Record] = []
    for i in np.random.default_rng(seed).permutation(len(names)):
        if pairs and len(chosen) >= pairs:
            break
        chosen += [record for record in records if record.statement == names[i]]
    return chosen


def print_table(found: Faithfulness) -> None:
    """One row per test and label answered."""
    print(
        "| | label | pairs | weights | random | difference | 95 % |\n|---|---|---|---|---|---|---|"
    )
    for column, test in enumerate(TESTS):
        for label in (None, *ORDER):
            chosen = [i for i, one in enumerate(found.labels) if label in (None, one)]
            if not chosen:
                continue
            ours, theirs = (a[chosen, column].mean() for a in (found.explained, found.random))
            low, high = found.interval(chosen)[:, column]
            print(
                f"| {test} | {label or 'all'} | {len(chosen)} | {ours:.3f} | {theirs:.3f} "
                f"| {ours - theirs:+.3f} | {low:+.3f} … {high:+.3f} |"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--orders", type=int, default=3)
    args = parser.parse_args()
    bundle = Bundle.open(args.bundle)
    records = sample(corpus.load("press").dev, args.pairs, args.seed)
    began = time.monotonic()
    found = measure(Predictor.load(bundle), records, seed=args.seed, orders=args.orders)
    took = time.monotonic() - began
    print(f"bundle {bundle.sha256[:12]}, {bundle.manifest.precision}; {len(records)} pairs of dev,")
    print(f"seed {args.seed}, {args.orders} random orders a pair; {took:.0f} s")
    print_table(found)


if __name__ == "__main__":
    main()
