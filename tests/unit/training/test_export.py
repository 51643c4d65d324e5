from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from stancewire.backends import OnnxBackend
from stancewire.bundle import MODEL
from stancewire.errors import ExportError
from stancewire.pairs import PairEncoder, StancePair
from stancewire.records import Record
from stancewire.training import export
from stancewire.training.export import REACHES, Int8, check_onnx, to_int8, to_onnx
from stancewire.training.metrics import gold_indices
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import Rounded, quantise, round_weights
from stancewire.training.recipe import Parity

BOUNDLESS = Parity(max_flips=1.0, max_f1_drop=1.0)


@pytest.fixture(scope="module")
def dev(make_records: Callable[..., list[Record]]) -> list[Record]:
    return make_records("dev", 20)


def asked(records: list[Record]) -> list[StancePair]:
    return [r.pair for r in records]


def gold(records: list[Record]) -> np.ndarray:
    return gold_indices([r.stance for r in records])


def test_the_graph_answers_as_the_network_over_all_shapes(
    network: PackedClassifier, fp32: bytes, module_pairs: PairEncoder, dev: list[Record]
):
    assert check_onnx(network, fp32, module_pairs, asked(dev), Parity()) < 1e-5
    for batch, targets, words in [(1, 1, 1), (1, 20, 3), (7, 2, 12), (2, 5, 60)]:
        pairs = [
            StancePair(f"{'we welcome ' * words}{b}", f"the levy {t}")
            for b in range(batch)
            for t in range(targets)
        ]
        feed = module_pairs.batch(module_pairs.passes(pairs)).feed()
        with torch.no_grad():
            wanted = network(**{k: torch.from_numpy(v) for k, v in feed.items()}).flatten(0, 1)
        found, truncated = OnnxBackend(fp32, module_pairs).logits(pairs)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert truncated.all() == (words == 60)


def test_a_graph_with_one_changed_weight_is_refused(
    network: PackedClassifier, fp32: bytes, module_pairs: PairEncoder
):
    model = onnx.load_from_string(fp32)
    matrix = next(i for i in model.graph.initializer if len(i.dims) == 2 and i.dims[1] == 64)
    changed = numpy_helper.to_array(matrix).copy()
    changed[0, 0] += 1.0
    matrix.CopyFrom(numpy_helper.from_array(changed, matrix.name))
    with pytest.raises(ExportError, match=r"differs from the network by .* in a logit"):
        check_onnx(network, model.SerializeToString(), module_pairs, [], Parity())


def test_a_graph_that_gives_nan_is_refused(
    make_classifier: Callable[..., PackedClassifier], fp32: bytes, module_pairs: PairEncoder
):
    broken = make_classifier()
    with torch.no_grad():
        broken.head[-1].bias[0] = float("nan")
    with pytest.raises(ExportError, match="differs from the network by nan"):
        check_onnx(broken, fp32, module_pairs, [], Parity())


def test_the_fp32_bound_itself_is_refused(
    network: PackedClassifier, fp32: bytes, module_pairs: PairEncoder
):
    with pytest.raises(ExportError, match="allowed is less than 0"):
        check_onnx(network, fp32, module_pairs, [], Parity(max_logit_difference=0.0))


@pytest.fixture
def int8_of(fp32: bytes, module_pairs: PairEncoder, dev: list[Record]) -> Callable[..., Int8]:
    def make(parity: Parity, labels: np.ndarray | None = None) -> Int8:
        known = gold(dev) if labels is None else labels
        return to_int8(fp32, module_pairs, asked(dev), asked(dev), known, parity, keep_last=2)

    return make


def crude(graph: bytes, *_: Rounded, **__: object) -> bytes:
    return quantise(graph, round_weights(graph, weight_bits=2, keep_last=0))


def test_an_int8_graph_that_changes_labels_is_refused(
    int8_of: Callable[..., Int8], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export, "quantise", crude)
    with pytest.raises(ExportError, match=r"int8 changes .*% of the dev labels"):
        int8_of(Parity())
    assert int8_of(BOUNDLESS).flips > 0.01


def test_a_drop_of_macro_f1_is_refused_by_itself(
    int8_of: Callable[..., Int8],
    fp32: bytes,
    module_pairs: PairEncoder,
    dev: list[Record],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(export, "quantise", crude)
    own = OnnxBackend(fp32, module_pairs).logits(asked(dev))[0].argmax(-1)  # fp32 is perfect by it
    assert int8_of(BOUNDLESS, own).f1_drop > 0.005
    with pytest.raises(ExportError, match="macro-F1 by -0"):
        int8_of(Parity(max_flips=1.0), own)


def test_fewer_products_are_quantised_if_all_change_too_much(
    int8_of: Callable[..., Int8], monkeypatch: pytest.MonkeyPatch
):
    def only_the_second(graph: bytes, rounded: Rounded, *, reach: float) -> bytes:
        return graph if reach == REACHES[1] else crude(graph)

    monkeypatch.setattr(export, "quantise", only_the_second)
    found = int8_of(Parity(max_flips=0.0, max_f1_drop=0.0))
    assert (found.reach, found.flips, found.f1_drop) == (REACHES[1], 0.0, 0.0)


@pytest.mark.parametrize(
    ("flips", "drop", "passes"),
    [(0.01, 0.005, True), (0.011, 0, False), (0, 0.0051, False), (0, float("nan"), False)],
)
def test_the_bounds_of_int8(flips: float, drop: float, passes: bool):
    assert Int8(b"", 1.0, flips, drop).passes(Parity()) is passes


def test_export_makes_both_graphs_and_says_how_far_they_are_off(
    network: PackedClassifier, module_pairs: PairEncoder, dev: list[Record]
):
    fp32, int8, report = export.export(
        network, module_pairs, asked(dev), asked(dev), gold(dev), BOUNDLESS
    )
    assert int8 is not None
    assert set(report.metrics()) == {
        "parity_logit_difference",
        "parity_flips",
        "parity_f1_drop",
        "parity_int8_share",
    }
    assert report.int8_share == 1.0
    labels = [
        OnnxBackend(graph, module_pairs).logits(asked(dev))[0].argmax(-1) for graph in (fp32, int8)
    ]
    assert report.flips == (labels[0] != labels[1]).mean()
    assert MODEL.keys() == {"fp32", "int8"}


def test_a_recipe_can_do_without_int8(
    network: PackedClassifier, module_pairs: PairEncoder, dev: list[Record]
):
    _, int8, report = export.export(
        network, module_pairs, asked(dev), asked(dev), gold(dev), Parity(int8=False)
    )
    assert int8 is None
    assert set(report.metrics()) == {"parity_logit_difference"}


def test_a_network_that_torch_cannot_export_is_an_export_error(module_pairs: PairEncoder):
    class Odd(torch.nn.Module):
        def forward(self, input_ids, position_ids, blocks, block_ids):
            return input_ids[: int(blocks.sum().item())].tolist()

    with pytest.raises(ExportError, match="the network cannot be exported"):
        to_onnx(Odd(), module_pairs)
