"""One file over HTTP: resumed where it was cut, tried again a few times, never without bound."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from stancewire.errors import DataError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and those there will be (None: the server does not say)."""
MAX_PAUSE_S = 60.0  # a server may ask for hours; nobody waits for them at a prompt
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Limits:
    """How long, how often and how much; times in seconds."""

    attempts: int = 5
    backoff_s: float = 1.0  # doubled with every attempt
    connect_s: float = 10.0
    stall_s: float = 30.0  # longest silence of a server
    redirects: int = 5
    max_bytes: int = 200 * 1024**2  # the largest declared file has a thirtieth of this
    pause: Callable[[float], None] = time.sleep


class _Again(Exception):
    """An attempt that failed where the next may not; the server asks to wait `after_s` seconds."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        self.after_s = after_s
        super().__init__(reason)


def client(limits: Limits) -> httpx.Client:
    """Client that follows a bounded number of redirects, over http and https only."""
    return httpx.Client(
        timeout=httpx.Timeout(limits.stall_s, connect=limits.connect_s),
        follow_redirects=True,
        max_redirects=limits.redirects,
        # Compressed on the way, a part could not be resumed by its length.
        headers={"Accept-Encoding": "identity", "User-Agent": "stancewire"},
    )


def download(
    http: httpx.Client, url: str, part: Path, *, limits: Limits, progress: Progress | None = None
) -> bool:
    """Content of `url` into `part`, going on where `part` ends; True if anything was resumed.

    Raises `DataError` if the server refuses, redirects without end, sends more than
    `limits.max_bytes`, or does not send the whole in `limits.attempts`; `part` then stays for the
    next time, unless it is too long.
    """
    resumed = False
    for attempt in range(limits.attempts):
        start = part.stat().st_size if part.exists() else 0
        resumed |= start > 0
        try:
            _attempt(http, url, part, start, limits.max_bytes, progress)
            return resumed
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise DataError(f"{url}: {error}") from error
        except (httpx.TransportError, _Again) as error:
            # httpx leaves the message of a timeout empty.
            reason = str(error) or type(error).__name__
            asked_s = error.after_s if isinstance(error, _Again) else 0.0
        if attempt + 1 < limits.attempts:
            wait_s = max(limits.backoff_s * 2**attempt, asked_s)
            limits.pause(min(wait_s, MAX_PAUSE_S))
    raise DataError(f"{url}: given up after {limits.attempts} attempts; the last: {reason}")


def _attempt(
    http: httpx.Client, url: str, part: Path, start: int, most: int, progress: Progress | None
) -> None:
    headers = {"Range": f"bytes={start}-"} if start else {}
    with http.stream("GET", url, headers=headers) as response:
        start, total = _place(response, part, start)
        if total is not None and total > most:
            raise _too_long(url, part, most)
        with part.open("ab" if start else "wb") as out:
            # Without a size: what a sized one has gathered is lost when the connection is cut.
            for chunk in response.iter_raw():
                start += len(chunk)
                if start > most:
                    raise _too_long(url, part, most)
                out.write(chunk)
                if progress:
                    progress(start, total)
    if total is not None and start < total:  # a range may be answered with a part of it
        raise _Again(f"sent {start} of {total} bytes")


def _place(response: httpx.Response, part: Path, start: int) -> tuple[int, int | None]:
    """Where the body begins, 0 or `start`, and how long the whole is, if the server says so."""
    status = response.status_code
    if status in RETRIED:
        asked = response.headers.get("Retry-After", "")
        raise _Again(f"answered {status}", float(asked) if asked.isdecimal() else 0.0)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DataError(f"{response.url}: encoded by the server though asked for as it is")
    if status == 200:  # the whole, whether asked for a range or not
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if start and status == 206 and found and int(found[1]) == start:
        return start, int(found[2]) if found[2] != "*" else None
    if start and status in (206, 416):  # another range than asked for, or nothing after `start`
        part.unlink(missing_ok=True)
        raise _Again(f"answered {status} to a request for bytes from {start}")
    raise DataError(f"{response.url}: answered {status}")


def _too_long(url: str, part: Path, most: int) -> DataError:
    part.unlink(missing_ok=True)
    return DataError(f"{url}: longer than the {most} bytes that are accepted")
