"""Which items of a pool to label next; the same seed draws the same items.

Uncertainty and disagreement as surveyed by Settles (*Active Learning Literature Survey*, 2009);
diversity by the seeding of k-means++ (Arthur and Vassilvitskii, SODA 2007), which unlike
farthest-first does not collect outliers.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from stancewire.data.duplicates import near_duplicates
from stancewire.data.pool import Item
from stancewire.errors import ConfigError
from stancewire.labels import ORDER
from stancewire.predictor import Predictor
from stancewire.text import fingerprint

Strategy = Literal["uncertainty", "disagreement", "random", "diverse"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
NEAR = 0.8
"""Jaccard similarity of two quotes' words above which they are one item, as in `data.checks`."""
_BLOCK = 1000  # rows of the pool whose distances to all labelled items are held at once

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator


def sample(
    pool: Iterable[Item],
    n: int,
    strategy: Strategy,
    seed: int,
    *,
    predictors: Sequence[Predictor] = (),
    labelled: Iterable[Item] = (),
) -> list[Item]:
    """At most n items of the pool, the most useful first; the order of the pool does not matter.

    Never drawn: an item that is in `labelled` by its id, or whose quote nearly equals one there
    toward the same target; of such twins within the pool, one. So fewer than n may be left.
    "uncertainty" needs one predictor, "disagreement" two or more; raises `ConfigError`.
    """
    _check(n, strategy, len(predictors))
    known = list(labelled)
    items = sorted(pool, key=lambda item: item.id)
    twins, taken = _twins(items, known)
    free = [i for i in range(len(items)) if i not in taken]
    rng = np.random.default_rng(seed)
    candidates = [items[i] for i in free]
    if not candidates:
        return []
    if strategy == "diverse":
        order: Iterable[int] = _spread(candidates, known, rng)
    else:
        # Shuffled first, so that among equals the seed decides and not the name.
        shuffled = rng.permutation(len(candidates))
        usefulness = _usefulness(strategy, candidates, predictors)
        order = shuffled[np.argsort(-usefulness[shuffled], kind="stable")]
    drawn: list[int] = []
    for i in (free[c] for c in order):
        if len(drawn) == n:
            break
        if twins[i].isdisjoint(drawn):
            drawn.append(i)
    return [items[i] for i in drawn]


def _check(n: int, strategy: str, predictors: int) -> None:
    if strategy not in STRATEGIES:
        raise ConfigError(f"strategy {strategy!r}: expected one of {', '.join(STRATEGIES)}")
    if n < 1:
        raise ConfigError(f"cannot draw {n} items: expected 1 or more")
    if strategy == "uncertainty" and predictors != 1:
        raise ConfigError(f"strategy uncertainty asks one bundle; {predictors} given")
    if strategy == "disagreement" and predictors < 2:
        raise ConfigError(f"strategy disagreement asks two bundles or more; {predictors} given")


def _twins(items: Sequence[Item], known: Sequence[Item]) -> tuple[dict[int, set[int]], set[int]]:
    """Near duplicates of each item within the pool, and the items that are labelled already."""
    ids = {item.id for item in known}
    taken = {i for i, item in enumerate(items) if item.id in ids}
    twins: dict[int, set[int]] = defaultdict(set)
    for numbers in _by_target([*items, *known]).values():
        texts = [items[i].text if i < len(items) else known[i - len(items)].text for i in numbers]
        groups = [str(i) if i < len(items) else "labelled" for i in numbers]
        for a, b, _ in near_duplicates(texts, groups, NEAR):
            i, j = sorted((numbers[a], numbers[b]))
            if j >= len(items):
                taken.add(i)
            else:
                twins[i].add(j)
                twins[j].add(i)
    return twins, taken


def _by_target(items: Sequence[Item]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        grouped[fingerprint(item.target)].append(number)
    return grouped


def _usefulness(strategy: str, items: Sequence[Item], predictors: Sequence[Predictor]) -> Floats:
    if strategy == "random":
        return np.zeros(len(items))
    answers = np.stack([_probabilities(predictor, items) for predictor in predictors])
    # With one predictor, its entropy. With several, the Jensen-Shannon divergence of their
    # answers: the entropy of the mean less the mean of the entropies, 0 when all say the same.
    result = _entropy(answers.mean(axis=0))
    if strategy == "disagreement":
        result = result - _entropy(answers).mean(axis=0)
    return result.round(12)  # what differs by rounding alone is equal, and the seed decides


def _probabilities(predictor: Predictor, items: Sequence[Item]) -> Floats:
    answers = predictor.predict([item.pair for item in items])
    return np.array([[answer.probabilities[label] for label in ORDER] for answer in answers])


def _entropy(p: Floats) -> Floats:
    """Entropy in nats over the last axis; 0 log 0 is 0."""
    result: Floats = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    return result


def _spread(items: Sequence[Item], known: Sequence[Item], rng: Generator) -> Iterable[int]:
    """Numbers of the items, each drawn by its squared distance to all before and to `known`."""
    vectors = _vectors([*items, *known])
    own, labelled = vectors[: len(items)], vectors[len(items) :]
    distance = _distances(own, labelled) if known else np.ones(len(items))
    left = np.ones(len(items), dtype=bool)
    while left.any():
        # Squared Euclidean distance of unit vectors is 2 (1 − cosine): this is the D² of k-means++.
        weight = np.where(left, distance, 0.0)
        if weight.sum() <= 0:
            weight = left.astype(np.float64)
        chosen = int(rng.choice(len(items), p=weight / weight.sum()))
        yield chosen
        left[chosen] = False
        distance = np.minimum(distance, _distances(own, vectors[chosen : chosen + 1]))


def _vectors(items: Sequence[Item]) -> Any:
    """Sparse unit vectors (n, terms): TF-IDF of the quote's words beside that of the target's."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    # Any word counts, of one letter too: an item must not be left with no term at all.
    words = {"token_pattern": r"(?u)\b\w+\b"}
    texts = TfidfVectorizer(**words).fit_transform([item.text for item in items])
    targets = TfidfVectorizer(**words).fit_transform([item.target for item in items])
    return normalize(hstack([texts, targets]).tocsr())


def _distances(rows: Any, centres: Any) -> Floats:
    """1 − cosine of each row to the nearest centre, in [0, 1]."""
    nearest = [
        (rows[start : start + _BLOCK] @ centres.T).max(axis=1).toarray().ravel()
        for start in range(0, rows.shape[0], _BLOCK)
    ]
    return np.clip(1.0 - np.concatenate(nearest), 0.0, 1.0)
