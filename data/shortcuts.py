"""What can be guessed of the stance without reading the pair: how far a corpus gives itself away.

A model that sees one side of the pair, or a name, a tag, a length, should be no better than always
answering the most frequent stance (Poliak et al., *SEM 2018, of hypothesis-only baselines).
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.preprocessing import MaxAbsScaler

from stancewire.backends import terms
from stancewire.labels import INDEX, ORDER
from stancewire.records import Record

GRID = (0.03, 0.3, 3.0)
"""Inverse strengths of the regularisation, the strongest first."""
SEED = 0

_Clues = Mapping[str, float]
_View = Callable[[Record], _Clues]
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


class Score(NamedTuple):
    """How well one guess does on the test split, in points (0..100)."""

    macro_f1: float
    """Over the three stances; a stance never predicted counts 0."""
    accuracy: float


def baselines(
    train: Sequence[Record], dev: Sequence[Record], test: Sequence[Record]
) -> dict[str, Any]:
    """Points of macro-F1 on test by name of the guess, `chance`, and `accuracy` by name.

    Guesses are `majority` (train's most frequent stance), `text_only` and `target_only` (logistic
    regression over TF-IDF of words and word pairs), `names` (speaker and organisation), `field`,
    `country` and `kind` (tags that start so), `length` (words of text and of target), and `place`
    (where in the statement the target is named, and whether a number or a question stands there).
    `chance` is the expected macro-F1 of guessing by the shares of train. No split may be empty.
    """
    scores = one_sided(train, dev, test)
    for name, clues in _CLUES.items():
        scores[name] = _score(clues, MaxAbsScaler(), train, dev, test)
    return {
        **{name: score.macro_f1 for name, score in scores.items()},
        "chance": _chance(_gold(train), _gold(test)),
        "accuracy": {name: score.accuracy for name, score in scores.items()},
    }


def one_sided(
    train: Sequence[Record], dev: Sequence[Record], test: Sequence[Record]
) -> dict[str, Score]:
    """Scores of `majority`, `text_only` and `target_only` alone; see `baselines`."""
    gold = _gold(test)
    scores = {"majority": _points(gold, np.full(len(gold), _majority(_gold(train))))}
    for part in ("text", "target"):
        clues = _words(part, (*train, *dev, *test))
        weighting = TfidfTransformer(sublinear_tf=True)
        scores[f"{part}_only"] = _score(clues, weighting, train, dev, test)
    return scores


def _score(
    clues: _View,
    weighting: Any,
    train: Sequence[Record],
    dev: Sequence[Record],
    test: Sequence[Record],
) -> Score:
    counts = DictVectorizer()
    rows = counts.fit_transform([clues(r) for r in train])
    gold, expected = _gold(train), _gold(test)
    if not counts.feature_names_ or len(set(gold.tolist())) == 1:  # nothing to learn from
        return _points(expected, np.full(len(expected), _majority(gold)))
    features = weighting.fit_transform(rows)
    fresh = [weighting.transform(counts.transform([clues(r) for r in s])) for s in (dev, test)]
    model = _fitted(features, gold, fresh[0], _gold(dev))
    return _points(expected, _probabilities(model, fresh[1]).argmax(axis=1))


def _fitted(features: csr_matrix, gold: _Ints, dev: csr_matrix, dev_gold: _Ints) -> Any:
    # By log-loss, a proper score: macro-F1 is highest for answers that are spread at random, so
    # that it would choose noise over the admission that there is nothing to learn.
    best, least = None, np.inf
    for c in GRID:
        model = LogisticRegression(C=c, max_iter=2000, random_state=SEED).fit(features, gold)
        right = _probabilities(model, dev)[np.arange(len(dev_gold)), dev_gold]
        loss = float(-np.log(np.clip(right, 1e-12, None)).mean())
        if loss < least - 1e-9:  # a tie stays with the stronger regularisation
            best, least = model, loss
    return best


def _probabilities(model: Any, features: csr_matrix) -> _Floats:
    full = np.zeros((features.shape[0], len(ORDER)))
    full[:, model.classes_] = model.predict_proba(features)
    return full


def _points(gold: _Ints, predicted: _Ints) -> Score:
    labels = list(range(len(ORDER)))
    f1 = f1_score(gold, predicted, labels=labels, average="macro", zero_division=0.0)
    return Score(100 * float(f1), 100 * float(accuracy_score(gold, predicted)))


def _chance(train: _Ints, test: _Ints) -> float:
    # A guess by shares p is right p·q of the time on a class of share q: F1 = 2pq / (p + q).
    p = np.bincount(train, minlength=len(ORDER)) / len(train)
    q = np.bincount(test, minlength=len(ORDER)) / len(test)
    return 100 * float((2 * p * q / np.maximum(p + q, 1e-12)).mean())


def _majority(gold: _Ints) -> int:
    return int(np.bincount(gold, minlength=len(ORDER)).argmax())


def _gold(records: Sequence[Record]) -> _Ints:
    return np.array([INDEX[r.stance] for r in records], dtype=np.int64)


def _words(part: str, records: Sequence[Record]) -> _View:
    # Counted once per text: statements stand in many records.
    counted = {text: Counter(terms(text)) for text in {getattr(r, part) for r in records}}
    return lambda record: counted[getattr(record, part)]


def _tagged(start: str) -> _View:
    return lambda record: {tag: 1.0 for tag in record.tags if tag.startswith(f"{start}:")}


def _names(record: Record) -> _Clues:
    # The whole name, and its words: "Ministry" may tell what "Ministry of Ports" alone does not.
    clues: dict[str, float] = {}
    for field in ("speaker", "organisation"):
        name = getattr(record, field) or ""
        clues |= {f"{field}:{part.casefold()}": 1.0 for part in (name, *name.split()) if part}
    return clues


def _lengths(record: Record) -> _Clues:
    text, target = (np.log1p(len(words.split())) for words in (record.text, record.target))
    return {"text": text, "text²": text**2, "target": target, "target²": target**2}


_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_STEM = 5
"""Letters by which two words count as one: "taxes" and "taxation"."""


def _stems(words: str) -> set[str]:
    return {w[:_STEM] for w in re.findall(r"\w+", words.casefold()) if len(w) >= _STEM - 1}


def _place(record: Record) -> _Clues:
    sentences = _SENTENCE.split(record.text)
    wanted = _stems(record.target)
    shared = [len(wanted & _stems(sentence)) for sentence in sentences]
    if not any(shared):
        return {"nowhere": 1.0}
    at = shared.index(max(shared))
    place = "first" if at == 0 else "last" if at == len(sentences) - 1 else "between"
    clues = {place: 1.0}
    if any(c.isdigit() for c in sentences[at]):
        clues["number"] = clues[f"{place} number"] = 1.0
    if sentences[at].endswith("?"):
        clues["question"] = 1.0
    return clues


_CLUES: dict[str, _View] = {
    "names": _names,
    "field": _tagged("field"),
    "country": _tagged("country"),
    "kind": _tagged("kind"),
    "length": _lengths,
    "place": _place,
}
