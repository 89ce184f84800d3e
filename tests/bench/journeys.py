"""Row 1: journeys from their start to their end, with everything that Playbook 17 does for one advocate.

Every round is checked by what the vendors were sent: each effect of each journey, exactly once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from models.contact import Identity, Person
from models.event import Notice
from models.journey import JourneyStart
from platforms.sendspark.stand_in_books import RENDERING
from starter.gateway.relay import Relay
from store import journey
from store.database import new_id
from store.identity import resolve
from store.tables import referrals
from tests.bench.bare import QUEUE, Bare
from tests.bench.servers import IN_FLIGHT, Servers, at_once
from tests.bench.table import Pair

EVENT = "referral.closed"
PATIENCE = 90.0
CALLS = {
    "gift/make_video": ("sendspark", "GET"),
    "gift/send_gift": ("boxli", "POST"),
    "advisory_list/add_to_list": ("hubspot", "PUT"),
    "advisory_list/notify": ("slack", "POST"),
    "personal_call/task": ("hubspot", "POST"),
    "check_in/send": ("sendgrid", "POST"),
    "case_study/task": ("hubspot", "POST"),
    "case_study/send": ("sendgrid", "POST"),
    "second_gift/send_gift": ("boxli", "POST"),
    "second_gift/attribute_revenue": ("hubspot", "PATCH"),
}
"""Effect → the one call that does it. The video is there already, so nothing has to be waited for. Besides these a
journey qualifies, which only reads, and ends."""


def journeys(servers: Servers) -> Pair:
    return Pair(
        "journeys completed",
        partial(_product, servers),
        f"{len(CALLS) + 2} effects a journey, each claimed in the ledger, sent to its vendor by HTTP, and closed",
        partial(_baseline, servers),
        f"a bare workflow with as many activities that do nothing; {IN_FLIGHT} in flight, as for the product",
    )


@dataclass(frozen=True)
class _Opened:
    start: JourneyStart
    notice: Notice


async def _product(servers: Servers, count: int) -> float:
    opened = [await _open(servers) for _ in range(count)]
    await asyncio.sleep(RENDERING.total_seconds())
    (await servers.http.delete(f"{servers.vendors}/outbox")).raise_for_status()
    seconds = await at_once(partial(_live, servers, one) for one in opened)
    await _check(servers, [one.start.journey for one in opened])
    return count / seconds


async def _open(servers: Servers) -> _Opened:
    """Somebody the vendors know, and a journey on record that has not begun: what led there is row 2's matter."""
    email = f"{uuid4().hex}@example.com"
    await _known_to_vendors(servers, email)
    now, referral = datetime.now(UTC), new_id("r")
    async with servers.engine.begin() as conn:
        resolved = await resolve(conn, Identity(kind="email", value=email), person=Person(first_name="Ada"))
        assert resolved is not None
        sale = {"status": "closed", "closed_at": now, "amount_minor": 1_200_000, "currency": "USD"}
        await conn.execute(insert(referrals).values(id=referral, advocate_id=resolved.contact, how="crm", **sale))
    data = {"referral": referral, "amount": {"minor": 1_200_000, "currency": "USD"}}
    notice = Notice(id=new_id("e"), at=now, data=data)
    playbook, content = servers.shelf.playbooks["bench"], servers.shelf.content("bench")
    start = await journey.enter(servers.engine, playbook, content, resolved.contact, notice.id, now, notice.data)
    assert start is not None
    return _Opened(start, notice)


async def _known_to_vendors(servers: Servers, email: str) -> None:
    """In the CRM, and with a video in the campaign."""
    known = {"email": email, "properties": {"firstname": "Ada", "lastname": "Lovelace"}}
    (await servers.http.post(f"{servers.vendors}/hubspot/_move/contact", json=known)).raise_for_status()
    env = servers.stack.environment
    keys = {"x-api-key": env["OVATION_SENDSPARK__API_KEY"], "x-api-secret": env["OVATION_SENDSPARK__API_SECRET"]}
    campaign = servers.shelf.program.videos["thank-you"].campaign
    path = f"/v1/workspaces/{env['OVATION_SENDSPARK__WORKSPACE']}/dynamics/{campaign}/prospect"
    order = {
        "prospect": {"contactName": "Ada", "contactEmail": email},
        "prospectDepurationConfig": {"forceCreation": False, "payloadDepurationStrategy": "keep-first-valid"},
        "processAndAuthorizeCharge": True,
    }
    (await servers.http.post(f"{servers.vendors}/sendspark{path}", json=order, headers=keys)).raise_for_status()


async def _live(servers: Servers, one: _Opened) -> None:
    relay = Relay(servers.engine, servers.client, servers.shelf)
    await relay.start_workflow(servers.shelf.playbooks["bench"], one.start, EVENT, one.notice)
    handle: Any = servers.client.get_workflow_handle(one.start.workflow)
    async with asyncio.timeout(PATIENCE):
        ended = await handle.result()
    assert ended == "quiet", f"a journey ended by {ended!r}"


async def _check(servers: Servers, begun: list[str]) -> None:
    """Raises AssertionError when an effect of any journey is missing at its vendor, or is there twice."""
    sent = (await servers.http.get(f"{servers.vendors}/outbox")).json()
    found = Counter(entry["effect"] for entry in sent if _does_it(entry))
    wanted = Counter(f"{name}/{effect}" for name in begun for effect in CALLS)
    assert found == wanted, f"missing: {list(wanted - found)[:5]}; too many: {list(found - wanted)[:5]}"


def _does_it(entry: dict[str, Any]) -> bool:
    effect = (entry["effect"] or "").partition("/")[2]
    return entry["status"] < 300 and CALLS.get(effect) == (entry["platform"], entry["method"])


async def _baseline(servers: Servers, count: int) -> float:
    async def live() -> None:
        done: int = await servers.bare_client.execute_workflow(Bare.run, id=f"bare-{uuid4()}", task_queue=QUEUE)
        assert done == len(CALLS) + 1

    jobs: list[Callable[[], Awaitable[None]]] = [live] * count
    return count / await at_once(jobs)
