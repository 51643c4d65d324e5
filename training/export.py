"""From a trained network to graphs, with a hard check that they answer as the network does."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from stancewire.backends import OnnxBackend
from stancewire.calibration import apply_temperature
from stancewire.errors import ExportError
from stancewire.pairs import PairEncoder, StancePair
from stancewire.training.linear import FrozenClassifier
from stancewire.training.metrics import IntArray, macro_f1
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import REACHES, quantise, read_inputs, round_weights
from stancewire.training.recipe import Parity

SAMPLE = 400
"""Training pairs from which it is read what the products of a network are fed."""
OPSET = 20  # the first with Gelu as one operator


@dataclass(frozen=True)
class ParityReport:
    """How far the graphs are from the network. Shares in [0, 1]."""

    logit_difference: float
    flips: float | None = None
    f1_drop: float | None = None
    int8_share: float | None = None

    def metrics(self) -> dict[str, float]:
        """By name, for logging; without the int8 figures if there is no int8 graph."""
        values = asdict(self).items()
        return {f"parity_{name}": value for name, value in values if isinstance(value, float)}


def to_onnx(model: nn.Module, encoder: PairEncoder) -> bytes:
    """The network as one ONNX graph with free batch, token and block axes.

    Raises `ExportError` if torch cannot export it.
    """
    sample = encoder.batch(encoder.passes(_SHAPES[-1])).feed()
    with warnings.catch_warnings():
        # torch's exporter uses a class that torch deprecates.
        warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
        try:
            program = torch.onnx.export(
                model.eval(),
                (),
                kwargs={name: torch.from_numpy(value) for name, value in sample.items()},
                input_names=list(sample),
                output_names=["logits"],
                dynamic_shapes={
                    name: dict.fromkeys(range(value.ndim), torch.export.Dim.DYNAMIC)
                    for name, value in sample.items()
                },
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ExportError(f"the network cannot be exported: {error}") from error
    if program is None:
        raise ExportError("the exporter gave nothing")
    graph: bytes = program.model_proto.SerializeToString()
    return graph


def check_onnx(
    model: nn.Module,
    graph: bytes,
    encoder: PairEncoder,
    samples: Sequence[StancePair],
    parity: Parity,
) -> float:
    """Largest difference of logits between torch and onnxruntime over several shapes.

    Raises `ExportError` if it reaches the recipe's bound.
    """
    backend = OnnxBackend(graph, encoder)
    differences = []
    for pairs in [*_SHAPES, list(samples)]:
        answers, _ = backend.logits(pairs)
        for one in encoder.passes(pairs):
            feed = {k: torch.from_numpy(v) for k, v in encoder.batch([one]).feed().items()}
            with torch.no_grad():
                wanted = model(**feed)[0, : len(one.members)].numpy()
            differences.append(np.abs(wanted - answers[list(one.members)]).max())
    worst = float(np.max(differences))  # unlike max(), it does not lose what is not a number
    if not worst < parity.max_logit_difference:
        raise ExportError(
            f"the ONNX graph differs from the network by {worst:.2g} in a logit; "
            f"allowed is less than {parity.max_logit_difference:.2g}"
        )
    return worst


@dataclass(frozen=True)
class Int8:
    """An int8 graph and how far its answers on dev are from those of fp32."""

    graph: bytes
    reach: float
    flips: float
    f1_drop: float

    def passes(self, parity: Parity) -> bool:
        """Whether it stays within the recipe's bounds; what is not a number does not."""
        return self.flips <= parity.max_flips and self.f1_drop <= parity.max_f1_drop


def to_int8(
    fp32: bytes,
    encoder: PairEncoder,
    train: Sequence[StancePair],
    dev: Sequence[StancePair],
    gold: IntArray,
    parity: Parity,
    *,
    keep_last: int,
) -> Int8:
    """The int8 graph of the widest reach that stays within the recipe's bounds on dev.

    Channels are smoothed and weights rounded by what the products are fed on `train`. Raises
    `ExportError` if even the narrowest reach changes too much.
    """
    passes = encoder.passes(train)
    feeds = [encoder.batch(passes[i : i + 8]).feed() for i in range(0, len(passes), 8)]
    inputs = read_inputs(fp32, feeds, keep_last=keep_last)
    rounded = round_weights(
        fp32, weight_bits=parity.weight_bits, keep_last=keep_last, inputs=inputs
    )
    before = _labels(fp32, encoder, dev)
    for reach in REACHES:
        graph = quantise(fp32, rounded, reach=reach)
        after = _labels(graph, encoder, dev)
        flips = float((before != after).mean())
        tried = Int8(graph, reach, flips, macro_f1(gold, before) - macro_f1(gold, after))
        if tried.passes(parity):
            return tried
    raise ExportError(
        f"int8 changes {tried.flips:.1%} of the dev labels and macro-F1 by {-tried.f1_drop:+.4f}; "
        f"allowed are {parity.max_flips:.1%} and {-parity.max_f1_drop:+.4f}"
    )


def export(
    model: PackedClassifier | FrozenClassifier,
    encoder: PairEncoder,
    train: Sequence[StancePair],
    dev: Sequence[StancePair],
    gold: IntArray,
    parity: Parity,
) -> tuple[bytes, bytes | None, ParityReport]:
    """fp32 graph, int8 graph (if wanted) and how far they are off; too far is an `ExportError`.

    `gold` belongs to `dev`; of `train` a sample is read.
    """
    fp32 = to_onnx(model, encoder)
    difference = check_onnx(model, fp32, encoder, dev[:32], parity)
    if not parity.int8:
        return fp32, None, ParityReport(difference)
    int8 = to_int8(fp32, encoder, train[:SAMPLE], dev, gold, parity, keep_last=model.head_products)
    return fp32, int8.graph, ParityReport(difference, int8.flips, int8.f1_drop, int8.reach)


def _labels(graph: bytes, encoder: PairEncoder, pairs: Sequence[StancePair]) -> IntArray:
    logits, _ = OnnxBackend(graph, encoder).logits(pairs)
    labels: IntArray = apply_temperature(logits, 1.0).argmax(axis=-1)
    return labels


def _pairs(quote: str, *targets: str) -> list[StancePair]:
    return [StancePair(quote, target) for target in targets]


_LONG = "We said in March, and I repeat it today, that the council will publish every figure. " * 30

# One short quote, one target; one quote, many targets; a quote beyond any limit; several at once.
_SHAPES: list[list[StancePair]] = [
    _pairs("No.", "it"),
    _pairs("We welcome the vote.", *[f"proposal number {i}" for i in range(1, 12)]),
    _pairs(_LONG, "publishing every figure", "the claim that the council hides its figures"),
    [
        *_pairs("The levy stays.", "the levy", "abolishing the levy", "the finance minister"),
        *_pairs("Nobody here has asked for a second bridge, and nobody will.", "a second bridge"),
    ],
]
