"""From single labels to records: what annotators agree on is taken, what they dispute is not.

A dispute is decided by a rule that somebody named, or refused.

The label that a record already has is a vote of each of its annotators. Nothing is resolved
silently: without a rule every dispute is refused, and with one the outcome lists each dispute.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from stancewire.data.files import read_as
from stancewire.data.formats.tasks import Annotation
from stancewire.data.pool import Item, PoolItem
from stancewire.errors import ConfigError, DataError, Problem
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record

EXPERT = "expert:"
HARD = "hard"
"""Tag of what no rule decided; the guideline's word for two readings that remain."""

T = TypeVar("T", Label, NeutralKind)
Votes = Mapping[str, AbstractSet[T]]
"""Annotator → what they said; more than one if they contradict themselves."""


@dataclass(frozen=True)
class Dispute:
    """An item on which labels differ, and what became of it."""

    id: str
    labels: dict[str, list[str]]
    """Annotator → labels, as "neutral/mention"."""
    decision: str | None
    """The label that the rule gave, or None: set aside."""
    was: str | None
    """The label that the record had before, if any."""


@dataclass
class Merged:
    """What a merge gives: records, items set aside, single labels, and what the rule did."""

    rule: str | None
    records: list[Record] = field(default_factory=list)
    hard: list[PoolItem] = field(default_factory=list)
    """Items that the rule set aside, without a label, ready to be exported to an expert."""
    disputes: list[Dispute] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    """Ids of pool items that nobody has labelled; they become no record."""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Item → annotator → stance: of all labels but those of who contradicts themselves."""

    def report(self) -> dict[str, Any]:
        """What was merged and what the rule decided, as plain data."""
        return {
            "rule": self.rule,
            "records": len(self.records),
            "set aside": [item.id for item in self.hard],
            "unlabelled": self.unlabelled,
            "disputes": [vars(dispute) for dispute in self.disputes],
        }


def merge(
    annotations: Iterable[Annotation],
    items: Sequence[Item],
    rule: str | None = None,
    *,
    set_aside: bool = False,
) -> Merged:
    """Records of all items that have a label, in the items' order.

    `rule`: "majority" (more than half of those who labelled the item), "unanimous" (a disputed item
    is set aside), "expert:NAME" (that annotator's label decides a dispute). What the rule does not
    decide (a tie, no label by the expert, a deciding annotator who said two things) is refused
    with a `DataError` listing each item, or set aside if `set_aside` says so. Labels of an item
    that is not among the items are refused always. A record names those who gave its label, and
    not those whom the rule overruled: the report and the single labels keep what they said.
    """
    _check(rule)
    given = _by_item(annotations, items)
    merged = Merged(rule)
    found = [_merge_one(item, given[item.id], merged, set_aside) for item in items]
    problems = [problem for problem in found if problem]
    if problems:
        by = f"rule {rule} does not decide" if rule else "no rule was given to decide"
        summary = f"{len(problems)} disputed item(s) that {by}"
        raise DataError(f"nothing merged: {summary}", problems)
    return merged


def read_annotations(path: Path | str) -> list[Annotation]:
    """Rows of a `.jsonl` or `.csv` file of annotations, in order; raises `DataError`."""
    return read_as(Annotation.model_validate, path)


def single_labels(annotations: Iterable[Annotation]) -> dict[str, dict[str, str]]:
    """Item → annotator → stance, for `agreement`.

    Raises `DataError` naming each annotator who gave one item two stances: neither is theirs.
    """
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in annotations:
        said[one.id, one.annotator].add(one.stance.value)
    problems = [
        Problem(item, who, f"labelled it twice, as {' and as '.join(sorted(stances))}")
        for (item, who), stances in said.items()
        if len(stances) > 1
    ]
    if problems:
        raise DataError("annotators who contradict themselves", problems)
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    for (item, who), stances in said.items():
        labels[item][who] = min(stances)
    return dict(labels)


def decide(votes: Votes[T], rule: str | None) -> T | None:
    """What all say, else what the rule makes of it, else None. Someone must have voted."""
    said = Counter(choice for choices in votes.values() for choice in choices)
    if len(said) == 1:
        return next(iter(said))
    if rule is not None and rule.startswith(EXPERT):
        choices = votes.get(rule.removeprefix(EXPERT), frozenset())
        return next(iter(choices)) if len(choices) == 1 else None
    if rule == "majority" and all(len(choices) == 1 for choices in votes.values()):
        ((choice, count),) = said.most_common(1)
        return choice if 2 * count > len(votes) else None
    return None


def _check(rule: str | None) -> None:
    named = rule is not None and rule.startswith(EXPERT) and len(rule) > len(EXPERT)
    if rule not in (None, "majority", "unanimous") and not named:
        raise ConfigError(f"rule {rule!r}: expected majority, unanimous or expert:NAME")


def _by_item(
    annotations: Iterable[Annotation], items: Sequence[Item]
) -> dict[str, list[Annotation]]:
    """Annotations of each item, an existing label among them as one of each of its annotators."""
    given: dict[str, list[Annotation]] = defaultdict(list)
    for item in items:
        if item.id in given:
            raise DataError(f"item {item.id!r} stands twice among the items")
        given[item.id] = []
        if isinstance(item, Record):
            label = {"stance": item.stance, "neutral_kind": item.neutral_kind}
            given[item.id] = [
                Annotation.model_validate({"id": item.id, "annotator": who, **label})
                for who in item.annotators
            ]
    strangers: Counter[str] = Counter()
    for one in annotations:
        if one.id in given:
            given[one.id].append(one)
        else:
            strangers[one.id] += 1
    if strangers:
        problems = [Problem(i, "id", f"{n} label(s) of no item") for i, n in strangers.items()]
        raise DataError("labels of items that are not there", problems)
    return given


def _merge_one(
    item: Item, given: Sequence[Annotation], merged: Merged, set_aside: bool
) -> Problem | None:
    """Put the item where it belongs; the problem if it is disputed and nothing decides."""
    if not given:
        merged.unlabelled.append(item.id)
        return None
    stances, kinds = _votes(given)
    if alone := {who: min(said).value for who, said in stances.items() if len(said) == 1}:
        merged.labels[item.id] = alone
    stance, kind = _decided(given, merged.rule)
    said = {who: _said(given, who) for who in stances}
    was = _written(item.stance, item.neutral_kind) if isinstance(item, Record) else None
    if _differ(stances) or _differ(kinds):
        decision = _written(stance, kind) if stance else None
        merged.disputes.append(Dispute(item.id, said, decision, was))
    if stance is not None:
        names = [who for who in stances if _gave(who, given, stance, kind)]
        merged.records.append(PoolItem.of(item).labelled(stance, kind, names))
    elif set_aside or merged.rule == "unanimous":
        pooled = PoolItem.of(item)
        tags = tuple(dict.fromkeys((*pooled.tags, HARD)))
        merged.hard.append(pooled.model_copy(update={"tags": tags}))
    else:
        listed = "; ".join(f"{who}: {' and '.join(labels)}" for who, labels in said.items())
        has = f" (the record has {was})" if was else ""
        return Problem(item.id, "stance", listed + has)
    return None


def _decided(
    given: Sequence[Annotation], rule: str | None
) -> tuple[Label | None, NeutralKind | None]:
    """The label; (None, None) if its stance is not decided, or which kind of neutral it is."""
    stance = decide(_votes(given)[0], rule)
    kinds = _votes([one for one in given if one.stance is stance])[1]
    if stance is None or not kinds:
        return stance, None
    kind = decide(kinds, rule)
    return (stance, kind) if kind else (None, None)


def _gave(who: str, given: Sequence[Annotation], stance: Label, kind: NeutralKind | None) -> bool:
    """Whether the label is what `who` said and all that they said; a kind may be left open."""
    said = [one for one in given if one.annotator == who]
    return all(one.stance is stance and one.neutral_kind in (None, kind) for one in said)


def _votes(given: Iterable[Annotation]) -> tuple[Votes[Label], Votes[NeutralKind]]:
    """Who said which stance, and which kind of neutral where they named one."""
    stances: dict[str, set[Label]] = defaultdict(set)
    kinds: dict[str, set[NeutralKind]] = defaultdict(set)
    for one in given:
        stances[one.annotator].add(one.stance)
        if one.neutral_kind is not None:
            kinds[one.annotator].add(one.neutral_kind)
    return stances, kinds


def _differ(votes: Votes[T]) -> bool:
    return len({choice for choices in votes.values() for choice in choices}) > 1


def _said(given: Sequence[Annotation], who: str) -> list[str]:
    labels = [_written(one.stance, one.neutral_kind) for one in given if one.annotator == who]
    return list(dict.fromkeys(labels))


def _written(stance: Label, kind: NeutralKind | None) -> str:
    return f"{stance.value}/{kind.value}" if kind else stance.value
