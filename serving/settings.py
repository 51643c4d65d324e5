"""What a service is told when it starts; nothing here is read again later."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from stancewire.serving.schemas import MAX_ITEMS
from stancewire.serving.standby import released


def default_cache() -> Path:
    """`$STANCEWIRE_CACHE`, else `~/.cache/stancewire`."""
    given = os.environ.get("STANCEWIRE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "stancewire"


class Settings(BaseModel):
    """Settings of one service. `bundle` serves a folder; else `model@alias` is followed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"  # loopback: there is no authentication, so opening up is a decision
    port: int = Field(8000, ge=0, le=65535)  # 0 takes a free one

    bundle: Path | None = None
    tracking_uri: str | None = None  # of MLflow
    # Served while no version of the registry is; after what is installed in `cache`.
    release: Path | None = Field(default_factory=released)
    model: str = Field("stancewire", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    alias: str = Field("champion", pattern=r"^[A-Za-z0-9_-]{1,100}$")
    cache: Path = Field(default_factory=default_cache)
    poll_s: float = Field(15.0, gt=0)  # a promotion is rare; its effect should still be felt soon

    threads: int = Field(1, ge=1)  # of the runtime, per request being scored
    workers: int = Field(2, ge=1)  # requests scored at the same time
    cached_answers: int = Field(4096, ge=0)  # about 2 MiB; monitors ask the same again

    max_items: int = Field(MAX_ITEMS, ge=1, le=MAX_ITEMS)
    max_body_bytes: int = Field(1 << 20, ge=1)
    max_waiting: int = Field(64, ge=1)  # requests admitted and not yet answered
    max_waiting_chars: int = Field(2_000_000, ge=1)  # of these together: two bodies of full size
    timeout_s: float = Field(30.0, gt=0)  # for an answer; later than this nobody waits for it
    drain_s: float = Field(1.0, ge=0)  # after SIGTERM: not ready, still answering
    shutdown_s: int = Field(20, ge=1)  # then, for requests in flight
