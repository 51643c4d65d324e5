import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI

from stancewire.serving.metrics import Metrics
from stancewire.serving.watch import Watch


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/v1/stance/We%20reject%20it?text=We%20reject%20it", "GET unmatched 404 "),
        ("/items/We%20reject%20it", "GET /items/{words} 200 "),
    ],
)
def test_a_quote_in_the_path_is_not_logged(caplog, path, line):
    app = FastAPI()
    app.get("/items/{words}")(lambda words: None)

    async def ask() -> None:
        transport = httpx.ASGITransport(Watch(app, Metrics(), max_body_bytes=1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            await client.get(path)

    caplog.set_level(logging.INFO, logger="stancewire.access")
    asyncio.run(ask())
    (logged,) = [r.getMessage() for r in caplog.records if r.name == "stancewire.access"]
    assert logged.startswith(line)
    assert "reject" not in logged
