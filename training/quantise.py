"""int8 weights for a graph, with activations quantised per token.

The table of words becomes int8, and the matrix products of the encoder do, as far as asked: each
token's vector is scaled to 8 bits by its own smallest and largest value, multiplied with the
integer weights (one scale per output column), and scaled back. What is not asked for is stored in
fp16 and computed in fp32. onnxruntime's own dynamic quantisation takes one scale for the whole
batch instead, so that an answer would depend on what else is in the batch, other targets included;
here it does not, and the error is smaller (measured in docs/decisions/int8-per-token.md).

Per-token scales as in ZeroQuant (Yao et al., NeurIPS 2022). Channels that are large in every token
would take those 8 bits for themselves, so part of their size is first moved into the weights, as in
SmoothQuant (Xiao et al., ICML 2023). Weights are rounded by `rounding`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from stancewire.training import rounding

FloatArray = npt.NDArray[np.float32]

REACHES = (1.0, 5 / 6, 2 / 3, 1 / 2, 1 / 3, 0.0)
"""Shares of the encoder's products to try in int8, always the last ones: what is rounded in the
first layers grows on its way through the others. The steps are those of a six-layer encoder; in the
last one only the table of words is int8."""
MIGRATION = 0.5
"""How much of a channel's size moves into the weights; SmoothQuant's default."""


@dataclass(frozen=True)
class Input:
    """What the input of a product was over a sample of tokens, of width d."""

    largest: FloatArray
    """Largest absolute value of each channel, (d,)."""
    moments: FloatArray
    """Sum over the tokens of x xᵀ, (d, d)."""


Inputs = Mapping[str, Input]
"""By the input's name in the graph."""


@dataclass(frozen=True)
class Rounded:
    """The encoder's weights as integers, by the name of their product, in the graph's order."""

    integers: Mapping[str, tuple[npt.NDArray[np.int8], FloatArray]]
    """(d_in, d_out), and what one step is in each column, (d_out,)."""
    divisors: Mapping[str, FloatArray]
    """Of each channel of an input, by its name; the weights' rows were multiplied by it."""


def round_weights(
    graph: bytes, *, weight_bits: int, keep_last: int, inputs: Inputs | None = None
) -> Rounded:
    """The weights of the graph's constant matrix products, but for the last `keep_last`: the head.

    That is a thousandth of the work and the first to suffer. With `inputs` (`read_inputs`) channels
    are smoothed first, and weights rounded by what they are multiplied with.
    """
    model = onnx.load_from_string(graph)
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    products = _products(model, keep_last)
    divisors = _smoothing(products, weights, inputs or {})
    top = 2 ** (weight_bits - 1) - 1
    integers = {}
    for node in products:
        source, weight = node.input[0], weights[node.input[1]]
        divisor = divisors[source]
        smooth = weight * divisor[:, None]
        scale = _scale(smooth, top)
        if inputs is None:
            integers[node.name] = rounding.nearest(smooth, scale), scale
        else:
            moments = inputs[source].moments / np.outer(divisor, divisor)
            integers[node.name] = rounding.by_inputs(smooth, scale, moments, top), scale
    return Rounded(integers, divisors)


def quantise(graph: bytes, rounded: Rounded, *, reach: float = 1.0) -> bytes:
    """The graph with its table of words and the `rounded` weights in int8.

    `reach` is the share of the products, counted from the last, that are stored and computed in
    int8; of the others the weights are stored in fp16, and are fp32 once the graph is loaded.
    """
    model = onnx.load_from_string(graph)
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    names = list(rounded.integers)
    computed = set(names[len(names) - round(reach * len(names)) :])
    tables = _tables(model, weights)
    largest = max(tables.values(), default=0)
    rewrite = _Rewrite(model.graph, rounded)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.name in computed:
            nodes += rewrite.product(node)
        elif node.name in rounded.integers:
            nodes += rewrite.stored(node, weights[node.input[1]])
        elif node.name in tables:
            make = rewrite.table if tables[node.name] == largest else rewrite.small_table
            nodes += make(node, weights[node.input[0]])
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused(model.graph)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.checker.check_model(model)
    quantised: bytes = model.SerializeToString()
    return quantised


