"""Is this referral what it says? The first effect of every referral's journey, before anything is owed for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.look_up import look_up
from models.effect import Order, Outcome
from models.program import Program
from platforms.base import Platform, PlatformSettings
from platforms.runner import Runner
from store.journey import saw_running
from store.referral import read
from store.screening import screen

REVIEW = timedelta(days=7)
"""How often a referral that waits for a person is looked at again. It never passes by waiting."""


@dataclass(frozen=True)
class Screener:
    """Asks the CRM about the friend, then judges by the fraud rules and writes the evidence down."""

    engine: AsyncEngine
    program: Program
    runner: Runner
    platforms: Mapping[str, tuple[Platform, PlatformSettings]]

    async def screen(self, order: Order) -> Outcome:
        """Raises ApplicationError when the CRM is to be asked again."""
        await saw_running(self.engine, order.journey)
        row = await read(self.engine, order.journey)
        if row is None:
            return Outcome(kind="withheld", reason="there is no such referral")
        if row.friend_id is not None and order.platform is not None:
            trouble = await look_up(self.engine, self.runner, self.platforms[order.platform], order, row.friend_id)
            if trouble is not None and trouble.kind != "withheld":  # a friend we know already is a friend all the same
                return trouble
        verdict, why, _ = await screen(self.engine, order.journey, self.program, order.decided)
        if verdict == "deny":
            return Outcome(kind="withheld", reason=why)
        if verdict == "hold":
            return Outcome(kind="not_before", at=order.now + REVIEW, reason=f"needs review: {why}", attention=True)
        return Outcome(kind="done")
