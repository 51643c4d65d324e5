"""Tracking, promotion and rollback against a real MLflow registry in SQLite."""

import json
import os
import random
import shutil
import string
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stancewire.data.corpus import load
from stancewire.data.files import content_hash, write_records
from stancewire.data.mixture import Mixture
from stancewire.errors import BundleError, ConfigError, DataError, GateRefused, RegistryError
from stancewire.labels import ORDER
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training import pipeline, promote, tracking, yardsticks
from stancewire.training.behaviour.cases import Case, Kind
from stancewire.training.behaviour.marks import Marks
from stancewire.training.encoders import MINILM_SHA256
from stancewire.training.gate import cost, gather
from stancewire.training.gate.evidence import Cost
from stancewire.training.gate.page import page
from stancewire.training.recipe import Recipe
from stancewire.training.recipe import load as load_recipe

pytestmark = [
    # MLflow's own tables use what SQLAlchemy 2.1 has deprecated.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow warns of a type hint of its own while it is imported.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    # MLflow numbers the rows of an input example in a way that pandas 3.1 has deprecated.
    pytest.mark.filterwarnings(
        "ignore:Operation with range is deprecated:DeprecationWarning:mlflow"
    ),
]

CUES = {label: [f"{label.value}{c}" for c in string.ascii_lowercase[:20]] for label in ORDER}
"""Twenty words that give each stance away; a model knows those that its training data hold."""

WHERE = {
    "train": "in a note for the morning bulletin number",
    "dev": "at lunch beside several delegates on day",
    "test": "when reporters rang her old office, call",
}
"""Words that keep a split's statements unlike those of the others."""
SAME = Cost(latency_ms=1.0, memory_mib=50.0)
UNCALIBRATED = "calibration: {max_ece: 0.9}\n"
MARKS = Marks("same", (Case("made", Kind.MINIMUM, "t", (), ()),), np.array([False]))
REAL = SimpleNamespace(cost=cost.measure, behaviour=gather.recorded_behaviour)


def records(split, n, known, targets, seed):
    rng = random.Random(seed)
    for i in range(n):
        label = rng.choice(ORDER)
        yield Record(
            id=f"{split}-{i}",
            text=f"The spokesperson was {rng.choice(CUES[label][:known])} {WHERE[split]} {i}.",
            target=rng.choice(targets),
            stance=label, source="test", licence="CC0-1.0", split=split, annotators=("a",),
        )  # fmt: skip


def write_corpus(folder, known):
    """Train and dev that hold `known` cues a stance; the test split is always the same."""
    folder.mkdir()
    test = list(records("test", 90, 20, ["the levy", "the pact"], seed=1))
    train = records("train", 60 * known, known, ["the tax", "the treaty"], seed=2)
    dev = records("dev", 45, known, ["the bridge"], seed=3)
    write_records(folder / "records.jsonl", [*train, *dev, *test])
    (folder / "frozen.json").write_text(json.dumps({"test": content_hash(test)}))
    return str(folder)


def train(corpus, name):
    return pipeline.run(Recipe(name=name, family="tfidf", data=Mixture(source=corpus)))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A working folder whose registry holds three versions: good, weak (the baseline), fair."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        corpora = {
            n: write_corpus(folder / n, k) for n, k in (("good", 20), ("weak", 3), ("fair", 9))
        }
        results = {name: train(corpus, name) for name, corpus in corpora.items()}
        versions = {name: tracking.log(result) for name, result in results.items()}
        # Nothing is well calibrated on 45 pairs, and the frozen encoder would take a minute.
        (folder / "gate.yaml").write_text(f"metrics: {{may_tie: {{}}}}\n{UNCALIBRATED}")
        yield SimpleNamespace(folder=folder, results=results, versions=versions, corpora=corpora)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """No process is weighed, and behaviour is the same for all, unless a test asks for `REAL`."""
    monkeypatch.setattr(cost, "measure", lambda *_: SAME)
    monkeypatch.setattr(gather, "recorded_behaviour", lambda model: MARKS)


@pytest.fixture
def registry(home):
    """The registry without any alias."""
    import mlflow

    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    for alias in client.get_registered_model("stancewire").aliases:
        client.delete_registered_model_alias("stancewire", alias)
    return client


def judge(home, version, **options):
    defaults = {"config_path": home.folder / "gate.yaml", "source": home.corpora["weak"]}
    return promote.promote(version, **{**defaults, **options})


