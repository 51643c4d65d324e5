"""How far two corpora lie apart: labels, lengths, words, forms of targets, and a classifier's eye.

What a model learned on one corpus holds on another as far as these figures are small.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from stancewire.data.checks import target_key
from stancewire.errors import DataError
from stancewire.labels import ORDER
from stancewire.records import Record
from stancewire.text import normalise

FOLDS = 5
MOST_STATEMENTS = 4000
"""Statements of one corpus that the domain classifier sees; more are drawn from at random."""
TELLING = 15
"""Words listed for each corpus."""
_WORD = re.compile(r"[^\W\d_]+")


def drift(a: Sequence[Record], b: Sequence[Record], *, seed: int = 0) -> dict[str, Any]:
    """Report of `b` against `a`, as plain data; values come in pairs `[of a, of b]`.

    Divergences are Jensen-Shannon's with base 2 (0 equal, 1 nothing shared), distances
    Kolmogorov-Smirnov's (0..1). `domain` tells how well a word classifier tells the corpora apart:
    an AUC of 0.5 is not at all. Raises `DataError` if a corpus is empty.
    """
    if not a or not b:
        raise DataError("drift needs two corpora that hold records")
    texts_a, texts_b = _texts(a), _texts(b)
    words_a, words_b = _words(texts_a), _words(texts_b)
    aims_a, aims_b = _targets(a), _targets(b)
    return {
        "pairs": [len(a), len(b)],
        "statements": [len(texts_a), len(texts_b)],
        "targets": [len(aims_a), len(aims_b)],
        "labels": _shares([r.stance.value for r in a], [r.stance.value for r in b], list(ORDER)),
        "text_words": _lengths(texts_a, texts_b),
        "target_words": _lengths(aims_a, aims_b),
        "target_forms": _shares(list(map(form, aims_a)), list(map(form, aims_b)), FORMS),
        "target_named_in_text": [_named(a), _named(b)],
        "vocabulary": {
            "words": [len(words_a), len(words_b)],
            "divergence": _divergence(words_a, words_b),
            "out_of_vocabulary": [_unknown(words_a, words_b), _unknown(words_b, words_a)],
        },
        "targets_shared": len({*map(target_key, a)} & {*map(target_key, b)}),
        "domain": _domain(texts_a, texts_b, seed),
    }


FORMS = ("proposition", "name", "short phrase", "long phrase")


def form(target: str) -> str:
    """One of `FORMS`, by the surface alone.

    A proposition begins "(the claim) that …"; a name has a capital on each of its longer words; a
    phrase is short up to three words.
    """
    words = normalise(target).split()
    if re.match(r"(the \w+ )?that\b", " ".join(words), re.IGNORECASE) and len(words) > 3:
        return "proposition"
    capitals = [any(c.isupper() for c in word) for word in words]
    small = [word for word, is_capital in zip(words, capitals, strict=True) if not is_capital]
    if any(capitals) and all(len(word) <= 3 or word[0].isdigit() for word in small):
        return "name"
    return "short phrase" if len(words) <= 3 else "long phrase"


def _texts(records: Sequence[Record]) -> list[str]:
    return list({r.statement: normalise(r.text) for r in records}.values())


def _targets(records: Sequence[Record]) -> list[str]:
    return list({target_key(r): normalise(r.target) for r in records}.values())


def _words(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in _WORD.findall(text.casefold()))


def _shares(a: Sequence[str], b: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    counts = Counter(a), Counter(b)
    shares = {n: [c[n] / max(c.total(), 1) for c in counts] for n in map(str, names)}
    return {"shares": shares, "divergence": _divergence(*counts)}


def _divergence(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    names = sorted({*a, *b})
    p, q = (np.array([counts.get(n, 0) for n in names], dtype=np.float64) for counts in (a, b))
    if not p.any() or not q.any():
        return 0.0 if p.any() == q.any() else 1.0
    return float(np.square(np.nan_to_num(jensenshannon(p, q, base=2))))


def _lengths(a: Sequence[str], b: Sequence[str]) -> dict[str, Any]:
    first, second = counts = [[len(text.split()) for text in texts] for texts in (a, b)]
    return {
        "mean": [float(np.mean(c)) for c in counts],
        "median": [float(np.median(c)) for c in counts],
        "p95": [float(np.quantile(c, 0.95)) for c in counts],
        "distance": _distance(first, second),
    }


def _distance(a: Sequence[int], b: Sequence[int]) -> float:
    """Largest distance of the two cumulative distributions (Kolmogorov-Smirnov)."""
    places = np.unique([*a, *b])
    below = [np.searchsorted(np.sort(c), places, side="right") / len(c) for c in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def _named(records: Sequence[Record]) -> float:
    is_named = [target_key(r) in normalise(r.text).casefold() for r in records]
    return sum(is_named) / len(is_named)


def _unknown(words: Counter[str], known: Counter[str]) -> float:
    """Share of running words that the other corpus does not know."""
    return sum(n for word, n in words.items() if word not in known) / max(words.total(), 1)


def _domain(a: Sequence[str], b: Sequence[str], seed: int) -> dict[str, Any] | None:
    """AUC by cross-validation and the most telling words; None for fewer statements than folds."""
    if min(len(a), len(b)) < FOLDS:
        return None
    chance = random.Random(seed)
    parts = [chance.sample(list(p), min(len(p), MOST_STATEMENTS)) for p in (a, b)]
    texts = [*parts[0], *parts[1]]
    gold = np.repeat([0, 1], [len(parts[0]), len(parts[1])])
    model = make_pipeline(
        TfidfVectorizer(token_pattern=_WORD.pattern, sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=2000, random_state=seed),
    )
    # By text: a statement of both corpora must not be learned on one side and asked on the other.
    groups = [text.casefold() for text in texts]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    answers = cross_val_predict(
        model, texts, gold, groups=groups, cv=folds, method="decision_function"
    )
    vectorizer, regression = model.fit(texts, gold)
    words, weights = vectorizer.get_feature_names_out(), regression.coef_[0]
    order = np.argsort(weights, kind="stable")
    return {
        "auc": float(roc_auc_score(gold, answers)),
        "telling_words": [
            [str(words[i]) for i in order[:TELLING] if weights[i] < 0],
            [str(words[i]) for i in order[::-1][:TELLING] if weights[i] > 0],
        ],
    }
