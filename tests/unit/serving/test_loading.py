import json

import pytest

from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.errors import BundleError
from stancewire.predictor import Predictor
from stancewire.serving.loading import load_model

EMPTY = {"terms": [], "idf": [], "weights": []}


def write(folder, bias=(0.0, 0.0, 0.0), made=None, **more):
    table = {"text": EMPTY, "target": EMPTY, "bias": bias}
    files = {TFIDF: json.dumps(table).encode(), CALIBRATION: b"{}", **more}
    return write_bundle(folder, files, {"family": "tfidf", "made": made or {}})


def load(folder, **named):
    return load_model(folder, name="stancewire", obtained="bundle", **named)


def test_a_folder_s_model_is_named_after_its_hash_and_its_run(tmp_path):
    bundle = write(tmp_path, made={"run_id": "r1"})
    model = load(tmp_path)
    assert (model.version, model.run_id) == (f"local-{bundle.sha256[:12]}", "r1")
    assert (model.family, model.precision) == ("tfidf", "fp32")


def test_a_registered_version_is_named_as_the_registry_names_it(tmp_path):
    write(tmp_path, made={"run_id": "r1"})
    model = load(tmp_path, version="7", run_id="r7")
    assert (model.version, model.run_id) == ("7", "r7")


def test_a_run_that_is_no_name_is_none(tmp_path):
    write(tmp_path, made={"run_id": 12})
    assert load(tmp_path).run_id is None


def test_every_file_is_checked_also_those_that_are_not_served(tmp_path):
    write(tmp_path, **{"model.onnx": b"not served by this family"})
    load(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"not served by this familY")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        load(tmp_path)


def test_a_model_that_answers_nonsense_is_refused_before_it_serves(tmp_path):
    write(tmp_path, bias=(float("nan"), 0.0, 0.0))
    with pytest.raises(BundleError, match="not a number"):
        load(tmp_path)


def test_whatever_a_runtime_raises_is_a_bundle_s_fault(tmp_path, monkeypatch):
    write(tmp_path)

    def fail(*_):
        raise ValueError("shape mismatch")

    monkeypatch.setattr(Predictor, "predict", fail)
    with pytest.raises(BundleError, match="does not answer: shape mismatch"):
        load(tmp_path)
