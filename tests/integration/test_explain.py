"""Explanations over HTTP, met as a client meets them."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stancewire import Predictor, StancePair
from stancewire.explain import explain
from stancewire.serving.schemas import MAX_EXPLAINED, StanceRequest, StanceResponse

QUOTE = "We  “welcome” the accord, and we reject what was said of it."
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.fixture(scope="module")
def server(lasting_servers, small_bundle):
    return lasting_servers.start(bundle=small_bundle.folder)


def ask(server, *items, **fields):
    body = json.dumps({"items": list(items), **fields})
    headers = {"content-type": "application/json"}
    return server.http.post("/v1/stance", content=body.encode(), headers=headers)


def item(text=QUOTE, target="the accord"):
    return {"text": text, "target": target}


def test_the_weights_are_the_predictor_s_and_stand_where_they_say(server, small_bundle):
    items = [item(), item("We reject it.", "a levy")]
    answered = ask(server, *items, explain=True)
    plain = ask(server, *items)
    assert answered.status_code == plain.status_code == 200
    predictor = Predictor.load(small_bundle)
    for one, result, bare in zip(
        items, answered.json()["results"], plain.json()["results"], strict=True
    ):
        weights = result.pop("explanation")
        assert result == bare  # and nothing of an explanation that was not asked for
        wanted = explain(predictor, StancePair(**one))
        for side in ("text", "target"):
            spans = getattr(wanted, side)
            assert [vars(span) for span in spans] == weights[side]
            assert [one[side][s["start"] : s["end"]] for s in weights[side]] == [
                s["word"] for s in weights[side]
            ]
        by_word = {s["word"]: s["weight"] for s in weights["text"]}
        assert by_word["reject"] != 0
        assert by_word.get("accord", 0) == 0


def test_false_is_as_if_it_were_not_there(server):
    assert ask(server, item(), explain=False).json() == ask(server, item()).json()


def test_no_more_items_than_can_be_explained(server):
    assert ask(server, *[item()] * MAX_EXPLAINED, explain=True).status_code == 200
    response = ask(server, *[item()] * (MAX_EXPLAINED + 1), explain=True)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == "urn:stancewire:problem:invalid-input"
    (error,) = document["errors"]
    assert (error["pointer"], error["item"]) == ("/items", None)
    assert str(MAX_EXPLAINED) in error["message"]
    assert ask(server, *[item()] * (MAX_EXPLAINED + 1)).status_code == 200


@pytest.mark.parametrize("wrong", ["true", 1, None, [], {"text": True}])
def test_only_true_and_false_are_taken(server, wrong):
    response = ask(server, item(), explain=wrong)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/explain"


def test_any_text_that_is_answered_is_explained(server):
    words = "we welcome\ud800 it " * 400
    for text in ("Мы приветствуем 🕊", "a", words, "\u200bwe\u0000lcome", "é" * 10_000):
        response = ask(server, item(text), explain=True)
        assert response.status_code == 200, text[:20]
        (result,) = response.json()["results"]
        StanceResponse.model_validate(response.json())
        assert 1 <= len(result["explanation"]["text"]) <= 64


def test_answers_are_given_while_explanations_are_held(servers, small_bundle, wait_until):
    server = servers.start(bundle=small_bundle.folder, workers=2)
    held = item("HOLD: we welcome it")
    with ThreadPoolExecutor(1) as clients:
        explained = clients.submit(ask, server, held, explain=True)
        wait_until(lambda: server.metric("stancewire_waiting_requests") == 1, "one admitted")
        assert ask(server, item("We reject it.")).json()["results"][0]["label"] == "against"
        server.gate.touch()
        assert explained.result().json()["results"][0]["explanation"]["text"][0]["word"] == "HOLD"


def test_the_openapi_says_how_many_are_explained(server):
    schemas = server.http.get("/openapi.json").json()["components"]["schemas"]
    assert {"properties": {"items": {"maxItems": MAX_EXPLAINED}}} in schemas["StanceRequest"][
        "anyOf"
    ]
    result = schemas["StanceResult"]
    assert "explanation" in result["properties"]
    assert "explanation" not in result["required"]


def test_what_the_documentation_shows_is_true(server):
    section = PAGE.partition("### Explanations")[2].partition("### Limits")[0]
    sent, shown = map(json.loads, re.findall(r"```json\n(.*?)```", section, re.DOTALL))
    StanceRequest.model_validate(sent)
    StanceResponse.model_validate(shown)
    response = ask(server, *sent["items"], explain=sent["explain"])
    (result,), (example,) = response.json()["results"], shown["results"]
    assert result.keys() == example.keys()
    for side in ("text", "target"):
        places = [(s["start"], s["end"], s["word"]) for s in result["explanation"][side]]
        assert places == [(s["start"], s["end"], s["word"]) for s in example["explanation"][side]]
    assert f"| items of a request with `explain` | 1…{MAX_EXPLAINED} | 422 |" in PAGE
