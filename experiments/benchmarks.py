"""Bundles on the field's benchmarks: figures with intervals, baselines and published figures.

Usage: python experiments/benchmarks.py [LABEL=]BUNDLE … --mirror DIR
           [--only vast …] [--ablations] [--precision int8] [--limit N] [--out runs/benchmarks]

Bundles of one label, by default the name of their recipe, are one row: one bundle per seed. Writes
`benchmarks.json` and `benchmarks.md` into `--out`, after every data set, and prints the tables.
What was answered is kept in `--cache`, so that a run that was cut off goes on. A bundle that was
trained or chosen on pairs of a test split gets no figure there, and the exit code is then 2.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancewire import Bundle, DataError, StancewireError
from stancewire.data import corpus
from stancewire.errors import ConfigError
from stancewire.training.benchmarks import page, sets
from stancewire.training.benchmarks.measure import SEED, Entry, Result, Settings, measure
from stancewire.training.benchmarks.provenance import Seen, Sources, seen_by
from stancewire.training.benchmarks.scores import ROUNDS
from stancewire.training.pipeline import git_commit, machine


def entries(
    given: Sequence[str], *, mirror: Path | None, cache: Path, unchecked: bool
) -> list[Entry]:
    """Bundles by label, each label's by seed. Raises `ConfigError` if a seed stands twice."""
    labelled: dict[str, list[Bundle]] = {}
    for one in given:
        label, bundle = labelled_bundle(one)
        labelled.setdefault(label, []).append(bundle)
    found = []
    for label, bundles in labelled.items():
        made = [bundle.manifest.made for bundle in bundles]
        if len({one.get("seed") for one in made}) < len(bundles):
            raise ConfigError(f"{label}: two bundles of one seed; give them labels of their own")
        if len({json.dumps(one.get("data"), sort_keys=True) for one in made}) > 1:
            raise ConfigError(f"{label}: its bundles were trained on different records")
        bundles.sort(key=lambda bundle: bundle.manifest.made.get("seed") or 0)
        seen = seen_by_all(bundles, Sources(mirror, cache, may_have_changed=unchecked))
        found.append(Entry(label, tuple(bundles), seen))
    return found


def labelled_bundle(given: str) -> tuple[str, Bundle]:
    """Label and bundle of `LABEL=BUNDLE`; without a label it is the recipe's name."""
    label, is_labelled, path = given.rpartition("=")
    if is_labelled and not Path(given).exists():
        return label, Bundle.open(path)
    bundle = Bundle.open(given)
    return str(bundle.manifest.made.get("recipe", bundle.folder)), bundle


def seen_by_all(bundles: Sequence[Bundle], where: Sources) -> Seen | None:
    """What any of the bundles has seen; none if it cannot be found and need not be exact."""
    try:
        first, *others = (seen_by(bundle, where) for bundle in bundles)
    except DataError as error:
        if where.may_have_changed:
            print(f"not checked: {error.summary}", file=sys.stderr)
            return None
        raise
    for other in others:
        first = first | other
    return first


def document(
    asked: argparse.Namespace, found: Sequence[Entry], results: Sequence[Result], seconds: float
) -> dict[str, Any]:
    """Everything that was measured and on what, as plain data."""
    return {
        "limit": asked.limit,
        "warning": page.warning(asked.limit) if asked.limit else None,
        "seed": SEED,
        "rounds": ROUNDS,
        "git": git_commit(),
        "machine": machine(),
        "seconds": round(seconds, 1),
        "models": [
            {
                "label": entry.label,
                "checked": entry.seen is not None,
                "precision": asked.precision or entry.bundles[0].manifest.precision,
                "bundles": [
                    {"sha256": bundle.sha256, "made": bundle.manifest.made}
                    for bundle in entry.bundles
                ],
            }
            for entry in found
        ],
        "benchmarks": [page.plain(result) for result in results],
    }


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundles", nargs="+", metavar="[LABEL=]BUNDLE")
    parser.add_argument("--mirror", type=Path, help="folder of public data sets")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these sets alone")
    parser.add_argument("--ablations", action="store_true", help="hide a side; the other precision")
    parser.add_argument("--precision", choices=("fp32", "int8"))
    parser.add_argument("--limit", type=int, help="about so many pairs of each test set: no result")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--unchecked", action="store_true", help="let in bundles without their run")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/benchmarks"))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write and print; 0, 2 if a bundle was refused, or the code of the error told."""
    asked = options().parse_args(argv)
    try:
        results = run(asked)
    except StancewireError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(page.page(results, limit=asked.limit))
    refused = [
        f"{row.name} on {result.family.name}: {row.refused}"
        for result in results
        for row in result.rows
        if row.refused
    ]
    for one in refused:
        print(f"refused: {one}", file=sys.stderr)
    return 2 if refused else 0


def run(asked: argparse.Namespace) -> list[Result]:
    """Measure family by family; files are written after each."""
    if asked.limit is not None and asked.limit < 1:
        raise ConfigError("--limit must be at least 1")
    began = time.monotonic()
    families = sets.find(asked.only)
    found = entries(
        asked.bundles, mirror=asked.mirror, cache=asked.cache, unchecked=asked.unchecked
    )
    settings = Settings(
        cache=asked.cache,
        limit=asked.limit,
        ablations=asked.ablations,
        precision=asked.precision,
        threads=asked.threads,
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for family in families:
        data = corpus.load(family.source, mirror=asked.mirror, needed=("train", "test"))
        results.append(measure(family, data, found, settings))
        seconds = time.monotonic() - began
        whole = document(asked, found, results, seconds)
        (asked.out / "benchmarks.json").write_text(json.dumps(whole, indent=2) + "\n")
        (asked.out / "benchmarks.md").write_text(page.page(results, limit=asked.limit))
        print(f"{family.name}: {seconds:.0f} s since the start", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())
