from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from stancewire.backends import OnnxBackend
from stancewire.pairs import PairEncoder, StancePair
from stancewire.training.export import to_onnx
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import Inputs, quantise, read_inputs, round_weights

LAYERS, PRODUCTS = 2, 6
"""Of the tiny BERT: query, key, value, attention's output, and the two of the feed-forward part."""
QUOTE = "we welcome the treaty and we reject the levy"
TARGETS = [f"the levy of {letter}" for letter in "abcdefghijklmnopqrst"]


def smaller(
    graph: bytes,
    *,
    keep_last: int = PackedClassifier.head_products,
    reach: float = 1.0,
    inputs: Inputs | None = None,
) -> bytes:
    rounded = round_weights(graph, weight_bits=8, keep_last=keep_last, inputs=inputs)
    return quantise(graph, rounded, reach=reach)


@pytest.fixture(scope="module")
def int8(fp32: bytes) -> bytes:
    return smaller(fp32)


def operators(graph: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


def constant_products(graph: bytes) -> list[str]:
    model = onnx.load_from_string(graph)
    weights = {i.name for i in model.graph.initializer}
    return [n.name for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in weights]


def test_every_product_of_the_encoder_is_in_int8_and_the_head_is_not(fp32: bytes, int8: bytes):
    before = constant_products(fp32)
    assert len(before) == LAYERS * PRODUCTS + PackedClassifier.head_products
    assert operators(int8)["MatMulIntegerToFloat"] == LAYERS * PRODUCTS
    assert constant_products(int8) == before[-PackedClassifier.head_products :]
    assert operators(fp32)["Gemm"] == 0  # a product under another name would be missed


def test_the_head_products_are_the_last(network: PackedClassifier, int8: bytes):
    model = onnx.load_from_string(int8)
    kept = {n.input[1] for n in model.graph.node if n.op_type == "MatMul"}
    shapes = [tuple(i.dims) for i in model.graph.initializer if i.name in kept]
    assert shapes == [(4 * 32, 16), (16, 3)]


def test_keeping_none_quantises_the_head_too(fp32: bytes):
    whole = smaller(fp32, keep_last=0)
    assert operators(whole)["MatMulIntegerToFloat"] == LAYERS * PRODUCTS + 2
    assert constant_products(whole) == []


@pytest.mark.parametrize(("bits", "top"), [(8, 127), (7, 63), (4, 7)])
def test_weights_use_the_bits_that_were_asked_for(fp32: bytes, bits: int, top: int):
    rounded = round_weights(fp32, weight_bits=bits, keep_last=2)
    integers = [found for found, _ in rounded.integers.values()]
    assert len(integers) == LAYERS * PRODUCTS
    # Each column has a scale of its own, so each reaches the top.
    assert all((np.abs(w.astype(int)).max(axis=0) == top).all() for w in integers)


def test_the_weights_that_were_replaced_are_gone(fp32: bytes, int8: bytes):
    model = onnx.load_from_string(int8)
    used = {name for node in model.graph.node for name in node.input}
    assert {i.name for i in model.graph.initializer} <= used


def test_int8_is_close_to_fp32(fp32: bytes, int8: bytes, module_pairs: PairEncoder):
    pairs = [StancePair(QUOTE, t) for t in TARGETS]
    whole, small = (OnnxBackend(g, module_pairs).logits(pairs)[0] for g in (fp32, int8))
    assert 0 < np.abs(whole - small).max() < 0.1 * np.abs(whole).max()


def differences(graph: bytes, encoder: PairEncoder) -> tuple[float, float]:
    """How far an answer moves by the other targets, and by padding."""
    backend = OnnxBackend(graph, encoder)
    pairs = [StancePair(QUOTE, t) for t in TARGETS]
    alone = np.concatenate([backend.logits([pair])[0] for pair in pairs])
    together = backend.logits(pairs)[0]
    longer = StancePair("we reject the treaty, no, " * 4, "the treaty of the levy, we reject it")
    padded = np.concatenate([backend.logits([pair, longer])[0][:1] for pair in pairs])
    return float(np.abs(together - alone).max()), float(np.abs(padded - alone).max())


def test_answers_depend_neither_on_other_targets_nor_on_padding(
    int8: bytes, module_pairs: PairEncoder
):
    others, padding = differences(int8, module_pairs)
    assert others <= 1e-5
    assert padding <= 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning:onnxruntime")
def test_scales_for_a_whole_batch_would_make_answers_depend_on_it(
    fp32: bytes, module_pairs: PairEncoder, tmp_path: Path
):
    # Why there is a quantiser of our own: the usual one, measured in the same way.
    (tmp_path / "fp32.onnx").write_bytes(fp32)
    quantize_dynamic(
        tmp_path / "fp32.onnx", tmp_path / "int8.onnx", weight_type=QuantType.QInt8,
        per_channel=True, reduce_range=True,
    )  # fmt: skip
    others, _ = differences((tmp_path / "int8.onnx").read_bytes(), module_pairs)
    assert others > 1e-3


def test_a_column_of_noughts_stays_nought(
    make_classifier: Callable[..., PackedClassifier], module_pairs: PairEncoder
):
    import torch

    network = make_classifier()
    with torch.no_grad():
        network.encoder.transformer.encoder.layer[0].intermediate.dense.weight[3] = 0.0
    graph = smaller(to_onnx(network, module_pairs))
    logits, _ = OnnxBackend(graph, module_pairs).logits([StancePair(QUOTE, "the levy")])
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(("reach", "products"), [(1.0, 12), (0.5, 6), (1 / 3, 4)])
def test_reach_is_a_share_of_the_products_from_the_last(fp32: bytes, reach: float, products: int):
    graph = smaller(fp32, reach=reach)
    assert operators(graph)["MatMulIntegerToFloat"] == products
    stored = [
        node.name
        for node in onnx.load_from_string(graph).graph.node
        if node.op_type == "MatMul" and node.input[1].endswith("_weight")
    ]
    assert len(stored) == 12 - products  # the first ones: weights in fp16, computed in fp32
    assert constant_products(graph) == constant_products(fp32)[-2:]


@pytest.mark.parametrize(("reach", "products"), [(1.0, 12), (0.5, 6), (0.0, 0)])
def test_no_matrix_and_no_table_but_the_head_is_stored_in_fp32(
    fp32: bytes, reach: float, products: int
):
    kept = onnx.load_from_string(smaller(fp32, reach=reach)).graph.initializer
    shapes = {
        kind: [tuple(i.dims) for i in kept if i.data_type == kind and len(i.dims) == 2]
        for kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8)
    }
    wide, half, narrow = shapes.values()
    assert [shape for shape in wide if 1 not in shape] == [(128, 16), (16, 3)]
    assert len(half) == LAYERS * PRODUCTS - products + 2  # positions, token types
    assert len(narrow) == products + 1  # words


