"""Topics that several argument sets share: each on one side of a split, whoever published it."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
_HELD: dict[str, tuple[str, ...]] = {"train": ("test", "dev"), "dev": ("test",)}


@dataclass(frozen=True)
class Removed:
    """How many records `keep_topics_apart` took from one corpus, and why."""

    source: str
    count: int
    reason: str


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


def keep_topics_apart(
    corpora: Mapping[str, Sequence[Record]],
) -> tuple[dict[str, list[Record]], list[Removed]]:
    """Corpora without what would let a model train on a topic or text that another one holds out.

    A topic that a corpus tests and does not train on goes from the train and dev of all others; one
    that it has in dev alone, from the train of all others. So does a text, trained on there or not.
    Test is never touched. A topic that a corpus itself has in train and test stays in the train of
    others, too: its test does not ask about unseen topics, and the split is as published.
    """
    topics = _Index(corpora, topic_key, lambda record: record.target)
    texts = _Index(corpora, text_key, lambda record: record.text)
    kept: dict[str, list[Record]] = {}
    removed: list[Removed] = []
    for name, records in corpora.items():
        reasons = [_reason(name, record, topics, texts) for record in records]
        kept[name] = [r for r, reason in zip(records, reasons, strict=True) if reason is None]
        counts = Counter(reason for reason in reasons if reason is not None)
        removed += [Removed(name, count, reason) for reason, count in sorted(counts.items())]
    return kept, removed


class _Index:
    """Which corpora hold a key, and in which splits."""

    def __init__(
        self,
        corpora: Mapping[str, Sequence[Record]],
        key: Callable[[str], str],
        field: Callable[[Record], str],
    ) -> None:
        self._field = field
        wordings = {field(record) for records in corpora.values() for record in records}
        self._keys = {wording: key(wording) for wording in wordings}
        self._holders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name, records in corpora.items():
            for record in records:
                self.of(record)[name].add(record.split)

    def of(self, record: Record) -> dict[str, set[str]]:
        """Corpora that hold the record's key, with their splits of it."""
        return self._holders[self._keys[self._field(record)]]


def _reason(name: str, record: Record, topics: _Index, texts: _Index) -> str | None:
    for held in _HELD.get(record.split, ()):
        for other, splits in topics.of(record).items():
            if other != name and held in splits and splits.isdisjoint({"train", record.split}):
                return f"topic of {record.split} is in another's {held}"
        for other, splits in texts.of(record).items():
            if other != name and held in splits:
                return f"text of {record.split} is in another's {held}"
    return None


def _stem(word: str) -> str:
    word = _BRITISH.sub("z", word)
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word.removesuffix(ending) + replacement
            break
    word = word.removesuffix("e") if len(word) > _SHORTEST_STEM else word
    doubled = len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word
