"""The gate's limits: the file, the defaults, and every fault of a file."""

from pathlib import Path

import pytest

from stancewire.errors import ConfigError
from stancewire.training.gate.config import GateConfig, load_config

REPOSITORY = Path(__file__).parents[4]


def test_the_committed_config_is_the_default(tmp_path, monkeypatch):
    assert load_config(REPOSITORY / "experiments/gate.yaml") == GateConfig()
    monkeypatch.chdir(tmp_path)
    assert load_config() == GateConfig()


def test_the_config_of_the_working_folder_is_used(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/gate.yaml").write_text("champion: {margin: 0.01}\n")
    monkeypatch.chdir(tmp_path)

    assert load_config().champion.margin == 0.01


def test_every_fault_of_a_config_is_told(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("champion: {margin: 0}\nmetrics: {must_beat: {bert: 0.0}}\nsurprise: 1\n")

    with pytest.raises(ConfigError) as caught:
        load_config(path)

    assert {p.field.partition(".")[0] for p in caught.value.problems} == {
        "champion", "metrics", "surprise",
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"\xff", b"a: [", None])
def test_a_config_that_cannot_be_read_is_an_error(tmp_path, content):
    path = tmp_path / "gate.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot read"):
        load_config(path)


def test_the_baselines_that_are_asked_for():
    assert GateConfig().baselines == ["frozen", "majority", "tfidf"]
