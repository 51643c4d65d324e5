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
"""Folder beside the records: labels of passages that are fetched, not kept. Starts their ids."""
LABELS = Path("annotations") / "labels.jsonl"
"""Single labels of each annotator, disputed ones included."""
HARD_CASES = Path("annotations") / "hard_cases.jsonl"
"""Pairs on which the annotators did not agree, as records."""
HARD_REAL = Path("annotations") / "hard_real.jsonl"
"""The same of real passages, as rows without the words and without a stance."""


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
        "behaviours": _counts(t for r in records for t in _devices(r.tags)),
        "tags": _counts(tag for r in records for tag in r.tags),
        "roles": _counts(r.role or "not given" for r in records),
        "sources": _counts(r.source for r in records),
        "languages": _counts(r.language for r in records),
        "baselines": _baselines(records),
    }


def beside(folder: Path, records: Sequence[Record]) -> dict[str, Any]:
    """Figures of what lies beside the records in `folder`; 0 or null for what is not there.

    `real_pairs` counts labelled pairs of real passages, `real_passages` the passages; `alpha` is
    Krippendorff's, over the single labels of written and real pairs, `alpha_written` and
    `alpha_real` of either; `agreement_by_tag` says how often labels agree; `hard_cases` counts
    disputed pairs. Raises `DataError` if a file is bad.
    """
    hard = read_records(folder / HARD_CASES) if (folder / HARD_CASES).exists() else []
    hard_real = _rows(folder / HARD_REAL, "labels") if (folder / HARD_REAL).exists() else []
    paths = sorted((folder / REAL).glob("*.jsonl"))
    real = [row for path in paths for row in _rows(path, "stance")]
    found: dict[str, Any] = {
        "real_pairs": len(real),
        "real_passages": len({row["id"] for row in real}),
        "hard_cases": len(hard) + len(hard_real),
        "alpha": None,
        "alpha_written": None,
        "alpha_real": None,
        "agreement_by_tag": None,
    }
    if (folder / LABELS).exists():
        from stancewire.data.agreement import alpha, by_tag, read_labels

        labels = read_labels(folder / LABELS)
        of_real = {name: given for name, given in labels.items() if name.startswith(f"{REAL}-")}
        written = {name: given for name, given in labels.items() if name not in of_real}
        tags = {r.id: _devices(r.tags) for r in (*records, *hard)}
        for row in (*real, *hard_real):
            tags[f"{REAL}-{row['id']}-{row['number']}"] = _devices(row["tags"])
        found |= {
            "alpha": alpha(labels),
            "alpha_written": alpha(written) if written else None,
            "alpha_real": alpha(of_real) if of_real else None,
            "agreement_by_tag": {tag: asdict(one) for tag, one in by_tag(labels, tags).items()},
        }
    return found


def _baselines(records: Sequence[Record]) -> dict[str, Any] | None:
    """See `shortcuts.baselines`; None if a split is missing, or scikit-learn is not installed."""
    splits = {s: [r for r in records if r.split == s] for s in ("train", "dev", "test")}
    if not all(splits.values()) or find_spec("sklearn") is None:
        return None
    from stancewire.data.shortcuts import baselines

    return baselines(**splits)


def _rows(path: Path, answer: str) -> list[dict[str, Any]]:
    needed = ("id", "number", "target", answer, "tags", "split")
    rows = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            is_row = set(needed) <= set(row)
        except (ValueError, TypeError):
            is_row = False
        if not is_row:
            raise DataError(f"{path}: row {number}: expected an object with {', '.join(needed)}")
        rows.append(row)
    return rows


def _devices(tags: Iterable[str]) -> list[str]:
    return [tag for tag in tags if ":" not in tag]


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