def aliases(registry):
    return {a: str(v) for a, v in registry.get_registered_model("stancewire").aliases.items()}


def version_tags(registry, version):
    return registry.get_model_version("stancewire", version).tags


def files_of(registry, version):
    """The folder that a version's files lie in."""
    source = registry.get_model_version_download_uri("stancewire", version)
    return Path(source.removeprefix("file://"))


def artifacts_of(registry, version):
    run = registry.get_run(registry.get_model_version("stancewire", version).run_id)
    return run, Path(run.info.artifact_uri.removeprefix("file://"))


def test_a_run_holds_what_went_in_and_how_good_it_is(home, registry):
    result = home.results["good"]
    run, folder = artifacts_of(registry, home.versions["good"])

    assert run.info.status == "FINISHED"
    assert run.data.params["family"] == "tfidf"
    assert run.data.params["linear.c"] == "1.0"
    model, majority, *_ = result.evaluations["test"]
    for name in ("macro_f1", "f1_favor", "nll", "brier", "ece", "coverage"):
        assert run.data.metrics[f"test_{name}"] == pytest.approx(model.figures[name])
    assert run.data.metrics["test_baseline_majority_macro_f1"] == majority.figures["macro_f1"]
    assert {"dev_macro_f1", "dev_baseline_text_only_macro_f1"} <= run.data.metrics.keys()
    assert run.data.tags["bundle_sha256"] == result.bundle.sha256
    assert run.data.tags["git"] == result.bundle.manifest.made["git"]
    assert json.loads((folder / "report.json").read_text())["bundle"] == result.bundle.sha256
    assert "mlflow==" in (folder / "environment.txt").read_text()
    assert (folder / "MODEL_CARD.md").read_text().startswith("# good, seed 13")
    for split in ("dev", "test"):
        for kind in ("confusion", "reliability", "risk_coverage"):
            assert (folder / f"{split}_{kind}.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_holds_the_behaviour_tests_of_its_bundle(home, registry):
    result = home.results["good"]
    run, folder = artifacts_of(registry, home.versions["good"])

    assert json.loads((folder / "behaviour.json").read_text())["bundle"] == result.bundle.sha256
    tally = next(t for t in result.behaviour.tallies if t.capability == "target-swap")
    assert run.data.metrics["behaviour/target-swap"] == tally.rate
    report = json.loads((folder / "report.json").read_text())
    swaps = {one["capability"]: one["rate"] for one in report["speakers"]["name_swaps"]}
    assert swaps["speaker-name"] == run.data.metrics["behaviour/speaker-name"]
    assert "| target-swap | swap |" in (folder / "MODEL_CARD.md").read_text()


def test_a_run_says_what_it_cost_and_what_it_held_out(home, registry):
    run, folder = artifacts_of(registry, home.versions["good"])
    report = json.loads((folder / "report.json").read_text())

    assert 0 < run.data.metrics["training_kwh"] == pytest.approx(report["cost"]["kwh"], abs=1e-5)
    own = next(one for one in report["held_out"] if one["corpus"] == home.corpora["good"])
    assert own["sha256"] == home.results["good"].corpus.hashes()["test"]


def test_a_version_says_in_short_how_good_it_is(home, registry):
    version = registry.get_model_version("stancewire", home.versions["good"])

    assert version.description.startswith("On 90 pairs")
    assert f"runs:/{version.run_id}/MODEL_CARD.md" in version.description


def test_data_sets_are_named_by_their_hash(home, registry):
    run, _ = artifacts_of(registry, home.versions["good"])
    hashes = home.results["good"].corpus.hashes()

    found = {
        next(t.value for t in i.tags if t.key == "mlflow.data.context"): i.dataset
        for i in run.inputs.dataset_inputs
    }

    assert set(found) == {"training", "validation", "testing"}
    assert found["testing"].digest == hashes["test"][:32]
    assert hashes["train"] in found["training"].source


def test_predictions_are_kept_by_id(home, registry):
    _, folder = artifacts_of(registry, home.versions["good"])
    model = home.results["good"].evaluations["test"][0]

    rows = pd.read_csv(folder / "test_predictions.csv")

    assert list(rows["id"]) == [r.id for r in model.records]
    assert rows[["p_favor", "p_against", "p_neutral"]].to_numpy().tolist() == (
        model.probabilities.tolist()
    )


def test_no_text_of_a_record_is_uploaded(home, registry):
    _, run_folder = artifacts_of(registry, home.versions["good"])
    everything = [*run_folder.rglob("*"), *files_of(registry, home.versions["good"]).rglob("*")]
    everything.append(home.folder / "mlflow.db")

    for path in everything:
        if path.is_file():
            assert b"The spokesperson was" not in path.read_bytes(), path


def test_a_version_holds_its_bundle_as_plain_files(home, registry):
    result, folder = home.results["good"], files_of(registry, home.versions["good"])

    names = {p.name for p in (folder / "artifacts/bundle").iterdir()}

    assert names == {*result.bundle.manifest.files, "manifest.json"}
    assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".pickle", ".joblib", ".pt")]
    for path in folder.rglob("*"):
        if path.is_file():  # a pickle of protocol 2 or later begins with this byte
            assert not path.read_bytes().startswith(b"\x80"), path


