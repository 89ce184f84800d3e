"""Journeys whose histories are kept with each release: each takes another way through the workflows."""

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from models.journey import Intervention
from tests.workflows.advocate import ADA, DAY, delivered, heard, known_in_the_crm, passes
from tests.world import PHONE, World, until

Handles = dict[str, WorkflowHandle[Any, Any]]
Scenario = Callable[[World, WorkflowEnvironment], Awaitable[Handles]]
SALE = {"referred_by": f"email:{ADA}", "amount": {"minor": 1_200_000, "currency": "USD"}}


async def full(world: World, env: WorkflowEnvironment) -> Handles:
    """From the answer to the case study, with a second gift; and the referral to its reward."""
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=10)
    await world.done("gift", "send_gift")
    await delivered(world)
    await passes(env, 7 * DAY)
    await world.done("check_in", "send")
    now = await env.get_current_time()
    await world.report("referral.submitted", "email:new@customer.example", "lead", at=now, referred_by=f"email:{ADA}")
    await world.report("referral.closed", "email:new@customer.example", "sale", at=now, **SALE)
    await world.done("second_gift", "attribute_revenue")
    await passes(env, 33 * DAY)
    await world.done("case_study", "send")
    [referral] = await world.sql("SELECT id FROM referrals")
    return {"advocate": await world.handle(ADA), "referral": world.referral(referral.id)}


async def scanned_and_steered(world: World, env: WorkflowEnvironment) -> Handles:
    """A scan, a pause, a step run by hand, a signal nobody understands, a change of heart."""
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=9)
    gift = await world.done("gift", "send_gift")
    await delivered(world)
    handle = await world.handle(ADA)
    said = Intervention(by="grace", reason="on holiday")
    await handle.execute_update("pause", said)
    await world.http.get(gift.request["qr_url"], headers=PHONE, follow_redirects=True)
    await heard(world, "qr.scanned")
    await handle.signal("no.such.event", "nothing")
    await handle.execute_update("run", said.model_copy(update={"step": "case_study/task"}))
    await passes(env, 3 * DAY)
    await handle.execute_update("resume", said)
    await world.done("case_study", "task")
    now = await env.get_current_time()
    await world.report("nps.answered", f"email:{ADA}", "heart", at=now, score=1)
    await handle.result()
    return {"advocate": handle}


async def in_doubt(world: World, env: WorkflowEnvironment) -> Handles:
    """A lost answer, a doubt, and a person who settles it."""
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=9)
    await world.done("gift", "send_gift")
    await delivered(world)
    await world.fault("sendgrid", "500")
    await passes(env, 7 * DAY)

    async def doubted() -> bool:
        return bool(await world.effects(step="check_in", status="doubted"))

    await until(doubted, "a 500 after a write is a doubt")
    handle = await world.handle(ADA)
    said = Intervention(step="check_in/send", by="grace", reason="not in the activity feed", found=False)
    await handle.execute_update("resolve", said)
    await world.done("check_in", "send")
    return {"advocate": handle}


ALL: dict[str, Scenario] = {"full": full, "scanned-and-steered": scanned_and_steered, "in-doubt": in_doubt}
