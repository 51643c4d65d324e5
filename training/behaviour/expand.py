"""Templates become cases: the same ones for the same seed, on every machine."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stancewire.errors import ConfigError
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.training.behaviour.cases import Case, Kind
from stancewire.training.behaviour.setting import EDITS, capitalise
from stancewire.training.behaviour.templates import (
    Invariant,
    Lexicon,
    Movement,
    Policy,
    Statement,
    Suite,
    Variant,
    Wording,
    load,
)

SEED = 13
CASES = 60
"""Of each capability. Their Wilson interval is 25 points wide at its widest."""
TRIES = 40
"""Draws per case before the templates are said to be too few."""

Slots = Mapping[str, Any]
Maker = Callable[[Slots, random.Random], Case]


def expand(
    suite: Suite | None = None, *, seed: int = SEED, per_capability: int = CASES
) -> list[Case]:
    """All cases, capability by capability; no two of one capability ask the same.

    Each capability has a generator of its own, so that a template added to one moves no other.
    Raises `ConfigError` if a template names what is not there, or there are too few.
    """
    suite = suite or load()
    return [
        case
        for name, makers in _makers(suite).items()
        for case in _draw(name, makers, suite.lexicon, seed, per_capability)
    ]


def names(suite: Suite | None = None) -> dict[str, str]:
    """Capability → what it says, in the order of `expand`."""
    suite = suite or load()
    groups = (suite.minimum, suite.swap, suite.direction, suite.invariance.capabilities)
    return {name: one.says for group in groups for name, one in group.items()}


def _makers(suite: Suite) -> dict[str, list[Maker]]:
    lexicon = suite.lexicon
    found: dict[str, list[Maker]] = {}
    for name, one in suite.minimum.items():
        found[name] = [
            _questions(name, Kind.MINIMUM, lexicon, t.text, {target: label})
            for t in one.templates
            for target, label in t.ask.items()
        ]
    for name, swap in suite.swap.items():
        found[name] = [_questions(name, Kind.SWAP, lexicon, t.text, t.ask) for t in swap.templates]
    for name, moved in suite.direction.items():
        found[name] = [_movement(name, lexicon, template) for template in moved.templates]
    for name, kept in suite.invariance.capabilities.items():
        found[name] = list(_invariant(name, lexicon, kept, suite.invariance.statements))
    return found


def _draw(
    name: str, makers: Sequence[Maker], lexicon: Lexicon, seed: int, count: int
) -> Iterator[Case]:
    rng = random.Random(f"{seed}:{name}")
    order = rng.sample(makers, len(makers))
    deck: list[Policy] = []
    seen: set[tuple[StancePair, ...]] = set()
    for number in range(TRIES * count):
        if len(seen) == count:
            return
        # Every policy once before any comes twice.
        deck = deck or rng.sample(lexicon.policies, len(lexicon.policies))
        try:
            case = order[number % len(order)](_slots(deck.pop(), lexicon, rng), rng)
        except (LookupError, AttributeError, ValueError) as error:
            raise ConfigError(f"a template of {name!r} cannot be filled: {error}") from error
        if case.pairs not in seen:
            seen.add(case.pairs)
            yield case
    if len(seen) < count:
        raise ConfigError(f"the templates of {name!r} give {len(seen)} cases, not {count}")


def _slots(policy: Policy, lexicon: Lexicon, rng: random.Random) -> Slots:
    unrelated = [p for p in lexicon.policies if not set(p.fields) & set(policy.fields)]
    return {
        "p": policy,
        "q": rng.choice(unrelated),
        "n": rng.choice(lexicon.variants["names"]),
        **{name: rng.choice(phrases) for name, phrases in lexicon.phrases.items()},
    }


def _questions(
    name: str, kind: Kind, lexicon: Lexicon, template: str, ask: Mapping[str, Label]
) -> Maker:
    def make(slots: Slots, rng: random.Random) -> Case:
        text = capitalise(template.format(**slots))
        pairs = tuple(StancePair(text, lexicon.targets[t].format(**slots)) for t in ask)
        return Case(name, kind, template, pairs, labels=tuple(ask.values()))

    return make


def _movement(name: str, lexicon: Lexicon, template: Movement) -> Maker:
    def make(slots: Slots, rng: random.Random) -> Case:
        target = lexicon.targets[template.target].format(**slots)
        pairs = tuple(
            StancePair(capitalise(text.format(**slots)), target)
            for text in (template.before, template.after)
        )
        return Case(name, Kind.DIRECTION, template.after, pairs, moves=template.moves)

    return make


def _invariant(
    name: str, lexicon: Lexicon, one: Invariant, statements: Sequence[Statement]
) -> Iterator[Maker]:
    for wording in one.texts:
        yield _reworded(name, lexicon, wording)
    for frame in one.frames:
        for statement in statements:
            if one.vary is None:
                yield _edited(name, lexicon, frame, statement, one.edits)
            else:
                yield _exchanged(name, lexicon, frame, statement, one.vary)


def _reworded(name: str, lexicon: Lexicon, wording: Wording) -> Maker:
    def make(slots: Slots, rng: random.Random) -> Case:
        target = lexicon.targets[wording.ask].format(**slots)
        pairs = tuple(StancePair(capitalise(t.format(**slots)), target) for t in wording.texts)
        return Case(name, Kind.INVARIANCE, wording.texts[0], pairs)

    return make


def _edited(
    name: str, lexicon: Lexicon, frame: str, statement: Statement, edits: Sequence[str]
) -> Maker:
    def make(slots: Slots, rng: random.Random) -> Case:
        text = capitalise(frame.format(s=statement.text.format(**slots)))
        target = lexicon.targets[statement.ask].format(**slots)
        pairs = tuple(StancePair(EDITS[edit](text), target) for edit in edits)
        return Case(name, Kind.INVARIANCE, f"{frame} {statement.text}", pairs, groups=tuple(edits))

    return make


def _exchanged(name: str, lexicon: Lexicon, frame: str, statement: Statement, vary: str) -> Maker:
    by_group: dict[str, list[Variant]] = {}
    for variant in lexicon.variants[vary]:
        by_group.setdefault(variant.group, []).append(variant)

    def make(slots: Slots, rng: random.Random) -> Case:
        words = statement.text.format(**slots)
        target = lexicon.targets[statement.ask].format(**slots)
        drawn = [rng.choice(members) for members in by_group.values()]
        pairs = tuple(StancePair(capitalise(frame.format(s=words, v=v)), target) for v in drawn)
        return Case(
            name, Kind.INVARIANCE, f"{frame} {statement.text}", pairs, groups=tuple(by_group)
        )

    return make
