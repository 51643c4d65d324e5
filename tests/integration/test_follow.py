"""A service that follows a real MLflow registry (SQLite), through swaps, failures and absence."""

import json
import threading
import warnings
from pathlib import Path

import pytest

from stancewire.bundle import TFIDF, Bundle

NAME = "stancewire"
POLL_S = 0.2

# Beside the bundle, as in life; and it leaves a trace if anybody ever runs it.
PYFUNC = """
import sys
from pathlib import Path
import mlflow

Path({trace!r}).touch()

class Nothing(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input

mlflow.models.set_model(Nothing())
"""


class MlflowRegistry:
    """Three versions: 1 and 2 are whole, of 3 a byte was changed after it was registered."""

    def __init__(self, folder: Path, write_bundle_in) -> None:
        self.file = folder / "mlflow.db"
        self.uri = f"sqlite:///{self.file}"
        self.trace = folder / "the model's code was run"
        self.bundles: dict[str, Bundle] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own affairs
            import mlflow

            self.client = mlflow.MlflowClient(self.uri, self.uri)
            mlflow.set_tracking_uri(self.uri)
            experiment = self.client.create_experiment("e", (folder / "artifacts").as_uri())
            for number, lean in (("1", 0.0), ("2", 3.0), ("3", -3.0)):
                bundle = write_bundle_in(folder / number / "bundle", lean)
                self.bundles[number] = bundle
                with mlflow.start_run(experiment_id=experiment):
                    self._log(folder, bundle)
            mlflow.set_tracking_uri(None)
        self.trace.unlink()
        self._change_a_byte(folder)

    def _log(self, folder: Path, bundle: Bundle) -> None:
        import mlflow

        code = folder / "pyfunc_of_the_model.py"
        code.write_text(PYFUNC.format(trace=str(self.trace)))
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(code),
            artifacts={"bundle": str(bundle.folder)},
            registered_model_name=NAME,
            pip_requirements=[],
        )

    def _change_a_byte(self, folder: Path) -> None:
        torn = 0
        for path in (folder / "artifacts").rglob(TFIDF):
            if path.read_bytes() == self.bundles["3"].bytes(TFIDF):
                path.write_bytes(path.read_bytes().replace(b"-3.0", b"-4.0"))
                torn += 1
        assert torn

    def point(self, alias: str, number: str) -> None:
        self.client.set_registered_model_alias(NAME, alias, number)


@pytest.fixture(scope="module")
def registry(tmp_path_factory, write_bundle_in):
    return MlflowRegistry(tmp_path_factory.mktemp("registry"), write_bundle_in)


@pytest.fixture
def alias(request, registry):
    """An alias of this test's own, on version 1."""
    name = request.node.name.replace("_", "-")[:60]
    registry.point(name, "1")
    return name


def child(server):
    """The process that asks the registry."""
    for process in server.children():
        if "stancewire.serving.registry" in " ".join(process.cmdline()):
            return process
    return None


ITEM = {"text": "We take note.", "target": "it"}


def test_a_promotion_is_followed_under_load_and_no_request_is_lost(
    servers, registry, alias, wait_until
):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S, cached_answers=0)
    wait_until(lambda: server.version() == "1", "version 1")
    expected = {"1": "neutral", "2": "favor"}
    seen, failures, enough = [], [], threading.Event()

    def ask():
        while not enough.is_set():
            response = server.score(ITEM, ITEM)
            if response.status_code != 200:
                failures.append(response.text)
                continue
            body = response.json()
            version = body["model"]["version"]
            seen.append(version)
            if {r["label"] for r in body["results"]} != {expected[version]}:
                failures.append(f"another model answered than the one named: {body}")

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        wait_until(lambda: seen.count("1") > 20, "answers of version 1")
        registry.point(alias, "2")
        wait_until(lambda: seen.count("2") > 20, "answers of version 2")
    finally:
        enough.set()
        for client in clients:
            client.join()
    assert failures == []
    model = server.http.get("/v1/model").json()
    assert (model["version"], model["obtained"], model["trouble"]) == ("2", "registry", None)
    assert model["bundle_sha256"] == registry.bundles["2"].sha256
    found = registry.client.get_model_version_by_alias(NAME, alias)
    assert model["run_id"] == found.run_id
    assert not registry.trace.exists()


def test_back_to_the_previous_version(servers, registry, alias, wait_until):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S)
    wait_until(lambda: server.version() == "1", "version 1")
    registry.point(alias, "2")
    wait_until(lambda: server.version() == "2", "version 2")
    registry.point(alias, "1")
    wait_until(lambda: server.version() == "1", "version 1 again")


