"""Why an answer is what it is: take words away, one after the other, and ask the model again.

This is occlusion (Zeiler & Fergus, ECCV 2014; for words: Li, Monroe & Jurafsky, "Understanding
Neural Networks through Representation Erasure", 2016). It needs no gradient and nothing but
`Predictor.predict`, so every family of bundle is explained, at the precision that is served.

A word is *removed*, not replaced by [MASK] or [UNK]. Nothing that the model was tuned on holds a
[MASK]; an [UNK] still says that something stands there; and neither can be written in a text: the
tokenizer reads "[MASK]" as letters, on purpose. Removal asks a question that the service could be
asked, works for families that have no tokens, and is what the deletion test
(`training.faithfulness`) does too. A side that has no word left reads "." instead.

The price is one answer per word, each with a pass of its own for the quote; words of the target
share the quote's pass. `TEXT_PARTS` and `TARGET_PARTS` bound it. See `docs/explain.md`.
"""

import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.text import normalise

TEXT_PARTS = 64
"""Most parts of a quote; the neighbouring words of a longer one are taken away together."""
TARGET_PARTS = 32
"""Most parts of a target: as many blocks as one pass of the quote holds by default."""
CHUNK = 16
"""Answers asked for at a time: about as many as the runtime batches; others wait no longer."""
STAND_IN = "."
"""What a side without words reads: the model refuses an empty one."""

Range = tuple[int, int]
"""Start and end (exclusive) in characters, that is in code points, of the original string."""


class Answers(Protocol):
    """What is explained: a `Predictor`, or whatever else answers pairs."""

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        """One stance per pair, in their order."""


@dataclass(frozen=True)
class Span:
    """A word, or neighbouring words, and what they did to the answer."""

    start: int
    end: int
    """Exclusive; both count code points of the string as it was given."""
    word: str
    """What stands there, in the normal form that the model reads."""
    weight: float
    """log P(label) − log P(label) without the span, in nats; above 0 it speaks for the label."""


@dataclass(frozen=True)
class Explanation:
    """A stance, and the weight of every part of quote and target in it."""

    stance: Stance
    text: tuple[Span, ...]
    """In order of reading. Of a truncated quote, what was read; the rest had no say."""
    target: tuple[Span, ...]


def explain(predictor: Answers, pair: StancePair) -> Explanation:
    """The answer for `pair`, explained.

    Raises `DataError` if the text or target cannot be read.
    """
    (stance,) = predictor.predict([pair])
    *_, found = explaining(predictor, pair, stance)
    assert found is not None
    return found


def explaining(
    predictor: Answers, pair: StancePair, stance: Stance
) -> Iterator[Explanation | None]:
    """Explain `stance`, the answer for `pair`, in steps of at most about `CHUNK` answers.

    Gives None after each step and the explanation at last, so that a service can do other work in
    between.
    """
    before = stance
    if stance.truncated:
        pair = replace(pair, text=_read_part(predictor, pair))
        (before,) = predictor.predict([pair])
        yield None
    text = parts(pair.text, TEXT_PARTS)
    target = parts(pair.target, TARGET_PARTS)
    asked = [
        *(replace(pair, text=without(pair.text, [part])) for part in text),
        *(replace(pair, target=without(pair.target, [part])) for part in target),
    ]
    logs: list[float] = []
    for start in range(0, len(asked), CHUNK):
        answers = predictor.predict(asked[start : start + CHUNK])
        logs += (_log_probability(stance, answer) for answer in answers)
        yield None
    weights = [_log_probability(stance, before) - log for log in logs]
    yield Explanation(
        stance=stance,
        text=_spans(pair.text, text, weights[: len(text)]),
        target=_spans(pair.target, target, weights[len(text) :]),
    )


def words(text: str) -> list[Range]:
    """Where the words stand: runs of letters and digits, with what joins them inside ("don't").

    Marks and invisible characters belong to the word they stand in, as in the normal form.
    """
    kinds = "".join(map(_kind, text))
    return [found.span() for found in _WORD.finditer(kinds)]


_WORD = re.compile(r"w[wi]*(?:ji*w[wi]*)*")
_JOINERS = frozenset("'’.-\u2010\u2011")


def _kind(character: str) -> str:
    """A letter or digit (w), something unseen (i), something that may join (j), or neither."""
    if character.isalnum():
        return "w"
    if character in _JOINERS:
        return "j"
    is_space = character.isspace()
    category = unicodedata.category(character)
    return "i" if not is_space and (category[0] == "M" or category in _UNSEEN) else " "


_UNSEEN = ("Cc", "Cf", "Cs", "Cn")


def parts(text: str, most: int) -> list[Range]:
    """The words, or, if there are more than `most`, that many runs of neighbouring words.

    The runs are as equal as they can be: their sizes differ by one word at most.
    """
    found = words(text)
    if len(found) <= most:
        return found
    bounds = np.linspace(0, len(found), most + 1).round().astype(int)
    return [(found[a][0], found[b - 1][1]) for a, b in pairwise(bounds.tolist())]


def without(text: str, ranges: Sequence[Range]) -> str:
    """The text with the `ranges` (apart from each other, in any order) taken out.

    Punctuation around them stays. A text without a word left is `STAND_IN`.
    """
    kept, place = [], 0
    for start, end in sorted(ranges):
        kept.append(text[place:start])
        place = end
    rest = " ".join([*kept, text[place:]])  # a space, so that nothing grows together
    return rest if any(map(str.isalnum, rest)) else STAND_IN


def _read_part(predictor: Answers, pair: StancePair) -> str:
    """The longest start of a truncated quote, in whole words, that is read to its end.

    What was not read would otherwise move up into the place of a word taken away, and be weighed
    with it. Found by bisection: as many answers as the binary logarithm of the number of words.
    """
    ends = [end for _, end in words(pair.text)]

    def is_cut(end: int) -> bool:
        (stance,) = predictor.predict([replace(pair, text=pair.text[:end])])
        return stance.truncated

    fitting = bisect_left(ends, True, key=is_cut)
    return pair.text[: ends[fitting - 1]] if fitting else pair.text


def _log_probability(explained: Stance, answer: Stance) -> float:
    # No model means a probability of zero; the floor keeps every weight finite.
    return math.log(max(answer.probabilities[explained.label], 1e-12))


def _spans(text: str, ranges: Sequence[Range], weights: Sequence[float]) -> tuple[Span, ...]:
    return tuple(
        Span(start, end, normalise(text[start:end]), weight)
        for (start, end), weight in zip(ranges, weights, strict=True)
    )
