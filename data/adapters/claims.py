"""A hypothesis as a target, an entailment label as a stance: the one place for all NLI sets."""

import re
from collections.abc import Sequence

from stancewire.data.adapters.reading import Row
from stancewire.labels import Label
from stancewire.records import MAX_TARGET, MAX_TEXT, Split

PREFIX = "the claim that "
_STANCES = {
    "entailment": Label.FAVOR,
    "contradiction": Label.AGAINST,
    "neutral": Label.NEUTRAL,
}
# Words that open a sentence and are no one's name. Only these are lowered without other evidence:
# a common noun left capital does less harm than a name in lower case.
_WORD = re.compile(r"[^\W\d_]+")
_OPENERS = frozenset(
    _WORD.findall("""
    a according after all also although always an and another any anyone anything are as at be
    because before being besides both but by can could despite did do does due during each either
    even every everybody everyone everything few for from had has have having he her here his how
    however if in is it its just lots many maybe more most much my neither never no nobody none not
    nothing often on once one only other others our over people perhaps please several she should
    since so some somebody someone something sometimes somewhat that the their then there these they
    this those though three to two under unlike until using was we were what when where whether
    which while who whoever why with within without would yes you your
    был была были было в вам во возможно все всё вы для его ее её если есть здесь из их к каждый
    как когда кто мне многие мой моя моё мы на нам наш не нет некоторые ни никто но о об один он она
    они оно от по после почему при с сейчас со так там только ты у что чтобы это эта эти этот я
    """)
)
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}$")


def as_target(hypothesis: str, premise: str = "") -> str:
    """Target "the claim that …": the hypothesis, its first letter lowered, without a full stop.

    A first word that looks like a name, an acronym or "I" keeps its capital; `premise` is asked
    whether it writes the word with or without one.
    """
    sentence = " ".join(hypothesis.split())
    if not sentence.endswith("..") and not _INITIALS.search(sentence):
        sentence = sentence.removesuffix(".").rstrip()
    word = _WORD.match(sentence)
    rest = sentence[word.end() :] if word else ""
    if word and not rest.startswith(".") and _is_lowered(word[0], f"{rest} {premise}"):
        sentence = sentence[0].lower() + sentence[1:]
    return PREFIX + sentence


def _is_lowered(word: str, context: str) -> bool:
    if word == "I" or any(c.isupper() for c in word[1:]):
        return False
    if word.lower() in _OPENERS:
        return True
    if re.search(rf"[\w,;:] {word}\b", context):  # a capital inside a sentence: a name
        return False
    return re.search(rf"\b{word.lower()}\b", context) is not None


def as_stance(label: str) -> Label:
    """Stance of a premise toward its hypothesis. Raises `ValueError` for any other label."""
    try:
        return _STANCES[label]
    except KeyError:
        raise ValueError(f"expected one of {', '.join(_STANCES)}; found {label!r}") from None


def cell(row: Row, name: str) -> str:
    """Text of one column. Raises `ValueError` if the row has too few or too many cells."""
    value = row[name]
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text; found {value!r}")
    if None in row:
        raise ValueError("has more cells than the header")
    return value


def pair(
    premise: str, hypothesis: str, label: str, split: Split, tags: Sequence[str] = ()
) -> Row | None:
    """Fields of the record of one NLI pair.

    None, for left out, if premise or hypothesis holds no word or is longer than a record takes:
    sets hold a few such pairs, and a cut claim is another claim.
    """
    stance, text, target = as_stance(label), premise.strip(), as_target(hypothesis, premise)
    if not (_has_words(text) and _has_words(hypothesis)):
        return None
    if len(text) > MAX_TEXT or len(target) > MAX_TARGET:
        return None
    return {"text": text, "target": target, "stance": stance, "split": split, "tags": tuple(tags)}


def entailed_pair(
    premise: str, hypothesis: str, label: str, split: Split, tags: Sequence[str] = ()
) -> Row | None:
    """As `pair`, for sets of two labels: "not_entailment" may be either stance, and is left out."""
    if label == "not_entailment":
        return None
    if label != "entailment":
        raise ValueError(f"expected entailment or not_entailment; found {label!r}")
    return pair(premise, hypothesis, label, split, tags)


def _has_words(text: str) -> bool:
    return any(c.isalnum() for c in text)
