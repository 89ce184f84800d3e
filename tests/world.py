"""The whole product in one process, around a Temporal that a test brings along: gateway, worker, vendors.

Real HTTP, real signatures, real PostgreSQL. What a test makes happen goes in by the doors that outsiders use.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import uvicorn
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle

import worker
from authoring.shelf import load
from models.journey import referral_workflow_id, workflow_id
from models.settings import Settings
from sandbox.app import create_app
from sandbox.server import listen, server
from sandbox.vendors import found
from starter.gateway.app import make_app
from starter.gateway.gateway import Gateway
from store.database import connect
from store.record import Record, record_of
from store.tables import contacts, effects

ROOT = Path(__file__).parents[1]
PROGRAM, PLAYBOOKS = ROOT / "program.yaml", ROOT / "playbooks"
KEY = "events-key"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1.15"}


@dataclass
class World:
    """Everything at work. `sandbox` and `gateway` are URLs."""

    engine: AsyncEngine
    client: Client
    settings: Settings
    sandbox: str
    gateway: str
    http: httpx.AsyncClient
    app: Any
    skip: Callable[[timedelta], Awaitable[None]] | None = None
    """Lets time pass, where Temporal's can be skipped."""

    async def move(self, platform: str, name: str, /, **given: Any) -> Any:
        """Something happens at a vendor."""
        answer = await self.http.post(f"{self.sandbox}/{platform}/_move/{name}", json=given)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def report(
        self, event_type: str, subject: str, event_id: str, at: datetime | None = None, **data: Any
    ) -> Any:
        """Another service reports an event."""
        event = {"type": f"ovation.{event_type}", "subject": subject, "id": event_id, "source": "test", "data": data}
        if at is not None:
            event["time"] = at.isoformat()
        answer = await self.http.post(f"{self.gateway}/events", json=event, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 202, answer.text
        return answer.json()["events"][0]

    async def outbox(self, platform: str | None = None, method: str | None = None) -> list[dict[str, Any]]:
        params = {"platform": platform} if platform else {}
        answer = await self.http.get(f"{self.sandbox}/outbox", params=params)
        return [entry for entry in answer.json() if method in (None, entry["method"])]

    async def books(self, platform: str) -> Any:
        return (await self.http.get(f"{self.sandbox}/books/{platform}")).json()

    async def fault(self, platform: str, kind: str, count: int = 1, after: int = 0) -> None:
        body = {"platform": platform, "kind": kind, "count": count, "after": after}
        answer = await self.http.post(f"{self.sandbox}/faults", json=body)
        assert answer.is_success, answer.text

    async def record(self, person: str) -> Record:
        record = await record_of(self.engine, person)
        assert record is not None, f"nobody is known as {person}"
        return record

    async def effects(self, **where: Any) -> list[Row[Any]]:
        query = select(effects).order_by(effects.c.claimed_at.nulls_last(), effects.c.key)
        for name, value in where.items():
            query = query.where(effects.c[name] == value)
        async with self.engine.connect() as conn:
            return list((await conn.execute(query)).all())

    async def done(self, step: str, effect: str, patience: float = 30.0) -> Row[Any]:
        """Waits until an effect of a step (or of a reaction, whatever the instance) is done."""

        async def look() -> Row[Any] | None:
            rows = [r for r in await self.effects(effect=effect) if r.step.partition(":")[0] == step]
            if self.skip is not None and any(
                r.status == "open" and "hours where they" in (r.reason or "") for r in rows
            ):
                await self.skip(timedelta(hours=1))  # whatever the hour at which a test runs
            return next((r for r in rows if r.status == "done"), None)

        return await until(look, f"{step}/{effect} was never done", patience)

    async def handle(self, person: str, playbook: str = "advocate-thank-you") -> WorkflowHandle[Any, Any]:
        contact = (await self.record(person)).contact
        return self.client.get_workflow_handle(workflow_id(playbook, contact.id))

    def referral(self, referral: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(referral_workflow_id(referral))

    async def contact_id(self, email: str) -> str:
        async with self.engine.connect() as conn:
            return str((await conn.execute(select(contacts.c.id).where(contacts.c.email == email))).scalar_one())

    async def sql(self, statement: str, **values: Any) -> list[Row[Any]]:
        async with self.engine.begin() as conn:
            result = await conn.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []


async def until(look: Callable[[], Awaitable[Any]], otherwise: str, patience: float = 30.0) -> Any:
    """Looks until there is something. Fails with `otherwise` when patience is over."""
    for _ in range(int(patience / 0.05)):
        found_ = await look()
        if found_:
            return found_
        await asyncio.sleep(0.05)
    raise AssertionError(otherwise)


@asynccontextmanager
async def world(
    client: Client,
    database_url: str,
    *,
    now: Callable[[], Awaitable[datetime]] | None = None,
    skip: Callable[[timedelta], Awaitable[None]] | None = None,
    scale: float = 1.0,
    rest_after: int = 0,
    program: Path = PROGRAM,
    playbooks: Path = PLAYBOOKS,
) -> AsyncIterator[World]:
    """Starts everything on free ports; `now` is the clock of the pages, where Temporal's is another than ours."""
    gateway_socket, sandbox_socket = listen(0), listen(0)
    gateway_url, sandbox_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (gateway_socket, sandbox_socket))
    own = {
        "OVATION_DATABASE_URL": database_url,
        "OVATION_PROGRAM": str(program),
        "OVATION_PLAYBOOKS": str(playbooks),
        "OVATION_PUBLIC_URL": gateway_url,
        "OVATION_API_KEYS": KEY,
        "OVATION_SECRET_KEYS": "a secret for tests",
        "OVATION_TIME_SCALE": str(scale),
        "OVATION_REST_AFTER": str(rest_after),
    }
    outside = {name: value for name, value in os.environ.items() if not name.startswith("OVATION_")}
    with patch.dict(os.environ, {**outside, **own}, clear=True):
        vendors = found()
        for vendor in vendors:
            os.environ.update(vendor.environment(sandbox_url))
        settings = Settings()
        engine = connect(database_url)
        clock = _Clock(now)
        with patch("starter.gateway.app.temporal_client", _given(client)), patch.object(Gateway, "now", clock.read):
            app = make_app(settings, load(settings))
            serving = [
                _serving(server(create_app(vendors, gateway_url)), sandbox_socket),
                _serving(uvicorn.Server(uvicorn.Config(app, log_level="warning")), gateway_socket),
            ]
            stop = asyncio.Event()
            working = asyncio.create_task(worker.run(settings, client, stop))
            async with httpx.AsyncClient(timeout=20.0, trust_env=False) as http:
                try:
                    for url in (f"{gateway_url}/healthz", f"{sandbox_url}/environment"):
                        await until(lambda url=url: _answers(http, url), f"no answer at {url}")  # type: ignore[misc]
                    yield World(engine, client, settings, sandbox_url, gateway_url, http, app, skip)
                finally:
                    stop.set()
                    await clock.close()
                    await asyncio.wait_for(working, 30)
                    for one, task in serving:
                        one.should_exit = True
                        await asyncio.wait_for(task, 15)
                    await engine.dispose()


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False


def _serving(one: uvicorn.Server, socket: Any) -> tuple[uvicorn.Server, asyncio.Task[None]]:
    one.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    return one, asyncio.create_task(one.serve(sockets=[socket]))


def _given(client: Client) -> Callable[..., Awaitable[Client]]:
    async def given(*, lazy: bool = False) -> Client:
        return client

    return given


class _Clock:
    """The gateway's clock: ours, or one that a task reads from a test's Temporal twenty times a second."""

    def __init__(self, now: Callable[[], Awaitable[datetime]] | None) -> None:
        self._ahead = timedelta()
        self._task = asyncio.create_task(self._follow(now)) if now is not None else None

    async def _follow(self, now: Callable[[], Awaitable[datetime]]) -> None:
        while True:
            self._ahead = await now() - _real()
            await asyncio.sleep(0.05)

    def read(self) -> datetime:
        return _real() + self._ahead

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _real() -> datetime:
    return datetime.now(UTC)
