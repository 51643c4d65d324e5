"""Fetching from a real HTTP server that misbehaves as servers do."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stancewire.cli import main
from stancewire.data import sources
from stancewire.data.download import Limits
from stancewire.data.fetch import fetch
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import DataError

CONTENT = bytes(range(256)) * 1000
HALF = len(CONTENT) // 2
COMMIT = "c" * 40
DEADLINE_S = 30.0


class Handler(BaseHTTPRequestHandler):
    server: "Host"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Range"]))
        self.server.sent.append(0)
        content = self.server.files.get(self.path.lstrip("/"))
        script = self.server.script
        if script:
            script.pop(0)(self, content or b"")
        elif content is None:
            self.head(404)
        else:
            honest(self, content)

    def head(self, status: int, **headers: Any) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, content: bytes) -> None:
        self.server.sent[-1] += len(content)  # before: the client may look as soon as it has all
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:  # the client has gone, as some tests mean it to
            self.server.sent[-1] -= len(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Host(ThreadingHTTPServer):
    """Serves `files`; each of `script` answers one request in its way, in order."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.script: list[Answer] = []
        self.seen: list[tuple[str, str | None]] = []
        self.sent: list[int] = []
        self.released = threading.Event()
        self.was_left: bool | None = None  # False: the client waited until the stall was over
        self.url = f"http://127.0.0.1:{self.server_port}"

    def serve(self, content: bytes, path: str = "data/a.csv") -> None:
        self.files[f"o/r/{COMMIT}/{path}"] = content

    @property
    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.seen]


Answer = Callable[[Handler, bytes], None]


def honest(handler: Handler, content: bytes) -> None:
    asked = handler.headers["Range"]
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if start >= len(content):
        handler.head(416, Content_Range=f"bytes */{len(content)}")
        return
    place = f"bytes {start}-{len(content) - 1}/{len(content)}"
    extra = {"Content_Range": place} if asked else {}
    handler.head(206 if asked else 200, Content_Length=len(content) - start, **extra)
    handler.body(content[start:])


def cut(handler: Handler, content: bytes) -> None:
    handler.head(200, Content_Length=len(content))
    handler.body(content[:HALF])


def cut_at_once(handler: Handler, content: bytes) -> None:
    """The connection is closed without an answer."""


def stall(handler: Handler, content: bytes) -> None:
    cut(handler, content)
    handler.server.was_left = handler.server.released.wait(DEADLINE_S)


def without_ranges(handler: Handler, content: bytes) -> None:
    handler.head(200, Content_Length=len(content))
    handler.body(content)


def short_range(handler: Handler, content: bytes) -> None:
    place = f"bytes {HALF}-{HALF + 9}/{len(content)}"
    handler.head(206, Content_Length=10, Content_Range=place)
    handler.body(content[HALF : HALF + 10])


def other_range(handler: Handler, content: bytes) -> None:
    place = f"bytes {HALF - 1}-{len(content) - 1}/{len(content)}"
    handler.head(206, Content_Length=len(content) - HALF + 1, Content_Range=place)
    handler.body(content[HALF - 1 :])


def corrupt(handler: Handler, content: bytes) -> None:
    honest(handler, content[:-1] + b"?")


def without_length(handler: Handler, content: bytes) -> None:
    handler.head(200)
    handler.body(content)


def status(code: int, **headers: Any) -> Answer:
    return lambda handler, _: handler.head(code, Content_Length=0, **headers)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Host() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made.serve(CONTENT)
        yield made
        made.released.set()
        made.shutdown()
        thread.join()


def pinned(name: str = "a.csv", content: bytes = CONTENT, **fields: Any) -> SourceFile:
    whence = {"repository": "o/r", "commit": COMMIT, "path": f"data/{name}"}
    return SourceFile(name=name, sha256=sha256(content).hexdigest(), **whence | fields)


def made_of(*files: SourceFile, **fields: Any) -> Source:
    told = {"title": "t", "citation": "c", "licence": "MIT", "terms": "open", "folder": "set"}
    return Source(name="small", files=files, **told | fields)


ONE = made_of(pinned())


