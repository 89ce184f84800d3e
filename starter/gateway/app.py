"""The gateway's application: webhooks, events, and the pages people see."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import OperationalError

from authoring.shelf import Shelf
from models.links import Links
from models.settings import Settings
from platforms import configured
from platforms.runner import Runner
from starter.gateway import events, health, webhooks
from starter.gateway.gateway import Gateway
from starter.gateway.relay import Relay
from starter.pages import hub, link, payout, preferences, style
from store.database import connect
from store.tokens import TokenVault
from workflows.connection import temporal_client


def make_app(settings: Settings, shelf: Shelf) -> FastAPI:
    """The application. It starts while Temporal is away, and keeps what comes meanwhile."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = connect(settings.required_database_url())
        client = await temporal_client(lazy=True)
        relay = Relay(engine, client, shelf, rest_after=settings.rest_after)
        links = Links(settings.public_url.rstrip("/"), settings.required_secrets(), settings.temporal_ui_url)
        vault = TokenVault(engine, settings.required_secrets())
        runner = Runner(vault=vault)
        app.state.gateway = Gateway(settings, engine, client, shelf, links, configured(), relay, vault, runner)
        at_work = asyncio.create_task(relay.run())
        try:
            yield
        finally:
            at_work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await at_work
            await runner.close()
            await engine.dispose()

    app = FastAPI(title="Ovation", version="0.1.0", lifespan=lifespan, redoc_url=None)
    for door in (webhooks, events, health, hub, link, payout, preferences, style):
        app.include_router(door.router)
    app.add_exception_handler(OperationalError, _database_away)
    return app


async def _database_away(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "the database does not answer; try again"}, 503, {"Retry-After": "5"})
