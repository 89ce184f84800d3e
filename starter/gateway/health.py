"""Alive, ready, and measured."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from starter.gateway.gateway import PATIENCE, Gateway, gateway
from starter.gateway.measures import WAITING
from store.inbox import waiting_count
from store.migrate import is_current

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
async def alive() -> str:
    """The process answers."""
    return "ok"


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """The database has our schema, and Temporal answers. 503 with what is missing. Webhooks are taken even while only
    Temporal is away: they wait in the inbox."""
    here = gateway(request)
    found = dict(zip(("database", "temporal"), await asyncio.gather(_database(here), _temporal(here)), strict=True))
    return JSONResponse(found, 200 if all(word == "ok" for word in found.values()) else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    WAITING.set(await waiting_count(gateway(request).engine))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _database(here: Gateway) -> str:
    try:
        current = await asyncio.wait_for(is_current(here.engine), PATIENCE)
    except (SQLAlchemyError, TimeoutError, OSError) as error:
        return f"no answer ({type(error).__name__})"
    return "ok" if current else "the schema is not the one this version needs: run `ovation migrate`"


async def _temporal(here: Gateway) -> str:
    try:
        good = await asyncio.wait_for(here.client.service_client.check_health(), PATIENCE)
    except (RPCError, TimeoutError, RuntimeError, OSError) as error:
        return f"no answer ({type(error).__name__})"
    return "ok" if good else "not serving"
