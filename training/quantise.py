"""int8 weights for a graph, with activations quantised per token.

Every matrix product of the encoder becomes: scale each token's vector to 8 bits by its own largest
value, multiply with integer weights (one scale per output column), scale back. onnxruntime's own
dynamic quantisation takes one scale for the whole batch instead, so that an answer would depend on
what else is in the batch, other targets included; here it does not, and the error is smaller
(measured in docs/decisions/int8-per-token.md). Per-token scales as in ZeroQuant (Yao et al.,
NeurIPS 2022). Channels that are large in every token would take those 8 bits for themselves, so
part of their size is first moved into the weights, as in SmoothQuant (Xiao et al., ICML 2023).

Weights use 7 bits by default: on CPUs without VNNI, sums of two 8-bit products saturate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

FloatArray = npt.NDArray[np.float32]
ZERO_POINT = 128
"""Of quantised activations: they are symmetric around it."""


REACHES = (1.0, 5 / 6, 2 / 3, 1 / 2, 1 / 3)
"""Shares of the encoder's products to try in int8, always the last ones: what is rounded in the
first layers grows on its way through the others. The steps are those of a six-layer encoder."""
Ranges = Mapping[str, FloatArray]
"""Largest absolute value of each channel of each product's input, by the input's name."""
MIGRATION = 0.5
"""How much of a channel's size moves into the weights; SmoothQuant's default."""


def quantise(
    graph: bytes,
    *,
    weight_bits: int,
    keep_last: int,
    reach: float = 1.0,
    ranges: Ranges | None = None,
) -> bytes:
    """The graph with its constant matrix products in int8, but for the last `keep_last`: the head.

    The head is a thousandth of the work and the first to suffer. `reach` is the share of the
    encoder's products that become int8, counted from the last. With `ranges` (`input_ranges`)
    channels are smoothed first.
    """
    model = onnx.load_from_string(graph)
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    products = _products(model, keep_last)
    products = products[len(products) - round(reach * len(products)) :]
    chosen = {node.name for node in products}
    smoothing = _smoothing(products, weights, ranges or {})
    rewrite = _Rewrite(model.graph, weight_bits, smoothing)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.name in chosen:
            nodes += rewrite.product(node, weights[node.input[1]])
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused(model.graph)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.checker.check_model(model)
    quantised: bytes = model.SerializeToString()
    return quantised


def input_ranges(graph: bytes, feeds: Sequence[Mapping[str, Any]], *, keep_last: int) -> Ranges:
    """What the inputs of the products reach over the batches `feeds` (see `Batch.feed`)."""
    model = onnx.load_from_string(graph)
    names = list(dict.fromkeys(node.input[0] for node in _products(model, keep_last)))
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    read = {i.name for i in session.get_inputs()}
    found: dict[str, FloatArray] = {}
    for feed in feeds:
        real = feed["blocks"] >= 0
        answers = session.run(names, {k: v for k, v in feed.items() if k in read})
        for name, value in zip(names, answers, strict=True):
            largest = np.abs(value[real]).max(axis=0)
            found[name] = np.maximum(found.get(name, largest), largest)
    return found


def _products(model: onnx.ModelProto, keep_last: int) -> list[onnx.NodeProto]:
    matrices = {i.name for i in model.graph.initializer if len(i.dims) == 2}
    products = [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in matrices]
    return products[: len(products) - keep_last]


def _smoothing(
    products: Sequence[onnx.NodeProto], weights: Mapping[str, FloatArray], ranges: Ranges
) -> dict[str, FloatArray]:
    """Divisor of each channel of each input; the weights' rows are multiplied by it."""
    divisors: dict[str, FloatArray] = {}
    for name in {node.input[0] for node in products} & ranges.keys():
        reached = ranges[name]
        rows = [np.abs(weights[n.input[1]]).max(axis=1) for n in products if n.input[0] == name]
        weight = np.maximum(np.max(rows, axis=0), 1e-5)
        divisor = np.maximum(reached, 1e-5) ** MIGRATION / weight ** (1 - MIGRATION)
        divisors[name] = (divisor / np.exp(np.log(divisor).mean())).astype(np.float32)
    return divisors


