"""The two families without a trained network, exported so that the served `Predictor` runs them.

`tfidf`: TF-IDF of quote and of target, logistic regression. `frozen`: logistic regression on the
untouched encoder's mean-pooled vectors, `[u; v; u·v; |u−v|; cos]`.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from tqdm import tqdm

from stancewire.backends import terms
from stancewire.calibration import FloatArray
from stancewire.errors import DataError
from stancewire.labels import ORDER
from stancewire.pairs import PairEncoder, StancePair
from stancewire.records import Record
from stancewire.training.metrics import gold_indices
from stancewire.training.model import Encoder, pool
from stancewire.training.recipe import Linear

PARTS = ("text", "target")


def fit_tfidf(
    records: Sequence[Record],
    linear: Linear,
    *,
    seed: int,
    parts: Sequence[str] = PARTS,
    needs_all: bool = True,
) -> bytes:
    """TF-IDF model as the bytes of `tfidf.json` (see `backends.TfidfBackend`).

    With `parts` ("text",) it is the text-only baseline, with ("target",) the target-only one.
    Without `needs_all` the records may know two stances only; the third is then never answered.
    Raises `DataError` if a stance that must be there is missing.
    """
    vectorizers = {
        part: TfidfVectorizer(analyzer=terms, sublinear_tf=True, min_df=linear.min_df)
        for part in parts
    }
    columns = [
        vectorizer.fit_transform([getattr(r, part) for r in records])
        for part, vectorizer in vectorizers.items()
    ]
    features, gold = csr_matrix(hstack(columns)), _gold(records)
    weights, bias = _regression(features, gold, linear, seed, needs_all=needs_all)
    table: dict[str, Any] = {"bias": bias.tolist()}
    start = 0
    for part in PARTS:
        names = list(vectorizers[part].get_feature_names_out()) if part in parts else []
        table[part] = {
            "terms": names,
            "idf": vectorizers[part].idf_.tolist() if names else [],
            "weights": weights[start : start + len(names)].tolist(),
        }
        start += len(names)
    return json.dumps(table, ensure_ascii=False).encode()


class FrozenClassifier(nn.Module):
    """Untouched encoder, fixed features, one linear layer: the graph of the `frozen` family."""

    head_products = 1
    """See `PackedClassifier.head_products`."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = nn.Linear(4 * encoder.width + 1, len(ORDER))

    def features(
        self, input_ids: Tensor, position_ids: Tensor, blocks: Tensor, block_ids: Tensor
    ) -> Tensor:
        """`[u; v; u·v; |u−v|; cos]` of unit vectors u (quote) and v (target), (b, k, 4d + 1)."""
        hidden = self.encoder(input_ids, position_ids, blocks)
        zero = torch.zeros_like(block_ids[:1])
        u = nn.functional.normalize(pool(hidden, blocks, zero), dim=-1)
        v = nn.functional.normalize(pool(hidden, blocks, block_ids), dim=-1)
        u = u.expand(-1, block_ids.shape[0], -1)
        return torch.cat([u, v, u * v, (u - v).abs(), (u * v).sum(-1, keepdim=True)], dim=-1)

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, blocks: Tensor, block_ids: Tensor
    ) -> Tensor:
        """Logits, shape (b, k, 3), columns as in `labels.ORDER`."""
        logits: Tensor = self.linear(self.features(input_ids, position_ids, blocks, block_ids))
        return logits


def fit_frozen(
    encoder: Encoder, pairs: PairEncoder, records: Sequence[Record], linear: Linear, *, seed: int
) -> FrozenClassifier:
    """The `frozen` classifier fitted on training records; the scaler is folded into its weights."""
    model = FrozenClassifier(encoder).eval()
    features = _features(model, pairs, [r.pair for r in records])
    mean, deviation = features.mean(0), features.std(0)
    deviation[deviation < 1e-6] = 1.0
    weights, bias = _regression((features - mean) / deviation, _gold(records), linear, seed)
    weights = weights / deviation[:, None]
    with torch.no_grad():
        model.linear.weight.copy_(torch.from_numpy(weights.T))
        model.linear.bias.copy_(torch.from_numpy(bias - mean @ weights))
    return model


def _features(
    model: FrozenClassifier, encoder: PairEncoder, pairs: Sequence[StancePair]
) -> npt.NDArray[np.float64]:
    rows = np.zeros((len(pairs), model.linear.in_features))
    passes = sorted(encoder.passes(pairs), key=len)
    with torch.no_grad():
        for start in tqdm(range(0, len(passes), 16), desc="features", leave=False):
            chunk = passes[start : start + 16]
            feed = {k: torch.from_numpy(v) for k, v in encoder.batch(chunk).feed().items()}
            answer = model.features(**feed).numpy()
            for row, one in enumerate(chunk):
                rows[list(one.members)] = answer[row, : len(one.members)]
    return rows


NEVER = -1000.0
"""Bias of a stance that no training record has: its probability is then 0."""


def _regression(
    features: csr_matrix | FloatArray,
    gold: npt.NDArray[np.int64],
    linear: Linear,
    seed: int,
    *,
    needs_all: bool = True,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights (features, 3) and bias (3,), columns as in `labels.ORDER`.

    Raises `DataError` if a stance is missing among the training records: any, or without
    `needs_all` more than one.
    """
    missing = set(range(len(ORDER))) - set(gold.tolist())
    if len(missing) > (0 if needs_all else 1):
        names = ", ".join(ORDER[column] for column in sorted(missing))
        raise DataError(f"no training record is {names}; every stance must be there")
    model = LogisticRegression(C=linear.c, max_iter=linear.max_iter, random_state=seed)
    model.fit(features, gold)
    if not missing:
        return model.coef_.T.copy(), model.intercept_.copy()
    # Of two classes scikit-learn gives the second's logit alone; ± a half of it is the same model.
    signs = np.array([-0.5, 0.5])
    weights, bias = np.zeros((features.shape[1], len(ORDER))), np.full(len(ORDER), NEVER)
    weights[:, model.classes_] = model.coef_.T * signs
    bias[model.classes_] = model.intercept_ * signs
    return weights, bias


def _gold(records: Sequence[Record]) -> npt.NDArray[np.int64]:
    return gold_indices([r.stance for r in records])
