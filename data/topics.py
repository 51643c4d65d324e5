"""What must not be trained on beside a corpus: its held-out topics and texts, and pairs twice."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from stancewire.data.checks import NEAR, target_key
from stancewire.data.duplicates import first_near
from stancewire.labels import Label
from stancewire.records import Record
from stancewire.text import normalise

_WORD = re.compile(r"\w+")
_PREFIX = re.compile(
    r"(?:the claim that|this house (?:believes?(?: that)?|would|should|supports?|opposes?|regrets?)"
    r"|th[bw]|(?:we|you|they|people|one|governments?) (?:should|must|ought to|would|need to)"
    r"|should we|it is (?:right|wrong) (?:that|to)|that) "
)
# What tells two wordings of a topic apart but not two topics: "School uniforms should be banned"
# is "We should ban the school uniform", and "we should not" has the topic of "we should".
_EMPTY = frozenset(
    _WORD.findall("""
    a an and are at be been being by can could did do does for from had has have in is it its no not
    of on or ought our should that the their there these they this those to us was we were will with
    would must
    """)
)
_USE_OF = re.compile(r"\b(?:the )?use of ")
_BRITISH = re.compile(r"(?<=i)s(?=(?:e|es|ed|ing|ation|ations)$)")
_ENDINGS = (
    ("ations", ""), ("ation", ""), ("ings", ""), ("ing", ""), ("ies", "y"), ("ied", "y"),
    ("sses", "ss"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("ed", ""), ("es", "e"), ("s", ""),
)  # fmt: skip
_SHORTEST_STEM = 3
_HELD = ("test", "golden", "dev")  # of two reasons to leave a record out, the first is told

Pair = tuple[str, str]
"""A statement and a target, each in the form in which two spellings are equal."""
Kept = tuple[list[Record], Counter[str]]
"""The records that stay, in order, and how many were left out for which reason."""


def text_key(text: str) -> str:
    """The text's words, case-folded: equal for texts that differ in punctuation and spaces."""
    plain = " ".join(text.split())
    if not (plain.isascii() and plain.isprintable()):  # else it is its own normal form
        plain = normalise(text)
    return " ".join(_WORD.findall(plain.casefold()))


def topic_key(target: str) -> str:
    """Normal form of a topic: its content words as rough stems, in alphabetical order.

    Prefixes of debates ("we should", "this house believes that"), articles, auxiliaries and "not"
    are gone, so that both sides of a motion are one topic.
    """
    words = text_key(target)
    bare = words
    while opening := _PREFIX.match(bare):
        bare = bare[opening.end() :]
    content = {_stem(word) for word in _USE_OF.sub("", bare).split() if word not in _EMPTY}
    return " ".join(sorted(content)) or words


def keep_topics_apart(records: Sequence[Record], main: Sequence[Record]) -> Kept:
    """Of `records`, those that may be trained on beside the corpus `main`.

    Left out is a topic that `main` has in test, golden or dev and not in train: one that it has in
    train, too, is no unseen one there, and the split is as published. So is a text that is nearly
    one of those splits (as in `checks`: Jaccard > 0.8), whether `main` trains on it or not.
    """
    held = sorted((r for r in main if r.split in _HELD), key=lambda r: _HELD.index(r.split))
    trained = {topic_key(target) for target in {r.target for r in main if r.split == "train"}}
    topics: dict[str, str] = {}
    texts: dict[str, str] = {}
    for record in held:
        topics.setdefault(topic_key(record.target), record.split)
        texts.setdefault(record.text, record.split)
    topic_of = {target: topic_key(target) for target in {r.target for r in records}}
    near = first_near({r.text for r in records}, list(texts), NEAR)
    kept: list[Record] = []
    removed: Counter[str] = Counter()
    for record in records:
        topic = topic_of[record.target]
        if topic in topics and topic not in trained:
            removed[f"topic is in {topics[topic]}"] += 1
        elif record.text in near:
            removed[f"text is nearly one of {texts[near[record.text]]}"] += 1
        else:
            kept.append(record)
    return kept, removed


def pair_of(record: Record) -> Pair:
    """What two records share that ask the same question."""
    return record.statement, target_key(record)


def keep_pairs_once(
    records: Sequence[Record], main: AbstractSet[Pair], earlier: AbstractSet[Pair]
) -> Kept:
    """Of `records`, the first of each pair that stands neither in `main` nor in `earlier`.

    A pair to which `records` give several labels is left out altogether: nothing says which holds.
    """
    pairs = [pair_of(record) for record in records]
    labels: dict[Pair, set[Label]] = defaultdict(set)
    for record, pair in zip(records, pairs, strict=True):
        labels[pair].add(record.stance)
    kept: dict[Pair, Record] = {}
    removed: Counter[str] = Counter()
    for record, pair in zip(records, pairs, strict=True):
        if pair in main:
            removed["pair is in the main corpus"] += 1
        elif pair in earlier:
            removed["pair is in an earlier addition"] += 1
        elif len(labels[pair]) > 1:
            removed["pair has two labels"] += 1
        elif pair in kept:
            removed["pair stands twice"] += 1
        else:
            kept[pair] = record
    return list(kept.values()), removed


def _stem(word: str) -> str:
    word = _BRITISH.sub("z", word)
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word.removesuffix(ending) + replacement
            break
    word = word.removesuffix("e") if len(word) > _SHORTEST_STEM else word
    doubled = len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word
