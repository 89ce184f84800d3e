"""The pages as browsers call them, with PostgreSQL and without Temporal. The clock stands still until it is moved."""

import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from authoring.shelf import load
from models.contact import Identity, Person
from models.event import Event
from models.settings import Settings
from starter.gateway.app import make_app
from starter.gateway.gateway import Gateway
from starter.pages import visitor
from store import tables as t
from store.inbox import accept
from store.referral import referral_code
from store.screening import screen

ROOT = Path(__file__).parents[3]
URL = "http://ovation.test"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1.15"}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ENVIRONMENT = {
    "OVATION_PROGRAM": str(ROOT / "program.yaml"),
    "OVATION_PLAYBOOKS": str(ROOT / "playbooks"),
    "OVATION_PUBLIC_URL": URL,
    "OVATION_SECRET_KEYS": "a secret for tests",
    "OVATION_STRIPE__API_KEY": "sk_test",
    "TEMPORAL_ADDRESS": "127.0.0.1:9",
}


@dataclass
class Site:
    """The application, its clock, and what stands behind it. A crash is a 500 here, as for whoever calls."""

    app: Any
    engine: AsyncEngine
    here: Gateway
    now: datetime = NOON

    @asynccontextmanager
    async def browser(self, network: str = "10.0.0.9", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with its own cookies, by default somebody's telephone. `headers` with _ for -."""
        said = {**PHONE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        calls = httpx.ASGITransport(app=self.app, client=(network, 1), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=calls, base_url=URL, headers=said) as http:
            yield http

    async def known(self, email: str, **person: str) -> str:
        """Somebody whom the CRM told of. Gives their id."""
        told = Person(email=email, **person)  # type: ignore[arg-type]
        subject = Identity(kind="email", value=email)
        crm = Event(type="contact.updated", source="crm", source_id=email, subject=subject, at=NOON, person=told)
        contact = (await accept(self.engine, crm)).contact
        assert contact is not None
        return contact

    async def link_of(self, contact: str) -> str:
        async with self.engine.begin() as conn:
            return f"/r/{await referral_code(conn, contact)}"

    async def box_for(self, contact: str) -> str:
        """A box was sent. Gives the path in its code."""
        gift = {"journey_id": "j_1", "contact_id": contact, "playbook": "thanks", "step": "gift", "effect": "send_gift"}
        key = f"{contact}/gift/send_gift"
        async with self.engine.begin() as conn:
            await conn.execute(insert(t.effects).values(key=key, **gift, purpose="gratitude", status="done"))
            code = {"code": f"qr{contact[2:10]}", "kind": "qr", "contact_id": contact, "effect_key": key}
            await conn.execute(insert(t.codes).values(**code))
        return f"/q/{code['code']}"

    async def sql(self, query: str, **values: Any) -> list[Row[Any]]:
        async with self.engine.begin() as conn:
            found = await conn.execute(text(query), values)
            return list(found.all()) if found.returns_rows else []

    async def count(self, event_type: str) -> int:
        [(counted,)] = await self.sql("SELECT count(*) FROM inbox WHERE type = :type", type=event_type)
        return int(counted)

    async def verdict(self, email: str) -> str:
        """What the fraud rules say of the referral of this friend."""
        query = "SELECT r.id FROM referrals r JOIN contacts c ON c.id = r.friend_id WHERE c.email = :email"
        [(referral,)] = await self.sql(query, email=email)
        found, _, _ = await screen(self.engine, referral, self.here.shelf.program, None)
        return found

    def keys(self, *keys: str) -> None:
        """Other secret keys from now on, the newest first."""
        self.here.links = replace(self.here.links, secrets=keys)


@contextmanager
def later(seconds: float = 60) -> Iterator[None]:
    """As if it were later, for whoever reads when a form was shown."""
    with patch.object(visitor, "time", SimpleNamespace(time=lambda: time.time() + seconds)):
        yield


def stamp_in(page: str) -> str:
    found = re.search(r'name="stamp" value="([^"]+)"', page)
    assert found is not None, "the page has a form"
    return found[1]


@asynccontextmanager
async def site_at(database_url: str, engine: AsyncEngine, **environment: str) -> AsyncIterator[Site]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("OVATION_", "TEMPORAL_"))}
    own = {**ENVIRONMENT, "OVATION_DATABASE_URL": database_url, **environment}
    with patch.dict(os.environ, {**outside, **own}, clear=True):
        settings = Settings()
        app = make_app(settings, load(settings))
        async with app.router.lifespan_context(app):
            made = Site(app, engine, app.state.gateway)
            with patch.object(Gateway, "now", lambda _: made.now):
                yield made


@pytest.fixture
async def site(engine: AsyncEngine, database_url: str) -> AsyncIterator[Site]:
    async with site_at(database_url, engine) as made:
        yield made