class _Rewrite:
    """Makes the nodes that replace one product; an input is quantised once for all its products."""

    def __init__(
        self, graph: onnx.GraphProto, weight_bits: int, smoothing: Mapping[str, FloatArray]
    ) -> None:
        self._graph = graph
        self._smoothing = smoothing
        self._top = 2 ** (weight_bits - 1) - 1
        self._done: set[str] = set()
        self._zero = self._constant("int8_zero_point", np.array(ZERO_POINT, np.uint8))
        self._one = self._constant("int8_one", np.array(1, np.float32))
        self._top_u8 = self._constant("int8_top", np.array(127, np.float32))
        self._tiny = self._constant("int8_tiny", np.array(1e-12, np.float32))
        self._last = self._constant("int8_last_axis", np.array([-1], np.int64))

    def product(self, node: onnx.NodeProto, weight: FloatArray) -> list[onnx.NodeProto]:
        """Nodes equal to `node`, up to rounding: `weight` has shape (d_in, d_out)."""
        source, out = node.input[0], node.output[0]
        nodes = [] if source in self._done else self._quantise_input(source, weight.shape[0])
        self._done.add(source)
        if source in self._smoothing:
            weight = weight * self._smoothing[source][:, None]
        scale = np.abs(weight).max(axis=0) / self._top
        scale[scale == 0] = 1.0
        integers = np.rint(weight / scale).astype(np.int8)
        w = self._constant(f"{out}_int8", integers)
        s = self._constant(f"{out}_scale", scale.astype(np.float32))
        width = self._constant(f"{out}_width", np.array([weight.shape[1]], np.int64))
        nodes.append(
            helper.make_node(
                "MatMulIntegerToFloat",
                [f"{source}_u8", w, self._one, s, self._zero],
                [f"{out}_unscaled"],
                domain="com.microsoft",
            )
        )
        nodes += [
            helper.make_node("Mul", [f"{out}_unscaled", f"{source}_row"], [f"{out}_flat"]),
            helper.make_node("Concat", [f"{source}_lead", width], [f"{out}_shape"], axis=0),
            helper.make_node("Reshape", [f"{out}_flat", f"{out}_shape"], [out]),
        ]
        return nodes

    def _quantise_input(self, x: str, width: int) -> list[onnx.NodeProto]:
        flat = self._constant(f"{x}_flat_shape", np.array([-1, width], np.int64))
        divisor = self._smoothing.get(x, np.ones(width, np.float32))
        factor = self._constant(f"{x}_factor", 1 / divisor)
        zero = helper.make_tensor("value", TensorProto.UINT8, [1], [ZERO_POINT])
        node = helper.make_node
        return [
            node("Reshape", [x, flat], [f"{x}_rough"]),
            node("Mul", [f"{x}_rough", factor], [f"{x}_flat"]),
            node("Abs", [f"{x}_flat"], [f"{x}_abs"]),
            node("ReduceMax", [f"{x}_abs", self._last], [f"{x}_largest"], keepdims=0),
            node("Max", [f"{x}_largest", self._tiny], [f"{x}_positive"]),
            node("Div", [f"{x}_positive", self._top_u8], [f"{x}_scale"]),
            node("Shape", [f"{x}_scale"], [f"{x}_rows"]),
            node("ConstantOfShape", [f"{x}_rows"], [f"{x}_zeros"], value=zero),
            node("QuantizeLinear", [f"{x}_flat", f"{x}_scale", f"{x}_zeros"], [f"{x}_u8"], axis=0),
            node("Unsqueeze", [f"{x}_scale", self._last], [f"{x}_row"]),
            node("Shape", [x], [f"{x}_lead"], start=0, end=-1),
        ]

    def _constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [i for i in graph.initializer if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
