"""The HTTP contract, met as a client meets it: a real process, real requests."""

import json
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from stancewire import Predictor, StancePair
from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.serving.schemas import StanceResponse

QUOTE = "We welcome the accord, and we reject what was said of it."
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def server(lasting_servers, small_bundle):
    return lasting_servers.start(bundle=small_bundle.folder)


def problem(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document = response.json()
    assert document["status"] == status
    assert document["type"] == f"urn:stancewire:problem:{slug}"
    assert "Traceback" not in response.text
    return document


def post(server, content, content_type="application/json"):
    return server.http.post("/v1/stance", content=content, headers={"content-type": content_type})


def item(**changes):
    return {"text": QUOTE, "target": "the accord"} | changes


def test_answers_are_the_predictor_s_in_the_order_of_the_items(server, small_bundle):
    items = [
        item(id="b", text="We reject it."),
        item(speaker="A. Spokesperson"),
        item(id="a", text="We welcome it."),
        item(id="b", text="We take note."),
    ]
    response = server.score(*items)
    assert response.status_code == 200
    body = response.json()
    assert body["model"] == {
        "name": "stancewire",
        "version": f"local-{small_bundle.sha256[:12]}",
        "run_id": "made-by-hand",
    }
    expected = Predictor.load(small_bundle).predict(
        [StancePair(i["text"], i["target"]) for i in items]
    )
    assert body["results"] == [
        {
            "id": i.get("id"),
            "label": s.label,
            "score": s.score,
            "confidence": s.confidence,
            "probabilities": {label.value: p for label, p in s.probabilities.items()},
            "abstained": s.abstained,
            "truncated": s.truncated,
        }
        for i, s in zip(items, expected, strict=True)
    ]
    assert [r["label"] for r in body["results"]] == ["against", "favor", "favor", "neutral"]


def test_the_answer_for_a_target_does_not_depend_on_the_others(server):
    together = server.score(*(item(target=f"target {i}") for i in range(20))).json()["results"]
    alone = server.score(item(target="target 7")).json()["results"]
    assert together[7]["probabilities"] == pytest.approx(alone[0]["probabilities"], abs=1e-6)


def test_as_many_items_as_the_contract_allows_and_no_more(server):
    many = [item(id=str(i), target=f"target {i}") for i in range(256)]
    results = server.score(*many).json()["results"]
    assert [r["id"] for r in results] == [str(i) for i in range(256)]
    document = problem(server.score(*many, item()), 422, "invalid-input")
    assert [e["pointer"] for e in document["errors"]] == ["/items"]
    assert problem(server.score(), 422, "invalid-input")["errors"][0]["field"] == "items"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": "a" * 10_001}, "text"),
        ({"target": "a" * 301}, "target"),
        ({"target": " … "}, "target"),
        ({"text": None}, "text"),
        ({"id": 12}, "id"),
        ({"id": "\ud800"}, "id"),
        ({"stance": "favor"}, "stance"),
    ],
)
def test_a_bad_item_is_named_with_its_field(server, change, field):
    # json.dumps, since httpx would not send a lone surrogate
    response = post(server, json.dumps({"items": [item(), item(), item() | change]}).encode())
    (error,) = problem(response, 422, "invalid-input")["errors"]
    assert (error["item"], error["field"]) == (2, field)
    assert error["pointer"] == f"/items/2/{field}"
    assert error["message"]


def test_all_bad_items_are_named_at_once(server):
    document = problem(server.score(item(text=""), {"target": "x"}), 422, "invalid-input")
    assert [e["pointer"] for e in document["errors"]] == ["/items/0/text", "/items/1/text"]


@pytest.mark.parametrize("content", [b'{"items": [', b"", b"\xff\xfe\xfa", b"[" * 200_000, b"\0"])
def test_what_is_no_json_is_a_client_s_error(server, content):
    response = post(server, content)
    assert response.status_code in (400, 422), response.text
    assert response.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("content", [b"[]", b"null", b"1e999", b'"text"', b'{"items": {}}'])
def test_json_of_another_shape_is_refused(server, content):
    problem(post(server, content), 422, "invalid-input")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_must_call_itself_json(server, content_type):
    problem(post(server, b'{"items": []}', content_type), 415, "unsupported-media-type")


def test_unknown_fields_of_the_request_are_refused(server):
    response = server.http.post("/v1/stance", json={"items": [item()], "a/b": 1})
    (error,) = problem(response, 422, "invalid-input")["errors"]
    assert (error["item"], error["pointer"]) == (None, "/a~1b")


def test_a_body_too_large_is_refused_whether_it_says_so_or_not(server):
    def chunks():
        for _ in range(2000):
            yield b" " * 1000

    problem(post(server, b" " * 2_000_000), 413, "body-too-large")
    problem(post(server, chunks()), 413, "body-too-large")
    assert post(server, b" " * 900_000 + json.dumps({"items": [item()]}).encode()).is_success


