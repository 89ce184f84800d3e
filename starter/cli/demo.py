"""`make demo`: Playbook 17 on a fresh machine, from the vendors' real payloads, with a day in a second.

Two advocates. Ada answers a survey, scans the code in her box, brings a customer and introduces a friend. Grace is
tagged in the CRM, gets the same box, and never scans it. The vendors are the sandbox's; everything else is the product.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from models.effect import EFFECTS
from models.settings import Settings
from starter.cli.console import Json, answer, err, out, run
from starter.local.postgres import EmbeddedPostgres
from starter.local.stack import Stack
from starter.local.whereabouts import forget, remember
from store.database import connect
from store.record import Record, record_of

DAY = 1.3
"""Seconds."""

PLAYBOOK = "advocate-thank-you"
ADA, GRACE = "ada@example.com", "grace@example.com"
PEOPLE = {ADA: "Ada", GRACE: "Grace"}

EXPECTED = {
    ADA: {
        "gift": ["make_video", "send_gift"],
        "advisory_list": ["add_to_list", "notify"],
        "personal_call": ["task"],
        "case_study": ["task", "send"],
        "second_gift": ["send_gift", "attribute_revenue"],
        "amplify": ["notify"],
        "elite": ["task", "send"],
    },
    GRACE: {
        "gift": ["make_video", "send_gift"],
        "advisory_list": ["add_to_list", "notify"],
        "personal_call": ["task"],
        "check_in": ["send"],
        "case_study": ["task", "send"],
    },
}
"""What Playbook 17 says: exactly this is to be done, once each. Ada's check-in is silent, because she scanned."""

Check = tuple[bool, str]


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leaves everything running, to look around.")] = False,
    as_json: Json = False,
) -> None:
    """Plays Playbook 17 from real webhook payloads, with days compressed to seconds.

    Example: ovation demo --keep"""
    if not run(_demo(keep, as_json)):
        raise typer.Exit(1)


async def _demo(keep: bool, as_json: bool) -> bool:
    say = partial((err if as_json else out).print, markup=True)
    async with _stage(say) as stack:
        engine = connect(stack.environment["OVATION_DATABASE_URL"], pool_size=2)
        try:
            async with httpx.AsyncClient(timeout=10.0, trust_env=False) as http:
                play = Play(stack, engine, http, say)
                checks = await play.whole()
                _tell(play, checks, as_json)
        finally:
            await engine.dispose()
        if keep:
            remember(stack)
            say("\nEverything is still running. Look around; Ctrl-C ends it.")
            for name, url in {**stack.addresses(), "hub": play.hub_url}.items():
                say(f"  {name.replace('_', ' '):12} {escape(url)}", soft_wrap=True)
            say("Other commands find it from this folder: ovation explain ada@example.com, ovation journey list")
            try:
                await _until_interrupted()
            finally:
                forget(stack)
    return all(good for good, _ in checks)


@asynccontextmanager
async def _stage(say: Callable[..., None]) -> AsyncIterator[Stack]:
    """A stack of its own, with nothing from an earlier time."""
    state = Path(".ovation") / "demo"
    if state.exists():
        EmbeddedPostgres(state / "postgres").destroy()
        shutil.rmtree(state)
    scale = str(86400 / DAY)
    stack = Stack(state, Settings(), sandbox=True, durable=False, overrides={"OVATION_TIME_SCALE": scale})
    say("[bold]Ovation[/bold]: Playbook 17, a day in a second\n")
    try:
        await stack.start(lambda line: say(f"  [dim]{escape(line)}[/dim]"))
        yield stack
    finally:
        stack.stop()


async def _until_interrupted() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


