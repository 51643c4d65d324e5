"""What must hold for a corpus as a whole, beyond each record by itself; and its figures."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stancewire.data.corpus import PRESS
from stancewire.data.duplicates import near_duplicates
from stancewire.data.files import MAX_PROBLEMS, content_hash, read_records
from stancewire.errors import DataError, Problem
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record
from stancewire.text import normalise

FROZEN = "frozen.json"
"""File beside the records that holds the content hash of the test split."""
NEAR = 0.8
"""Jaccard similarity of two statements' words above which they count as one statement."""
HELD_OUT_PHRASES = ("viable trend", "integration processes", "smell of crisis")
"""Wording of the statement that the demo scores; no model may have seen it."""
HELD_OUT_TARGETS = ("eurasian", "sovietiz", "sovietis")


class _Found(NamedTuple):
    file: str
    record: Record

    def problem(self, field: str, message: str) -> Problem:
        return Problem(f"{self.file}: {self.record.id}", field, message)


_Check = Callable[[Sequence[_Found]], Iterable[Problem]]


def validate(source: str = "press") -> list[Problem]:
    """Everything wrong with a corpus: "press", or the path of a file or folder of records.

    A file that cannot be read does not hide the faults of the others. Empty if all is well.
    """
    path = _path(source)
    found, problems = _read(path)
    unread = bool(problems)
    checks = [*_CHECKS, _neutral_has_a_kind] if source == "press" else _CHECKS
    for check in checks:
        problems += check(found)
    frozen = path / FROZEN
    # A file that was not read would only make the hash fail with it.
    if not unread and (source == "press" or frozen.exists()):
        problems += _test_is_frozen(frozen, [f.record for f in found])
    return problems


