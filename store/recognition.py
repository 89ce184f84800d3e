"""Tiers that advocates earn by referrals that became customers."""

from collections.abc import Mapping
from typing import get_args

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Tier
from store.database import now
from store.identity import get_contact
from store.outcome import tell
from store.referral import closed_count
from store.tables import contacts

RANK = {tier: rank for rank, tier in enumerate(get_args(Tier))}


async def recognize(engine: AsyncEngine, contact: str, thresholds: Mapping[Tier, int]) -> Tier | None:
    """Raises the advocate to the tier their closed referrals have earned; their journeys hear of it once.

    None when they keep the tier they have."""
    async with engine.begin() as conn:
        found = await get_contact(conn, contact, lock=True)
        if found is None:
            return None
        contact = found.id
        count = await closed_count(conn, contact)
        earned = [tier for tier, needed in thresholds.items() if count >= needed]
        best = max(earned, key=RANK.__getitem__, default=None)
        if best is None or RANK[best] <= RANK[found.tier]:
            return None
        await conn.execute(update(contacts).where(contacts.c.id == contact).values(tier=best))
        await tell(conn, contact, "tier.reached", {"tier": best}, f"{contact}:{best}", now())
        return best
