"""Runs the service: one process, one event loop, until it is told to stop."""

import asyncio
import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn

from stancewire.errors import ConfigError
from stancewire.serving.app import create_app
from stancewire.serving.memory import give_memory_back
from stancewire.serving.service import Service
from stancewire.serving.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; writes `listening on http://HOST:PORT` once it answers.

    Raises `BundleError` if the bundle given cannot be served, `ConfigError` if the address cannot
    be had. After SIGTERM the service calls itself not ready for `drain_s`, still answering, then
    finishes what is in flight and returns.
    """
    give_memory_back()
    _log_to_stderr()
    service = Service.build(settings)
    with _listen(settings.host, settings.port) as listener:
        config = uvicorn.Config(
            create_app(settings, service),
            log_config=None,
            access_log=False,  # `watch` writes it, with the route alone
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=settings.shutdown_s,
        )
        _Server(config, service).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            sys.stdout.write(f"listening on {_url(sockets[0])}\n")
            sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would close its doors at once and end by the signal; a load balancer must first
        # see "not ready", and a stop that was asked for is a success.
        if sig == signal.SIGTERM and not self._service.is_draining:
            self._service.is_draining = True
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(loop.call_later, self._service.settings.drain_s, self._stop)
        else:
            self.force_exit = self.should_exit
            self._stop()

    def _stop(self) -> None:
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
