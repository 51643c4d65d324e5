"""Follows the registry's champion: a child asks, the service verifies, warms and swaps.

Until the registry has given a version, what needs none stands in (see `standby`).
"""

import asyncio
import contextlib
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from stancewire.serving.loading import load_model
from stancewire.serving.metrics import Metrics
from stancewire.serving.schemas import Obtained, RegistryTrouble, Trouble
from stancewire.serving.scorer import Scorer
from stancewire.serving.settings import Settings
from stancewire.serving.standby import standbys
from stancewire.serving.versions import Report, Version, VersionCache, follows

log = logging.getLogger(__name__)

SILENCE_S = 600.0
"""A child that says nothing for so long (and a poll) hangs; a download may take minutes."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

# What people may see; the whole message, which may name hosts and folders, is in the log.
_MEANINGS = {
    "registry": "the registry cannot be reached or names no version",
    "bundle": "the registry's version is not a whole bundle and is refused",
    "cache": "the folder that keeps versions cannot be used",
    "load": "the registry's version could not be loaded",
    "follower": "the process that asks the registry ended and is started again",
    "installed": "the model installed on this machine is damaged and is not served",
    "release": "the model that comes with the package is damaged and is not served",
}


class Follower:
    """Keeps a `Scorer` on the version that an alias names; on any failure the old one stays."""

    def __init__(self, settings: Settings, scorer: Scorer, metrics: Metrics) -> None:
        self._settings = settings
        self._scorer = scorer
        self._metrics = metrics
        self._cache = VersionCache(settings.cache)
        self._follows = follows(settings.tracking_uri or "", settings.model, settings.alias)
        self._standbys = standbys(settings.cache, settings.release)
        self._serving: Version | None = None
        self._failed: Version | None = None
        self._retry = _Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._task: asyncio.Task[None] | None = None
        self.trouble: RegistryTrouble | None = None
        """The last failure; none since all was well."""
        self.child: int | None = None
        """Process id of the child that asks, while it lives."""

    async def start(self) -> None:
        """Serve what served last, then keep asking what should.

        With no registry to ask, serve what needs none.
        """
        known = await asyncio.to_thread(self._cache.last_good, self._follows)
        if known is not None:
            await self._load(known, "last-good")
        if self._settings.tracking_uri:
            self._task = asyncio.create_task(self._keep_asking(self._settings.tracking_uri))
        else:
            await self._stand_in()

    async def stop(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_asking(self, uri: str) -> None:
        restart = _Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            try:
                await self._ask(uri, restart)
            except (OSError, ValueError) as error:  # the latter from a line without end
                log.error("the child cannot be heard: %s", error)
            self._note("follower")
            await self._stand_in()
            await asyncio.sleep(restart.next_wait_s())

    async def _ask(self, uri: str, restart: "_Backoff") -> None:
        """Start a child and listen to it until it ends or hangs."""
        child = await self._start_child(uri)
        self.child = child.pid
        try:
            while line := await self._line(child):
                report = _read(line)
                if report is not None:
                    await self._hear(report)
                    restart.reset()
        finally:
            self.child = None
            await _end(child)

    async def _line(self, child: Process) -> bytes:
        assert child.stdout is not None
        try:
            return await asyncio.wait_for(
                child.stdout.readline(), SILENCE_S + self._settings.poll_s
            )
        except TimeoutError:
            log.error("the child that asks the registry hangs")
            return b""

    async def _start_child(self, uri: str) -> Process:
        s = self._settings
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # not from the working directory, whose folders may bear any name
            "-m",
            "stancewire.serving.registry",
            *("--model", s.model, "--alias", s.alias),
            *("--cache", str(s.cache), "--every", str(s.poll_s)),
            stdin=PIPE,  # its end tells the child that the parent is gone
            stdout=PIPE,
            env={**os.environ, "MLFLOW_TRACKING_URI": uri},
            start_new_session=True,  # Ctrl-C is for the service, which ends its child
        )

    async def _hear(self, report: Report) -> None:
        if report.kind == "version" and report.version is not None:
            if report.version == self._serving:
                self._confirm()
            else:
                await self._load(report.version, "registry")
        elif report.kind == "unchanged":
            if self._failed is None:
                self._settle()
            elif self._retry.is_over:
                await self._load(self._failed, "registry")
        elif report.kind == "bundle":
            self._metrics.load_failures.inc()
            self._note("bundle")
        elif report.kind in ("registry", "cache"):
            self._note(report.kind)
        if report.kind != "alive":
            await self._stand_in()

    async def _stand_in(self) -> None:
        """If nothing serves, serve the first of the standbys that can; each is tried once."""
        while self._standbys and not self._scorer.is_ready:
            obtained, folder = self._standbys.pop(0)
            try:
                model = await asyncio.to_thread(
                    load_model,
                    folder,
                    name=self._settings.model,
                    obtained=obtained,
                    threads=self._settings.threads,
                )
            except Exception as error:  # as in `_load`
                log.error("%s is not served: %r", folder, error)
                self._metrics.load_failures.inc()
                self._note(obtained)
                continue
            self._scorer.swap(model)
            log.info("serving %s version %s (%s)", model.name, model.version, obtained)

    async def _load(self, version: Version, obtained: Obtained) -> None:
        try:
            model = await asyncio.to_thread(
                load_model,
                self._cache.bundle_folder(version),
                name=version.name,
                version=version.version,
                run_id=version.run_id,
                obtained=obtained,
                threads=self._settings.threads,
            )
        except Exception as error:  # whatever a bundle can do wrong, following must go on
            log.error("version %s is not served: %r", version.version, error)
            self._metrics.load_failures.inc()
            self._failed = version
            self._retry.next_wait_s()
            self._note("load")
            return
        self._scorer.swap(model)
        self._serving = version
        self._settle()
        log.info("serving %s version %s (%s)", version.name, version.version, obtained)
        try:
            await asyncio.to_thread(self._cache.remember, self._follows, version)
        except OSError as error:  # a cache that became read-only must not stop the service
            log.error("the last good version cannot be noted: %s", error)

    def _confirm(self) -> None:
        """Note that the registry names what is served, which may have come from the cache."""
        model = self._scorer.current
        if model.obtained != "registry":
            self._scorer.swap(replace(model, obtained="registry"))
        self._settle()

    def _settle(self) -> None:
        """All is well."""
        self.trouble = self._failed = None
        self._retry.reset()

    def _note(self, kind: Trouble) -> None:
        self.trouble = RegistryTrouble(at=datetime.now(UTC), kind=kind, message=_MEANINGS[kind])


class _Backoff:
    """Waits that double, up to a longest."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self.reset()

    def reset(self) -> None:
        self._wait_s = self._first_s
        self._until = 0.0

    def next_wait_s(self) -> float:
        wait_s, self._wait_s = self._wait_s, min(self._longest_s, 2 * self._wait_s)
        self._until = time.monotonic() + wait_s
        return wait_s

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until


def _read(line: bytes) -> Report | None:
    try:
        return Report.model_validate_json(line)
    except ValidationError:
        log.warning("the child said something else than a report")
        return None


async def _end(child: Process) -> None:
    """Let the child go by itself; kill it if it does not."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), 3)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
