"""A vendor that answers as a test says, and a message that is sent by it."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.kit import Kit
from activities.perform import DOERS, Performer
from models.contact import Identity
from models.effect import Order
from models.event import Event
from models.program import Program
from platforms.base import Action, Call, Findable, Idempotent, Platform, PlatformSettings, Reply, Talk, Unsafe
from platforms.capabilities import Receipt, SendText
from platforms.runner import Runner
from store.inbox import accept
from store.ledger import Look

NOON = datetime(2030, 1, 8, 12, tzinfo=UTC)
KEY = "j_1/hello/text"
Repeat = Findable | Idempotent | Unsafe


class Settings(PlatformSettings):
    required = ("account",)
    base_url: str = "http://vendor.test"
    account: str | None = "a_1"


def write(action: SendText, key: str, settings: Settings) -> Talk:
    reply = yield Call.post("/texts", json={"key": key, "text": action.text})
    return Receipt.model_validate(reply.json)


def find(action: SendText, key: str, settings: Settings) -> Generator[Call, Reply, Receipt | None]:
    reply = yield Call.get("/texts", query={"key": key})
    return None if reply.json is None else Receipt.model_validate(reply.json)


FINDABLE = Findable(find=find)
FOR_EVER = Idempotent(how="a key for ever")
A_DAY = Idempotent(within=timedelta(days=1), find=find)
UNSAFE = Unsafe(how="look in its log")
THERE = {"reference": "m_1"}


class Vendor:
    """Answers writes and look-ups in turn: a status, a body, or an exception. What it got is in `sent`."""

    def __init__(self, *writes: Any, looks: list[Any] | None = None) -> None:
        self.writes, self.looks = list(writes), list(looks or [])
        self.sent: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.sent.append(request.content)
            return self._answer(self.writes.pop(0) if self.writes else {"reference": "m_1"})
        return self._answer(self.looks.pop(0) if self.looks else None)

    def _answer(self, answer: Any) -> httpx.Response:
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, int):
            return httpx.Response(answer, json={"error": "no"})
        return httpx.Response(200, json=answer)


def performer(engine: AsyncEngine, program: Program, repeat: Repeat, vendor: Vendor, **more: Any) -> Performer:
    """`more`: a `kit`, or `settings`."""
    chat = Platform(
        name="chat",
        label="Chat",
        settings=Settings,
        limit=1.0,
        headers=lambda settings, token: {},
        doctor=lambda settings: write(SendText(to="+1", text="a"), "", settings),
        actions=[Action(SendText, talk=write, repeat=repeat)],
    )
    kit = more.get("kit") or type("Kit", (), {"program": program})()
    runner = Runner(httpx.AsyncClient(transport=httpx.MockTransport(vendor)))
    return Performer(engine, cast(Kit, kit), runner, {"chat": (chat, more.get("settings") or Settings())})


async def prepare(look: Look, kit: Kit) -> SendText:
    return SendText(to="+15550100", text=look.contact.first_name or "Hello")


def preparing(made: Any) -> Any:
    """Whatever is prepared from now on: other words, or an error."""

    async def prepared(look: Look, kit: Kit) -> SendText:
        if isinstance(made, Exception):
            raise made
        return SendText(to="+15550100", text=made)

    return patch.dict(DOERS, {"text": (prepared, SendText)})


async def in_doubt(doer: Performer, asked: Order) -> None:
    """A call whose answer is lost."""
    with pytest.raises(ApplicationError) as told:
        await doer.perform(asked)
    assert told.value.details == (True,)


async def person(engine: AsyncEngine) -> str:
    event = Event(
        type="hub.visited",
        source="t",
        source_id="1",
        subject=Identity(kind="email", value="ada@engines.example"),
        at=NOON,
    )
    return str((await accept(engine, event)).contact)


async def opts_out(engine: AsyncEngine, who: str) -> None:
    subject = Identity(kind="ovation", value=who)
    await accept(engine, Event(type="contact.opted_out", source="t", source_id="2", subject=subject, at=NOON))


def order(who: str, **more: Any) -> Order:
    given = {"key": KEY, "effect": "text", "journey": "j_1", "playbook": "p", "contact": who, "step": "hello"}
    return Order(**given | {"purpose": "service", "platform": "chat", "due": NOON, "now": NOON} | more)


async def sql(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.begin() as conn:
        got = await conn.execute(text(statement), values)
        return list(got.all()) if got.returns_rows else []


async def row(engine: AsyncEngine) -> Any:
    [only] = await sql(engine, "SELECT * FROM effects")
    return only


async def lease_passes(engine: AsyncEngine) -> None:
    """Of a worker that died."""
    await sql(engine, "UPDATE effects SET lease_until = now() - interval '1 second'")
