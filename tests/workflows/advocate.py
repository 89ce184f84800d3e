"""Ada, and what happens to her."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from tests.world import World, until

ADA = "ada@example.com"
DAY = timedelta(days=1)


async def known_in_the_crm(world: World, email: str = ADA) -> None:
    properties = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
    await world.move("hubspot", "contact", email=email, properties=properties)


async def delivered(world: World) -> None:
    [gift] = await world.effects(effect="send_gift", status="done")
    await world.move("boxli", "deliver", external_reference=gift.key)
    await heard(world, "gift.delivered")


async def heard(world: World, event_type: str, times: int = 1) -> None:
    """Waits until the journeys have been told."""
    for _ in range(400):
        rows = await world.sql(
            "SELECT handed_at FROM inbox WHERE type = :type AND handed_at IS NOT NULL", type=event_type
        )
        if len(rows) >= times:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{event_type} was not handed on {times} times")


async def state_of(world: World) -> Any:
    """Of a journey that is on record, though its workflow may start a moment later."""
    handle = await world.handle(ADA)

    async def look() -> Any:
        try:
            return await handle.query("state")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None

    return await until(look, "the workflow was never started")


async def passes(env: WorkflowEnvironment, time: timedelta) -> None:
    await env.sleep(time)
