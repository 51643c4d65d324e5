"""Errors as people meet them over HTTP: RFC 9457 problem documents, from one table."""

import json
import logging
import math
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stancewire.errors import (
    BundleError,
    DataError,
    Overloaded,
    Problem,
    RegistryError,
    StancewireError,
)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
"""Most errors listed in one answer; `detail` gives their true number."""
RETRY_AFTER_S = 5
"""When to come again if nothing better is known."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    status: int
    slug: str
    title: str

    @property
    def type(self) -> str:
        """Identifier of the kind; it does not resolve. Explained in `docs/api.md`."""
        return f"urn:stancewire:problem:{self.slug}"


INVALID = Kind(422, "invalid-input", "The request holds something that cannot be scored")
MALFORMED = Kind(400, "malformed-json", "The body is not JSON")
MEDIA = Kind(415, "unsupported-media-type", "The body must be application/json")
TOO_LARGE = Kind(413, "body-too-large", "The body is larger than is accepted")
NOT_READY = Kind(503, "not-ready", "No model can answer yet")
OVERLOADED = Kind(503, "overloaded", "There is no room for this request now")
INTERNAL = Kind(500, "internal-error", "Something went wrong on our side")

KINDS: dict[type[StancewireError], Kind] = {
    DataError: INVALID,
    Overloaded: OVERLOADED,
    RegistryError: NOT_READY,
    BundleError: NOT_READY,
    StancewireError: INTERNAL,
}
"""Which kind an error is; of several that fit, the most derived."""


class ItemError(BaseModel):
    """One thing wrong with a request."""

    item: int | None = Field(description="Index of the item, from 0; null if it is none of them.")
    field: str | None = Field(description="Field of the item or of the request.")
    pointer: str = Field(description="JSON pointer (RFC 6901) into the body.")
    message: str


class ProblemDocument(BaseModel):
    """What every error looks like (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ItemError] | None = None


def problem(
    kind: Kind,
    detail: str | None = None,
    errors: Sequence[ItemError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Response of `kind`."""
    document = ProblemDocument(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=list(errors[:MAX_ERRORS]) or None,
    )
    # ASCII only: a pointer may repeat a key that no UTF-8 can hold.
    content = json.dumps(document.model_dump(exclude_none=True) | _items(document)).encode()
    return Response(content, kind.status, headers, MEDIA_TYPE)


def _items(document: ProblemDocument) -> dict[str, Any]:
    """Errors with their nulls: an absent `item` and a null one would be two cases to handle."""
    return {"errors": [e.model_dump() for e in document.errors]} if document.errors else {}


def from_error(error: StancewireError) -> Response:
    """Response to an error of ours."""
    kind = next(KINDS[c] for c in type(error).__mro__ if c in KINDS)
    if isinstance(error, DataError):
        return problem(kind, error.summary, [_of_item(p) for p in error.problems])
    if isinstance(error, Overloaded):
        return problem(kind, str(error), headers=_retry_after(error.retry_after_s))
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        # A `BundleError` names folders; a `RegistryError` raised while answering does not.
        detail = str(error) if isinstance(error, RegistryError) else None
        return problem(kind, detail, headers=_retry_after(RETRY_AFTER_S))
    return problem(kind)


def from_validation(error: RequestValidationError) -> Response:
    """Response to a body that does not follow the schema."""
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        where = f"at character {found[0]['loc'][-1]}"
        return problem(MALFORMED, f"{found[0]['ctx']['error']} {where}")
    errors = [_of_location(e["loc"], e["msg"]) for e in found]
    return problem(INVALID, f"{len(errors)} error(s) in the request", errors)


def from_http(error: HTTPException) -> Response:
    """Response to what the framework refuses: no such path or method, a body too large."""
    known = {k.status: k for k in (MALFORMED, TOO_LARGE, MEDIA)}
    phrase = HTTPStatus(error.status_code).phrase
    slug = re.sub(r"[^a-z]+", "-", phrase.lower())
    kind = known.get(error.status_code) or Kind(error.status_code, slug, phrase)
    return problem(kind, headers=error.headers)


def internal(error: BaseException) -> Response:
    """Response to what nobody foresaw. Logged without its message, which may hold a quote."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s while answering\n%s", type(error).__name__, frames)
    return problem(INTERNAL)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, StancewireError)
        if not isinstance(error, (DataError, Overloaded, RegistryError)):
            log.error("%s while answering: %s", type(error).__name__, error)
        return from_error(error)

    async def validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return from_validation(error)

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return from_http(error)

    app.add_exception_handler(StancewireError, ours)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)


def responses(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Describe, for the OpenAPI, what a route may answer besides its result."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = found.setdefault(
            kind.status,
            {"description": kind.title, "content": {MEDIA_TYPE: {"schema": schema}}},
        )
        if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
            entry["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
            }
    return found


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def _of_item(found: Problem) -> ItemError:
    match = re.fullmatch(r"item (\d+)", found.where)
    parts = ["items", int(match[1]), found.field] if match else [found.field]
    return _of_location(("body", *parts), found.message)


def _of_location(location: Sequence[str | int], message: str) -> ItemError:
    """Error at pydantic's `location`, e.g. `("body", "items", 3, "target")`."""
    path = list(location[1:])
    is_item = len(path) > 1 and path[0] == "items" and isinstance(path[1], int)
    rest = path[2:] if is_item else path
    return ItemError(
        item=int(path[1]) if is_item else None,
        field=str(rest[0])[:100] if rest else None,
        pointer="".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)[:400],
        message=message.removeprefix("Value error, "),
    )
