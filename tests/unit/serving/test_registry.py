import json
import subprocess
import sys

import pytest

from stancewire.errors import BundleError, RegistryError
from stancewire.serving.registry import Registry, Watcher, find_bundle
from stancewire.serving.versions import Version, VersionCache


def version(number: str) -> Version:
    return Version(name="m", version=number, run_id=None, folder=f"m-{number}-x")


class FakeRegistry:
    """Names what it is told to name; versions in `broken` cannot be fetched."""

    def __init__(self) -> None:
        self.names: Version | Exception = version("1")
        self.broken: set[str] = set()
        self.fetched: list[str] = []
        self.fails_with: Exception | None = None

    def resolve(self) -> Version:
        if isinstance(self.names, Exception):
            raise self.names
        return self.names

    def fetch(self, wanted: Version) -> None:
        self.fetched.append(wanted.version)
        if self.fails_with:
            raise self.fails_with
        if wanted.version in self.broken:
            raise BundleError("torn")


@pytest.fixture
def scene(tmp_path):
    registry, told = FakeRegistry(), []
    watcher = Watcher(registry, VersionCache(tmp_path), every_s=1000.0, tell=told.append)

    def look() -> list[str]:
        told.clear()
        watcher.look()
        return [report.kind for report in told]

    return registry, look, watcher


def test_a_version_is_told_once_and_again_when_it_comes_back(scene):
    registry, look, _ = scene
    assert look() == ["alive", "version"]
    assert look() == ["unchanged"]
    registry.names = version("2")
    assert look() == ["alive", "version"]
    registry.names = version("1")
    assert look() == ["alive", "version"]


def test_a_registry_that_is_away_is_told_and_then_forgiven(scene):
    registry, look, _ = scene
    look()
    registry.names = RegistryError("away")
    assert look() == ["registry"]
    registry.names = version("1")
    assert look() == ["unchanged"]


def test_a_cache_that_cannot_be_written_is_told_and_tried_again(scene):
    registry, look, _ = scene
    registry.fails_with = PermissionError("read-only")
    assert look() == ["alive", "cache"]
    registry.fails_with = None
    assert look() == ["alive", "version"]


def test_a_broken_version_is_not_fetched_at_every_poll(scene):
    registry, look, watcher = scene
    registry.broken = {"1"}
    assert look() == ["alive", "bundle"]
    assert look() == ["alive"]
    assert registry.fetched == ["1"]
    watcher._again_at = 0.0  # time has passed
    assert look() == ["alive", "bundle"]
    registry.names = version("2")
    assert look() == ["alive", "version"]


def test_waits_for_a_broken_version_double_up_to_a_longest(scene):
    registry, look, watcher = scene
    registry.broken = {"1"}
    waits = []
    watcher._every_s = 300.0
    for _ in range(4):
        watcher._again_at = 0.0
        look()
        waits.append(watcher._wait_s)
    assert waits == [300.0, 600.0, 900.0, 900.0]


def test_a_missing_sqlite_file_is_an_absent_registry_and_is_not_made(tmp_path):
    path = tmp_path / "mlflow.db"
    registry = Registry(f"sqlite:///{path}", "m", "champion", VersionCache(tmp_path / "cache"))
    with pytest.raises(RegistryError, match="there is no"):
        registry.resolve()
    assert not path.exists()


@pytest.mark.parametrize("password", ["hunter2", "p@ss"])
def test_a_password_in_an_address_is_not_told(tmp_path, password):
    class Away:
        def get_model_version_by_alias(self, *_: str) -> None:
            raise OSError(f"API request to http://ann:{password}@mlflow:5000/api failed")

    registry = Registry("http://mlflow:5000", "m", "champion", VersionCache(tmp_path))
    registry._client = Away()
    with pytest.raises(RegistryError) as raised:
        registry.resolve()
    assert str(raised.value) == "OSError: API request to http://mlflow:5000/api failed"


def test_the_bundle_is_found_wherever_its_manifest_lies(tmp_path):
    deep = tmp_path / "artifacts" / "bundle"
    deep.mkdir(parents=True)
    (tmp_path / "manifest.json").write_text('["another kind of manifest"]')
    (deep / "manifest.json").write_text(json.dumps({"layout": 1}))
    assert find_bundle(tmp_path) == deep


@pytest.mark.parametrize("content", ["not JSON", "[" * 100_000])
def test_a_model_without_a_bundle_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match="no bundle"):
        find_bundle(tmp_path)


def test_the_child_ends_when_its_parent_s_pipe_does(tmp_path):
    command = [sys.executable, "-m", "stancewire.serving.registry", "--model", "m"]
    command += ["--alias", "c", "--cache", str(tmp_path), "--every", "60"]
    command += ["--uri", f"sqlite:///{tmp_path}/absent.db"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        report = json.loads(child.stdout.readline())
        assert report["kind"] == "registry"
        child.stdin.close()
        assert child.wait(timeout=20) == 0
