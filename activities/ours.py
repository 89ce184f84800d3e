"""Effects on our own record: local activities, safe to repeat."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Tier
from models.effect import Order, Outcome
from models.program import Program
from store import contact, journey, recognition


@dataclass(frozen=True)
class OurRecord:
    engine: AsyncEngine
    program: Program

    async def recognize(self, order: Order) -> Outcome:
        """The tier that their closed referrals have earned; a tier is never lost."""
        tier = await recognition.recognize(self.engine, order.contact, self.program.tiers)
        return Outcome(kind="done", facts={} if tier is None else {"tier": tier})

    async def set_tier(self, order: Order) -> Outcome:
        tier = cast(Tier, order.params["tier"])
        await contact.set_tier(self.engine, order.contact, tier)
        return Outcome(kind="done", facts={"tier": tier})

    async def end_journey(self, order: Order) -> Outcome:
        """An opt-out that another service told the journey alone is one for every journey."""
        if order.params["reason"] == "contact.opted_out":
            await contact.opt_out(self.engine, order.contact)
        await journey.end_journey(self.engine, order.journey, order.params["reason"])
        return Outcome(kind="done")
