"""Training speed on this machine: pairs per second, and where the time of a step goes.

`.venv/bin/python experiments/bench_training.py [--steps 8] [--profile]`

The press corpus and the default encoder; batches as a run makes them. Variants are measured in
turn, step by step on the same batches, so that a busy machine slows all alike; the median counts.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import set_seed

from stancewire.data import corpus
from stancewire.training import encoders
from stancewire.training.loss import WithLoss
from stancewire.training.model import PackedClassifier, freeze, parameter_groups
from stancewire.training.passes import Collator, Passes
from stancewire.training.recipe import Recipe
from stancewire.training.sampling import RatedSampler

QUOTES = 8
VARIANTS = {
    "as before": {},
    "fused": {"fused": True},
    "fused, 3 layers frozen": {"fused": True, "frozen": 3},
}


def trainer(recipe: Recipe, *, fused: bool = False, frozen: int = 0) -> Callable[[dict], None]:
    """One step of training as the loop does it, without the Trainer around it."""
    set_seed(recipe.seed)
    encoder = encoders.build(recipe, encoders.load(recipe.base))
    freeze(encoder, frozen)
    model = WithLoss(
        PackedClassifier(encoder, recipe.head.hidden, recipe.head.dropout), 0.1
    ).train()
    groups = parameter_groups(model.classifier, 1e-4, 1e-3, 0.01)
    optimiser = torch.optim.AdamW(groups, fused=fused or None)

    def step(batch: dict) -> None:
        model(**batch)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        model.zero_grad()

    return step


def main() -> None:
    """Print pairs per second of each variant; with --profile, the costliest operators too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    recipe = Recipe(name="bench", family="packed")
    pairs = encoders.load(recipe.base).pair_encoder(recipe)
    items = Passes(corpus.load("press").train, pairs)
    order = list(RatedSampler([1.0] * len(items), items.lengths, QUOTES, seed=13))
    chosen = [order[QUOTES * i : QUOTES * (i + 1)] for i in range(1, asked.steps + 1)]
    started = time.perf_counter()
    batches = [Collator(pairs)([items[i] for i in batch]) for batch in chosen]
    collating = (time.perf_counter() - started) / asked.steps
    tokens = sum(int((b["blocks"] >= 0).sum()) for b in batches)
    room = sum(b["blocks"].numel() for b in batches)
    asked_pairs = sum(int((b["labels"] >= 0).sum()) for b in batches) / asked.steps
    print(f"{QUOTES} quotes, {asked_pairs:.1f} pairs a step; {1 - tokens / room:.1%} padding")
    print(f"collating {1000 * collating:.1f} ms a step; {torch.get_num_threads()} threads\n")
    steps = {name: trainer(recipe, **how) for name, how in VARIANTS.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step(batches[0])  # the optimiser's state is made in the first
    for batch in batches:
        for name, step in steps.items():
            started = time.perf_counter()
            step(batch)
            taken[name].append(time.perf_counter() - started)
    print("| step | median, ms | pairs/s |\n|---|---|---|")
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"| {name} | {1000 * median:.0f} | {asked_pairs / median:.1f} |")
    if asked.profile:
        for name, step in steps.items():
            with profile(activities=[ProfilerActivity.CPU]) as found:
                step(batches[0])
            table = found.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)
            print(f"\n{name}\n{table}")


if __name__ == "__main__":
    main()
