"""A whole run: the first part in three currencies without limits, the second under a budget that is too small.

Both rage on while the storm does; then everything is up again, and is given the time that leases and retries need.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from starter.local.stack import Stack
from store.database import connect
from tests.chaos import books
from tests.chaos.facts import CURRENCIES, Referral, World, make
from tests.chaos.oracle import CAP, Due, due
from tests.chaos.play import Play
from tests.chaos.record import record
from tests.chaos.stage import stage, write_program
from tests.chaos.storm import Storm, supervise

Say = Callable[[str], None]
SHOWN = 5
"""Records of differences that are printed whole."""


@dataclass(frozen=True)
class Plan:
    """`window` is the return window, `patience` how long to wait at most once it is calm, both in seconds."""

    referrals: int
    seed: int
    window: float = 20.0
    pace: float = 4.0
    every: tuple[float, float] = (8.0, 20.0)
    patience: float = 900.0


@dataclass
class Result:
    """`differences` is empty when all books agree."""

    table: list[tuple[str, str]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.differences


async def run(plan: Plan, say: Say) -> Result:
    world = make(plan.seed, plan.referrals)
    async with stage(plan.window, say) as stack, httpx.AsyncClient(timeout=30.0, trust_env=False) as http:
        engine = connect(stack.environment["OVATION_DATABASE_URL"], pool_size=4)
        try:
            return await _Run(plan, world, stack, http, engine, say).whole()
        finally:
            await engine.dispose()


class _Run:
    def __init__(
        self, plan: Plan, world: World, stack: Stack, http: httpx.AsyncClient, engine: AsyncEngine, say: Say
    ) -> None:
        self.plan, self.world, self.stack, self.http, self.engine, self.say = plan, world, stack, http, engine, say
        dice = Random(f"{plan.seed} moments")
        self.play = Play(stack, http, dice, plan.window, plan.pace)
        self.storms: list[Storm] = []
        self.began = time.monotonic()
        self.result = Result()

    async def whole(self) -> Result:
        await self.play.fill_our_balance(CURRENCIES)
        await self.play.introduce(self.world.advocates)
        beside = [
            asyncio.create_task(supervise(self.stack)),
            asyncio.create_task(self.play.complete_accounts(self.world.advocates)),
            asyncio.create_task(self._progress()),
        ]
        try:
            await self._part(self.world.referrals)
            dues = [(referral, due(referral)) for referral in self.world.referrals]
            await self._until_it_agrees(lambda found: books.balance(found, dues, self.play.accepted))
            await self._compare(dues)
            await self._under_a_budget()
        finally:
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._tell_of_the_storm()
        return self.result

    async def _part(self, referrals: Sequence[Referral]) -> None:
        """Everything is told while the storm rages; then it is calm."""
        dice = Random(f"{self.plan.seed} storm {len(self.storms)}")
        storm = Storm(self.stack, self.http, dice, self.plan.every)
        self.storms.append(storm)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(storm.rage())
            await self.play.tell(referrals)
            await asyncio.sleep(self.plan.window / 2)
            storm.calm.set()
        self.say("all is told, and all is calm; what is open settles")

    async def _under_a_budget(self) -> None:
        """The same worker with another program: a cap for each reward, and three fifths of what they come to."""
        dues = {referral.name: due(referral, CAP) for referral in self.world.budgeted}
        room = sum(one.left for one in dues.values()) * 3 // 5
        spent = sum(_net(row) for row in (await self._books()).rewards.values() if _counts(row))
        budget = {"amount": f"{(spent + room) // 100}.{(spent + room) % 100:02} USD", "per": "year"}
        write_program(self.stack.state, {"at_most": f"{CAP // 100} USD"}, {"budget": budget})
        await asyncio.to_thread(self.stack.children["worker"].kill)
        await self._part(self.world.budgeted)

        def wrong(found: books.Books) -> list[str]:
            return books.budget_kept(found, self.world.budgeted, dues, room)

        await self._until_it_agrees(wrong)
        found = await self._books()
        self.result.differences += [f"budget: {words}" for words in wrong(found)]
        self._tell_of_the_budget(found, room)

    async def _until_it_agrees(self, wrong: Callable[[books.Books], Sequence[Any]]) -> None:
        """Waits until all agrees and nothing is open, and once more as long as a mistake would take to show."""
        deadline = time.monotonic() + self.plan.patience
        while time.monotonic() < deadline:
            found, still = await self._books(), await books.open_still(self.engine)
            if not wrong(found) and not still.unheard and not still.under_way:
                break
            await asyncio.sleep(1.0)
        await asyncio.sleep(3.0)

    async def _books(self) -> books.Books:
        stripe = (await self.http.get(f"{self.stack.sandbox_url}/books/stripe")).json()
        return await books.read(self.engine, stripe)

    async def _compare(self, dues: Sequence[tuple[Referral, Due]]) -> None:
        found = await self._books()
        by_name = {referral.name: referral for referral, _ in dues}
        for number, (name, words) in enumerate(books.balance(found, dues, self.play.accepted)):
            referral = by_name.get(name) if name is not None else None
            whole = f"\n{await record(self.engine, found, referral)}" if referral and number < SHOWN else ""
            self.result.differences.append(f"{' ← '.join(name) if name else 'all'}: {words}{whole}")
        self._tell_of_the_money(found, dues)

    def _tell_of_the_money(self, found: books.Books, dues: Sequence[tuple[Referral, Due]]) -> None:
        told, add = Counter(referral.refused for referral, _ in dues), self.result.table.append
        add(("referrals", f"{len(dues)}, of which refused: {sum(n for why, n in told.items() if why)}"))
        add(("reports accepted", f"{len(self.play.accepted)} new, told {self.play.told} times"))
        for currency in CURRENCIES:
            ours = [row for row in found.rewards.values() if row.currency == currency]
            theirs = [t for row in ours for t in found.transfers.get(row.id, [])]
            left = sum(t["amount"] - t["amount_reversed"] for t in theirs)
            should = sum(one.left for referral, one in dues if referral.currency == currency)
            kept, paid = sum(row.kept for row in ours), sum(row.paid for row in ours)
            add((f"{currency} due / our books / Stripe", f"{should} / {kept} / {left}"))
            add((f"{currency} paid / taken back", f"{paid} in {len(theirs)} transfers / {paid - kept}"))

    def _tell_of_the_budget(self, found: books.Books, room: int) -> None:
        rows = [found.rewards[r.name] for r in self.world.budgeted if r.name in found.rewards]
        paid, waiting = sum(row.paid for row in rows), sum(not row.paid for row in rows)
        self.result.table.append(("budget in USD / paid / waiting for it", f"{room} / {paid} / {waiting} rewards"))

    def _tell_of_the_storm(self) -> None:
        killed = sum((Counter(storm.killed) for storm in self.storms), Counter[str]())
        self.result.table.append(("killed", ", ".join(f"{name} {n}" for name, n in killed.items()) or "nothing"))
        self.result.table.append(("vendors' faults set", str(sum(storm.faulted for storm in self.storms))))
        self.result.table.append(("seconds", f"{time.monotonic() - self.began:.0f}"))

    async def _progress(self) -> None:
        while True:
            await asyncio.sleep(5.0)
            still = await books.open_still(self.engine)
            killed = sum(sum(storm.killed.values()) for storm in self.storms)
            self.say(
                f"{time.monotonic() - self.began:4.0f} s  {self.play.over} referrals told, {self.play.told} reports, "
                f"{killed} kills; open: {still.unheard} events, {still.under_way} effects"
            )


def _net(row: Any) -> int:
    """What a reward takes of the budget: what came back is there again."""
    return int(row.amount_minor - (row.paid - row.kept))


def _counts(row: Any) -> bool:
    return row.currency == "USD" and row.status in ("claimed", "paid")
