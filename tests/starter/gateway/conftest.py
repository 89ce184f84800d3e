"""The gateway's application, as vendors and services call it, with PostgreSQL and without Temporal."""

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from authoring.shelf import load
from models.settings import Settings
from starter.gateway.app import make_app
from starter.gateway.gateway import Gateway

ROOT = Path(__file__).parents[3]
URL = "http://ovation.test"
KEY = {"Authorization": "Bearer events-key"}
NOWHERE = "127.0.0.1:9"
ENVIRONMENT = {
    "OVATION_PROGRAM": str(ROOT / "program.yaml"),
    "OVATION_PLAYBOOKS": str(ROOT / "playbooks"),
    "OVATION_PUBLIC_URL": URL,
    "OVATION_API_KEYS": "events-key",
    "OVATION_SECRET_KEYS": "a secret for tests",
    "TEMPORAL_ADDRESS": NOWHERE,
    "OVATION_ASANA__WEBHOOK_SECRET": "asana",
    "OVATION_DROPBOX__APP_SECRET": "dropbox",
    "OVATION_SLACK__WEBHOOK_SECRET": "slack",
    "OVATION_WOOTRIC__WEBHOOK_SECRET": "wootric",
}


@dataclass
class Door:
    """The application, a client of it, and what stands behind it. A crash is a 500 here, as for whoever calls."""

    app: Any
    http: httpx.AsyncClient
    engine: AsyncEngine
    gateway: Gateway

    async def report(self, body: str | bytes | object) -> httpx.Response:
        """A POST to /events; what is no text yet is made JSON."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return await self.http.post("/events", content=content, headers=KEY)

    async def wootric(self, response: dict[str, Any]) -> httpx.Response:
        """An answer to a survey, signed."""
        body = json.dumps({"event_name": "created", "response": response}).encode()
        signature = "sha1=" + hmac.new(b"wootric", body, hashlib.sha1).hexdigest()
        headers = {"content-type": "application/json", "x-wootric-signature": signature}
        return await self.http.post("/webhooks/wootric", content=body, headers=headers)

    async def asana(self, tasks: int) -> httpx.Response:
        """A delivery that says of some tasks that they changed, signed."""
        change = {"action": "changed", "change": {"field": "completed", "action": "changed"}}
        events = [{**change, "resource": {"gid": str(n), "resource_type": "task"}} for n in range(tasks)]
        body = json.dumps({"events": events}).encode()
        signature = hmac.new(b"asana", body, hashlib.sha256).hexdigest()
        return await self.http.post("/webhooks/asana", content=body, headers={"x-hook-signature": signature})

    async def stored(self) -> list[str]:
        """The source ids in the inbox, as they came."""
        async with self.engine.connect() as conn:
            return list((await conn.execute(text("SELECT source_id FROM inbox ORDER BY position"))).scalars())


@pytest.fixture
async def door(engine: AsyncEngine, database_url: str) -> AsyncIterator[Door]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("OVATION_", "TEMPORAL_"))}
    with patch.dict(os.environ, {**outside, **ENVIRONMENT, "OVATION_DATABASE_URL": database_url}, clear=True):
        settings = Settings()
        app = make_app(settings, load(settings))
        calls = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=calls, base_url=URL) as http:
            yield Door(app, http, engine, app.state.gateway)
