"""A real service in a process of its own, met over HTTP; a corpus and recipes for whole runs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from stancewire.bundle import CALIBRATION, TFIDF, Bundle, write_bundle
from stancewire.data.files import write_records
from stancewire.records import Record
from stancewire.serving.settings import Settings
from stancewire.training.recipe import Recipe

DEADLINE_S = 60.0

# What a statement says of a target decides, and so does its length: no side alone is enough.
STANCES = {"welcome": "favor", "reject": "against", "see": "neutral"}
TARGETS = {"train": ["treaty", "levy"], "dev": ["the levy", "a treaty"], "test": ["the treaty"]}
QUOTES = {"train": 30, "dev": 9, "test": 9}

# Lets a test decide what happens inside: a text with HOLD is answered once the file is there, one
# with BREAK never.
PROGRAM = """
import sys, time
from pathlib import Path
from stancewire.backends import TfidfBackend
from stancewire.serving.run import serve
from stancewire.serving.settings import Settings

gate, answer = Path(sys.argv[2]), TfidfBackend.logits

def logits(self, pairs):
    said = " ".join(p.text for p in pairs)
    if "BREAK" in said:
        raise RuntimeError(said)
    while "HOLD" in said and not gate.exists():
        time.sleep(0.01)
    return answer(self, pairs)

TfidfBackend.logits = logits
serve(Settings.model_validate_json(sys.argv[1]))
"""


def _wait_until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {DEADLINE_S:g} s in vain for: {what}")


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], Any], str], Any]:
    """`wait_until(condition, what)`: what the condition gives once it is true."""
    return _wait_until


class Server:
    """A running service."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.gate = folder / "gate"
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, settings.model_dump_json(), str(self.gate)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=folder,
            )
        self.url = self._address()
        self.http = httpx.Client(base_url=self.url, timeout=DEADLINE_S, trust_env=False)

    def _address(self) -> str:
        found: list[str] = []
        stdout = self.process.stdout
        assert stdout is not None
        reader = threading.Thread(target=lambda: found.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(DEADLINE_S)
        line = found[0] if found else ""
        assert line.startswith("listening on http://"), f"{line!r}\n{self.log}"
        return line.removeprefix("listening on ").strip()

    @property
    def log(self) -> str:
        return self._errors.read_text()

    def score(self, *items: dict[str, Any]) -> httpx.Response:
        return self.http.post("/v1/stance", json={"items": list(items)})

    def version(self) -> str | None:
        response = self.http.get("/v1/model")
        return response.json()["version"] if response.status_code == 200 else None

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def metric(self, line_start: str) -> float:
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(line_start):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {line_start}")

    def stop(self, sig: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, sig)
        code = self.process.wait(DEADLINE_S)
        self.http.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Servers:
    """Starts services and stops them all at the end."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._started: list[Server] = []

    def start(self, **settings: Any) -> Server:
        folder = self._make_folder()
        defaults = {"port": 0, "cache": folder / "cache", "release": None, "drain_s": 0.0}
        server = Server(folder, Settings(**(defaults | settings)))
        self._started.append(server)
        return server

    def stop(self) -> None:
        for server in self._started:
            server.gate.touch()
            server.stop()


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers(lambda: tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def lasting_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """As `servers`, for services that a module's tests only ask."""
    started = Servers(lambda: tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


def write_small_bundle(folder: Path, lean: float) -> Bundle:
    """A bundle of the smallest family; `lean` moves every answer toward favor."""
    table = {
        "text": {
            "terms": ["welcome", "reject"],
            "idf": [1.0, 1.0],
            "weights": [[2.0, -1.0, 0.0], [-1.0, 2.0, 0.0]],
        },
        "target": {"terms": [], "idf": [], "weights": []},
        "bias": [lean, 0.0, 0.25],
    }
    scores = [i / 40 for i in range(40)]
    calibration = {"temperature": 1.5, "abstain_below": 0.5, "nonconformity": scores}
    files = {TFIDF: json.dumps(table).encode(), CALIBRATION: json.dumps(calibration).encode()}
    return write_bundle(folder, files, {"family": "tfidf", "made": {"run_id": "made-by-hand"}})


@pytest.fixture(scope="session")
def write_bundle_in() -> Callable[[Path, float], Bundle]:
    """`write_bundle_in(folder, lean)`: a bundle whose answers lean toward favor by `lean`."""
    return write_small_bundle


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_small_bundle(tmp_path_factory.mktemp("small") / "bundle", lean=0.0)


@pytest.fixture(scope="session")
def records(make_record: Callable[..., Record]) -> list[Record]:
    verbs = list(STANCES)
    return [
        make_record(
            id=f"{split}-{i}-{j}",
            text=f"we {verbs[i % 3]} the treaty, we {verbs[(i + 1) % 3]} the levy, {split} {i}",
            target=target,
            stance=STANCES[verbs[(i + ("levy" in target)) % 3]],
            split=split,
        )
        for split, quotes in QUOTES.items()
        for i in range(quotes)
        for j, target in enumerate(TARGETS[split])
    ]


@pytest.fixture(scope="session")
def source(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for split in QUOTES:
        write_records(folder / f"{split}.jsonl", [r for r in records if r.split == split])
    return folder


@pytest.fixture(scope="session")
def make_recipe(source: Path, tiny_encoder_folder: Path) -> Callable[..., Recipe]:
    def make(family: str, **changes: Any) -> Recipe:
        fields = {
            "name": f"tiny-{family}",
            "family": family,
            "data": {"source": str(source)},
            "base": {
                "path": str(tiny_encoder_folder), "max_text_tokens": 64, "max_target_tokens": 48,
            },
            "head": {"hidden": 16},
            "schedule": {"epochs": 2, "quotes": 4, "encoder_lr": 1e-3, "head_lr": 5e-3},
            "linear": {"min_df": 1},
            # A random encoder leaves hardly any margin; what is tested is that int8 is made.
            "parity": {"max_flips": 1.0, "max_f1_drop": 1.0},
            "behaviour": False,
        }  # fmt: skip
        return Recipe.model_validate(fields | changes)

    return make