def test_a_version_with_a_changed_byte_is_refused_and_the_old_one_stays(
    servers, registry, alias, wait_until
):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S)
    wait_until(lambda: server.version() == "1", "version 1")
    registry.point(alias, "3")
    trouble = wait_until(lambda: server.http.get("/v1/model").json()["trouble"], "trouble")
    assert trouble["kind"] == "bundle"
    assert server.version() == "1"
    assert server.score(ITEM).json()["model"]["version"] == "1"
    assert server.metric("stancewire_model_load_failures_total") >= 1
    registry.point(alias, "2")
    wait_until(lambda: server.version() == "2", "a whole version after the torn one")
    assert server.http.get("/v1/model").json()["trouble"] is None
    assert not registry.trace.exists()


def test_with_the_registry_away_the_last_good_version_serves_at_once(
    servers, registry, alias, wait_until, tmp_path
):
    shared = {"alias": alias, "poll_s": POLL_S, "cache": tmp_path / "cache"}
    first = servers.start(tracking_uri=registry.uri, **shared)
    wait_until(lambda: first.version() == "1", "version 1")
    wait_until(lambda: list((tmp_path / "cache").glob("last-good-*")), "version 1 noted")
    assert first.stop() == 0
    away = registry.file.with_suffix(".away")
    registry.file.rename(away)
    try:
        second = servers.start(tracking_uri=registry.uri, **shared)
        assert second.http.get("/readyz").is_success  # no wait: it is loaded before it listens
        model = second.http.get("/v1/model").json()
        assert (model["version"], model["obtained"]) == ("1", "last-good")
        assert second.score(ITEM).is_success
        wait_until(lambda: second.http.get("/v1/model").json()["trouble"], "trouble")
        assert not registry.file.exists()
    finally:
        away.rename(registry.file)
    registry.point(alias, "2")
    wait_until(lambda: second.version() == "2", "the registry is back")


def test_with_the_registry_away_and_nothing_on_disk_it_waits(servers, tmp_path, wait_until):
    server = servers.start(tracking_uri=f"sqlite:///{tmp_path}/absent.db", poll_s=POLL_S)
    assert server.http.get("/healthz").is_success
    wait_until(
        lambda: "registry" in server.http.get("/readyz").json()["detail"], "why it is not ready"
    )
    assert str(tmp_path) not in server.http.get("/readyz").text
    assert not (tmp_path / "absent.db").exists()


def test_a_torn_last_good_is_not_served_but_fetched_anew(
    servers, registry, alias, wait_until, tmp_path
):
    shared = {"alias": alias, "poll_s": POLL_S, "cache": tmp_path / "cache"}
    first = servers.start(tracking_uri=registry.uri, **shared)
    wait_until(lambda: first.version() == "1", "version 1")
    wait_until(lambda: list((tmp_path / "cache").glob("last-good-*")), "version 1 noted")
    first.stop()
    (table,) = (tmp_path / "cache" / "versions").glob(f"*/bundle/{TFIDF}")
    table.write_bytes(table.read_bytes()[:-1])
    second = servers.start(tracking_uri=registry.uri, **shared)
    assert not second.http.get("/readyz").is_success
    wait_until(lambda: second.version() == "1", "version 1 fetched anew")
    assert second.http.get("/v1/model").json()["obtained"] == "registry"


def test_the_child_that_asks_may_be_killed(servers, registry, alias, wait_until):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S)
    wait_until(lambda: server.version() == "1", "version 1")
    first = child(server)
    first.kill()
    wait_until(lambda: not first.is_running(), "the child's end")
    assert server.score(ITEM).is_success
    second = wait_until(lambda: child(server), "another child")
    assert second.pid != first.pid
    registry.point(alias, "2")
    wait_until(lambda: server.version() == "2", "version 2, told by another child")


def test_no_child_outlives_a_service_that_is_killed(servers, registry, alias, wait_until):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S)
    asking = wait_until(lambda: child(server), "a child")
    server.process.kill()
    wait_until(lambda: not asking.is_running(), "the child's end")


def test_two_services_share_a_cache(servers, registry, alias, wait_until, tmp_path):
    shared = {"alias": alias, "poll_s": POLL_S, "cache": tmp_path / "cache"}
    both = [servers.start(tracking_uri=registry.uri, **shared) for _ in range(2)]
    for number in ("1", "2"):
        registry.point(alias, number)
        for server in both:
            wait_until(lambda s=server, n=number: s.version() == n, f"version {number}")
            assert server.score(ITEM).json()["model"]["version"] == number
    names = {p.name for p in (tmp_path / "cache" / "versions").iterdir()}
    assert {n.split("-")[1] for n in names} == {"1", "2"}
    (noted,) = (tmp_path / "cache").glob("last-good-*.json")
    assert json.loads(noted.read_text())["version"] == "2"


def test_the_registry_s_address_is_not_in_the_process_list(servers, registry, alias, wait_until):
    server = servers.start(tracking_uri=registry.uri, alias=alias, poll_s=POLL_S)
    asking = wait_until(lambda: child(server), "a child")
    assert registry.uri not in " ".join(asking.cmdline())
