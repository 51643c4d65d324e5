"""What an explanation costs, as a multiple of one answer for the same pair, in one run.

Usage: python experiments/bench_explain.py BUNDLE [--rounds 5]. One thread; the two are timed in
turn, so that whatever else runs on the machine slows both.
"""

import argparse
import statistics
from collections.abc import Sequence

from bench_targets import QUOTE, timed_ms

from stancewire import Predictor, Stance, StancePair
from stancewire.explain import explain, words

TARGET = "the bridge to the island"
SIZES = {"a sentence": " ".join(QUOTE.split()[:12]), "a quote": QUOTE, "a speech": QUOTE * 8}


class Counting:
    """A predictor that counts what it answers."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.answers = 0

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        """As the predictor does."""
        self.answers += len(pairs)
        return self._predictor.predict(pairs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    predictor = Predictor.load(args.bundle, threads=1)
    print(f"one thread, median of {args.rounds}; target of {len(words(TARGET))} words")
    print("| | words | answers asked for | one answer, ms | explained | of that, per answer |")
    print("|---|---|---|---|---|---|")
    for name, quote in SIZES.items():
        pair = StancePair(quote, TARGET)
        counting = Counting(predictor)
        explain(counting, pair)  # warms up as well
        ones, wholes = [], []
        for _ in range(args.rounds):
            ones.append(
                statistics.median(timed_ms(lambda p=pair: predictor.predict([p])) for _ in range(5))
            )
            wholes.append(timed_ms(lambda p=pair: explain(predictor, p)))
        ratio = statistics.median(w / o for w, o in zip(wholes, ones, strict=True))
        n = counting.answers
        one = statistics.median(ones)
        print(
            f"| {name} | {len(words(quote))} | {n} | {one:.1f} | {ratio:.0f}x | {ratio / n:.2f}x |"
        )


if __name__ == "__main__":
    main()
