"""A running service as something that answers pairs, with the standard library alone."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib import error, parse, request

from pydantic import BaseModel, Field, ValidationError

from stancewire.errors import ConfigError, DataError, Overloaded, Problem, StancewireError
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance

MAX_ITEMS = 256
"""Of one request, by the service's contract."""
LONGEST_PAUSE_S = 30.0


class _Result(BaseModel):
    label: Label
    score: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)
    probabilities: dict[Label, float]
    abstained: bool
    truncated: bool
    label_set: tuple[Label, ...] | None = None


class _Reply(BaseModel):
    model: dict[str, Any]
    results: list[_Result]


class Remote:
    """Asks `POST /v1/stance` of the service at `url`.

    With `alpha` every stance carries its label set. When the service has no room it is asked again
    as it wishes, `attempts` times in all.
    """

    def __init__(
        self,
        url: str,
        *,
        alpha: float | None = None,
        timeout_s: float = 60.0,
        attempts: int = 5,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = parse.urlsplit(url)
        # urllib would read file: addresses as well.
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is not an address like http://localhost:8000")
        self.url = url.rstrip("/")
        self.model: dict[str, Any] = {}
        """Name, version and run of the model that gave the last answer."""
        self._alpha = alpha
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._pause = pause
        # A proxy set for the outside must not be asked for this machine.
        is_local = parts.hostname in ("localhost", "::1") or parts.hostname.startswith("127.")
        handlers = [request.ProxyHandler({})] if is_local else []
        self._opener = request.build_opener(*handlers)

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        """One stance per pair, in order.

        Raises `DataError` for pairs that the service refuses, `Overloaded` if it stays without
        room, and `StancewireError` if it does not answer as a Stancewire service does.
        """
        stances: list[Stance] = []
        for start in range(0, len(pairs), MAX_ITEMS):
            places = range(start, len(pairs))
            try:
                stances += self._ask(pairs[start : start + MAX_ITEMS])
            except DataError as fault:
                problems = [problem.renumbered(places) for problem in fault.problems]
                raise DataError(fault.summary, problems) from fault
        return stances

    def _ask(self, pairs: Sequence[StancePair]) -> list[Stance]:
        # `speaker` and `id` stay here: the answer does not need them, and the service limits them.
        items = [{"text": pair.text, "target": pair.target} for pair in pairs]
        asked = {} if self._alpha is None else {"alpha": self._alpha}
        body = json.dumps({"items": items, **asked}).encode()
        try:
            reply = _Reply.model_validate_json(self._post(body))
        except ValidationError as fault:
            raise StancewireError(f"{self.url} did not answer as agreed: {fault}") from fault
        if len(reply.results) != len(pairs):
            found = f"{len(reply.results)} results for {len(pairs)} items"
            raise StancewireError(f"{self.url} did not answer as agreed: {found}")
        self.model.clear()
        self.model.update(reply.model)
        return [Stance(**dict(result)) for result in reply.results]

    def _post(self, body: bytes) -> bytes:
        for attempt in range(1, self._attempts + 1):
            try:
                return self._post_once(body)
            except Overloaded as fault:
                if attempt == self._attempts:
                    raise
                self._pause(min(fault.retry_after_s, LONGEST_PAUSE_S))
        raise AssertionError("the last attempt returns or raises")

    def _post_once(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        asked = request.Request(f"{self.url}/v1/stance", body, headers, method="POST")
        try:
            with self._opener.open(asked, timeout=self._timeout_s) as reply:
                content: bytes = reply.read()
                return content
        except error.HTTPError as fault:
            with fault:
                raise _refusal(self.url, fault) from fault
        except (OSError, http.client.HTTPException) as fault:
            reason = getattr(fault, "reason", fault)
            raise StancewireError(f"no answer from {self.url}: {reason}") from fault


def _refusal(url: str, fault: error.HTTPError) -> StancewireError:
    """Turn a status and its problem document into the error that they stand for."""
    try:
        told = json.loads(fault.read())
    except (OSError, ValueError, http.client.HTTPException):
        told = {}
    told = told if isinstance(told, dict) else {}
    detail = str(told.get("detail") or told.get("title") or fault.reason)
    summary = f"{url} answered {fault.code}: {detail}"
    problems = _problems(told)
    if any(p.field == "alpha" for p in problems):  # no pair is at fault: others would fare alike
        return StancewireError(f"{summary}: {'; '.join(map(str, problems))}")
    if fault.code in (413, 422):
        return DataError(summary, problems)
    if fault.code in (429, 503):
        return Overloaded(summary, _retry_after_s(fault))
    return StancewireError(summary)


def _problems(told: dict[str, Any]) -> list[Problem]:
    listed = told.get("errors")
    return [
        Problem(f"item {p.get('item')}", p.get("field") or "request", str(p.get("message")))
        for p in (listed if isinstance(listed, list) else [])
        if isinstance(p, dict)
    ]


def _retry_after_s(fault: error.HTTPError) -> float:
    try:
        return max(0.0, float(fault.headers.get("Retry-After", "1")))
    except ValueError:  # a date: allowed, but this service sends seconds
        return 1.0
