"""Attribution corrected by a person: the first touch is overruled, with a name and a reason."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store.payout import leave, may_be_paid, was_paid
from store.referral import attributed, get
from store.tables import decisions, journeys, referrals


async def reattribute(engine: AsyncEngine, referral: str, advocate: str, by: str, reason: str) -> None:
    """A person overrules the first touch; who and why stays on record.

    Raises LookupError when there is no such referral, ValueError when the advocate has one of this friend already, or
    when a reward was paid, or may have been: the message says what comes first."""
    async with engine.begin() as conn:
        row = await get(conn, referral, lock=True)
        if row is None:
            raise LookupError(f"there is no referral {referral}")
        if row.advocate_id == advocate:
            raise ValueError("it is theirs already")
        if await was_paid(conn, referral):
            raise ValueError("a reward was paid for this referral: take it back first")
        if await may_be_paid(conn, referral):
            raise ValueError("a reward for it is being paid, or may have been: wait until that is settled")
        if row.friend_id is not None:
            await _make_room(conn, referral, advocate, row.friend_id)
        await leave(conn, referral, row.advocate_id)
        await conn.execute(update(referrals).where(referrals.c.id == referral).values(advocate_id=advocate))
        await conn.execute(update(journeys).where(journeys.c.id == referral).values(contact_id=advocate))
        said = {"what": attributed(row.advocate_id, advocate), "by": by, "reason": reason}
        await conn.execute(insert(decisions).values(about=referral, **said))


async def _make_room(conn: AsyncConnection, referral: str, advocate: str, friend: str) -> None:
    """Their own claim, refused because this one was first, makes room. Raises ValueError where it was not refused."""
    rival = select(referrals.c.id, referrals.c.verdict).where(
        referrals.c.advocate_id == advocate, referrals.c.friend_id == friend, referrals.c.id != referral
    )
    other = (await conn.execute(rival)).first()
    if other is None:
        return
    if other.verdict != "deny":
        raise ValueError(f"they have a referral of the same friend already: {other.id}; approve that one instead")
    await conn.execute(update(referrals).where(referrals.c.id == other.id).values(friend_id=None))
