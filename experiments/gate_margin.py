"""How often the gate's champion check lets a candidate pass, by how much worse it truly is.

    python experiments/gate_margin.py

Champions that are right in 70 % of the golden press pairs, and candidates that answer a share of
the pairs otherwise, are drawn at random; each pair of them is judged as the gate judges. Prints the
table of docs/promotion.md.
"""

import numpy as np

from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate.champion import lower_bound
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.gather import judged_on

MARGINS = (0.02, 0.03, 0.04)
CHANGED = (0.05, 0.10, 0.20)
"""Share of the pairs that candidate and champion answer otherwise, one of them rightly."""
BETTER = (0.03, 0.0, -0.01, -0.02, -0.03, -0.05)
"""True difference of accuracy, which macro-F1 follows closely here."""
RIGHT = 0.70
TRIALS = 200
CONFIG = GateConfig(rounds=500)

Draw = np.random.Generator


def main() -> None:
    """Print one row per margin and share of changed answers."""
    test = judged_on("press").data.test
    print(f"{len(test)} pairs, {len({r.statement for r in test})} statements, {TRIALS} trials")
    print("margin changed " + " ".join(f"{100 * b:+.0f}".rjust(5) for b in BETTER))
    for changed in CHANGED:
        draw = np.random.default_rng(13)
        bounds = {
            better: np.array([one_bound(test, changed, better, draw) for _ in range(TRIALS)])
            for better in BETTER
            if abs(better) <= changed
        }
        for margin in MARGINS:
            cells = [f"{(b > -margin).mean():.0%}".rjust(5) for b in bounds.values()]
            print(f"{margin:6.2f} {changed:7.0%} {' '.join(cells)}")


def one_bound(test: tuple[Record, ...], changed: float, better: float, draw: Draw) -> float:
    """The gate's lower bound for one champion and one candidate drawn at random."""
    gold = Evaluation("gold", test, np.zeros((len(test), 3)), (False,) * len(test)).gold
    right = draw.random(len(test)) < RIGHT
    lost = right & (draw.random(len(test)) < (changed - better) / 2 / RIGHT)
    won = ~right & (draw.random(len(test)) < (changed + better) / 2 / (1 - RIGHT))
    wrong = (gold + draw.integers(1, 3, len(test))) % 3
    champion = np.where(right, gold, wrong)
    candidate = np.where(lost, wrong, np.where(won, gold, champion))
    return lower_bound(
        *(
            Evaluation(name, test, np.eye(3)[answers], (False,) * len(test))
            for name, answers in (("candidate", candidate), ("champion", champion))
        ),
        CONFIG,
    )


if __name__ == "__main__":
    main()
