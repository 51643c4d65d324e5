"""The behaviour of a run, in MLflow."""

import json
from pathlib import Path

import pytest

from stancewire.bundle import Bundle
from stancewire.predictor import Predictor
from stancewire.training.behaviour import track
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.report import run
from stancewire.training.registry import connect


# MLflow's own store, with the SQLAlchemy of today.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_a_run_keeps_figures_and_files(
    tfidf_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    client = connect()
    experiment = client.create_experiment("made", artifact_location=(tmp_path / "a").as_uri())
    made = client.create_run(experiment).info.run_id
    report = run(Predictor.load(tfidf_bundle), expand(per_capability=2), name="made")
    track.log(client, made, report)
    assert client.get_run(made).data.metrics == pytest.approx(track.metrics(report))
    folder = Path(client.download_artifacts(made, "", str(tmp_path)))
    assert json.loads((folder / "behaviour.json").read_text()) == report.to_dict()
    assert "| negation |" in (folder / "BEHAVIOUR.md").read_text()