def stats(source: str = "press") -> dict[str, Any]:
    """Count what a corpus holds, as plain data. Raises `DataError` if a file cannot be read."""
    found, problems = _read(_path(source))
    if problems:
        raise DataError(f"corpus {source!r} cannot be read", problems)
    records = [f.record for f in found]
    statements: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        statements[record.statement].append(record)
    groups = list(statements.values())
    kinds = Counter(str(r.neutral_kind) for r in records if r.stance is Label.NEUTRAL)
    lengths = sorted(len(group[0].text.split()) for group in groups)
    return {
        "pairs": len(records),
        "statements": len(groups),
        "targets": len({_target(r) for r in records}),
        "by_split": {
            split: _split_stats([r for r in records if r.split == split])
            for split in sorted({r.split for r in records})
        },
        "stances": _counts(r.stance.value for r in records),
        "neutral_kinds": dict(sorted(kinds.items())),
        "share_mention_of_neutral": _share(kinds[NeutralKind.MENTION], kinds.total()),
        "share_multi_target": _share(sum(_is_multi(g) for g in groups), len(groups)),
        "share_mixed_stance": _share(sum(_is_mixed(g) for g in groups), len(groups)),
        "words": {
            "total": sum(lengths),
            "min": lengths[0],
            "median": lengths[len(lengths) // 2],
            "max": lengths[-1],
        },
        "tags": _counts(tag for r in records for tag in r.tags),
        "roles": _counts(r.role or "not given" for r in records),
        "sources": _counts(r.source for r in records),
        "languages": _counts(r.language for r in records),
    }


def _split_stats(records: Sequence[Record]) -> dict[str, Any]:
    return {
        "pairs": len(records),
        "statements": len({r.statement for r in records}),
        "targets": len({_target(r) for r in records}),
        "stances": _counts(r.stance.value for r in records),
    }


def _is_multi(statement: Sequence[Record]) -> bool:
    return len({_target(r) for r in statement}) > 1


def _is_mixed(statement: Sequence[Record]) -> bool:
    return _is_multi(statement) and len({r.stance for r in statement}) > 1


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _target(record: Record) -> str:
    return normalise(record.target).casefold()


def _path(source: str) -> Path:
    return PRESS if source == "press" else Path(source)


def _read(source: Path) -> tuple[list[_Found], list[Problem]]:
    found: list[_Found] = []
    problems: list[Problem] = []
    files = sorted(source.glob("*.jsonl")) if source.is_dir() else [source]
    if not files:
        problems.append(Problem(str(source), "file", "the folder holds no .jsonl file"))
    for path in files:
        try:
            found += [_Found(path.name, record) for record in read_records(path)]
        except DataError as error:
            problems += error.problems
            if len(error.problems) in (0, MAX_PROBLEMS):  # nothing listed, or not all
                problems.append(Problem(str(path), "file", error.summary))
    return found, problems


def _ids_are_unique(found: Sequence[_Found]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for one in found:
        if one.record.id in seen:  # twice in one file is refused when reading
            yield one.problem("id", f"stands already in {seen[one.record.id]}")
        seen.setdefault(one.record.id, one.file)


def _file_holds_its_split(found: Sequence[_Found]) -> Iterator[Problem]:
    for one in found:
        named = Path(one.file).stem
        if named in ("train", "dev", "test", "golden") and one.record.split != named:
            yield one.problem("split", f"expected {named!r}, found {one.record.split!r}")


def _apart(found: Sequence[_Found], field: str, key: Callable[[Record], str]) -> Iterator[Problem]:
    first: dict[str, _Found] = {}
    told: set[tuple[str, str]] = set()
    for one in found:
        value = key(one.record)
        home = first.setdefault(value, one)
        split = one.record.split
        if split != home.record.split and (value, split) not in told:
            told.add((value, split))
            shown = getattr(one.record, field)[:60]
            where = f"{home.record.split} ({home.record.id})"
            yield one.problem(field, f"{shown!r} is in {split} and already in {where}")


def _statements_are_whole(found: Sequence[_Found]) -> Iterator[Problem]:
    return _apart(found, "text", lambda record: record.statement)


def _targets_are_apart(found: Sequence[_Found]) -> Iterator[Problem]:
    return _apart(found, "target", _target)


def _statements_are_unlike(found: Sequence[_Found]) -> Iterator[Problem]:
    unique = list({(f.record.statement, f.record.split): f for f in found}.values())
    texts = [f.record.text for f in unique]
    splits = [f.record.split for f in unique]
    for i, j, similarity in near_duplicates(texts, splits, NEAR):
        a, b = unique[i], unique[j]
        if a.record.statement != b.record.statement:  # equal ones are told by another check
            other = f"{a.record.id} of {a.record.split}"
            yield b.problem(
                "text", f"is nearly the statement of {other} (Jaccard {similarity:.2f})"
            )


def _pairs_stand_once(found: Sequence[_Found]) -> Iterator[Problem]:
    first: dict[tuple[str, str], _Found] = {}
    for one in found:
        home = first.setdefault((one.record.statement, _target(one.record)), one)
        if home is one:
            continue
        if home.record.stance is one.record.stance:
            yield one.problem("target", f"the same pair stands already in {home.record.id}")
        else:
            labels = f"{one.record.stance} here, {home.record.stance} in {home.record.id}"
            yield one.problem("stance", f"the same pair has two labels: {labels}")


def _neutral_has_a_kind(found: Sequence[_Found]) -> Iterator[Problem]:
    for one in found:
        if one.record.stance is Label.NEUTRAL and one.record.neutral_kind is None:
            yield one.problem("neutral_kind", "expected mention or unrelated for a neutral pair")


def _demonstration_is_held_out(found: Sequence[_Found]) -> Iterator[Problem]:
    for one in found:
        target = _target(one.record)
        for field, value, words in (
            ("text", normalise(one.record.text).casefold(), HELD_OUT_PHRASES),
            ("target", target, (*HELD_OUT_PHRASES, *HELD_OUT_TARGETS)),
        ):
            for word in words:
                if word in value:
                    yield one.problem(field, f"{word!r} is held out for the demonstration")


def _test_is_frozen(path: Path, records: Sequence[Record]) -> Iterator[Problem]:
    try:
        expected = json.loads(path.read_bytes())["test"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"expected the content hash of the test split: {error!r}"
        yield Problem(str(path), "test", message)
        return
    actual = content_hash([r for r in records if r.split == "test"])
    if actual != expected:
        message = f"the frozen test split has changed: expected {expected}, found {actual}"
        yield Problem(str(path), "test", message)


_CHECKS: tuple[_Check, ...] = (
    _ids_are_unique,
    _file_holds_its_split,
    _statements_are_whole,
    _targets_are_apart,
    _statements_are_unlike,
    _pairs_stand_once,
    _demonstration_is_held_out,
)
