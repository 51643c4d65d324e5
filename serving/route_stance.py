"""`POST /v1/stance`: the one thing the service is for."""

from email.message import Message

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException

from stancewire.errors import DataError, Problem
from stancewire.serving import problems
from stancewire.serving.loading import LoadedModel
from stancewire.serving.schemas import ModelName, StanceRequest, StanceResponse, StanceResult
from stancewire.serving.service import Service


def stance_router(service: Service) -> APIRouter:
    """Routes that score."""
    router = APIRouter(tags=["stance"])

    @router.post(
        "/v1/stance",
        summary="Stance of quotes toward targets",
        operation_id="stance",
        dependencies=[Depends(require_json)],
        responses=problems.responses(
            problems.MALFORMED,
            problems.TOO_LARGE,
            problems.MEDIA,
            problems.INVALID,
            problems.INTERNAL,
            problems.OVERLOADED,
        ),
    )
    async def stance(request: StanceRequest) -> StanceResponse:
        """Score up to 256 items; results come in their order, from the one model that is named.

        Items that share a quote are scored in one pass; the answer for a target does not depend on
        what else is asked.
        """
        _check_count(request, service.settings.max_items)
        model, stances = await service.scorer.score([item.pair() for item in request.items])
        results = [StanceResult.of(i, s) for i, s in zip(request.items, stances, strict=True)]
        return StanceResponse(model=name_of(model), results=results)

    return router


def name_of(model: LoadedModel) -> ModelName:
    """How answers name their model."""
    return ModelName(name=model.name, version=model.version, run_id=model.run_id)


def require_json(request: Request) -> None:
    """Refuse a body that does not call itself JSON, instead of finding its fields missing."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    subtype = header.get_content_subtype()
    is_json = subtype == "json" or subtype.endswith("+json")
    if header.get_content_maintype() != "application" or not is_json:
        raise HTTPException(415)


def _check_count(request: StanceRequest, most: int) -> None:
    if len(request.items) > most:
        message = f"holds {len(request.items)} items; this service takes {most}"
        raise DataError("too many items", [Problem("request", "items", message)])
