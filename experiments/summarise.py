"""Tables of experiments/README.md from the reports of runs: mean and sd over seeds.

Usage: python experiments/summarise.py runs/*/report.json. Runs of one recipe are one row; those
on other data (by content hash of the splits) are never put together. Baselines are of the first
run of a recipe: they do not depend on the seed.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from stancewire.training.benchmarks.scores import mean_sd

COLUMNS = ("macro_f1", "f1_favor", "f1_against", "f1_neutral", "nll", "ece")
PERCENT = {"macro_f1", "f1_favor", "f1_against", "f1_neutral", "ece"}


def cell(values: list[float], column: str) -> str:
    """Mean, and ± sample standard deviation if there are several."""
    scale, digits = (100, 1) if column in PERCENT else (1, 3)
    return mean_sd(values, digits=digits, scale=scale)


def table(split: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Print one split's table."""
    print(f"\n| {split} | seeds | {' | '.join(COLUMNS)} |\n|{'---|' * (2 + len(COLUMNS))}")
    known: set[str] = set()
    for recipe, reports in runs.items():
        first = reports[0]["figures"][split]
        for name in first:
            is_model = name == reports[0]["recipe"]["family"]
            if not is_model and name in known:
                continue
            known.add(name)
            chosen = [r["figures"][split][name] for r in (reports if is_model else reports[:1])]
            cells = [cell([f[column] for f in chosen], column) for column in COLUMNS]
            seeds = ", ".join(str(r["recipe"]["seed"]) for r in reports) if is_model else "–"
            label = f"**{recipe}**" if is_model else name
            print(f"| {label} | {seeds} | {' | '.join(cells)} |")


def main() -> None:
    """Print, for each data set, its hashes, the machine, and a table for dev and for test."""
    by_data: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in map(Path, sys.argv[1:]):
        report = json.loads(path.read_text())
        by_data[json.dumps(report["data"])][report["recipe"]["name"]].append(report)
    for data, runs in by_data.items():
        for reports in runs.values():
            reports.sort(key=lambda r: r["recipe"]["seed"])
        first = next(iter(runs.values()))[0]
        hashes = ", ".join(f"{k} {v[:12]}" for k, v in json.loads(data).items())
        n = {split: int(first["figures"][split]["majority"]["n"]) for split in ("dev", "test")}
        print(f"\n## {first['recipe']['data']['source']}: dev {n['dev']}, test {n['test']} pairs")
        print(f"\nContent hashes: {hashes}. Machine: {first['machine']['cpu']}.")
        for split in ("dev", "test"):
            table(split, runs)


if __name__ == "__main__":
    main()
