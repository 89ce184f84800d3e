"""Which function does which effect: read from the one table of effects, so that each has exactly one doer."""

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.kit import Kit
from activities.ours import OurRecord
from activities.perform import DOERS, Performer
from activities.qualify import Qualifier
from activities.screen import Screener
from models.effect import Order, Outcome
from platforms.base import Platform, PlatformSettings
from platforms.runner import Runner

Doer = Callable[[Order], Awaitable[Outcome]]


def doers(
    engine: AsyncEngine, kit: Kit, runner: Runner, platforms: Mapping[str, tuple[Platform, PlatformSettings]]
) -> dict[str, Doer]:
    """Effect → activity."""
    performer = Performer(engine, kit, runner, platforms)
    ours = OurRecord(engine, kit.program)
    found: dict[str, Doer] = {effect: performer.perform for effect in DOERS}
    found["qualify"] = Qualifier(engine, runner, platforms).qualify
    found["screen"] = Screener(engine, kit.program, runner, platforms).screen
    found["recognize"] = ours.recognize
    found["set_tier"] = ours.set_tier
    found["end_journey"] = ours.end_journey
    return {effect: _named(effect, doer) for effect, doer in found.items()}


def _named(effect: str, doer: Doer) -> Doer:
    @activity.defn(name=effect)
    async def carry_out(order: Order) -> Outcome:
        return await doer(order)

    return carry_out
