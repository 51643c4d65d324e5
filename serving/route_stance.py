"""`POST /v1/stance`: the one thing the service is for."""

from email.message import Message
from typing import NoReturn

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException

from stancewire.errors import DataError, Problem
from stancewire.predictor import Stance
from stancewire.serving import problems
from stancewire.serving.loading import LoadedModel
from stancewire.serving.schemas import (
    MAX_EXPLAINED,
    ModelName,
    StanceRequest,
    StanceResponse,
    StanceResult,
)
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
        what else is asked. With `explain`, of at most 4 items, every answer comes with the weights
        of its words.
        """
        _check_count(request, service.settings.max_items)
        if request.explain:
            return await _explained(request, service)
        model, stances = await service.scorer.score([item.pair() for item in request.items])
        stances = _with_sets(model, stances, request.alpha)
        results = [StanceResult.of(i, s) for i, s in zip(request.items, stances, strict=True)]
        return StanceResponse(model=name_of(model), results=results)

    return router


async def _explained(request: StanceRequest, service: Service) -> StanceResponse:
    if request.alpha is not None:  # refused before the work, not after it
        service.scorer.current.predictor.calibration.quantile(request.alpha)
    model, found = await service.scorer.explain([item.pair() for item in request.items])
    stances = _with_sets(model, [explanation.stance for explanation in found], request.alpha)
    results = [
        StanceResult.of(item, stance, explanation)
        for item, stance, explanation in zip(request.items, stances, found, strict=True)
    ]
    return StanceResponse(model=name_of(model), results=results)


def _with_sets(model: LoadedModel, stances: list[Stance], alpha: float | None) -> list[Stance]:
    # After the cache: it keeps answers for any alpha.
    return stances if alpha is None else model.predictor.with_label_sets(stances, alpha)


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
    found = len(request.items)
    if found > most:
        _refuse(f"holds {found} items; this service takes {most}")
    if request.explain and found > MAX_EXPLAINED:
        _refuse(f"holds {found} items; {MAX_EXPLAINED} are explained at a time")


def _refuse(message: str) -> NoReturn:
    raise DataError("too many items", [Problem("request", "items", message)])