def read_inputs(graph: bytes, feeds: Sequence[Mapping[str, Any]], *, keep_last: int) -> Inputs:
    """What the inputs of the products are over the batches `feeds` (see `Batch.feed`)."""
    model = onnx.load_from_string(graph)
    names = list(dict.fromkeys(node.input[0] for node in _products(model, keep_last)))
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    read = {i.name for i in session.get_inputs()}
    found: dict[str, Input] = {}
    for feed in feeds:
        real = feed["blocks"] >= 0
        answers = session.run(names, {k: v for k, v in feed.items() if k in read})
        for name, value in zip(names, answers, strict=True):
            tokens = value[real]
            largest, moments = np.abs(tokens).max(axis=0), tokens.T @ tokens
            if name in found:
                largest = np.maximum(found[name].largest, largest)
                moments += found[name].moments
            found[name] = Input(largest, moments)
    return found


def _products(model: onnx.ModelProto, keep_last: int) -> list[onnx.NodeProto]:
    matrices = {i.name for i in model.graph.initializer if len(i.dims) == 2}
    products = [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in matrices]
    return products[: len(products) - keep_last]


def _tables(model: onnx.ModelProto, weights: Mapping[str, npt.NDArray[Any]]) -> dict[str, int]:
    """Size of each embedding table, by the name of the node that reads it."""
    found = {}
    for node in model.graph.node:
        value = weights.get(node.input[0]) if node.op_type == "Gather" else None
        if value is not None and value.ndim == 2 and value.dtype == np.float32:
            found[node.name] = value.size
    return found


def _smoothing(
    products: Sequence[onnx.NodeProto], weights: Mapping[str, FloatArray], inputs: Inputs
) -> dict[str, FloatArray]:
    """Divisor of each channel of each input; ones where it is not known what the input is."""
    by_input: dict[str, list[FloatArray]] = {}
    for node in products:
        by_input.setdefault(node.input[0], []).append(weights[node.input[1]])
    divisors: dict[str, FloatArray] = {}
    for name, those in by_input.items():
        rows = [np.abs(weight).max(axis=1) for weight in those]
        weight = np.maximum(np.max(rows, axis=0), 1e-5)
        reached = inputs[name].largest if name in inputs else weight
        divisor = np.maximum(reached, 1e-5) ** MIGRATION / weight ** (1 - MIGRATION)
        divisors[name] = (divisor / np.exp(np.log(divisor).mean())).astype(np.float32)
    return divisors