def test_a_version_carries_where_it_comes_from(home, registry):
    version = registry.get_model_version("stancewire", home.versions["good"])

    assert version.run_id
    assert version.tags["bundle_sha256"] == home.results["good"].bundle.sha256
    assert version.tags["data.manifest"] == home.results["good"].manifest.digest
    assert version.tags["data.test"] == home.results["good"].corpus.hashes()["test"]
    assert (version.tags["family"], version.tags["seed"]) == ("tfidf", "13")


def test_the_pyfunc_equals_the_predictor(home, registry):
    import mlflow

    pairs = [r.pair for r in home.results["good"].corpus.test]
    model = mlflow.pyfunc.load_model(f"models:/stancewire/{home.versions['good']}")

    found = model.predict(
        pd.DataFrame({"text": [p.text for p in pairs], "target": [p.target for p in pairs]})
    )

    expected = Predictor.load(home.results["good"].bundle).predict(pairs)
    assert list(found["label"]) == [s.label.value for s in expected]
    for column in ("score", "confidence", "abstained", "truncated"):
        assert list(found[column]) == [getattr(s, column) for s in expected]
    for label in ORDER:
        assert list(found[f"p_{label.value}"]) == [s.probabilities[label] for s in expected]
    assert [c.name for c in model.metadata.signature.outputs.inputs] == list(found.columns)


def test_the_history_is_logged_by_step(home, registry, monkeypatch):
    history = [{"loss": 1.5, "step": 10, "epoch": 0.5}, {"eval_macro_f1": 0.4, "step": 20}]
    result = pipeline.Result(**{**vars(home.results["fair"]), "history": history})
    monkeypatch.setattr(tracking, "_log_model", lambda result, register: None)

    tracking.log(result)

    run = newest_run(registry)
    assert [m.step for m in registry.get_metric_history(run.info.run_id, "training/loss")] == [10]
    assert run.data.metrics["training/eval_macro_f1"] == 0.4


def newest_run(registry):
    experiment = registry.get_experiment_by_name("stancewire").experiment_id
    return registry.search_runs([experiment], order_by=["attributes.start_time DESC"])[0]


def test_a_run_that_crashes_is_failed(home, registry, monkeypatch):
    def crash(result, folder):
        raise KeyboardInterrupt

    before = len(registry.search_model_versions("name='stancewire'"))
    monkeypatch.setattr(tracking, "write_artifacts", crash)

    with pytest.raises(KeyboardInterrupt):
        tracking.log(home.results["fair"])

    assert newest_run(registry).info.status == "FAILED"
    assert len(registry.search_model_versions("name='stancewire'")) == before


def test_a_training_that_failed_leaves_a_run(home, registry):
    tracking.log_failure(home.results["fair"].recipe, DataError("the graph differs"))

    run = newest_run(registry)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "DataError: the graph differs"
    assert run.data.params["name"] == "fair"


def test_a_run_can_be_logged_without_a_version(home, registry):
    before = len(registry.search_model_versions("name='stancewire'"))

    assert tracking.log(home.results["fair"], register=False) is None
    assert len(registry.search_model_versions("name='stancewire'")) == before
    assert newest_run(registry).outputs.model_outputs


def gate_tags(registry, version):
    return {k: v for k, v in version_tags(registry, version).items() if k.startswith("gate.")}


def test_the_first_good_version_becomes_champion(home, registry):
    good = home.versions["good"]

    verdict = judge(home, good)

    assert verdict.passed
    assert aliases(registry) == {"champion": good}
    assert version_tags(registry, good)["promoted_from"] == "none"
    run, folder = artifacts_of(registry, good)
    tags = gate_tags(registry, good)
    assert (tags["gate.passed"], tags["gate.reason"]) == ("true", "none")
    assert tags["gate.report"] == f"runs:/{run.info.run_id}/gate/{good}.json"
    assert tags["gate.page"] == f"runs:/{run.info.run_id}/gate/{good}.html"
    assert json.loads((folder / f"gate/{good}.json").read_text()) == verdict.to_dict()
    assert (folder / f"gate/{good}.html").read_text() == page(verdict)