class Fetching:
    """Fetches into a folder of its own and never waits; `pauses` are those it would have made."""

    def __init__(self, host: Host, cache: Path) -> None:
        self.host, self.cache, self.folder = host, cache, cache / "set"
        self.pauses: list[float] = []

    def __call__(self, source: Source = ONE, **limits: Any) -> Path:
        chosen = {"attempts": 3, "stall_s": DEADLINE_S, "pause": self.pauses.append} | limits
        return fetch(source, self.cache, base=self.host.url, limits=Limits(**chosen))

    def fails(self, source: Source = ONE, **limits: Any) -> list[str]:
        with pytest.raises(DataError) as raised:
            self(source, **limits)
        return [problem.message for problem in raised.value.problems]

    def left(self) -> dict[str, int]:
        return {p.name: p.stat().st_size for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def get(host: Host, tmp_path: Path) -> Fetching:
    return Fetching(host, tmp_path / "cache")


def test_a_file_is_fetched_once(host: Host, tmp_path: Path, get: Fetching) -> None:
    told: list[tuple[str, int, int | None]] = []
    folder = fetch(ONE, get.cache, base=f"{host.url}/", progress=lambda *it: told.append(it))
    assert folder == get.folder
    assert (folder / "a.csv").read_bytes() == CONTENT
    assert get.left() == {"a.csv": len(CONTENT)}
    assert told[-1] == ("a.csv", len(CONTENT), len(CONTENT))
    assert host.seen == [(f"/o/r/{COMMIT}/data/a.csv", None)]
    get()
    assert len(host.seen) == 1


def test_a_cut_file_goes_on_where_it_was_cut(host: Host, get: Fetching) -> None:
    host.script = [cut]
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert host.ranges == [None, f"bytes={HALF}-"]
    assert host.sent == [HALF, len(CONTENT) - HALF]
    assert get.left() == {"a.csv": len(CONTENT)}
    assert get.pauses == [1.0]


def test_what_came_of_it_is_kept_for_the_next_time(host: Host, get: Fetching) -> None:
    host.script = [cut, cut_at_once, status(503)]
    (message,) = get.fails(backoff_s=0.5)
    assert "given up after 3 attempts; the last: answered 503" in message
    assert get.pauses == [0.5, 1.0]
    assert get.left() == {"a.csv.part": HALF}
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert host.ranges[-1] == f"bytes={HALF}-"
    assert host.sent[-1] == len(CONTENT) - HALF


def test_a_server_that_falls_silent_is_left(host: Host, get: Fetching) -> None:
    host.script = [stall]
    assert (get(stall_s=0.2) / "a.csv").read_bytes() == CONTENT
    assert host.ranges == [None, f"bytes={HALF}-"]
    assert host.was_left is None  # it is silent still


@pytest.mark.parametrize(
    ("answer", "after"),
    [(without_ranges, []), (other_range, [None]), (status(416), [None]), (status(206), [None])],
    ids=["ignores ranges", "another range", "range refused", "no Content-Range"],
)
def test_a_server_that_does_not_resume_sends_the_whole(
    host: Host, get: Fetching, answer: Answer, after: list[None]
) -> None:
    host.script = [cut, answer]
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert host.ranges == [None, f"bytes={HALF}-", *after]
    assert host.sent[-1] == len(CONTENT)
    assert len(get.pauses) == 1 + len(after)  # found out by the answer, not by the hash


def test_a_part_of_the_range_is_not_the_whole(host: Host, get: Fetching) -> None:
    host.script = [cut, short_range]
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert host.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 10}-"]


def test_a_part_of_something_else_is_thrown_away(host: Host, get: Fetching) -> None:
    get.folder.mkdir(parents=True)
    (get.folder / "a.csv.part").write_bytes(b"something else")
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert host.ranges == ["bytes=14-", None]


def test_a_wrong_hash_leaves_nothing_behind(host: Host, get: Fetching) -> None:
    host.script = [corrupt]
    (message,) = get.fails()
    assert f"expected sha256 {sha256(CONTENT).hexdigest()}" in message
    assert f"found {sha256(CONTENT[:-1] + b'?').hexdigest()}" in message
    assert get.left() == {}
    assert len(host.seen) == 1


