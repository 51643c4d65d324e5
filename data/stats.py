"""The figures of a corpus: of its records, and of the labels and real passages beside them."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stancewire.data.checks import target_key
from stancewire.data.files import read_records
from stancewire.errors import DataError
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record

REAL = "real"
"""Folder beside the records: labels of passages that are fetched, not kept."""
LABELS = Path("annotations") / "labels.jsonl"
"""Single labels of each annotator, disputed ones included."""
HARD_CASES = Path("annotations") / "hard_cases.jsonl"
"""Pairs on which the annotators did not agree, as records."""


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Counts and shares of the records themselves, as plain data."""
    statements: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        statements[record.statement].append(record)
    groups = list(statements.values())
    kinds = Counter(str(r.neutral_kind) for r in records if r.stance is Label.NEUTRAL)
    return {
        "pairs": len(records),
        "statements": len(groups),
        "targets": len({target_key(r) for r in records}),
        "fields": len(_tagged(records, "field")),
        "speaker_kinds": len(_tagged(records, "kind")),
        "continents": len(_tagged(records, "continent")),
        "by_split": {
            split: _split([r for r in records if r.split == split])
            for split in sorted({r.split for r in records})
        },
        "stances": _counts(r.stance.value for r in records),
        "neutral_kinds": dict(sorted(kinds.items())),
        "share_mention_of_neutral": _share(kinds[NeutralKind.MENTION], kinds.total()),
        "share_multi_target": _share(sum(_is_multi(g) for g in groups), len(groups)),
        "share_mixed_stance": _share(sum(_is_mixed(g) for g in groups), len(groups)),
        "words": _words([group[0].text for group in groups]),
        "behaviours": _counts(t for r in records for t in r.tags if ":" not in t),
        "tags": _counts(tag for r in records for tag in r.tags),
        "roles": _counts(r.role or "not given" for r in records),
        "sources": _counts(r.source for r in records),
        "languages": _counts(r.language for r in records),
        "baselines": _baselines(records),
    }


def beside(folder: Path, records: Sequence[Record]) -> dict[str, Any]:
    """Figures of what lies beside the records in `folder`; 0 or null for what is not there.

    `real_pairs` counts labelled pairs of real passages; `alpha` is Krippendorff's, over the single
    labels, and `agreement_by_tag` the same per tag; `hard_cases` counts disputed pairs.
    Raises `DataError` if a file is bad.
    """
    hard = read_records(folder / HARD_CASES) if (folder / HARD_CASES).exists() else []
    found: dict[str, Any] = {
        "real_pairs": sum(_rows(path) for path in sorted((folder / REAL).glob("*.jsonl"))),
        "hard_cases": len(hard),
        "alpha": None,
        "agreement_by_tag": None,
    }
    if (folder / LABELS).exists():
        from stancewire.data.agreement import alpha, by_tag, read_labels

        labels = read_labels(folder / LABELS)
        tags = {r.id: r.tags for r in (*records, *hard)}
        tagged = {tag: asdict(one) for tag, one in by_tag(labels, tags).items()}
        found |= {"alpha": alpha(labels), "agreement_by_tag": tagged}
    return found


def _baselines(records: Sequence[Record]) -> dict[str, Any] | None:
    """See `shortcuts.baselines`; None if a split is missing, or scikit-learn is not installed."""
    splits = {s: [r for r in records if r.split == s] for s in ("train", "dev", "test")}
    if not all(splits.values()) or find_spec("sklearn") is None:
        return None
    from stancewire.data.shortcuts import baselines

    return baselines(**splits)


def _rows(path: Path) -> int:
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            is_row = {"id", "target", "stance", "split"} <= set(json.loads(line))
        except (ValueError, TypeError):
            is_row = False
        if not is_row:
            raise DataError(
                f"{path}: row {number}: expected an object with id, target, stance and split"
            )
    return len(lines)


def _tagged(records: Sequence[Record], start: str) -> set[str]:
    return {tag for r in records for tag in r.tags if tag.startswith(f"{start}:")}


def _split(records: Sequence[Record]) -> dict[str, Any]:
    return {
        "pairs": len(records),
        "statements": len({r.statement for r in records}),
        "targets": len({target_key(r) for r in records}),
        "stances": _counts(r.stance.value for r in records),
    }


def _words(texts: Sequence[str]) -> dict[str, int]:
    lengths = sorted(len(text.split()) for text in texts)
    return {
        "total": sum(lengths),
        "min": lengths[0],
        "median": lengths[len(lengths) // 2],
        "max": lengths[-1],
    }


def _is_multi(statement: Sequence[Record]) -> bool:
    return len({target_key(r) for r in statement}) > 1


def _is_mixed(statement: Sequence[Record]) -> bool:
    return _is_multi(statement) and len({r.stance for r in statement}) > 1


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
