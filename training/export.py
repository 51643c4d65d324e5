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
from stancewire.training.quantise import quantise
from stancewire.training.recipe import Parity

OPSET = 20  # the first with Gelu as one operator


@dataclass(frozen=True)
class ParityReport:
    """How far the graphs are from the network. Shares in [0, 1]."""

    logit_difference: float
    flips: float | None = None
    f1_drop: float | None = None

    def metrics(self) -> dict[str, float]:
        """By name, for logging; without the int8 figures if there is no int8 graph."""
        values = asdict(self).items()
        return {f"parity_{name}": value for name, value in values if value is not None}


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


def check_int8(
    fp32: bytes,
    int8: bytes,
    encoder: PairEncoder,
    dev: Sequence[StancePair],
    gold: IntArray,
    parity: Parity,
) -> tuple[float, float]:
    """Share of dev labels that int8 changes, and the drop of macro-F1.

    Raises `ExportError` if either passes the recipe's bound.
    """
    labels = []
    for graph in (fp32, int8):
        logits, _ = OnnxBackend(graph, encoder).logits(dev)
        labels.append(apply_temperature(logits, 1.0).argmax(axis=-1))
    flips = float((labels[0] != labels[1]).mean())
    drop = macro_f1(gold, labels[0]) - macro_f1(gold, labels[1])
    if flips > parity.max_flips or drop > parity.max_f1_drop:
        raise ExportError(
            f"int8 changes {flips:.1%} of the dev labels and macro-F1 by {-drop:+.4f}; allowed are "
            f"{parity.max_flips:.1%} and {-parity.max_f1_drop:+.4f}"
        )
    return flips, drop


def export(
    model: PackedClassifier | FrozenClassifier,
    encoder: PairEncoder,
    dev: Sequence[StancePair],
    gold: IntArray,
    parity: Parity,
) -> tuple[bytes, bytes | None, ParityReport]:
    """fp32 graph, int8 graph (if wanted) and how far they are off; too far is an `ExportError`."""
    fp32 = to_onnx(model, encoder)
    difference = check_onnx(model, fp32, encoder, dev[:32], parity)
    if not parity.int8:
        return fp32, None, ParityReport(difference)
    int8 = quantise(fp32, weight_bits=parity.weight_bits, keep_last=model.head_products)
    flips, drop = check_int8(fp32, int8, encoder, dev, gold, parity)
    return fp32, int8, ParityReport(difference, flips, drop)


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