def test_a_wrong_file_is_replaced_and_only_by_a_right_one(host: Host, get: Fetching) -> None:
    get.folder.mkdir(parents=True)
    (get.folder / "a.csv").write_bytes(b"old")
    host.script = [corrupt]
    get.fails()
    assert (get.folder / "a.csv").read_bytes() == b"old"
    get()
    assert (get.folder / "a.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_when_it_wishes(
    host: Host, get: Fetching, code: int
) -> None:
    host.script = [status(code, Retry_After=7), status(code, Retry_After=3600)]
    get()
    assert get.pauses == [7.0, 60.0]


@pytest.mark.parametrize("code", [204, 206, 401, 403, 404, 416])
def test_a_refusal_is_final(host: Host, get: Fetching, code: int) -> None:
    host.script = [status(code)]
    (message,) = get.fails()
    assert message.endswith(f"answered {code}")
    assert len(host.seen) == 1


def test_a_redirect_is_followed_and_keeps_the_range(host: Host, get: Fetching) -> None:
    host.files["elsewhere"] = CONTENT
    moved = status(302, Location="/elsewhere")
    host.script = [moved, cut, moved]
    assert (get() / "a.csv").read_bytes() == CONTENT
    assert [path for path, _ in host.seen][1::2] == ["/elsewhere"] * 2
    assert host.ranges == [None, None, *[f"bytes={HALF}-"] * 2]


def test_redirects_without_end_are_given_up(host: Host, get: Fetching) -> None:
    host.script = [status(302, Location=f"/o/r/{COMMIT}/data/a.csv")] * 9
    (message,) = get.fails(redirects=4)
    assert "redirect" in message
    assert len(host.seen) == 5
    assert get.pauses == []


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/a", "file:///etc/hostname"])
def test_a_redirect_leads_to_the_web_only(host: Host, get: Fetching, to: str) -> None:
    host.script = [status(302, Location=to)]
    (message,) = get.fails()
    assert "protocol" in message
    assert len(host.seen) == 1


@pytest.mark.parametrize("answer", [honest, without_length])
def test_what_is_too_long_is_refused(host: Host, get: Fetching, answer: Answer) -> None:
    host.script = [answer]
    (message,) = get.fails(max_bytes=len(CONTENT) - 1)
    assert f"longer than the {len(CONTENT) - 1} bytes" in message
    assert get.left() == {}
    get(max_bytes=len(CONTENT))


def test_what_the_server_encodes_is_refused(host: Host, get: Fetching) -> None:
    host.script = [status(200, Content_Encoding="gzip")]
    (message,) = get.fails()
    assert "encoded" in message


def test_no_server_at_all_is_said(host: Host, get: Fetching) -> None:
    host.shutdown()
    host.server_close()
    (message,) = get.fails()
    assert "given up after 3 attempts" in message
    assert len(get.pauses) == 2


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def torn(archive: bytes) -> bytes:
    return archive[:60] + b"?" * 200 + archive[260:]  # within the compressed content


IN_ZIP = made_of(pinned("a.csv", path="data/The set (R).zip", member="rows.csv"))


@pytest.mark.parametrize("name", ["rows.csv", "The set/rows.csv", "../../../rows.csv"])
def test_a_member_of_a_zip_is_kept(host: Host, get: Fetching, name: str, tmp_path: Path) -> None:
    archive = packed(**{"readme.txt": b"words", "other_rows.csv": b"x", name: CONTENT})
    host.serve(archive, "data/The%20set%20%28R%29.zip")
    assert (get(IN_ZIP) / "a.csv").read_bytes() == CONTENT
    assert get.left() == {"a.csv": len(CONTENT)}
    assert not list(tmp_path.rglob("rows.csv"))
    get(IN_ZIP)
    assert len(host.seen) == 1


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"no zip", "cannot be unpacked"),
        (packed(**{"a.csv": CONTENT}), "expected one rows.csv in the zip, found 0"),
        (packed(**{"a/rows.csv": b"1", "b/rows.csv": b"2"}), "found 2"),
        (packed(**{"rows.csv": b"other"}), "expected sha256"),
        (packed(**{"rows.csv": bytes(10**6)}), "unpacks to more than"),
        (torn(packed(**{"rows.csv": CONTENT})), "cannot be unpacked"),
    ],
    ids=["no zip", "no member", "two members", "other content", "a bomb", "a torn member"],
)
def test_a_zip_that_cannot_be_used_leaves_nothing_behind(
    host: Host, get: Fetching, archive: bytes, message: str
) -> None:
    host.serve(archive, "data/The%20set%20%28R%29.zip")
    (told,) = get.fails(IN_ZIP, max_bytes=500_000)
    assert message in told
    assert get.left() == {}


