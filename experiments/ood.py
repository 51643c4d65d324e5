"""What a model says to inputs that it was not made for, and whether it says "not sure".

Groups: a corpus's split as it is, the same with its words shuffled and with targets of unrelated
statements, and texts written for this file (`ood_texts.json`: 30 sentences in six other languages,
code, texts that say almost nothing). For each: mean confidence, how often the model abstains, the
shares of the labels and, if the bundle has label sets, their mean size at alpha 0.1. A model that
knew its limits would abstain on all groups but the first, and call an unrelated target neutral.

Usage: python experiments/ood.py BUNDLE [--source press] [--split dev] [--seed 13] [--json]
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stancewire import ORDER, Predictor, Record, Stance, StancePair, StancewireError
from stancewire.data import corpus

TEXTS = Path(__file__).with_name("ood_texts.json")
ALPHA = 0.1


@dataclass(frozen=True)
class Row:
    """What a model said to one group."""

    group: str
    pairs: int
    confidence: float
    """Mean of the highest probability."""
    abstained: float
    """Share of answers that say "not sure"."""
    labels: dict[str, float]
    """Label → share of answers, abstentions included."""
    set_size: float | None
    """Mean number of labels in the set of `ALPHA`; none for a bundle without label sets."""


def groups(records: Sequence[Record], seed: int) -> dict[str, list[StancePair]]:
    """Name → pairs; the first group is the records as they are."""
    written = json.loads(TEXTS.read_text(encoding="utf-8"))
    found = {
        "as it is": [record.pair for record in records],
        "words shuffled": shuffled(records, seed),
        "unrelated target": unrelated(records, seed),
    }
    languages = dict.fromkeys(item["language"] for item in written["languages"])
    for language in languages:
        found[language] = pairs_of(i for i in written["languages"] if i["language"] == language)
    found["all other languages"] = pairs_of(written["languages"])
    found["code"] = pairs_of(written["code"])
    found["almost empty"] = pairs_of(written["almost_empty"])
    return found


def pairs_of(items: Iterable[dict[str, str]]) -> list[StancePair]:
    """Pairs of what `ood_texts.json` holds."""
    return [StancePair(item["text"], item["target"]) for item in items]


def shuffled(records: Sequence[Record], seed: int) -> list[StancePair]:
    """Each quote with its words in another order, the same for all its targets."""
    texts = {}
    for text in dict.fromkeys(record.text for record in records):
        words = text.split()
        random.Random(f"{seed} {text}").shuffle(words)
        texts[text] = " ".join(words)
    return [StancePair(texts[record.text], record.target) for record in records]


def unrelated(records: Sequence[Record], seed: int) -> list[StancePair]:
    """Each quote with a target of another one, from another field where records name fields."""
    rng = random.Random(seed)
    found = []
    for record in records:
        others = [
            r.target
            for r in records
            if r.text != record.text
            and r.target.lower() not in record.text.lower()
            and (field_of(r) != field_of(record) or field_of(r) is None)
        ]
        if others:
            found.append(StancePair(record.text, rng.choice(others)))
    return found


def field_of(record: Record) -> str | None:
    """Field of a record by its tag, such as `field:energy`."""
    return next((tag for tag in record.tags if tag.startswith("field:")), None)


def measure(predictor: Predictor, group: str, pairs: Sequence[StancePair]) -> Row:
    """Ask all pairs of a group; there must be at least one."""
    has_sets = bool(predictor.calibration.nonconformity)
    stances = predictor.predict(pairs, alpha=ALPHA if has_sets else None)
    counts = Counter(stance.label for stance in stances)
    n = len(stances)
    return Row(
        group=group,
        pairs=n,
        confidence=sum(stance.confidence for stance in stances) / n,
        abstained=sum(stance.abstained for stance in stances) / n,
        labels={label.value: counts[label] / n for label in ORDER},
        set_size=_mean_size(stances) if has_sets else None,
    )


def _mean_size(stances: Sequence[Stance]) -> float:
    return sum(len(stance.label_set or ()) for stance in stances) / len(stances)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    names = [label.value for label in ORDER]
    lines = [
        f"| group | pairs | confidence | abstained | {' | '.join(names)} | set size |",
        "|---|" + "---|" * (len(names) + 4),
    ]
    for row in rows:
        shares = " | ".join(f"{row.labels[name]:.0%}" for name in names)
        size = "–" if row.set_size is None else f"{row.set_size:.2f}"
        lines.append(
            f"| {row.group} | {row.pairs} | {row.confidence:.2f} | {row.abstained:.0%} "
            f"| {shares} | {size} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 0, or the exit code of the error that is told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle")
    parser.add_argument("--source", default="press")
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        predictor = Predictor.load(args.bundle)
        data = corpus.load(args.source, mirror=args.mirror, needed=(args.split,))
        found = groups(getattr(data, args.split), args.seed)
        rows = [measure(predictor, name, pairs) for name, pairs in found.items() if pairs]
    except StancewireError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps([asdict(row) for row in rows], indent=2) if args.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
