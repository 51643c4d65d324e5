"""From a finished run to the release: small enough for seconds, and refused where it must be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stancewire.bundle import Bundle
from stancewire.cli import main
from stancewire.data.files import write_records
from stancewire.data.mixture import Manifest
from stancewire.errors import BundleError, ConfigError, DataError
from stancewire.records import Record
from stancewire.sums import SUMS, check_sums, read_sums
from stancewire.training import pipeline, release
from stancewire.training.recipe import Recipe

VERBS = {"welcome": "favor", "reject": "against", "see": "neutral"}
TARGETS = {"train": "treaty", "dev": "the levy", "test": "the treaty"}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def corpus(make_record: Callable[..., Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for split, target in TARGETS.items():
        records = [
            make_record(
                id=f"{split}-{i}-{verb}", text=f"we {verb} the treaty and the levy, {split} {i}",
                target=target, stance=stance, split=split,
            )
            for i in range(4)
            for verb, stance in VERBS.items()
        ]  # fmt: skip
        write_records(folder / f"{split}.jsonl", records)
    return folder


@pytest.fixture(scope="module")
def trained(
    corpus: Path, tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    recipe = Recipe.model_validate(
        {
            "name": "tiny", "family": "packed", "data": {"source": str(corpus)},
            "base": {
                "path": str(tiny_encoder_folder), "max_text_tokens": 64, "max_target_tokens": 48,
            },
            "head": {"hidden": 16}, "schedule": {"epochs": 1, "quotes": 4}, "linear": {"min_df": 1},
            "behaviour": False,
            # int8 is made for the release, whether the run wanted it or not.
            "parity": {"int8": False, "max_flips": 1.0, "max_f1_drop": 1.0},
        }
    )  # fmt: skip
    return pipeline.run(recipe, out=tmp_path_factory.mktemp("runs") / "run").folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def change_manifest(run: Path, **changes: object) -> None:
    """Let the run say that its first source is another, as if it had been trained so."""
    manifest = Manifest(json.loads((run / "data.json").read_bytes()))
    manifest.content["sources"][0] |= changes
    (run / "data.json").write_text(manifest.to_json())
    report = json.loads((run / "report.json").read_bytes())
    (run / "report.json").write_text(json.dumps(report | {"manifest": manifest.digest}))


def test_the_command_writes_plain_files_that_are_hashed_and_served(
    run: Path, tmp_path: Path, servers
):
    out = tmp_path / "package" / "release"
    with pytest.raises(SystemExit) as ended:
        main(["release", "build", str(run), "--out", str(out)])
    assert ended.value.code in (0, None)
    files = {
        "manifest.json", "model.int8.onnx", "tokenizer.json", "labels.json", "calibration.json",
        "MODEL_CARD.md", "LICENCE.md",
    }  # fmt: skip
    assert {path.name for path in out.iterdir()} == files | {SUMS}
    assert set(read_sums(out)) == files
    check_sums(out)
    bundle = Bundle.open(out)
    assert (bundle.manifest.precision, bundle.manifest.family) == ("int8", "packed")
    assert bundle.manifest.made["from"] == Bundle.open(run / "bundle").sha256
    assert bundle.sha256 in (out / "MODEL_CARD.md").read_text()
    assert "Apache-2.0" in (out / "LICENCE.md").read_text()
    assert {path.name for path in out.parent.iterdir()} == {"release"}
    server = servers.start(release=out)
    answer = server.score({"text": "we welcome the treaty", "target": "the treaty"})
    assert answer.json()["model"]["version"] == f"release-{bundle.sha256[:12]}"


@pytest.mark.parametrize("terms", ["not-stated", "non-commercial", "share-alike, non-commercial"])
def test_a_run_on_data_that_may_not_be_given_away_is_refused(run: Path, tmp_path: Path, terms: str):
    change_manifest(run, terms=terms)
    with pytest.raises(ConfigError, match=f"is {terms}"):
        release.build(run, tmp_path / "release")
    assert not (tmp_path / "release").exists()


def test_so_is_one_that_began_with_such_weights(run: Path, trained: Path, tmp_path: Path):
    before = Path(shutil.copytree(trained, tmp_path / "before"))
    change_manifest(before, terms="non-commercial")
    text = (run / "recipe.yaml").read_text().replace("init: null", f"init: {before}")
    (run / "recipe.yaml").write_text(text)
    with pytest.raises(ConfigError, match="is non-commercial"):
        release.build(run, tmp_path / "release")
    (before / "data.json").unlink()
    with pytest.raises(ConfigError, match="trained on is not known"):
        release.build(run, tmp_path / "release")


def test_too_many_bytes_leave_what_is_there(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "release"
    out.mkdir()
    (out / "manifest.json").write_text("the one before")
    monkeypatch.setattr(release, "MAX_BYTES", 1000)
    with pytest.raises(BundleError, match="allowed are 1000"):
        release.build(run, out)
    assert (out / "manifest.json").read_text() == "the one before"
    assert not list(tmp_path.glob(".release-*"))


def test_data_that_are_not_those_of_the_run_are_refused(run: Path, tmp_path: Path):
    change_manifest(run, has_neutral=False)
    with pytest.raises(DataError, match="not what they were"):
        release.build(run, tmp_path / "release")
    release.build(run, tmp_path / "release", unchecked=True)
    assert "## Records that changed" in (tmp_path / "release" / "MODEL_CARD.md").read_text()


def test_a_run_that_is_not_finished_or_not_one_run_is_refused(run: Path, tmp_path: Path):
    report = json.loads((run / "report.json").read_bytes())
    (run / "report.json").write_text(json.dumps(report | {"bundle": "0" * 64}))
    with pytest.raises(ConfigError, match="not of one run"):
        release.build(run, tmp_path / "release")
    (run / "report.json").unlink()
    with pytest.raises(ConfigError, match="no finished run"):
        release.build(run, tmp_path / "release")
