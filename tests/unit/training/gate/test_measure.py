"""What is measured of real bundles: int8 against fp32, time, memory; and what a run has left."""

import json
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stancewire.bundle import CALIBRATION, MODEL, TFIDF, TOKENIZER, write_bundle
from stancewire.errors import BundleError, DataError
from stancewire.labels import INDEX, Label
from stancewire.predictor import Predictor
from stancewire.training.behaviour import track
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.report import run
from stancewire.training.evaluate import evaluate
from stancewire.training.gate import cost, gather, parity
from stancewire.training.gate.evidence import Absent, measured


def graph(label):
    """A graph that reads its inputs' shapes and always gives one label."""
    row = np.zeros((1, 1, 3), dtype=np.float32)
    row[..., INDEX[label]] = 2.0
    nodes = [
        helper.make_node("Shape", ["input_ids"], ["b"], start=0, end=1),
        helper.make_node("Shape", ["block_ids"], ["k"]),
        helper.make_node("Concat", ["b", "k", "three"], ["wanted"], axis=0),
        helper.make_node("Expand", ["row", "wanted"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("row", TensorProto.FLOAT, row.shape, row.ravel()),
        helper.make_tensor("three", TensorProto.INT64, [1], [3]),
    ]
    made = helper.make_graph(
        nodes, "constant",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "s"]),
            helper.make_tensor_value_info("block_ids", TensorProto.INT64, ["k"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "k", 3])],
        constants,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture
def write(tmp_path, tiny_tokenizer, tiny_encoding):
    """`write(precision, fp32=label, int8=label)`: a bundle of constant graphs."""

    def _write(precision, **graphs):
        files = {
            TOKENIZER: tiny_tokenizer.to_str().encode(),
            CALIBRATION: b"{}",
            **{MODEL[name]: graph(label) for name, label in graphs.items()},
        }
        fields = {"family": "packed", "precision": precision, "encoding": tiny_encoding}
        return write_bundle(tmp_path / f"b{len(list(tmp_path.iterdir()))}", files, fields)

    return _write


@pytest.fixture
def items(make):
    return make.records()[:12]


def served(bundle, items):
    return evaluate("c", Predictor.load(bundle), items)


def test_int8_that_answers_as_fp32_has_no_flips(write, items):
    bundle = write("int8", fp32=Label.FAVOR, int8=Label.FAVOR)

    assert parity.measure(bundle, served(bundle, items), threads=1) == parity.Parity(0.0, 0.0)


def test_int8_that_answers_otherwise_flips_labels(write, items):
    bundle = write("int8", fp32=Label.FAVOR, int8=Label.AGAINST)

    found = parity.measure(bundle, served(bundle, items), threads=1)

    assert found.flips == 1.0
    assert found.f1_drop == pytest.approx(0.0)  # each label is as frequent as the other


def test_fp32_and_tables_have_no_int8_to_compare(write, items, tfidf_bundle):
    for bundle in (write("fp32", fp32=Label.FAVOR), tfidf_bundle):
        assert parity.measure(bundle, served(bundle, items), threads=1) is None


def test_int8_without_the_graph_it_was_made_from_cannot_be_shown(write, items):
    bundle = write("int8", int8=Label.FAVOR)

    with pytest.raises(BundleError):
        parity.measure(bundle, served(bundle, items), threads=1)


def test_the_peer_is_a_champion_of_the_same_sort_or_else_fp32(write, tfidf_bundle):
    int8 = write("int8", fp32=Label.FAVOR, int8=Label.FAVOR)
    fp32, bare = write("fp32", fp32=Label.FAVOR), write("int8", int8=Label.FAVOR)

    def peer(bundle, champion):
        name, found, precision = cost._peer(bundle, champion)
        return name, found, precision

    assert peer(int8, fp32) == ("the champion", fp32, "fp32")
    assert peer(fp32, int8) == ("the champion", int8, "int8")
    assert peer(int8, tfidf_bundle) == ("its own fp32 graph", int8, "fp32")
    assert peer(int8, None) == ("its own fp32 graph", int8, "fp32")
    assert peer(fp32, None)[1] is None and peer(bare, None)[1] is None
    assert peer(tfidf_bundle, int8)[1] is None
    assert peer(tfidf_bundle, tfidf_bundle)[1] is tfidf_bundle