@dataclass
class Play:
    """The demo's course. `began` is when the first advocate spoke up: day 0."""

    stack: Stack
    engine: AsyncEngine
    http: httpx.AsyncClient
    say: Callable[..., None]
    began: float = field(default_factory=time.time)
    hub_url: str = ""
    told: set[str] = field(default_factory=set)

    async def whole(self) -> list[Check]:
        """Plays it all, and checks it."""
        await self._people_are_known()
        self.began = time.time()
        self.say("\n[bold]Two customers speak up[/bold]")
        await self._move("wootric", "answer", {"email": ADA, "score": 10})
        await self._move("hubspot", "tag", {"email": GRACE, "property": "referral_given", "value": "true"})
        await asyncio.gather(*(self._until(p, "gift", "send_gift", 2 * DAY) for p in PEOPLE))
        await self._on_day(1)
        for person in PEOPLE:
            await self._deliver(person)
        await self._on_day(2)
        hub = await self._scan()
        await self._until(ADA, "case_study", "send", 4 * DAY)
        await self._mention_and_introduction()
        closed = await self._referral_closes_twice()
        await self._until(ADA, "second_gift", "attribute_revenue", 3 * DAY)
        await self._until(ADA, "elite", "send", 3 * DAY)
        self.say("\n[bold]Grace is left in peace, and asked after a month[/bold]")
        await self._until(GRACE, "case_study", "send", 40 * DAY)
        return [*await self._checks(), hub, closed]

    async def record(self, person: str) -> Record:
        found = await record_of(self.engine, person)
        assert found is not None
        return found

    def day(self, at: datetime | None = None) -> float:
        moment = time.time() if at is None else at.timestamp()
        return (moment - self.began) / DAY

    async def _people_are_known(self) -> None:
        """The CRM knows them: names, and who looks after them."""
        for person, (first, last, company) in {
            ADA: ("Ada", "Lovelace", "Analytical Engines"),
            GRACE: ("Grace", "Murray", "Compilers & Sons"),
        }.items():
            properties = {"firstname": first, "lastname": last, "company": company}
            await self._move("hubspot", "contact", {"email": person, "properties": properties})

    async def _deliver(self, person: str) -> None:
        gift = await self._effect(person, "gift", "send_gift")
        await self._move("boxli", "deliver", {"external_reference": gift.key})

    async def _scan(self) -> Check:
        """Ada holds her phone over the code in the box."""
        gift = await self._effect(ADA, "gift", "send_gift")
        phone = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1.15"}
        answer = await self.http.get(gift.request["qr_url"], headers=phone, follow_redirects=True)
        self.hub_url = str(answer.url)
        await self._news()
        return answer.status_code == 200 and "Ada" in answer.text, "the code in the box opens Ada's own page"

    async def _mention_and_introduction(self) -> None:
        about = {"source": "demo", "subject": f"email:{ADA}"}
        post = {"network": "linkedin", "post": "urn:li:share:71"}
        await self._report({**about, "id": "post", "type": "ovation.mention.posted", "data": post})
        introduced = {"unprompted": True}
        await self._report({**about, "id": "intro", "type": "ovation.contact.introduced", "data": introduced})

    async def _referral_closes_twice(self) -> Check:
        """A sale by Ada's word, reported by two systems."""
        data = {"referred_by": f"email:{ADA}", "amount": {"minor": 1_200_000, "currency": "USD"}}
        closed = {"type": "ovation.referral.closed", "subject": "email:new@customer.example", "data": data}
        await self._report({**closed, "source": "billing", "id": "invoice-71"})
        await self._report({**closed, "source": "crm", "id": "opportunity-9"})
        await self._until(ADA, "second_gift", "send_gift", 3 * DAY)
        rows = (await self.record(ADA)).effects
        sent = [r for r in rows if r.step.startswith("second_gift") and r.effect == "send_gift"]
        return len(sent) == 1, "a referral reported twice brings one second gift"

    async def _checks(self) -> list[Check]:
        """Exactly what the playbook says, once each, and each in time; by our ledger and by the vendors' own books."""
        checks: list[Check] = []
        for person, expected in EXPECTED.items():
            rows = [r for r in (await self.record(person)).effects if r.playbook == PLAYBOOK and r.effect != "alert"]
            found = sorted((r.step.partition(":")[0], r.effect) for r in rows if r.status == "done")
            wanted = sorted((step, effect) for step, effects in expected.items() for effect in effects)
            checks.append((found == wanted, f"{PEOPLE[person]}: every step of the playbook, once each"))
            gift = next(r for r in rows if r.step == "gift" and r.effect == "send_gift")
            checks.append((gift.settled_at <= gift.deadline_at, f"{PEOPLE[person]}: the gift went out within 48 hours"))
        orders = await self._outbox("boxli", "POST")
        checks.append((len(orders) == 3, "three boxes at the vendor, not one more"))
        first: Any = next((o["body"] for o in orders if "/gift/" in (o["effect"] or "")), {})
        checks.append(("http" in str(first), "the first box carries the video and a code"))
        return checks

    async def _outbox(self, platform: str, method: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"{self.stack.sandbox_url}/outbox", params={"platform": platform})
        return [entry for entry in answer.json() if entry["method"] == method]

    async def _move(self, platform: str, name: str, given: dict[str, Any]) -> None:
        answer = await self.http.post(f"{self.stack.sandbox_url}/{platform}/_move/{name}", json=given)
        if not answer.is_success:
            raise RuntimeError(f"the sandbox's {platform} did not {name}: {answer.text}")

    async def _report(self, event: dict[str, Any]) -> None:
        key = self.stack.environment["OVATION_API_KEYS"].split(",")[0]
        answer = await self.http.post(
            f"{self.stack.gateway_url}/events", json=event, headers={"Authorization": f"Bearer {key}"}
        )
        if answer.status_code != 202:
            raise RuntimeError(f"the gateway did not take an event: {answer.text}")

    async def _effect(self, person: str, step: str, effect: str) -> Any:
        for row in (await self.record(person)).effects:
            if row.step == step and row.effect == effect:
                return row
        raise RuntimeError(f"{PEOPLE[person]}'s {step} has not been begun: the worker's log may say why")

    async def _on_day(self, day: float) -> None:
        while self.day() < day:
            await self._news()
            await asyncio.sleep(0.1)

    async def _until(self, person: str, step: str, effect: str, patience: float) -> None:
        """Waits until it is done; whoever waits too long goes on, and the checks at the end say what is missing."""
        deadline = time.monotonic() + patience + 15
        while time.monotonic() < deadline:
            await self._news()
            found = await record_of(self.engine, person)
            rows = found.effects if found is not None else []
            if any(r.step.partition(":")[0] == step and r.effect == effect and r.status == "done" for r in rows):
                return
            await asyncio.sleep(0.15)

    async def _news(self) -> None:
        """Says what happened since we looked last."""
        for at, person, words in await self.happened():
            line = f"{person}: {words}"
            if line not in self.told:
                self.told.add(line)
                self.say(f"  day {self.day(at):4.1f}  {escape(line)}")

    async def happened(self) -> list[tuple[datetime, str, str]]:
        """Everything that came and was done, in order."""
        lines = []
        for email, name in PEOPLE.items():
            found = await record_of(self.engine, email)
            if found is not None:
                lines += [(event.received_at, name, _came(event)) for event in found.events]
                lines += [(r.settled_at, name, _done(r)) for r in found.effects if r.status == "done"]
        return sorted(lines)