def test_what_is_judged_is_the_bundle_through_the_predictor(home, registry):
    verdict = judge(home, home.versions["good"], mode="dry-run")

    measured = home.results["good"].evaluations["test"][0].figures["macro_f1"]
    assert verdict.macro_f1["candidate"] == measured
    assert verdict.pairs == 90


def test_a_dry_run_reports_and_changes_nothing(home, registry, tmp_path):
    fair = home.versions["fair"]
    before = version_tags(registry, fair)

    verdict = judge(home, fair, mode="dry-run", out=tmp_path)

    assert verdict.passed
    assert aliases(registry) == {}
    assert version_tags(registry, fair) == before
    _, folder = artifacts_of(registry, fair)
    told = json.loads((folder / f"gate/{fair}-dry-run.json").read_text())
    assert told == verdict.to_dict() == json.loads((tmp_path / "gate.json").read_text())
    assert "dry run" in (tmp_path / "gate.html").read_text()


def test_a_dry_run_refuses_as_well(home, registry):
    weak = home.versions["weak"]
    before = version_tags(registry, weak)

    with pytest.raises(GateRefused, match="tfidf"):
        judge(home, weak, mode="dry-run")
    assert version_tags(registry, weak) == before


def test_everything_is_measured_for_real(home, registry, monkeypatch):
    monkeypatch.setattr(cost, "measure", REAL.cost)
    monkeypatch.setattr(gather, "recorded_behaviour", REAL.behaviour)

    verdict = judge(home, home.versions["good"], mode="dry-run")

    found = {check.name: check for check in verdict.checks}
    assert found["latency"].measured > 0 and found["memory"].measured > 20
    rate = home.results["good"].behaviour.marks.failed.mean()
    assert f"{rate:.1%} of 2460 cases fail" in found["behaviour"].words
    for name in ("frozen split", "leakage", "manifest", "licence", "temperature", "behaviour"):
        assert found[name].verdict in ("passed", "not asked"), found[name]


def test_a_version_without_behaviour_tests_is_refused(home, registry, monkeypatch):
    monkeypatch.setattr(gather, "recorded_behaviour", REAL.behaviour)
    recipe = Recipe(
        name="untested", family="tfidf", data=Mixture(source=home.corpora["good"]), behaviour=False
    )
    version = tracking.log(pipeline.run(recipe))

    with pytest.raises(GateRefused, match=r"refused by: behaviour$"):
        judge(home, version, mode="dry-run")


def test_terms_that_the_gate_does_not_accept_are_refused(home, registry, tmp_path):
    (tmp_path / "gate.yaml").write_text(
        f"data: {{accept: [share-alike]}}\nmetrics: {{may_tie: {{}}}}\n{UNCALIBRATED}"
    )

    with pytest.raises(GateRefused, match=r"refused by: licence$"):
        judge(home, home.versions["good"], config_path=tmp_path / "gate.yaml", mode="dry-run")


def test_an_equal_needs_a_reason_and_it_is_recorded(home, registry):
    good, again = home.versions["good"], tracking.log(home.results["good"])
    registry.set_registered_model_alias("stancewire", "champion", good)

    with pytest.raises(GateRefused, match=r"refused by: better$"):
        judge(home, again)
    assert gate_tags(registry, again)["gate.passed"] == "false"
    judge(home, again, reason="the old one's data is gone")

    assert aliases(registry) == {"champion": again, "previous": good}
    assert gate_tags(registry, again)["gate.reason"] == "the old one's data is gone"


def test_a_dry_run_may_compare_with_a_folder(home, registry, monkeypatch):
    monkeypatch.setattr(gather, "recorded_behaviour", REAL.behaviour)
    folder = home.results["good"].bundle.folder

    with pytest.raises(GateRefused, match="not worse") as caught:
        judge(home, home.versions["fair"], mode="dry-run", against=folder)

    assert caught.value.verdict["champion"] == str(folder)
    with pytest.raises(ConfigError, match="only a dry run"):
        judge(home, home.versions["fair"], against=folder)
    with pytest.raises(BundleError):
        judge(home, home.versions["fair"], mode="dry-run", against=home.folder / "nothing")


