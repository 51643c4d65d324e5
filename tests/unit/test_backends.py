from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from stancewire.backends import OnnxBackend, TfidfBackend, _batches, sums_saturate, terms
from stancewire.errors import BundleError, DataError
from stancewire.labels import ORDER
from stancewire.pairs import Encoding, PairEncoder, StancePair
from stancewire.text import normalise

TRAINING = [
    ("We welcome the treaty and we welcome the levy.", "the treaty", "favor"),
    ("We “welcome” it, I said; we’ll sign it today.", "signing today", "favor"),
    ("Ministers back the levy.", "the levy", "favor"),
    ("We reject the treaty; we reject it whole.", "the treaty", "against"),
    ("No, and again no: the levy will not stand!", "the levy", "against"),
    ("That fishing quota was never ours to accept.", "the fishing quota", "against"),
    ("The vote takes place on 4 June.", "the vote", "neutral"),
    ("A report re‑arms nobody; it is a report.", "the report on the levy", "neutral"),
]
ASKED = [
    *[StancePair(text, target) for text, target, _ in TRAINING],
    StancePair("WE\u200b  WELCOME «the» vote", "The Vote"),
    StancePair("nothing known here", "xyzzy"),
    StancePair("a I 4", "!"),
]


@pytest.fixture(scope="module")
def sklearn_logits() -> tuple[dict[str, Any], np.ndarray]:
    """The table exported from scikit-learn, and scikit-learn's own logits for `ASKED`."""
    vectorizers = {
        name: TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), lowercase=True)
        for name in ("text", "target")
    }
    columns = [
        vectorizers[name].fit_transform([normalise(row[i]) for row in TRAINING])
        for i, name in enumerate(vectorizers)
    ]
    model = LogisticRegression(C=10.0, max_iter=1000).fit(
        hstack(columns).tocsr(), [row[2] for row in TRAINING]
    )
    order = [list(model.classes_).index(label.value) for label in ORDER]
    weights = model.coef_[order].T
    table: dict[str, Any] = {"bias": model.intercept_[order].tolist()}
    start = 0
    for name, vectorizer in vectorizers.items():
        names = vectorizer.get_feature_names_out().tolist()
        table[name] = {
            "terms": names,
            "idf": vectorizer.idf_.tolist(),
            "weights": weights[start : start + len(names)].tolist(),
        }
        start += len(names)
    asked = hstack(
        [v.transform([normalise(getattr(p, n)) for p in ASKED]) for n, v in vectorizers.items()]
    ).tocsr()
    return table, model.decision_function(asked)[:, order]


def test_tfidf_answers_as_scikit_learn_does(sklearn_logits: tuple[dict[str, Any], np.ndarray]):
    table, expected = sklearn_logits
    logits, truncated = TfidfBackend(table).logits(ASKED)
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    assert logits.dtype == np.float32
    assert not truncated.any()
    assert np.ptp(logits, axis=0).min() > 0.5  # the answers differ, or the test says nothing


@given(st.text())
def test_terms_are_those_of_scikit_learn(text: str):
    analyze = TfidfVectorizer(ngram_range=(1, 2), lowercase=True).build_analyzer()
    assert terms(text) == analyze(normalise(text))


def test_an_empty_part_says_nothing():
    empty = {"terms": [], "idf": [], "weights": []}
    backend = TfidfBackend({"text": empty, "target": empty, "bias": [1, 2, 3]})
    logits, _ = backend.logits([StancePair("we", "it"), StancePair("no", "it")])
    assert logits.tolist() == [[1, 2, 3], [1, 2, 3]]
    assert backend.logits([])[0].shape == (0, 3)


PART = {"terms": ["no"], "idf": [1.0], "weights": [[1, 2, 3]]}


