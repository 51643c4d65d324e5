"""What one, five and twenty targets of one quote cost, as a ratio to one target, in one run.

Beside the packed graph stands its peer: the same graph asked pair by pair, as a pairwise
cross-encoder must be. Usage: python experiments/bench_targets.py BUNDLE [--rounds 30]
"""

import argparse
import statistics
import time
from collections.abc import Callable

from stancewire import Predictor, StancePair

QUOTE = (
    "The council has heard the objections, and it takes them seriously; but nobody who has waited "
    "forty minutes for a ferry in November will tell us that the bridge is a luxury, and those who "
    "call it a gift to the builders might ask the two schools on the island what they think of it."
)
WHAT = (
    "the bridge to",
    "the ferry from",
    "the schools of",
    "the claim that builders profit from",
    "a referendum on",
)
WHERE = ("the island", "the northern shore", "the old town", "the harbour district")
TARGETS = [f"{what} {where}" for what in WHAT for where in WHERE]


def timed_ms(work: Callable[[], object]) -> float:
    """Wall time of one call, in milliseconds."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """Median wall time of `work` in milliseconds, after three warm-up calls."""
    for _ in range(3):
        work()
    return statistics.median(timed_ms(work) for _ in range(rounds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    predictor = Predictor.load(args.bundle, threads=1)
    pairs = [StancePair(QUOTE, target) for target in TARGETS]
    one = median_ms(lambda: predictor.predict(pairs[:1]), args.rounds)
    print(
        f"one thread, {len(QUOTE.split())} words, median of {args.rounds}; 1 target = {one:.1f} ms"
    )
    print("| targets | packed | pair by pair |\n|---|---|---|")
    for n in (1, 5, 20):
        packed = median_ms(lambda n=n: predictor.predict(pairs[:n]), args.rounds)
        apart = median_ms(lambda n=n: [predictor.predict([p]) for p in pairs[:n]], args.rounds)
        print(f"| {n} | {packed / one:.2f}x | {apart / one:.2f}x |")


if __name__ == "__main__":
    main()
