"""Attribution corrected by a person: the first touch is overruled, with a name and a reason."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from store.payout import was_paid
from store.referral import get
from store.tables import decisions, journeys, referrals


async def reattribute(engine: AsyncEngine, referral: str, advocate: str, by: str, reason: str) -> None:
    """A person overrules the first touch; who and why stays on record.

    Raises LookupError when there is no such referral, ValueError when the advocate has one of this friend already, or
    when a reward was paid: take that back first."""
    async with engine.begin() as conn:
        row = await get(conn, referral, lock=True)
        if row is None:
            raise LookupError(f"there is no referral {referral}")
        if await was_paid(conn, referral):
            raise ValueError("a reward was paid for this referral: take it back first")
        rival = select(referrals.c.id, referrals.c.verdict).where(
            referrals.c.advocate_id == advocate, referrals.c.friend_id == row.friend_id, referrals.c.id != referral
        )
        other = (await conn.execute(rival)).first()
        if other is not None and other.verdict != "deny":
            raise ValueError(f"they have a referral of the same friend already: {other.id}; approve that one instead")
        if other is not None:  # their own claim was refused because this one was first: it makes room
            await conn.execute(update(referrals).where(referrals.c.id == other.id).values(friend_id=None))
        await conn.execute(update(referrals).where(referrals.c.id == referral).values(advocate_id=advocate))
        await conn.execute(update(journeys).where(journeys.c.id == referral).values(contact_id=advocate))
        words = f"from {row.advocate_id} to {advocate}"
        await conn.execute(insert(decisions).values(about=referral, what=f"attributed {words}", by=by, reason=reason))
