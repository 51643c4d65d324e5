"""What machines ask: does it live, is it ready, what has it counted."""

from fastapi import APIRouter
from starlette.responses import Response

from stancewire.errors import RegistryError
from stancewire.serving import problems
from stancewire.serving.schemas import Health
from stancewire.serving.service import Service


def health_router(service: Service) -> APIRouter:
    """Routes about the process."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/healthz",
        summary="The process lives",
        operation_id="healthz",
        response_model_exclude_none=True,
    )
    async def healthz() -> Health:
        """Answers as long as the event loop turns."""
        return Health(status="ok")

    @router.get(
        "/readyz",
        summary="A model is loaded and more requests are welcome",
        operation_id="readyz",
        responses=problems.responses(problems.NOT_READY),
    )
    async def readyz() -> Health:
        """503 until a model is loaded, and again once the service was told to stop."""
        if service.is_draining:
            raise RegistryError("the service is about to stop")
        if not service.scorer.is_ready:
            trouble = service.follower.trouble if service.follower else None
            reason = f": {trouble.message}" if trouble else ""
            raise RegistryError(f"no model is loaded yet{reason}")
        return Health(status="ready", obtained=service.scorer.current.obtained)

    @router.get(
        "/metrics",
        summary="Counters in the Prometheus text format",
        operation_id="metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Count requests, items, labels, quotes; tell queue and model."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    return router
