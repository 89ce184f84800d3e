"""Prevents: an effect in doubt that is asked about for ever, because the vendor's look-up itself cannot tell."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, cast
from unittest.mock import patch

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit import Kit
from activities.perform import DOERS, Performer
from models.contact import Identity
from models.effect import Order
from models.event import Event
from models.program import Program
from platforms.base import Action, Call, Findable, Platform, PlatformSettings, Reply, Talk
from platforms.capabilities import PostMessage, Receipt
from platforms.errors import InDoubt
from platforms.runner import Runner
from store.inbox import accept
from store.ledger import Look

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Settings(PlatformSettings):
    base_url: str = "http://127.0.0.1:9"


def post(action: PostMessage, key: str, settings: Settings) -> Talk:
    yield Call.post("/messages")
    return Receipt(reference="m_1")


def blind(action: PostMessage, key: str, settings: Settings) -> Generator[Call, Reply, Receipt | None]:
    """A channel that cannot be read back."""
    raise InDoubt("#referrals cannot be read back")
    yield Call.get("/messages")


CHAT = Platform(
    name="chat",
    label="Chat",
    settings=Settings,
    limit=1.0,
    headers=lambda settings, token: {},
    doctor=lambda settings: post(PostMessage(channel="#a", title="a", text="a"), "", settings),
    actions=[Action(PostMessage, talk=post, repeat=Findable(find=blind))],
)


async def prepare(look: Look, kit: Kit) -> PostMessage:
    return PostMessage(channel="#referrals", title="New", text="Somebody new")


async def test_a_look_up_that_cannot_tell_asks_a_person(engine: AsyncEngine, program: Program) -> None:
    """The worker died while it told a channel that is known by its name only."""
    subject = Identity(kind="email", value="ada@engines.example")
    known = await accept(engine, Event(type="hub.visited", source="t", source_id="1", subject=subject, at=NOON))
    order = Order(
        key="j_1/announce/notify",
        effect="notify",
        journey="j_1",
        playbook="p",
        contact=known.contact or "",
        step="announce",
        purpose="team",
        platform="chat",
        due=NOON,
        now=NOON,
    )
    kit: Any = type("Kit", (), {"program": program})()
    performer = Performer(engine, cast(Kit, kit), Runner(), {"chat": (CHAT, Settings())})
    with patch.dict(DOERS, {"notify": (prepare, PostMessage)}):
        async with engine.begin() as conn:
            died = """INSERT INTO effects
                (key, journey_id, contact_id, playbook, step, effect, purpose, platform, status, request,
                 claimed_at, first_sent_at, lease_until)
                VALUES (:key, 'j_1', :contact, 'p', 'announce', 'notify', 'team', 'chat', 'claimed',
                 '{"channel": "#referrals", "title": "New", "text": "Somebody new"}',
                 now(), now(), now() - interval '1 second')"""
            await conn.execute(text(died), {"key": order.key, "contact": order.contact})
        outcome = await performer.perform(order)
    assert outcome.kind == "unsure"
    assert outcome.reason == "Chat may have done it already, and cannot tell: #referrals cannot be read back"
