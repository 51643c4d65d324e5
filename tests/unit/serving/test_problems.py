import json
import logging

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stancewire import errors
from stancewire.errors import BundleError, DataError, Overloaded, Problem, RegistryError
from stancewire.serving import problems


def document(response: Response) -> dict:
    assert response.media_type == "application/problem+json"
    parsed = json.loads(bytes(response.body))
    assert parsed["status"] == response.status_code
    assert parsed["type"].startswith("urn:stancewire:problem:")
    return parsed


def test_data_error_names_item_field_and_pointer():
    error = DataError("1 pair cannot be encoded", [Problem("item 3", "target", "is too long")])
    response = problems.from_error(error)
    assert response.status_code == 422
    assert document(response)["errors"] == [
        {"item": 3, "field": "target", "pointer": "/items/3/target", "message": "is too long"}
    ]


def test_overload_says_when_to_come_again_in_whole_seconds():
    response = problems.from_error(Overloaded("full", 2.2))
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert document(response)["type"].endswith(":overloaded")


def test_no_model_is_not_ready_and_retryable():
    response = problems.from_error(RegistryError("no model is loaded yet"))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert document(response)["detail"] == "no model is loaded yet"


def test_a_bundle_error_keeps_its_folder_to_itself():
    response = problems.from_error(BundleError("/secret/place/model.onnx is torn"))
    assert response.status_code == 503
    assert b"secret" not in bytes(response.body)


def test_every_error_of_ours_has_a_kind():
    def all_of(cls):
        return [cls, *(d for c in cls.__subclasses__() for d in all_of(c))]

    for cls in all_of(errors.StancewireError):
        assert any(c in problems.KINDS for c in cls.__mro__), cls


def test_internal_error_tells_nothing_and_logs_no_message(caplog):
    quote = " ".join(["we", "shall", "never"])  # a traceback repeats the source's own lines
    with caplog.at_level(logging.ERROR):
        try:
            raise RuntimeError(quote)
        except RuntimeError as error:
            response = problems.internal(error)
    assert document(response) == {
        "type": "urn:stancewire:problem:internal-error",
        "title": problems.INTERNAL.title,
        "status": 500,
    }
    assert "RuntimeError" in caplog.text
    assert "test_problems.py" in caplog.text
    assert quote not in caplog.text


def test_http_error_keeps_its_headers():
    response = problems.from_http(HTTPException(405, headers={"Allow": "POST"}))
    assert response.headers["allow"] == "POST"
    assert document(response)["type"] == "urn:stancewire:problem:method-not-allowed"


def test_malformed_json_is_a_kind_of_its_own():
    found = [{"type": "json_invalid", "loc": ("body", 7), "msg": "x", "ctx": {"error": "Odd"}}]
    response = problems.from_validation(RequestValidationError(found))
    assert response.status_code == 400
    assert document(response)["detail"] == "Odd at character 7"


def test_many_errors_are_counted_but_not_all_listed():
    found = [
        {"type": "missing", "loc": ("body", "items", i, "text"), "msg": "m"} for i in range(99)
    ]
    parsed = document(problems.from_validation(RequestValidationError(found)))
    assert len(parsed["errors"]) == problems.MAX_ERRORS
    assert parsed["detail"].startswith("99 ")


@given(st.text(st.characters(), max_size=40))
def test_any_key_becomes_a_pointer_that_reads_back(key):
    found = [{"type": "extra_forbidden", "loc": ("body", key), "msg": "no"}]
    pointer = document(problems.from_validation(RequestValidationError(found)))["errors"][0][
        "pointer"
    ]
    assert pointer.removeprefix("/").replace("~1", "/").replace("~0", "~") == key


def test_a_lone_surrogate_in_a_key_can_be_answered():
    found = [{"type": "extra_forbidden", "loc": ("body", "\ud800"), "msg": "no"}]
    assert document(problems.from_validation(RequestValidationError(found)))["errors"]


@pytest.mark.parametrize("kind", [problems.OVERLOADED, problems.NOT_READY])
def test_documented_503_has_retry_after(kind):
    assert "Retry-After" in problems.responses(kind)[503]["headers"]
