"""The other side: a workflow with as many activities as a journey has effects, in the same order, which do nothing."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

QUEUE = "bare"
NOBODYS_QUEUE = "bare-nobody"
AT_ONCE = 8
"""Effects of a journey that begin together and wait for nothing, besides the gift that waits for its video."""


@activity.defn
async def nothing(number: int) -> int:
    return number


@workflow.defn
class Bare:
    """Twelve activities: one first (who is this?), then ten together, of which one waits for another, then the end."""

    @workflow.run
    async def run(self) -> int:
        await self.act(0)
        await asyncio.gather(self.gift(), *(self.act(number) for number in range(1, AT_ONCE + 1)))
        return await self.act(11)

    async def gift(self) -> None:
        await self.act(9)
        await self.act(10)

    async def act(self, number: int) -> int:
        return await workflow.execute_activity(nothing, number, start_to_close_timeout=timedelta(seconds=30))

    @workflow.signal
    def event(self, number: int) -> None:
        return