def test_cost_is_of_this_bundle_and_its_peer(write, items):
    int8 = write("int8", fp32=Label.FAVOR, int8=Label.FAVOR)

    found = cost.measure(int8, None, items)

    assert found.is_fp32 and found.peer == "its own fp32 graph"
    assert found.latency_ms > 0
    assert 20 < found.memory_mib < 2000
    # Two graphs of one constant each weigh the same.
    assert 0.8 < found.memory_ratio < 1.25


def test_a_table_without_a_champion_has_no_peer(tfidf_bundle, items):
    found = cost.measure(tfidf_bundle, None, items)

    assert found.peer is None and found.latency_ratio is found.memory_ratio is None
    assert found.memory_mib > 20


def test_a_slow_model_is_slow_beside_its_peer(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(cost.time, "process_time", lambda: now[0])

    def model(seconds):
        def predict(quote):
            now[0] += seconds

        return SimpleNamespace(predict=predict)

    times = cost.clock([model(0.03), model(0.01)], [("a",), ("b",)])

    assert times.shape == (2 * cost.TURNS, 2)
    assert times[:, 0] / times[:, 1] == pytest.approx(3)
    assert times[:, 0] == pytest.approx(30)


def test_pairs_of_a_statement_are_timed_together(make):
    items = make.records(statement=lambda i: i // 3)

    quotes = cost.sample(items)

    assert len(quotes) == cost.STATEMENTS
    assert {len(quote) for quote in quotes} == {3}
    assert all(len({pair.text for pair in quote}) == 1 for quote in quotes)


def test_a_bundle_that_cannot_be_loaded_cannot_be_weighed(tfidf_bundle, items):
    (tfidf_bundle.folder / TFIDF).write_text("{}")

    found = measured(lambda: cost.peak_mib(tfidf_bundle, [r.pair for r in items], "fp32"))

    assert isinstance(found, Absent) and "cannot be measured" in found.why


@pytest.fixture
def model(tfidf_bundle):
    """`model(**files)`: a model whose run left those files."""

    def _model(**files):
        def artifact(name):
            if name not in files:
                raise FileNotFoundError(name)
            return files[name]

        return gather.Model("version 1", tfidf_bundle, artifact, "digest")

    return _model


def test_recorded_behaviour_is_read_and_must_be_of_this_bundle(model, tfidf_bundle, monkeypatch):
    cases = expand(per_capability=2)
    monkeypatch.setattr(gather, "expand", lambda: cases)
    predictor = Predictor.load(tfidf_bundle)
    own, other = (run(predictor, cases, name=n) for n in (tfidf_bundle.sha256, "other"))

    found = gather.recorded_behaviour(model(**{track.REPORT: own.to_json()}))

    assert np.array_equal(found.failed, own.marks.failed)
    with pytest.raises(DataError, match="another bundle"):
        gather.recorded_behaviour(model(**{track.REPORT: other.to_json()}))


def test_what_training_held_out_must_be_of_this_bundle(model, tfidf_bundle):
    def told(**report):
        return gather._held_out(model(**{"report.json": json.dumps(report)}))

    assert told(bundle=tfidf_bundle.sha256, held_out=[]) == []
    with pytest.raises(DataError, match="another bundle"):
        told(bundle="0", held_out=[])
    with pytest.raises(DataError, match="does not say"):
        told(bundle=tfidf_bundle.sha256)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_report_that_cannot_be_read_is_told(model, text):
    with pytest.raises(DataError, match=r"report\.json"):
        gather._held_out(model(**{"report.json": text}))


def test_what_a_run_did_not_leave_is_absent_and_not_an_error(model, tmp_path):
    on = SimpleNamespace(data=SimpleNamespace(test=()), problems=())

    found = gather.provenance(model(), on)

    assert isinstance(found.manifest, Absent) and isinstance(found.held_out, Absent)
