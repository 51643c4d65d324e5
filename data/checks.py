"""What must hold for a corpus as a whole, beyond each record by itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from stancewire.data.duplicates import near_duplicates
from stancewire.errors import Problem
from stancewire.labels import ORDER, Label, NeutralKind
from stancewire.records import Record
from stancewire.text import normalise

NEAR = 0.8
"""Jaccard similarity of two statements' words above which they count as one statement."""
MOST_ABOVE_MAJORITY = 8.0
"""Points of macro-F1 by which a model that sees one side of the pair may exceed majority."""
SQUARE = "square:"
"""Start of the tag that says which statements and targets were written to balance each other."""
HELD_OUT_PHRASES = ("viable trend", "integration processes", "smell of crisis")
"""Wording of the statement that the demo scores; no model may have seen it."""
HELD_OUT_TARGETS = ("eurasian", "sovietiz", "sovietis")


class Found(NamedTuple):
    """A record and the name of the file that it stands in."""

    file: str
    record: Record

    def problem(self, field: str, message: str) -> Problem:
        """A finding about this record."""
        return Problem(f"{self.file}: {self.record.id}", field, message)


Check = Callable[[Sequence[Found]], Iterable[Problem]]


def target_key(record: Record) -> str:
    """The record's target in the form in which two spellings of one target are equal."""
    return normalise(record.target).casefold().replace("-", " ")


def _ids_are_unique(found: Sequence[Found]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for one in found:
        if one.record.id in seen:  # twice in one file is refused when reading
            yield one.problem("id", f"stands already in {seen[one.record.id]}")
        seen.setdefault(one.record.id, one.file)


def _file_holds_its_split(found: Sequence[Found]) -> Iterator[Problem]:
    for one in found:
        named = Path(one.file).stem
        if named in ("train", "dev", "test", "golden") and one.record.split != named:
            yield one.problem("split", f"expected {named!r}, found {one.record.split!r}")


def _apart(found: Sequence[Found], field: str, key: Callable[[Record], str]) -> Iterator[Problem]:
    first: dict[str, Found] = {}
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


def _statements_are_whole(found: Sequence[Found]) -> Iterator[Problem]:
    return _apart(found, "text", lambda record: record.statement)


def _targets_are_apart(found: Sequence[Found]) -> Iterator[Problem]:
    return _apart(found, "target", target_key)


def _statements_are_unlike(found: Sequence[Found]) -> Iterator[Problem]:
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


def _pairs_stand_once(found: Sequence[Found]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Found] = {}
    for one in found:
        home = first.setdefault((one.record.statement, target_key(one.record)), one)
        if home is one:
            continue
        if home.record.stance is one.record.stance:
            yield one.problem("target", f"the same pair stands already in {home.record.id}")
        else:
            labels = f"{one.record.stance} here, {home.record.stance} in {home.record.id}"
            yield one.problem("stance", f"the same pair has two labels: {labels}")


def _demonstration_is_held_out(found: Sequence[Found]) -> Iterator[Problem]:
    for one in found:
        for field, value, words in (
            ("text", normalise(one.record.text).casefold(), HELD_OUT_PHRASES),
            ("target", target_key(one.record), (*HELD_OUT_PHRASES, *HELD_OUT_TARGETS)),
        ):
            for word in words:
                if word in value:
                    yield one.problem(field, f"{word!r} is held out for the demonstration")


def _neutral_has_a_kind(found: Sequence[Found]) -> Iterator[Problem]:
    for one in found:
        if one.record.stance is Label.NEUTRAL and one.record.neutral_kind is None:
            kinds = " or ".join(NeutralKind)
            yield one.problem("neutral_kind", f"expected {kinds} for a neutral pair")


def _stances_are_balanced(found: Sequence[Found]) -> Iterator[Problem]:
    # In a split made of squares, all of it: one loose record would tip its statement or target.
    squared = {f.record.split for f in found if any(t.startswith(SQUARE) for t in f.record.tags)}
    for field, key in (("text", lambda record: record.statement), ("target", target_key)):
        groups: dict[tuple[str, str], list[Found]] = defaultdict(list)
        for one in found:
            if one.record.split in squared:
                groups[one.record.split, key(one.record)].append(one)
        for group in groups.values():
            counts = Counter(one.record.stance for one in group)
            if len({counts[label] for label in ORDER}) > 1:
                told = ", ".join(f"{counts[label]} {label}" for label in ORDER)
                message = f"expected each stance equally often in {group[0].record.split}: {told}"
                yield group[0].problem(field, message)


def _one_side_tells_nothing(found: Sequence[Found]) -> Iterator[Problem]:
    splits = {s: [f.record for f in found if f.record.split == s] for s in ("train", "dev", "test")}
    # Only squares can be held to it: elsewhere an answer that knows nothing scores 33, not 17.
    squared = any(t.startswith(SQUARE) for f in found for t in f.record.tags)
    if not squared or not all(splits.values()):
        return
    if find_spec("sklearn") is None:
        message = 'cannot be checked without scikit-learn: install "stancewire[train]"'
        yield Problem("test", "baselines", message)
        return
    from stancewire.data.shortcuts import one_sided

    figures = one_sided(**splits)
    majority = figures["majority"].macro_f1
    for field, name in (("text", "text_only"), ("target", "target_only")):
        above = figures[name].macro_f1 - majority
        if above > MOST_ABOVE_MAJORITY:
            message = (
                f"the {field} alone tells the stance: macro-F1 {above:.1f} points above majority "
                f"({majority:.1f}), at most {MOST_ABOVE_MAJORITY:g} allowed"
            )
            yield Problem("test", field, message)


CHECKS: tuple[Check, ...] = (
    _ids_are_unique,
    _file_holds_its_split,
    _statements_are_whole,
    _targets_are_apart,
    _statements_are_unlike,
    _pairs_stand_once,
    _demonstration_is_held_out,
)
"""For any corpus. `golden` is a split as the others, and apart from all of them."""
PRESS_CHECKS: tuple[Check, ...] = (
    *CHECKS,
    _neutral_has_a_kind,
    _stances_are_balanced,
    _one_side_tells_nothing,
)
"""For the press corpus, which promises more."""
