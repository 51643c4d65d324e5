"""`GET /v1/model`: what is being served."""

from fastapi import APIRouter

from stancewire.labels import ORDER
from stancewire.serving import problems
from stancewire.serving.schemas import ModelCard
from stancewire.serving.service import Service


def model_router(service: Service) -> APIRouter:
    """Routes about the model."""
    router = APIRouter(tags=["model"])

    @router.get(
        "/v1/model",
        summary="The model being served",
        operation_id="model",
        responses=problems.responses(problems.INTERNAL, problems.NOT_READY),
    )
    async def model() -> ModelCard:
        """Name, version and figures of the model that answers now."""
        current = service.scorer.current
        follower = service.follower
        return ModelCard(
            name=current.name,
            version=current.version,
            run_id=current.run_id,
            alias=service.settings.alias if service.settings.tracking_uri else None,
            bundle_sha256=current.bundle_sha256,
            family=current.family,
            precision=current.precision,
            labels=[label.value for label in ORDER],
            calibration=current.predictor.calibration.summary(),
            loaded_at=current.loaded_at,
            obtained=current.obtained,
            trouble=follower.trouble if follower else None,
        )

    return router