def test_a_better_version_moves_both_aliases(home, registry):
    good, fair = home.versions["good"], home.versions["fair"]
    registry.set_registered_model_alias("stancewire", "champion", fair)

    judge(home, good)

    assert aliases(registry) == {"champion": good, "previous": fair}
    assert version_tags(registry, good)["promoted_from"] == fair


def test_the_champion_may_be_judged_again_and_stays(home, registry):
    good = home.versions["good"]
    registry.set_registered_model_alias("stancewire", "champion", good)
    registry.set_registered_model_alias("stancewire", "previous", home.versions["fair"])

    judge(home, good)

    assert aliases(registry) == {"champion": good, "previous": home.versions["fair"]}


@pytest.mark.parametrize(("name", "check"), [("weak", "tfidf"), ("fair", "not worse")])
def test_a_refused_version_leaves_the_aliases_alone(home, registry, name, check):
    before = {"champion": home.versions["good"], "previous": home.versions["weak"]}
    for alias, version in before.items():
        registry.set_registered_model_alias("stancewire", alias, version)

    with pytest.raises(GateRefused, match=check) as caught:
        judge(home, home.versions[name])

    assert aliases(registry) == before
    assert caught.value.verdict["passed"] is False
    assert gate_tags(registry, home.versions[name])["gate.passed"] == "false"
    _, folder = artifacts_of(registry, home.versions[name])
    told = json.loads((folder / f"gate/{home.versions[name]}.json").read_text())
    assert told == caught.value.verdict


def test_latest_is_the_version_with_the_highest_number(home, registry):
    newest = max(int(v.version) for v in registry.search_model_versions("name='stancewire'"))

    assert judge(home, "latest", mode="dry-run").candidate == f"version {newest}"


@pytest.mark.parametrize("version", ["99", "0", "", "one", "1 OR 1=1"])
def test_an_unknown_version_is_told(home, registry, version):
    with pytest.raises(RegistryError, match="there is no version"):
        judge(home, version)


def test_a_champion_that_moved_meanwhile_is_not_overrun(home, registry, monkeypatch):
    fair, weak = home.versions["fair"], home.versions["weak"]
    registry.set_registered_model_alias("stancewire", "champion", weak)
    write = promote._write

    def meanwhile(*args):
        write(*args)
        registry.set_registered_model_alias("stancewire", "champion", fair)

    monkeypatch.setattr(promote, "_write", meanwhile)

    with pytest.raises(RegistryError, match="judge it again"):
        judge(home, home.versions["good"])
    assert aliases(registry) == {"champion": fair}


def test_a_rollback_brings_the_previous_champion_back_once(home, registry):
    good, fair = home.versions["good"], home.versions["fair"]
    registry.set_registered_model_alias("stancewire", "champion", good)
    registry.set_registered_model_alias("stancewire", "previous", fair)

    assert promote.rollback() == fair

    assert aliases(registry) == {"champion": fair}
    assert version_tags(registry, fair)["rolled_back_from"] == good
    assert version_tags(registry, good)["rolled_back_to"] == fair
    with pytest.raises(RegistryError, match="no @previous"):
        promote.rollback()
    assert aliases(registry) == {"champion": fair}


@pytest.fixture
def broken(home, registry):
    """A version whose bundle was changed after it was registered."""
    version = tracking.log(home.results["good"])
    with (files_of(registry, version) / "artifacts/bundle/tfidf.json").open("ab") as file:
        file.write(b" ")
    return version


@pytest.mark.parametrize("fault", ["changed", "gone"])
def test_a_broken_champion_does_not_block_its_successor(home, registry, broken, fault):
    if fault == "gone":
        shutil.rmtree(files_of(registry, broken))
    registry.set_registered_model_alias("stancewire", "champion", broken)

    verdict = judge(home, home.versions["good"])

    assert f"version {broken}, cannot be judged" in verdict.checks[-1].words
    assert aliases(registry) == {"champion": home.versions["good"], "previous": broken}


def test_a_broken_version_is_neither_promoted_nor_rolled_back_to(home, registry, broken):
    good = home.versions["good"]
    registry.set_registered_model_alias("stancewire", "champion", good)
    registry.set_registered_model_alias("stancewire", "previous", broken)

    with pytest.raises(BundleError):
        judge(home, broken)
    with pytest.raises(BundleError):
        promote.rollback()
    assert aliases(registry) == {"champion": good, "previous": broken}