def test_stored_weights_are_turned_back_nearly_as_they_were(fp32: bytes, module_pairs: PairEncoder):
    pairs = [StancePair(QUOTE, t) for t in TARGETS]
    whole, stored = (
        OnnxBackend(g, module_pairs).logits(pairs)[0] for g in (fp32, smaller(fp32, reach=0.0))
    )
    assert 0 < np.abs(whole - stored).max() < 0.05 * np.abs(whole).max()


def test_the_exact_kernels_give_the_same_answers(
    int8: bytes, module_pairs: PairEncoder, monkeypatch: pytest.MonkeyPatch
):
    pairs = [StancePair(QUOTE, t) for t in TARGETS]
    fast = OnnxBackend(int8, module_pairs).logits(pairs)[0]
    monkeypatch.setattr("stancewire.backends.sums_saturate", lambda: True)
    exact = OnnxBackend(int8, module_pairs).logits(pairs)[0]
    np.testing.assert_allclose(fast, exact, atol=1e-5)


def test_ranges_are_of_real_tokens_alone(fp32: bytes, module_pairs: PairEncoder):
    short = module_pairs.passes([StancePair("we welcome the treaty", "the treaty")])
    long = module_pairs.passes([StancePair(QUOTE * 3, "the levy")])
    alone = read_inputs(fp32, [module_pairs.batch(short).feed()], keep_last=2)
    both = [module_pairs.batch([*short, *long]).feed(), module_pairs.batch(short).feed()]
    padded = read_inputs(fp32, both, keep_last=2)
    longer = read_inputs(fp32, [module_pairs.batch(long).feed()], keep_last=2)
    assert len(alone) == LAYERS * 4  # query, key and value share their input
    for name, seen in padded.items():
        largest = np.maximum(alone[name].largest, longer[name].largest)
        np.testing.assert_allclose(seen.largest, largest, rtol=1e-4)
        moments = 2 * alone[name].moments + longer[name].moments
        np.testing.assert_allclose(seen.moments, moments, rtol=1e-3, atol=1e-3)


def test_smoothing_helps_where_one_channel_is_large(
    make_classifier: Callable[..., PackedClassifier], module_pairs: PairEncoder
):
    network = make_classifier()
    norm = network.encoder.transformer.embeddings.LayerNorm
    norm.weight.data[3] *= 100
    graph = to_onnx(network, module_pairs)
    pairs = [StancePair(QUOTE, target) for target in TARGETS]
    feeds = [module_pairs.batch(module_pairs.passes(pairs)).feed()]
    inputs = read_inputs(graph, feeds, keep_last=2)
    wanted = OnnxBackend(graph, module_pairs).logits(pairs)[0]

    def error(**options: object) -> float:
        int8 = smaller(graph, **options)
        return float(np.abs(OnnxBackend(int8, module_pairs).logits(pairs)[0] - wanted).max())

    assert error(inputs=inputs) < 0.7 * error()