def test_words_of_any_script_are_taken_and_ids_come_back_unchanged(server):
    identity = "é 中文 🕊\u0000\n"
    body = json.dumps({"items": [item(id=identity, text="Мы приветствуем 🕊", target="协定")]})
    response = post(server, body.encode())
    assert response.json()["results"][0]["id"] == identity
    response = post(server, json.dumps({"items": [item(text="We welcome\ud800 it")]}).encode())
    assert response.json()["results"][0]["label"] == "favor"


def test_unknown_paths_and_methods_are_problems_too(server):
    problem(server.http.get("/v1/stances"), 404, "not-found")
    problem(server.http.post("/v1/stance/", json={"items": [item()]}), 404, "not-found")
    response = server.http.get("/v1/stance")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_health_model_and_headers(server, small_bundle):
    assert server.http.get("/healthz").json() == {"status": "ok"}
    response = server.http.get("/readyz")
    assert response.json() == {"status": "ready", "obtained": "bundle"}
    assert "server" not in response.headers
    model = server.http.get("/v1/model").json()
    assert model.pop("loaded_at")
    assert model == {
        "name": "stancewire",
        "version": f"local-{small_bundle.sha256[:12]}",
        "run_id": "made-by-hand",
        "alias": None,
        "bundle_sha256": small_bundle.sha256,
        "family": "tfidf",
        "precision": "fp32",
        "labels": ["favor", "against", "neutral"],
        "calibration": {
            "temperature": 1.5,
            "domain_temperatures": {},
            "abstain_below": 0.5,
            "fitted_on": {},
        },
        "obtained": "bundle",
        "trouble": None,
    }


def test_openapi_is_complete_and_its_examples_work(server):
    schema = server.http.get("/openapi.json").json()
    stance = schema["paths"]["/v1/stance"]["post"]
    assert set(stance["responses"]) == {"200", "400", "413", "415", "422", "500", "503"}
    for code, response in stance["responses"].items():
        if code != "200":
            assert list(response["content"]) == [PROBLEM]
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)))
    assert names <= set(schema["components"]["schemas"])
    (example,) = schema["components"]["schemas"]["StanceRequest"]["examples"]
    assert server.http.post("/v1/stance", json=example).status_code == 200
    assert "swagger" in server.http.get("/docs").text


def test_what_the_documentation_shows_is_true(server):
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    (sent,) = re.findall(r"-d '(.*?)'\n```", page, re.DOTALL)
    response = post(server, sent.replace("'\"'\"'", "'").encode())
    shown = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    assert [r["id"] for r in response.json()["results"]] == [r["id"] for r in shown["results"]]
    assert response.json()["results"][0].keys() == shown["results"][0].keys()
    StanceResponse.model_validate(shown)
    counters = server.http.get("/metrics").text
    named = re.findall(r"`(\w+)(?:\{[\w,]+\})?`", page.partition("the prefix `stancewire_`:")[2])
    assert len(named) > 9
    for name in named:
        assert f"# TYPE stancewire_{name} " in counters or f"# TYPE {name} " in counters, name


def test_metrics_count_items_labels_and_requests(server, small_bundle):
    before = server.metric("stancewire_items_total")
    against = server.metric('stancewire_labels_total{label="against"}')
    server.score(item(text="We reject this."), item(text="We reject that."))
    server.http.get("/nowhere?at=all")
    assert server.metric("stancewire_items_total") == before + 2
    assert server.metric('stancewire_labels_total{label="against"}') == against + 2
    assert server.metric('stancewire_request_seconds_count{code="404",route="unmatched"}') >= 1
    assert server.metric('stancewire_request_seconds_count{code="200",route="/v1/stance"}') >= 1
    assert server.metric("stancewire_ready") == 1
    assert server.metric("stancewire_model_info{") == 1
    assert small_bundle.sha256 in server.http.get("/metrics").text


def test_an_unforeseen_error_tells_nothing_and_no_text_is_ever_logged(server):
    secret = "the delegation leaves on Thursday"
    response = server.score(item(text=f"BREAK {secret}"))
    document = problem(response, 500, "internal-error")
    assert set(document) == {"type", "title", "status"}
    server.http.get("/healthz", params={"token": "abc"})
    assert server.score(item(text=f"we welcome {secret}", target=f"{secret}?")).is_success
    assert server.score(item(text=secret * 400)).status_code == 422
    assert "RuntimeError while answering" in server.log
    assert "GET /healthz 200" in server.log
    assert "Thursday" not in server.log
    assert "abc" not in server.log


def test_too_much_at_once_is_shed_and_what_was_admitted_is_answered(
    servers, small_bundle, wait_until
):
    server = servers.start(bundle=small_bundle.folder, workers=1, max_waiting=2)
    held = item(text="HOLD: we welcome it")
    with ThreadPoolExecutor(2) as clients:
        admitted = [clients.submit(server.score, held) for _ in range(2)]
        wait_until(lambda: server.metric("stancewire_waiting_requests") == 2, "two admitted")
        response = server.score(item())
        problem(response, 503, "overloaded")
        assert 1 <= int(response.headers["retry-after"]) <= 30
        assert server.http.get("/healthz").is_success
        server.gate.touch()
        for request in admitted:
            assert request.result().json()["results"][0]["label"] == "favor"
    assert server.score(item()).is_success
    assert server.metric("stancewire_shed_total") == 1


