import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from stancewire import DataError, Label, StancePair, StancewireError
from stancewire.errors import ConfigError, Overloaded
from stancewire.remote import MAX_ITEMS, Remote

MODEL = {"name": "stancewire", "version": "3", "run_id": None}
Answer = tuple[int, dict[str, str], bytes]


class Service:
    """A real HTTP server with prepared answers; remembers the items it was sent."""

    def __init__(self) -> None:
        self.seen: list[list[dict[str, Any]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.reply: Callable[[list[dict[str, Any]]], Any] = good_reply
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/stance"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.bodies.append(json.loads(body))
                service.seen.append(service.bodies[-1]["items"])
                if service.answers:
                    status, headers, content = service.answers.pop(0)
                else:
                    content = json.dumps(service.reply(service.seen[-1])).encode()
                    status, headers = 200, {}
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def good_reply(items: list[dict[str, Any]]) -> dict[str, Any]:
    share = {"favor": 0.7, "against": 0.1, "neutral": 0.2}
    result = {
        "label": "favor", "score": 0.6, "confidence": 0.7, "probabilities": share,
        "abstained": False, "truncated": True,
    }  # fmt: skip
    return {"model": MODEL, "results": [{"id": item.get("id"), **result} for item in items]}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def document(status: int, **fields: Any) -> Answer:
    headers = {"Retry-After": "7"} if status == 503 else {}
    return status, headers, json.dumps({"title": "no", "status": status, **fields}).encode()


PAIR = StancePair("We welcome it — “gladly”.", "the treaty", speaker="A. B.", id="q1")


def test_an_answer_is_a_stance_and_names_its_model(service: Service) -> None:
    remote = Remote(service.url + "/")
    (stance,) = remote.predict([PAIR])
    assert stance.label is Label.FAVOR
    assert stance.probabilities[Label.NEUTRAL] == 0.2
    assert stance.truncated
    assert remote.model == MODEL
    assert service.seen == [[{"text": PAIR.text, "target": "the treaty"}]]


def test_a_long_list_is_asked_in_pieces_that_the_service_takes(service: Service) -> None:
    pairs = [StancePair("words", f"t{i}") for i in range(MAX_ITEMS + 1)]
    assert len(Remote(service.url).predict(pairs)) == MAX_ITEMS + 1
    assert [len(items) for items in service.seen] == [MAX_ITEMS, 1]
    assert service.seen[1] == [{"text": "words", "target": f"t{MAX_ITEMS}"}]


def test_a_refused_item_is_a_data_error_with_the_reasons(service: Service) -> None:
    reasons = [
        {"item": 0, "field": "target", "pointer": "/items/0/target", "message": "too long"},
        {"item": None, "field": None, "pointer": "", "message": "odd"},
    ]
    service.answers = [document(422, detail="2 errors", errors=reasons)]
    with pytest.raises(DataError, match="answered 422: 2 errors") as raised:
        Remote(service.url).predict([PAIR])
    assert [(p.field, p.message) for p in raised.value.problems] == [
        ("target", "too long"),
        ("request", "odd"),
    ]


def test_a_refused_item_is_named_by_its_place_in_the_whole_list(service: Service) -> None:
    reasons = [{"item": 1, "field": "target", "message": "too long"}, {"message": "odd"}]
    whole = json.dumps(good_reply([{}] * MAX_ITEMS)).encode()
    service.answers = [(200, {}, whole), document(422, errors=reasons)]
    with pytest.raises(DataError) as raised:
        Remote(service.url).predict([PAIR] * (MAX_ITEMS + 2))
    assert [p.where for p in raised.value.problems] == [f"item {MAX_ITEMS + 1}", "item None"]


def test_a_service_without_room_is_asked_again_when_it_wishes(service: Service) -> None:
    pauses: list[float] = []
    service.answers = [document(503), document(503)]
    assert Remote(service.url, pause=pauses.append).predict([PAIR])
    assert pauses == [7.0, 7.0]


def test_a_service_that_stays_without_room_is_given_up(service: Service) -> None:
    pauses: list[float] = []
    service.answers = [document(503, detail="full")] * 3
    with pytest.raises(Overloaded, match="full"):
        Remote(service.url, attempts=3, pause=pauses.append).predict([PAIR])
    assert len(pauses) == 2
    assert len(service.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        (404, {}, b"not here"),
        (500, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"model": {}, "results": []}'),
        (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
    ],
)
def test_something_else_than_a_service_is_neither_a_bad_row_nor_retried(
    service: Service, answer: Answer
) -> None:
    service.answers = [answer]
    with pytest.raises(StancewireError) as raised:
        Remote(service.url).predict([PAIR])
    assert type(raised.value) is StancewireError
    assert service.url in str(raised.value)
    assert len(service.seen) == 1


def test_no_service_at_all_is_said(service: Service) -> None:
    port = service.server.server_port
    unused = f"http://127.0.0.1:{port}"
    service.server.shutdown()
    service.server.server_close()
    with pytest.raises(StancewireError, match="no answer from"):
        Remote(unused).predict([PAIR])


def test_a_proxy_is_not_asked_for_this_machine(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Remote(service.url).predict([PAIR])


@pytest.mark.parametrize("url", ["localhost:8000", "file:///etc/hostname", "http://", "ftp://x"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        Remote(url)


def test_an_alpha_is_asked_and_its_sets_come_back(service: Service) -> None:
    def with_sets(items: list[dict[str, Any]]) -> dict[str, Any]:
        reply = good_reply(items)
        for result in reply["results"]:
            result["label_set"] = ["favor", "neutral"]
        return reply

    service.reply = with_sets
    (stance,) = Remote(service.url, alpha=0.1).predict([PAIR])
    assert stance.label_set == (Label.FAVOR, Label.NEUTRAL)
    assert service.bodies[-1]["alpha"] == 0.1
    Remote(service.url).predict([PAIR])
    assert "alpha" not in service.bodies[-1]


def test_an_alpha_that_the_service_refuses_is_not_the_fault_of_a_pair(service: Service) -> None:
    reason = {"item": None, "field": "alpha", "message": "calibrated without label sets"}
    service.answers = [document(422, detail="no", errors=[reason])]
    with pytest.raises(StancewireError, match="without label sets") as raised:
        Remote(service.url, alpha=0.1).predict([PAIR])
    assert type(raised.value) is StancewireError