def test_another_test_split_than_the_frozen_one_is_refused(home, registry, tmp_path):
    changed = tmp_path / "corpus"
    shutil.copytree(home.corpora["weak"], changed)
    lines = (changed / "records.jsonl").read_text().splitlines()
    (changed / "records.jsonl").write_text("\n".join(lines[:-1]))  # one test record less

    with pytest.raises(GateRefused, match="frozen split") as caught:
        judge(home, home.versions["good"], source=str(changed))
    # The others are told all the same.
    assert len(caught.value.verdict["checks"]) > 10
    (changed / "frozen.json").unlink()
    with pytest.raises(GateRefused, match="frozen split"):
        judge(home, home.versions["good"], source=str(changed))
    assert aliases(registry) == {}


def test_the_frozen_baseline_is_asked_and_its_answers_are_kept(
    home, registry, tmp_path, monkeypatch
):
    fitted = []

    def fit(data):
        fitted.append(data.name)
        return Predictor.load(home.results["good"].bundle)

    monkeypatch.setattr(yardsticks, "_fit_frozen", fit)
    (tmp_path / "gate.yaml").write_text(UNCALIBRATED)
    options = {
        "config_path": tmp_path / "gate.yaml",
        "cache": tmp_path / "cache",
        "mode": "dry-run",
    }

    first, second = (judge(home, home.versions["good"], **options) for _ in range(2))

    assert first.to_dict() == second.to_dict()
    assert first.macro_f1["frozen"] == first.macro_f1["candidate"]
    assert len(fitted) == 1
    (kept,) = (tmp_path / "cache").glob("frozen-*.npy")
    kept.write_bytes(b"torn")
    assert judge(home, home.versions["good"], **options).to_dict() == first.to_dict()
    assert len(fitted) == 2
    with pytest.raises(GateRefused, match="frozen"):
        judge(home, home.versions["fair"], **options)


def test_the_baselines_are_those_of_the_committed_recipes():
    experiments = Path(__file__).parents[2] / "experiments"
    frozen, tfidf = (load_recipe(experiments / f"press-{n}.yaml") for n in ("frozen", "tfidf"))

    mine = yardsticks.RECIPE
    assert (mine.name, mine.family, mine.seed) == (frozen.name, frozen.family, frozen.seed)
    assert (mine.linear, mine.base) == (frozen.linear, frozen.base)
    assert mine.digest() == frozen.digest()
    assert (yardsticks.TFIDF, mine.seed) == (tfidf.linear, tfidf.seed)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"recipe": "another name"}, True),
        ({"settings": "0" * 64}, False),
        ({"sha256": "0" * 64}, False),
        ({"data": {"train": "0" * 64}}, False),
    ],
)
def test_only_the_frozen_baseline_itself_is_compared_with_itself(home, changed, same):
    data = load(home.corpora["weak"])
    made = {
        "settings": yardsticks.RECIPE.digest(), "sha256": MINILM_SHA256, "data": data.hashes(),
    }  # fmt: skip
    manifest = SimpleNamespace(family="frozen", made={**made, **changed})

    assert yardsticks.is_frozen_baseline(SimpleNamespace(manifest=manifest), data) is same
    manifest.family = "packed"
    assert not yardsticks.is_frozen_baseline(SimpleNamespace(manifest=manifest), data)


def test_kept_answers_are_not_used_for_another_corpus(home):
    keys = {yardsticks._key(load(corpus)) for corpus in home.corpora.values()}

    assert len(keys) == len(home.corpora)


@pytest.mark.parametrize("content", [np.zeros((89, 3)), np.full((90, 3), np.nan), np.zeros(90)])
def test_kept_answers_that_do_not_fit_are_not_used(tmp_path, content):
    np.save(tmp_path / "a.npy", content)

    assert yardsticks._read(tmp_path / "a.npy", rows=90) is None


def test_a_registry_that_is_away_is_told(home, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    for act in (
        lambda: judge(home, "1"),
        promote.rollback,
        lambda: tracking.log(home.results["good"]),
    ):
        with pytest.raises(RegistryError) as caught:
            act()
        assert "secret" not in str(caught.value)
    tracking.log_failure(home.results["good"].recipe, DataError("x"))
    assert "was not logged" in caplog.text


def test_a_missing_database_is_told_and_not_made(home, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RegistryError, match=r"there is no mlflow\.db"):
        promote.rollback()
    assert not (tmp_path / "mlflow.db").exists()
