"""Where somebody's money goes: their account at the payer, and whether it can be paid now."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json
from models.contact import Identity
from store.identity import follow, kept_as, learn
from store.outcome import tell
from store.tables import payees


async def payee_of(conn: AsyncConnection, contact: str, platform: str) -> Row[Any] | None:
    query = select(payees).where(payees.c.contact_id == kept_as(contact), payees.c.platform == platform)
    return (await conn.execute(query)).first()


async def keep_payee(
    conn: AsyncConnection,
    contact: str,
    platform: str,
    account: str,
    *,
    payable: bool,
    referral: str | None,
    at: datetime,
) -> None:
    """What the payer says of somebody's account; their journeys hear whether it is ready, or waits for them.

    An answer from before they completed it may be written after the news that they did, which comes only once: an
    account that could be paid is not made to wait again. Whether money can really go there, the payment asks."""
    contact = await follow(conn, contact)
    made = insert(payees).values(contact_id=contact, platform=platform, account=account, payable=payable)
    ready = made.excluded.payable | ((payees.c.account == made.excluded.account) & payees.c.payable)
    values = {"account": made.excluded.account, "payable": ready}
    await conn.execute(made.on_conflict_do_update(index_elements=["contact_id", "platform"], set_=values))
    await learn(conn, contact, [Identity(kind=platform, value=account)])
    data: Json = {"account": account}
    if referral is not None:
        data["referral"] = referral
    event_type = "payee.ready" if payable else "payee.invited"
    await tell(conn, contact, event_type, data, f"{platform}:{contact}:{referral}", at)


async def mark_payable(conn: AsyncConnection, contact: str) -> None:
    """The payer told that the account can be paid now."""
    await conn.execute(update(payees).where(payees.c.contact_id == contact).values(payable=True))


async def payer_says_ready(engine: AsyncEngine, contact: str, platform: str, account: str, at: datetime) -> None:
    """The payer told, when asked, that the account can be paid."""
    async with engine.begin() as conn:
        await keep_payee(conn, contact, platform, account, payable=True, referral=None, at=at)