def test_every_file_is_tried_and_every_fault_told(host: Host, get: Fetching) -> None:
    kept = pinned("sub/good.csv", b"good")
    host.serve(b"good", "data/sub/good.csv")
    mirrored = SourceFile(name="reduced.jsonl", sha256="0" * 64)
    absent, reduced = get.fails(made_of(pinned("absent.csv"), mirrored, kept))
    assert absent.endswith("answered 404")
    assert "only a mirror holds" in reduced
    assert get.left() == {"good.csv": 4}
    assert len(host.seen) == 2


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(("data", *argv))
    return int(ended.value.code or 0)


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`declare(a=source)`: the only declared sources, under their names."""

    def declare(**given: Source) -> None:
        named = {name: s.model_copy(update={"name": name}) for name, s in given.items()}
        monkeypatch.setattr(sources, "declared", lambda: named)

    return declare


REDUCED = made_of(SourceFile(name="r.jsonl", sha256=sha256(b"r").hexdigest()), folder="reduced")


def test_the_command_fetches_what_has_accepted_terms(
    host: Host,
    tmp_path: Path,
    declare: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    declare(
        free=ONE, barred=made_of(pinned(), terms="non-commercial", folder="barred"), red=REDUCED
    )
    options = ["--base", host.url, "--cache", str(tmp_path / "c")]
    assert run("fetch", "--all", *options) == 2
    assert "barred: terms: non-commercial (MIT): --accept non-commercial" in capsys.readouterr().err
    assert host.seen == []
    assert run("fetch", "--all", *options, "--accept", "any") == 2
    assert run("fetch", *options) == 2
    assert run("fetch", "free", "--all", *options) == 2
    capsys.readouterr()
    assert run("fetch", "--all", *options, "--accept", "non-commercial") == 0
    assert "left out: red" in capsys.readouterr().err
    for folder in ("set", "barred"):
        assert (tmp_path / "c" / folder / "a.csv").read_bytes() == CONTENT
    assert run("fetch", "red", *options) == 2
    assert "only a mirror holds" in capsys.readouterr().err
    assert len(host.seen) == 2


def test_the_command_tells_every_file_it_could_not_get(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--base", host.url, "--cache", str(tmp_path)]
    assert run("fetch", "negnli", "rusentne", "nothing", *options) == 2
    assert host.seen == []
    capsys.readouterr()
    assert run("fetch", "negnli", "rusentne", *options) == 2
    told = capsys.readouterr().err
    assert "5 file(s) could not be fetched" in told
    assert told.count("answered 404") == 5


def test_the_command_verifies_a_mirror_without_a_network(
    host: Host,
    tmp_path: Path,
    declare: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    declare(red=REDUCED, one=ONE)
    (tmp_path / "reduced").mkdir()
    (tmp_path / "reduced" / "r.jsonl").write_bytes(b"r")
    options = ["--mirror", str(tmp_path), "--base", host.url]
    assert run("fetch", "red", *options) == 0
    assert run("fetch", "--all", *options) == 2
    told = capsys.readouterr()
    assert told.out == "red: 1 file(s) as declared\n" * 2
    assert f"{tmp_path / 'set' / 'a.csv'}: sha256: is not there" in told.err
    assert host.seen == []


def test_the_list_says_what_is_here(
    tmp_path: Path, declare: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    declare(red=REDUCED, one=ONE)
    (tmp_path / "c" / "set").mkdir(parents=True)
    (tmp_path / "c" / "set" / "a.csv").touch()
    options = ["--cache", str(tmp_path / "c")]
    assert run("list", "--json", *options, "--mirror", str(tmp_path / "m")) == 0
    red, one = json.loads(capsys.readouterr().out)
    assert (red["cached"], red["mirrored"], red["fetchable"]) == (False, False, False)
    assert (one["cached"], one["mirrored"], one["fetchable"]) == (True, False, True)
    assert (one["licence"], one["terms"], one["languages"]) == ("MIT", "open", ["en"])
    assert [file["name"] for file in one["files"]] == ["a.csv"]
    assert run("list", *options) == 0
    shown = capsys.readouterr().out
    assert "only in a mirror" in shown
    assert "cached" in shown
