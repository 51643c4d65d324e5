"""A machine without a registry: a model installed from an address, or the one that came with us."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from stancewire.bundle import TFIDF, Bundle
from stancewire.sums import write_sums

ITEM = {"text": "We welcome the accord.", "target": "the accord"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a real server offers it."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def release(write_bundle_in, tmp_path: Path) -> Bundle:
    bundle = write_bundle_in(tmp_path / "release", 0.5)
    (bundle.folder / "MODEL_CARD.md").write_text("A card.\n")
    write_sums(bundle.folder)
    return bundle


def packed(bundle: Bundle, path: Path) -> str:
    """Write the archive; gives its sha256."""
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(bundle.folder.iterdir()):
            archive.add(file, f"bundle/{file.name}")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stancewire(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "STANCEWIRE"))
    }
    return subprocess.run(
        [sys.executable, "-m", "stancewire", *words],
        cwd=home,
        env=environment | {"STANCEWIRE_CACHE": str(home / "cache"), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fresh_machine_answers_with_the_release(servers, release: Bundle):
    server = servers.start(release=release.folder)
    version = f"release-{release.sha256[:12]}"
    ready = server.http.get("/readyz")  # no wait: it is loaded before it listens
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "obtained": "release"})
    told = server.http.get("/v1/model").json()
    assert (told["version"], told["obtained"]) == (version, "release")
    assert (told["alias"], told["trouble"]) == (None, None)
    answer = server.score(ITEM).json()
    assert answer["model"]["version"] == version
    assert answer["results"][0]["label"] == "favor"


@pytest.mark.parametrize("name", [TFIDF, "MODEL_CARD.md"])
def test_a_damaged_release_is_said_and_the_service_stays_up(servers, release: Bundle, name: str):
    (release.folder / name).write_bytes(b"{}")
    server = servers.start(release=release.folder)
    assert server.http.get("/healthz").json() == {"status": "ok"}
    response = server.http.get("/readyz")
    assert response.status_code == 503
    assert "comes with the package is damaged" in response.json()["detail"]
    assert server.score(ITEM).status_code == 503
    assert f"{name} is not the file" in server.log
    assert str(release.folder) not in response.text


def test_a_registry_without_a_champion_leaves_it_to_the_release(
    servers, wait_until, release, tmp_path
):
    server = servers.start(
        release=release.folder, tracking_uri=f"sqlite:///{tmp_path / 'none.db'}", poll_s=0.2
    )
    wait_until(lambda: server.http.get("/readyz").is_success, "the release")
    told = server.http.get("/v1/model").json()
    assert (told["obtained"], told["alias"], told["trouble"]["kind"]) == (
        "release",
        "champion",
        "registry",
    )


def test_a_bundle_from_an_address_is_installed_and_served(
    servers, site: tuple[Path, str], small_bundle: Bundle, release: Bundle, tmp_path: Path
):
    folder, url = site
    sha256 = packed(small_bundle, folder / "bundle.tar.gz")
    home = tmp_path / "home"
    done = stancewire(home, "install", f"{url}/bundle.tar.gz", "--sha256", sha256)
    assert done.returncode == 0, done.stderr
    assert small_bundle.sha256[:12] in done.stdout
    server = servers.start(release=release.folder, cache=home / "cache")
    told = server.http.get("/v1/model").json()
    assert (told["version"], told["obtained"]) == (
        f"installed-{small_bundle.sha256[:12]}",
        "installed",
    )
    assert server.score(ITEM).is_success
    asked = stancewire(home, "score", ITEM["text"], "-t", ITEM["target"], "--json")
    assert asked.returncode == 0, asked.stderr
    assert small_bundle.sha256 in asked.stdout


def test_an_address_is_refused_without_its_hash_or_with_another(
    site: tuple[Path, str], small_bundle: Bundle, tmp_path: Path
):
    folder, url = site
    sha256 = packed(small_bundle, folder / "bundle.tar.gz")
    (folder / "bundle.tar.gz").write_bytes((folder / "bundle.tar.gz").read_bytes() + b"\0")
    home = tmp_path / "home"
    for words, code, said in (
        ((f"{url}/bundle.tar.gz",), 2, "needs --sha256"),
        ((f"{url}/bundle.tar.gz", "--sha256", sha256), 3, "is another file"),
        ((f"{url}/nothing.tar.gz", "--sha256", sha256), 3, "404"),
    ):
        done = stancewire(home, "install", *words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (home / "cache" / "installed").exists()


def test_the_command_serves_what_is_installed_where_there_is_no_registry(
    small_bundle: Bundle, tmp_path: Path
):
    home = tmp_path / "home"
    assert stancewire(home, "install", str(small_bundle.folder)).returncode == 0
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "STANCEWIRE"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "stancewire", "serve", "--port", "0"],
        cwd=home,
        env=environment | {"STANCEWIRE_CACHE": str(home / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert isinstance(process.stdout, io.TextIOBase)
        url = process.stdout.readline().removeprefix("listening on ").strip()
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            assert http.get("/readyz").json()["obtained"] == "installed"
            assert http.post("/v1/stance", json={"items": [ITEM]}).is_success
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()
