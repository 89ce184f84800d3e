"""What goes wrong: processes killed for real, and vendors that lose answers, refuse, or hang up.

The sandbox alone is spared: it is the vendors, whose books are what everything is held against.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import httpx

from starter.local.stack import Stack
from starter.local.tether import StartFailed

VICTIMS = {"worker": 4, "gateway": 2, "temporal": 2}
VENDORS = ("stripe", "stripe", "hubspot")
FAULTS = ("accept_then_drop", "accept_then_drop", "500", "429", "reset")


@dataclass
class Storm:
    """`every`: seconds between two blows, from and to. `killed` and `faulted` count them."""

    stack: Stack
    http: httpx.AsyncClient
    dice: Random
    every: tuple[float, float]
    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VICTIMS, 0))
    faulted: int = 0
    calm: asyncio.Event = field(default_factory=asyncio.Event)

    async def rage(self) -> None:
        """Until it is calm; then every vendor behaves."""
        while not self.calm.is_set():
            await self._misbehave()
            try:
                await asyncio.wait_for(self.calm.wait(), self.dice.uniform(*self.every))
            except TimeoutError:
                await self._kill(self.dice.choices(list(VICTIMS), list(VICTIMS.values()))[0])
        await self.http.delete(f"{self.stack.sandbox_url}/faults")

    async def _misbehave(self) -> None:
        fault = {
            "platform": self.dice.choice(VENDORS),
            "kind": self.dice.choice(FAULTS),
            "count": self.dice.randint(1, 4),
            "after": self.dice.randint(0, 12),
        }
        (await self.http.post(f"{self.stack.sandbox_url}/faults", json=fault)).raise_for_status()
        self.faulted += 1

    async def _kill(self, victim: str) -> None:
        if victim == "temporal":
            assert self.stack.temporal is not None
            await asyncio.to_thread(self.stack.temporal.kill)
        else:
            await asyncio.to_thread(self.stack.children[victim].kill)
        self.killed[victim] += 1


async def supervise(stack: Stack) -> None:
    """Starts again whatever has died, as the machine's supervisor does. For ever: a worker that comes up while Temporal
    is away ends by itself, and so may need it more than once."""
    while True:
        with suppress(StartFailed):  # its port may be held for a moment by connections that died with it
            await stack.revive()
        await asyncio.sleep(0.5)