def test_an_answer_that_takes_too_long_is_given_up(servers, small_bundle):
    server = servers.start(bundle=small_bundle.folder, timeout_s=0.1)
    response = server.score(item(text="HOLD on"))
    problem(response, 503, "overloaded")
    assert "retry-after" in response.headers


def test_items_beyond_this_service_s_own_limit_are_refused(servers, small_bundle):
    server = servers.start(bundle=small_bundle.folder, max_items=2)
    assert server.score(item(), item()).is_success
    (error,) = problem(server.score(item(), item(), item()), 422, "invalid-input")["errors"]
    assert error["pointer"] == "/items"


def test_told_to_stop_it_is_not_ready_still_answers_and_ends_well(
    servers, small_bundle, wait_until
):
    server = servers.start(bundle=small_bundle.folder, drain_s=1.5)
    with ThreadPoolExecutor(1) as clients:
        held = clients.submit(server.score, item(text="HOLD: we welcome it"))
        wait_until(lambda: server.metric("stancewire_waiting_requests") == 1, "one admitted")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.http.get("/readyz").status_code == 503, "not ready")
        assert server.score(item()).is_success
        wait_until(lambda: "Shutting down" in server.log, "doors closed")
        server.gate.touch()
        assert held.result().json()["results"][0]["label"] == "favor"
    assert server.stop() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False)


def test_interrupted_by_hand_it_stops_at_once(servers, small_bundle):
    server = servers.start(bundle=small_bundle.folder, drain_s=60.0)
    assert server.stop(signal.SIGINT) == 0


def test_without_any_model_it_lives_and_is_not_ready(servers):
    server = servers.start()
    assert server.http.get("/healthz").is_success
    for response in (
        server.http.get("/readyz"),
        server.http.get("/v1/model"),
        server.score(item()),
    ):
        problem(response, 503, "not-ready")
        assert int(response.headers["retry-after"]) > 0
    assert server.metric("stancewire_ready") == 0


def serve_in_vain(**settings):
    code = (
        "from stancewire.serving.run import serve\n"
        "from stancewire.serving.settings import Settings\n"
        f"serve(Settings(**{settings!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_a_bundle_that_cannot_be_served_ends_the_start(small_bundle, tmp_path):
    for path in small_bundle.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tfidf.json").write_bytes(b"{}")
    ended = serve_in_vain(bundle=str(tmp_path), port=0)
    assert ended.returncode != 0
    assert "listening" not in ended.stdout
    assert "BundleError" in ended.stderr.splitlines()[-1]


def test_an_address_that_is_taken_ends_the_start(small_bundle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve_in_vain(bundle=str(small_bundle.folder), port=port)
    assert "ConfigError: cannot listen on 127.0.0.1" in ended.stderr.splitlines()[-1]


def test_the_serving_process_needs_no_training_libraries():
    code = "import sys, stancewire.serving.run; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "fastapi" in loaded
    heavy = {"torch", "transformers", "mlflow", "pandas", "sklearn", "sqlalchemy", "matplotlib"}
    assert not loaded & heavy
    assert "stancewire.training" not in ran.stdout
    assert "stancewire.data" not in ran.stdout


def test_label_sets_are_given_where_an_alpha_is(server, small_bundle):
    items = [item(), item(target="what was said")]
    plain = server.http.post("/v1/stance", json={"items": items}).json()["results"]
    assert all("label_set" not in result for result in plain)
    predictor = Predictor.load(small_bundle)
    for alpha in (0.1, 0.5):  # the second answer comes from the cache, and has its own sets
        body = {"items": items, "alpha": alpha}
        found = server.http.post("/v1/stance", json=body).json()["results"]
        wanted = predictor.predict([StancePair(**item) for item in items], alpha=alpha)
        assert [r["label_set"] for r in found] == [[*map(str, s.label_set)] for s in wanted]
        assert [r["probabilities"] for r in found] == [r["probabilities"] for r in plain]
    both = {"items": items, "alpha": 0.1, "explain": True}
    for result in server.http.post("/v1/stance", json=both).json()["results"]:
        assert result["label_set"] and result["explanation"]


@pytest.mark.parametrize("alpha", [0, 1, -0.1, "0.1", True])
def test_an_alpha_that_is_none_is_named(server, alpha):
    response = server.http.post("/v1/stance", json={"items": [item()], "alpha": alpha})
    (error,) = problem(response, 422, "invalid-input")["errors"]
    assert error["pointer"] == "/alpha"


def test_a_model_without_label_sets_says_so(servers, small_bundle, tmp_path):
    files = {name: small_bundle.bytes(name) for name in (TFIDF, "labels.json")}
    files[CALIBRATION] = b'{"temperature": 1.5}'  # as every bundle had once
    old = write_bundle(tmp_path / "old", files, {"family": "tfidf"})
    server = servers.start(bundle=old.folder)
    response = server.http.post("/v1/stance", json={"items": [item()], "alpha": 0.1})
    (error,) = problem(response, 422, "invalid-input")["errors"]
    assert error["pointer"] == "/alpha"
    assert "without label sets" in error["message"]
    assert server.score(item()).is_success