class _Rewrite:
    """Makes the nodes that replace another; an input is quantised once for all its products."""

    def __init__(self, graph: onnx.GraphProto, rounded: Rounded) -> None:
        self._graph = graph
        self._rounded = rounded
        self._done: set[str] = set()
        self._one = self._constant("int8_one", np.array(1, np.float32))
        self._nought = self._constant("int8_nought", np.array(0, np.float32))
        self._steps = self._constant("int8_steps", np.array(255, np.float32))
        self._tiny = self._constant("int8_tiny", np.array(1e-12, np.float32))
        self._last = self._constant("int8_last_axis", np.array([-1], np.int64))

    def product(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Nodes equal to `node`, up to rounding, that multiply integers."""
        source, out = node.input[0], node.output[0]
        nodes = [] if source in self._done else self._quantise_input(source)
        self._done.add(source)
        integers, scale = self._rounded.integers[node.name]
        # x·W = scale_x·(u8 − zero)·W: what `zero` adds is one number per column, taken off again.
        sums = (integers.astype(np.float64) * scale).sum(axis=0, keepdims=True)
        w = self._constant(f"{out}_int8", integers)
        s = self._constant(f"{out}_scale", scale)
        zero = self._constant(f"{out}_sums", sums.astype(np.float32))
        width = self._constant(f"{out}_width", np.array([len(scale)], np.int64))
        make = helper.make_node
        return [
            *nodes,
            make(
                "MatMulIntegerToFloat",
                [f"{source}_u8", w, self._one, s],
                [f"{out}_rows"],
                domain="com.microsoft",
            ),
            make("Mul", [f"{out}_rows", f"{source}_row"], [f"{out}_above_zero"]),
            make("Gemm", [f"{source}_shift", zero, f"{out}_above_zero"], [f"{out}_flat"]),
            make("Concat", [f"{source}_lead", width], [f"{out}_shape"], axis=0),
            make("Reshape", [f"{out}_flat", f"{out}_shape"], [out]),
        ]

    def stored(self, node: onnx.NodeProto, weight: FloatArray) -> list[onnx.NodeProto]:
        """The product in fp32, its weights from fp16: constants, so the runtime folds them."""
        out = node.output[0]
        w = self._constant(f"{out}_fp16", weight.astype(np.float16))
        make = helper.make_node
        return [
            make("Cast", [w], [f"{out}_weight"], to=TensorProto.FLOAT),
            make("MatMul", [node.input[0], f"{out}_weight"], [out]),
        ]

    def table(self, node: onnx.NodeProto, rows: FloatArray) -> list[onnx.NodeProto]:
        """The table of words, each row with a scale of its own; only rows that are read widen."""
        index, out = node.input[1], node.output[0]
        scale = _scale(rows.T, 127)[:, None]
        t = self._constant(f"{out}_int8", np.rint(rows / scale).astype(np.int8))
        s = self._constant(f"{out}_scale", scale)
        make = helper.make_node
        return [
            make("Gather", [t, index], [f"{out}_narrow"]),
            make("Gather", [s, index], [f"{out}_row"]),
            make("Cast", [f"{out}_narrow"], [f"{out}_wide"], to=TensorProto.FLOAT),
            make("Mul", [f"{out}_wide", f"{out}_row"], [out]),
        ]

    def small_table(self, node: onnx.NodeProto, rows: FloatArray) -> list[onnx.NodeProto]:
        """Positions or token types, in fp16: every token would share the error of their int8."""
        index, out = node.input[1], node.output[0]
        t = self._constant(f"{out}_fp16", rows.astype(np.float16))
        return [
            helper.make_node("Gather", [t, index], [f"{out}_narrow"]),
            helper.make_node("Cast", [f"{out}_narrow"], [out], to=TensorProto.FLOAT),
        ]

    def _quantise_input(self, x: str) -> list[onnx.NodeProto]:
        """Rows as unsigned bytes in which nought is a whole number.

        So what is nearly nought stays where it is when a row's range moves in its last digits.
        """
        divisor = self._rounded.divisors[x]
        flat = self._constant(f"{x}_flat_shape", np.array([-1, len(divisor)], np.int64))
        factor = self._constant(f"{x}_factor", 1 / divisor)
        node = helper.make_node
        return [
            node("Reshape", [x, flat], [f"{x}_rough"]),
            node("Mul", [f"{x}_rough", factor], [f"{x}_flat"]),
            node("ReduceMax", [f"{x}_flat", self._last], [f"{x}_largest"]),
            node("ReduceMin", [f"{x}_flat", self._last], [f"{x}_smallest"]),
            node("Max", [f"{x}_largest", self._nought], [f"{x}_top"]),
            node("Min", [f"{x}_smallest", self._nought], [f"{x}_bottom"]),
            node("Sub", [f"{x}_top", f"{x}_bottom"], [f"{x}_span"]),
            node("Max", [f"{x}_span", self._tiny], [f"{x}_positive"]),
            node("Div", [f"{x}_positive", self._steps], [f"{x}_row"]),
            node("Squeeze", [f"{x}_row", self._last], [f"{x}_scale"]),
            node("Div", [f"{x}_bottom", f"{x}_row"], [f"{x}_below"]),
            node("Round", [f"{x}_below"], [f"{x}_whole"]),
            node("Mul", [f"{x}_whole", f"{x}_row"], [f"{x}_shift"]),
            node("Neg", [f"{x}_whole"], [f"{x}_zero"]),
            node("Squeeze", [f"{x}_zero", self._last], [f"{x}_flat_zero"]),
            node("Cast", [f"{x}_flat_zero"], [f"{x}_u8_zero"], to=TensorProto.UINT8),
            node(
                "QuantizeLinear",
                [f"{x}_flat", f"{x}_scale", f"{x}_u8_zero"],
                [f"{x}_u8"],
                axis=0,
            ),
            node("Shape", [x], [f"{x}_lead"], start=0, end=-1),
        ]

    def _constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name


def _scale(weight: FloatArray, top: int) -> FloatArray:
    """What one step is in each column (d_out,), so that the largest weight is `top` steps."""
    scale: FloatArray = (np.abs(weight).max(axis=0) / top).astype(np.float32)
    scale[scale == 0] = 1.0
    return scale


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [i for i in graph.initializer if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
