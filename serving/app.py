"""The HTTP application: routes, limits and errors around one `Service`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from stancewire.serving import problems
from stancewire.serving.route_health import health_router
from stancewire.serving.route_model import model_router
from stancewire.serving.route_stance import stance_router
from stancewire.serving.service import Service
from stancewire.serving.settings import Settings
from stancewire.serving.watch import Watch

DESCRIPTION = """Labels what a spokesperson said by the stance it takes toward a target:
`favor`, `against` or `neutral`, with a score from −1 to 1. Errors are RFC 9457 problem documents.
"""


def create_app(settings: Settings, service: Service | None = None) -> FastAPI:
    """Application for `settings`, around `service` if it was built already.

    Raises `BundleError` if the bundle given cannot be served.
    """
    built = service or Service.build(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await built.start()
        try:
            yield
        finally:
            await built.stop()

    app = FastAPI(
        title="Stancewire",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,  # a redirected POST is a surprise; an unknown path is an error
        redoc_url=None,
    )
    problems.install(app)
    for router in (stance_router, model_router, health_router):
        app.include_router(router(built))
    # Not FastAPI's `max_body_size`: its answer is plain text, and outside of `Watch`.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
    app.add_middleware(
        Watch, metrics=built.metrics, max_body_bytes=settings.max_body_bytes
    )  # the last added is the outermost
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Complete the OpenAPI: the shape of a problem, which FastAPI knows no way to declare once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            whole = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = whole["components"]["schemas"]
            shape = problems.ProblemDocument.model_json_schema(
                ref_template="#/components/schemas/{model}", mode="serialization"
            )
            schemas.update(shape.pop("$defs"))
            schemas["ProblemDocument"] = shape
            app.openapi_schema = whole
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
