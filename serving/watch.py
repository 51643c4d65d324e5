"""The outermost layer: times and logs every request, and lets no stack trace out."""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stancewire.serving.metrics import Metrics
from stancewire.serving.problems import TOO_LARGE, internal, problem

log = logging.getLogger("stancewire.access")

UNMATCHED = "unmatched"
"""Route of a request for a path that does not exist: such paths are anyone's to invent."""


class Watch:
    """ASGI middleware. Logs method, route, status and time.

    Never a body, and never the path as it came: someone may write a quote there by mistake.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, max_body_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if _content_length(scope) > self._max_body_bytes:
                # Refused by what it says of itself, before a byte is read. (A body that does not
                # say is counted as it comes, by Starlette's `RequestBodyLimitMiddleware`.)
                await problem(TOO_LARGE)(scope, receive, watched)
            else:
                await self._app(scope, receive, watched)
        except Exception as error:  # the process's edge
            response = internal(error)
            if status:
                raise RuntimeError("failed after the answer had begun") from None
            await response(scope, receive, watched)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        self._metrics.requests.labels(route, str(status)).observe(seconds)
        log.info("%s %s %d %.1f ms", scope["method"], route, status, 1000 * seconds)


def _route(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", UNMATCHED))


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
