"""Telling the product what happened, by the door other services use; and advocates who complete their accounts.

A reporter is as patient as a good one is: it sends the same report again until it was taken.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from starter.local.stack import Stack
from tests.chaos.facts import Advocate, Referral, Report


@dataclass
class Play:
    """`pace`: referrals begun in a second. `window`: seconds until a reward falls due."""

    stack: Stack
    http: httpx.AsyncClient
    dice: Random
    window: float
    pace: float
    accepted: set[str] = field(default_factory=set)
    told: int = 0
    over: int = 0
    completed: set[str] = field(default_factory=set)
    _known: dict[str, asyncio.Event] = field(default_factory=dict)

    async def tell(self, referrals: Sequence[Referral]) -> None:
        """All of it: one referral after the other begins, and each takes its time."""
        self._known |= {_key(referral): asyncio.Event() for referral in referrals}
        rings = [r for r in referrals if r.refused == "in a ring"]
        others = [r for r in referrals if r.refused != "in a ring"]
        await asyncio.gather(*(self._first_word(referral) for referral in rings))
        async with asyncio.TaskGroup() as tasks:
            for referral in [*rings, *others]:
                tasks.create_task(self._one(referral))
                await asyncio.sleep(1 / self.pace)

    async def _first_word(self, referral: Referral) -> None:
        """A ring is closed before anybody in it may be paid."""
        await self._report(referral, Report(0, "crm"), datetime.now(UTC))

    async def _one(self, referral: Referral) -> None:
        if referral.after is not None:
            await self._known[_key(referral.after)].wait()
        began = datetime.now(UTC) - timedelta(seconds=1)
        due = time.monotonic() + self.window + self.dice.choice([0.0, 3.0, self.window])
        for report in referral.reports:
            fact = referral.facts[report.fact]
            if fact.late:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            else:
                await asyncio.sleep(self.dice.uniform(0.0, 0.4))
            at = began + timedelta(milliseconds=10 * report.fact)
            await self._report(referral, report, at if not fact.late else datetime.now(UTC))
            if fact.late:
                await asyncio.sleep(self.dice.choice([0.0, 0.0, 0.0, 1.0]))
        self._known[_key(referral)].set()
        self.over += 1

    async def _report(self, referral: Referral, report: Report, at: datetime) -> None:
        fact = referral.facts[report.fact]
        data: dict[str, Any] = {"referred_by": f"email:{referral.advocate.email}"}
        if fact.total is not None and not report.vague:
            data["amount"] = {"minor": fact.total, "currency": referral.currency}
        event = {
            "type": f"ovation.referral.{fact.kind}",
            "source": report.source,
            "id": f"{referral.number}-{report.fact}",
            "subject": f"email:{referral.friend}",
            "time": at.isoformat(),
            "data": data,
        }
        for _ in range(report.times):
            await self._send(event)

    async def _send(self, event: dict[str, Any]) -> None:
        key = self.stack.environment["OVATION_API_KEYS"].split(",")[0]
        url, headers = f"{self.stack.gateway_url}/events", {"Authorization": f"Bearer {key}"}
        while True:
            with suppress(httpx.TransportError):
                answer = await self.http.post(url, json=event, headers=headers)
                if answer.status_code == 202:
                    break
                if answer.status_code < 500:
                    raise RuntimeError(f"the gateway refused an event: {answer.text}")
            await asyncio.sleep(0.3)
        self.accepted.add(answer.json()["events"][0]["event"])
        self.told += 1

    async def complete_accounts(self, advocates: Iterable[Advocate]) -> None:
        """Everybody who will complete their account does, as soon as they have one or a good while after. For ever."""
        waiting = {advocate.email: advocate for advocate in advocates if advocate.account != "never"}
        seen: dict[str, float] = {}
        while waiting:
            for account in (await self._books())["accounts"].values():
                advocate = waiting.get(account["email"])
                if advocate is None:
                    continue
                patience = 0.0 if advocate.account == "early" else 1.5 * self.window
                if time.monotonic() >= seen.setdefault(advocate.email, time.monotonic()) + patience:
                    await self._move("stripe", "onboard", account=account["id"])
                    self.completed.add(advocate.email)
                    del waiting[advocate.email]
            await asyncio.sleep(1.0)

    async def fill_our_balance(self, currencies: Iterable[str]) -> None:
        for currency in currencies:
            await self._move("stripe", "top_up", amount=1_000_000_000, currency=currency.lower())

    async def introduce(self, advocates: Iterable[Advocate]) -> None:
        """The CRM knows the advocates."""
        for advocate in advocates:
            await self._move("hubspot", "contact", email=advocate.email, properties={"firstname": "Ada"})

    async def _move(self, platform: str, name: str, **given: Any) -> None:
        answer = await self.http.post(f"{self.stack.sandbox_url}/{platform}/_move/{name}", json=given)
        answer.raise_for_status()

    async def _books(self) -> Any:
        return (await self.http.get(f"{self.stack.sandbox_url}/books/stripe")).json()


def _key(referral: Referral) -> str:
    return f"{referral.advocate.email} {referral.friend}"
