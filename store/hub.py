"""What the advocate's own page shows, and whose code was scanned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Contact
from store.identity import get_contact
from store.payout import rewards_of
from store.referral import referral_code, referrals_of
from store.tables import codes, effects, inbox, payees


@dataclass(frozen=True)
class Shown:
    """`video_url`: the personal video made for them; `story_url`: their published story; `code`: of their own link.
    `account_waits`: a reward waits until they have said where to send it."""

    contact: Contact
    video_url: str | None
    story_url: str | None
    code: str
    referrals: Sequence[Row[Any]]
    rewards: Sequence[Row[Any]]
    account_waits: bool


@dataclass(frozen=True)
class Scanned:
    """A QR code of ours: who it was made for, and the gift that carries it."""

    contact: str
    effect: str | None


async def shown_to(engine: AsyncEngine, contact: str) -> Shown | None:
    """What this contact's hub shows; None when nobody is known by this id."""
    async with engine.begin() as conn:
        found = await get_contact(conn, contact)
        if found is None:
            return None
        contact = found.id
        video, story, code = (
            await _video(conn, contact),
            await _story(conn, contact),
            await referral_code(conn, contact),
        )
        waiting = select(payees.c.account).where(payees.c.contact_id == contact, ~payees.c.payable)
        waits = (await conn.execute(waiting)).first() is not None
    mine, earned = await referrals_of(engine, contact), await rewards_of(engine, contact)
    return Shown(found, video, story, code, mine, earned, waits)


async def scanned(engine: AsyncEngine, code: str) -> Scanned | None:
    """Whose code this is; None for one that we did not make."""
    async with engine.connect() as conn:
        row = (await conn.execute(select(codes).where(codes.c.code == code, codes.c.kind == "qr"))).first()
    return None if row is None else Scanned(row.contact_id, row.effect_key)


async def _video(conn: AsyncConnection, contact: str) -> str | None:
    query = (
        select(effects.c.url)
        .where(effects.c.contact_id == contact, effects.c.effect == "make_video", effects.c.url.is_not(None))
        .order_by(effects.c.settled_at.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar()


async def _story(conn: AsyncConnection, contact: str) -> str | None:
    query = (
        select(inbox.c.data["url"].astext)
        .where(inbox.c.contact_id == contact, inbox.c.type == "story.agreed", inbox.c.data.has_key("url"))
        .order_by(inbox.c.at.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar()
