import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from stancewire.backends import OnnxBackend, TfidfBackend, terms
from stancewire.calibration import apply_temperature
from stancewire.errors import DataError
from stancewire.pairs import StancePair
from stancewire.records import Record
from stancewire.training import encoders, export
from stancewire.training.linear import FrozenClassifier, fit_frozen, fit_tfidf
from stancewire.training.metrics import gold_indices
from stancewire.training.recipe import Linear, Recipe

WORDS = {
    "favor": ["we welcome this", "a good day, we welcome it", "welcome and good"],
    "against": ["we reject this", "a bad day: we reject it", "reject, bad, reject"],
    "neutral": ["we meet on Monday", "the day is Monday", "meet in the “hall”"],
}
SUBJECTS = {"favor": "the bridge", "against": "the tax", "neutral": "the hall"}
NEW = [
    StancePair("We welcome, we welcome the good day", "levy 3"),
    StancePair("nothing known HERE", "unheard of"),
    StancePair("they reject\u00a0the bad levy", "the levy"),
    StancePair("’tis", "treaty"),
]


@pytest.fixture(scope="module")
def records(make_record: Callable[..., Record]) -> list[Record]:
    return [
        make_record(id=f"{stance}-{i}-{j}", text=f"{text} {j}", target=target, stance=stance)
        for stance, texts in WORDS.items()
        for i, text in enumerate(texts)
        for j, target in enumerate(["the treaty", "the levy", f"{SUBJECTS[stance]} {i}"])
    ]


def logits(records: list[Record], pairs: list[StancePair], **kw: tuple[str, ...]) -> np.ndarray:
    table = json.loads(fit_tfidf(records, Linear(min_df=2, c=2.0), seed=0, **kw))
    return TfidfBackend(table).logits(pairs)[0]


def test_the_table_answers_as_scikit_learn_does(records: list[Record]):
    vectorizers = [TfidfVectorizer(analyzer=terms, sublinear_tf=True, min_df=2) for _ in range(2)]
    sides = [[r.text for r in records], [r.target for r in records]]
    features = hstack([v.fit_transform(side) for v, side in zip(vectorizers, sides, strict=True)])
    model = LogisticRegression(C=2.0, max_iter=2000).fit(
        features, gold_indices([r.stance for r in records])
    )
    asked = [*NEW, *(r.pair for r in records)]
    sides = [[p.text for p in asked], [p.target for p in asked]]
    new = hstack([v.transform(side) for v, side in zip(vectorizers, sides, strict=True)])
    ours = apply_temperature(logits(records, asked), 1.0)
    np.testing.assert_allclose(ours, model.predict_proba(new), atol=1e-5)
    assert (ours.argmax(-1)[: -len(records)] != ours.argmax(-1)[0]).any()


def test_the_table_is_plain_json_without_rare_terms(records: list[Record]):
    table = json.loads(fit_tfidf(records, Linear(min_df=4), seed=0))
    assert set(table) == {"text", "target", "bias"}
    assert "welcome" in table["text"]["terms"]
    assert "hall" not in table["text"]["terms"]  # stands in three
    assert len(table["text"]["weights"]) == len(table["text"]["terms"])


def test_the_blind_baselines_are_blind(records: list[Record]):
    same_text = [StancePair("we reject the levy", target) for target in ("the tax", "bridge")]
    same_target = [StancePair(text, "the levy") for text in ("we reject it", "we welcome it")]

    text_only = logits(records, [*same_text, *same_target], parts=("text",))
    assert (text_only[0] == text_only[1]).all()
    assert (text_only[2] != text_only[3]).any()

    target_only = logits(records, [*same_text, *same_target], parts=("target",))
    assert (target_only[2] == target_only[3]).all()
    assert (target_only[0] != target_only[1]).any()


def test_a_missing_stance_is_a_data_error(records: list[Record]):
    one_sided = [r for r in records if r.stance == "favor"]
    with pytest.raises(DataError, match="no training record is against, neutral"):
        fit_tfidf(one_sided, Linear(), seed=0)


@pytest.fixture
def frozen_recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.model_copy(update={"family": "frozen"})


def test_the_frozen_graph_answers_as_scikit_learn_does(
    frozen_recipe: Recipe, records: list[Record]
):
    loaded = encoders.load(frozen_recipe.base)
    pairs = loaded.pair_encoder(frozen_recipe)
    encoder = encoders.build(frozen_recipe, loaded)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    network = fit_frozen(encoder, pairs, records, Linear(c=0.5), seed=0)
    assert all(torch.equal(before[name], v) for name, v in encoder.state_dict().items())

    asked = [r.pair for r in records]
    features = np.stack([_feature(network, pairs, pair) for pair in asked])
    assert features.shape == (len(asked), 4 * 32 + 1)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=0.5, max_iter=2000).fit(
        scaler.transform(features), gold_indices([r.stance for r in records])
    )
    new = np.stack([_feature(network, pairs, pair) for pair in NEW])
    wanted = model.decision_function(scaler.transform(np.concatenate([features, new])))

    graph = export.to_onnx(network, pairs)
    found, _ = OnnxBackend(graph, pairs).logits([*asked, *NEW])
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert wanted.std() > 0.1


def _feature(network: FrozenClassifier, pairs, pair: StancePair) -> np.ndarray:
    """`[u; v; u·v; |u−v|; cos]` with quote and target each read in a batch of its own."""
    vectors = []
    for text in (pair.text, pair.target):
        batch = pairs.batch(pairs.passes([StancePair(text, "x")]))
        quote = batch.blocks[0] == 0
        fed = (batch.input_ids, batch.position_ids, batch.blocks)
        with torch.no_grad():
            mean = network.encoder(*(torch.from_numpy(a[:, quote]) for a in fed))[0].mean(0)
        vectors.append(mean / mean.norm())
    u, v = (vector.numpy().astype(np.float64) for vector in vectors)
    return np.concatenate([u, v, u * v, abs(u - v), [u @ v]])


def test_frozen_needs_every_stance(frozen_recipe: Recipe, records: list[Record]):
    loaded = encoders.load(frozen_recipe.base)
    encoder = encoders.build(frozen_recipe, loaded)
    without = [r for r in records if r.stance != "neutral"]
    with pytest.raises(DataError, match="no training record is neutral"):
        fit_frozen(encoder, loaded.pair_encoder(frozen_recipe), without, Linear(), seed=0)


def test_terms_are_cut_as_in_the_bundle(tmp_path: Path):
    assert terms("We’ll  say: NO!") == ["we", "ll", "say", "no", "we ll", "ll say", "say no"]