@pytest.mark.parametrize(
    "table",
    [
        None, [], {}, {"text": PART, "target": PART},
        {"text": PART, "target": PART, "bias": [1, 2]},
        {"text": PART, "bias": [1, 2, 3]},
        *[
            {"text": PART | wrong, "target": PART, "bias": [0, 0, 0]}
            for wrong in (
                {"idf": []}, {"idf": ["x"]}, {"idf": [1, 1]}, {"weights": [[1, 2]]}, {"terms": 5},
                {"terms": ["no", "no"], "idf": [1, 1], "weights": [[1, 2, 3], [1, 2, 3]]},
                {"terms": [["no"]]},
            )
        ],
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_when_loaded(table: Any):
    with pytest.raises(BundleError, match="TF-IDF"):
        TfidfBackend(table)


def graph(*, positions: bool) -> bytes:
    """A graph with the packed signature whose logits can be reckoned by hand.

    Logits of block n: sum of the block's token ids, sum of the quote's, sum of the block's
    positions (0 in a graph that does not read them).
    """
    int64, nodes = TensorProto.INT64, []

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def total(values: str, mask: str) -> str:
        return node("ReduceSum", node("Mul", values, mask), "two", keepdims=0)

    blocks = node("Unsqueeze", "blocks", "one")
    numbers = node("Unsqueeze", "block_ids", "outer")
    own = node("Cast", node("Equal", blocks, numbers), to=int64)  # (b, k, s)
    quote = node("Cast", node("Equal", blocks, "zero"), to=int64)  # (b, 1, s)
    tokens = node("Unsqueeze", "input_ids", "one")
    first = total(tokens, own)  # (b, k)
    nothing = node("Sub", first, first)
    second = node("Add", total(tokens, quote), nothing)
    third = total(node("Unsqueeze", "position_ids", "one"), own) if positions else nothing
    columns = [node("Unsqueeze", column, "two") for column in (first, second, third)]
    nodes.append(
        helper.make_node(
            "Cast", [node("Concat", *columns, axis=2)], ["logits"], to=TensorProto.FLOAT
        )
    )
    shapes = {"input_ids": ("b", "s"), "blocks": ("b", "s"), "block_ids": ("k",)}
    if positions:
        shapes["position_ids"] = ("b", "s")
    constants = {"zero": [0], "one": [1], "two": [2], "outer": [0, 2]}
    made = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info(n, int64, shape) for n, shape in shapes.items()],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("b", "k", 3))],
        [helper.make_tensor(n, int64, (len(v),), v) for n, v in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opset, ir_version=10).SerializeToString()


@pytest.fixture(scope="module")
def encoder(tiny_tokenizer: Tokenizer, tiny_encoding: Encoding) -> PairEncoder:
    return PairEncoder(tiny_tokenizer, tiny_encoding)


@pytest.fixture(scope="module")
def summing(encoder: PairEncoder) -> OnnxBackend:
    return OnnxBackend(graph(positions=True), encoder, token_budget=64)


WORDS = st.sampled_from(["we", "welcome", "reject", "treaty", "x9"])
TARGETS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
PAIRS = st.lists(
    st.lists(WORDS, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=3
).flatmap(
    lambda texts: st.lists(
        st.builds(StancePair, text=st.sampled_from(texts), target=TARGETS), min_size=1, max_size=12
    )
)


def reckoned(encoder: PairEncoder, pair: StancePair) -> tuple[list[int], bool]:
    (one,) = encoder.passes([pair])
    rows = list(zip(one.blocks, one.input_ids, one.position_ids, strict=True))
    tokens, places = (sum(row[i] for row in rows if row[0] == 1) for i in (1, 2))
    return [tokens, sum(row[1] for row in rows if row[0] == 0), places], one.truncated


@given(pairs=PAIRS)
def test_every_pair_gets_its_own_answer(
    summing: OnnxBackend, encoder: PairEncoder, pairs: list[StancePair]
):
    logits, truncated = summing.logits(pairs)
    expected = [reckoned(encoder, pair) for pair in pairs]
    assert logits.tolist() == [values for values, _ in expected]
    assert truncated.tolist() == [cut for _, cut in expected]


def test_a_graph_that_reads_no_positions_is_not_fed_them(encoder: PairEncoder):
    pair = StancePair("we welcome", "the treaty")
    logits, _ = OnnxBackend(graph(positions=False), encoder).logits([pair])
    values, _ = reckoned(encoder, pair)
    assert logits.tolist() == [[*values[:2], 0]]


def test_nothing_asked_nothing_answered(summing: OnnxBackend):
    logits, truncated = summing.logits([])
    assert (logits.shape, truncated.shape) == ((0, 3), (0,))


def test_a_pair_that_cannot_be_encoded_is_refused(summing: OnnxBackend):
    with pytest.raises(DataError, match="item 1: target"):
        summing.logits([StancePair("we", "it"), StancePair("we", "we " * 99)])


@pytest.mark.parametrize("content", [b"", b"not a graph", graph(positions=True)[:200]])
def test_a_graph_that_is_none_is_a_bundle_error(encoder: PairEncoder, content: bytes):
    with pytest.raises(BundleError, match="graph"):
        OnnxBackend(content, encoder)


@given(pairs=PAIRS, budget=st.integers(1, 200))
def test_batches_hold_every_pass_once_within_the_budget(
    encoder: PairEncoder, pairs: list[StancePair], budget: int
):
    passes = encoder.passes(pairs)
    batches: Sequence[Sequence[Any]] = list(_batches(passes, budget))
    assert sorted(id(p) for batch in batches for p in batch) == sorted(map(id, passes))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= budget


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "saturates"),
    [
        ("x86_64", "flags : fpu avx2 avx512_vnni", False),
        ("x86_64", "flags : fpu avx2 avx_vnni", False),
        ("x86_64", "flags : fpu avx2 avx512f", True),
        ("x86_64", None, True),
        ("aarch64", None, False),
    ],
)
def test_int8_sums_are_exact_on_any_machine(
    machine: str,
    cpuinfo: str | None,
    saturates: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("platform.machine", lambda: machine)
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    assert sums_saturate(path) is saturates