WORDS: dict[str, Callable[[Any], str]] = {
    "make_video": lambda r: "a personal video is made",
    "send_gift": lambda r: "a gift box is on its way" if r.step == "gift" else "a second, smaller gift is on its way",
    "add_to_list": lambda r: f"on the list “{(r.request or {}).get('list', '')}”",
    "notify": lambda r: "colleagues are told" if r.step.startswith("amplify") else "her success manager is told",
    "task": lambda r: f"task: {(r.request or {}).get('title', '')}",
    "send": lambda r: f"e-mail: {(r.request or {}).get('subject', '')}",
    "attribute_revenue": lambda r: "the revenue is attributed to her in the CRM",
    "alert": lambda r: f"the team is alerted: {(r.request or {}).get('title', '')}",
}


def _done(row: Any) -> str:
    words = WORDS.get(row.effect)
    return EFFECTS[row.effect].label if words is None else words(row)


def _came(event: Any) -> str:
    shown = {k: v for k, v in event.data.items() if k in ("score", "tag", "network")}
    more = f" ({', '.join(f'{k} {v}' for k, v in shown.items())})" if shown else ""
    return f"{event.type}{more}, from {event.source.removeprefix('events:')}"


def _tell(play: Play, checks: list[Check], as_json: bool) -> None:
    if as_json:
        answer(True, {"checks": [{"good": good, "what": what} for good, what in checks], **play.stack.addresses()})
        return
    out.print("\n[bold]What the playbook promised[/bold]", markup=True)
    for good, what in checks:
        out.print(f"  {'[green]yes[/green]' if good else '[red bold]NO [/red bold]'}  {escape(what)}", markup=True)
