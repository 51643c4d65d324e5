"""Whether an explanation names what the model used: the deletion test, against a random order.

ERASER's two figures (DeYoung et al., "ERASER: A Benchmark to Evaluate Rationalized NLP Models", ACL
2020, §4), j being the label given to the whole pair and r its highest-weighted words:

- *comprehensiveness*, P(j | all) − P(j | all but r): high if the words taken away were needed;
- *sufficiency*, P(j | all) − P(j | r alone): low if the words kept are enough.

Both are means over the paper's five shares of words (`SHARES`). Its k = 0 is left out: no words
removed, or none kept, says the same of every order. Words of quote and target are ranked together.
The figures say whether the weights fit the model, not whether the model is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.explain import Answers, Explanation, Span, explain, without
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.records import Record
from stancewire.training.metrics import resamples

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the words, rounded up to whole words: so at least one."""
TESTS = ("comprehensiveness", "sufficiency")
ROUNDS = 1000

Order = Sequence[int]
"""Parts of a pair by rank: first those of the quote, then those of the target, numbered from 0."""


@dataclass(frozen=True)
class Faithfulness:
    """Figures of n pairs. Column 0 is comprehensiveness, column 1 sufficiency."""

    labels: tuple[Label, ...]
    """What the model answered."""
    statements: tuple[str, ...]
    """What must be resampled together."""
    explained: FloatArray
    """Of the order of the weights, shape (n, 2)."""
    random: FloatArray
    """Of random orders, their mean, shape (n, 2)."""

    def interval(self, chosen: Sequence[int], *, seed: int = 0) -> FloatArray:
        """95 % intervals of the mean difference, explained − random, of the pairs `chosen`.

        Shape (2, 2): rows low and high. Whole statements are drawn with replacement.
        """
        difference = (self.explained - self.random)[list(chosen)]
        clusters = [self.statements[i] for i in chosen]
        means = [difference[i].mean(axis=0) for i in resamples(clusters, seed=seed, rounds=ROUNDS)]
        bounds: FloatArray = np.quantile(means, [0.025, 0.975], axis=0)
        return bounds


def measure(
    predictor: Answers, records: Sequence[Record], *, seed: int, orders: int = 3
) -> Faithfulness:
    """The deletion test of the explanations of `predictor`, against `orders` random orders a pair.

    A pair without a word on either side has nothing to delete and counts 0. Raises `DataError` if
    a record cannot be read.
    """
    draw = np.random.default_rng(seed)
    labels, explained, random = [], [], []
    for record in records:
        found = explain(predictor, record.pair)
        spans = (*found.text, *found.target)
        ranked = np.argsort([-span.weight for span in spans], kind="stable")
        tried = [ranked, *(draw.permutation(len(spans)) for _ in range(orders))]
        figures = deletion(predictor, record.pair, found, [list(order) for order in tried])
        labels.append(found.stance.label)
        explained.append(figures[0])
        random.append(figures[1:].mean(axis=0))
    return Faithfulness(
        labels=tuple(labels),
        statements=tuple(record.statement for record in records),
        explained=np.array(explained).reshape(-1, len(TESTS)),
        random=np.array(random).reshape(-1, len(TESTS)),
    )


def deletion(
    predictor: Answers, pair: StancePair, explanation: Explanation, orders: Sequence[Order]
) -> FloatArray:
    """Comprehensiveness and sufficiency of each order of the parts, shape (len(orders), 2)."""
    count = len(explanation.text) + len(explanation.target)
    if not count:
        return np.zeros((len(orders), len(TESTS)))
    pair = replace(pair, text=_read(pair.text, explanation))
    sizes = [int(np.ceil(round(share * count, 9))) for share in SHARES]
    asked = [pair]
    for order in orders:
        asked += [_less(pair, explanation, order[:size]) for size in sizes]
        asked += [_less(pair, explanation, order[size:]) for size in sizes]
    unique = list(dict.fromkeys(asked))  # short quotes: one percent and five are the same word
    answers = dict(zip(unique, predictor.predict(unique), strict=True))
    label = explanation.stance.label
    shares = np.array([answers[one].probabilities[label] for one in asked])
    dropped = shares[0] - shares[1:].reshape(len(orders), len(TESTS), len(sizes))
    result: FloatArray = dropped.mean(axis=-1)
    return result


def _read(text: str, explanation: Explanation) -> str:
    """The text; of a truncated one, what the explanation is about."""
    is_part = explanation.stance.truncated and explanation.text
    return text[: explanation.text[-1].end] if is_part else text


def _less(pair: StancePair, explanation: Explanation, gone: Order) -> StancePair:
    """The pair without the parts numbered in `gone`."""
    split = len(explanation.text)
    return replace(
        pair,
        text=without(pair.text, _ranges([explanation.text[i] for i in gone if i < split])),
        target=without(
            pair.target, _ranges([explanation.target[i - split] for i in gone if i >= split])
        ),
    )


def _ranges(spans: Sequence[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in spans]
