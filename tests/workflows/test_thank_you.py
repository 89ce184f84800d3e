"""Prevents: a thank-you that is late, doubled or forgotten.

Playbook 17 from a signed webhook to the second gift, with its real thirty days."""

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.advocate import ADA, DAY, delivered, heard, known_in_the_crm, passes, state_of
from tests.world import PHONE, World


async def test_from_a_wootric_ten_to_the_second_gift(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=10)

    gift = await world.done("gift", "send_gift")
    for step, effect in (("advisory_list", "add_to_list"), ("advisory_list", "notify"), ("personal_call", "task")):
        await world.done(step, effect)
    [order] = [o for o in await world.outbox("boxli", "POST") if o["effect"] == gift.key]
    assert "Ada" in str(order["body"])
    assert "/q/" in str(order["body"]), "the box carries a code"
    assert gift.request["video_url"], "the box carries the video"
    assert gift.settled_at <= gift.deadline_at
    hubspot = await world.books("hubspot")
    assert "Customer Advisory Board Prospects" in str(hubspot)

    await delivered(world)
    before = await skipping.get_current_time()
    await passes(skipping, 2 * DAY)
    assert await world.effects(step="check_in") == [], "nothing before the third day"
    await passes(skipping, 4 * DAY)  # business hours: a weekend may lie between
    check_in = await world.done("check_in", "send")
    assert check_in.due_at - before < timedelta(days=3, minutes=5)

    await passes(skipping, 23 * DAY)
    assert await world.effects(step="case_study") == [], "nothing before the thirtieth day"
    await passes(skipping, 5 * DAY)
    await world.done("case_study", "task")
    await world.done("case_study", "send")

    data = {"referred_by": f"email:{ADA}", "amount": {"minor": 1_200_000, "currency": "USD"}}
    now = await skipping.get_current_time()
    await world.report("referral.closed", "email:new@customer.example", "billing-1", at=now, **data)
    await world.report("referral.closed", "email:new@customer.example", "crm-9", at=now, **data)
    second = await world.done("second_gift", "send_gift")
    await world.done("second_gift", "attribute_revenue")
    assert second.settled_at - second.due_at < DAY, "the same day"
    assert "12000" in str(await world.books("hubspot")), "the revenue is on the advocate in the CRM"
    gifts = [o for o in await world.outbox("boxli", "POST") if "/second_gift" in (o["effect"] or "")]
    assert len(gifts) == 1, "once per referral, however often it is reported"


async def test_a_scan_silences_the_check_in_and_brings_the_case_study_forward(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    await known_in_the_crm(world)
    await world.move("hubspot", "tag", email=ADA, property="referral_given", value="true")
    gift = await world.done("gift", "send_gift")
    await delivered(world)
    await passes(skipping, DAY)
    page = await world.http.get(gift.request["qr_url"], headers=PHONE, follow_redirects=True)
    assert page.status_code == 200
    assert "Ada" in page.text
    await heard(world, "qr.scanned")
    await passes(skipping, 4 * DAY)
    await world.done("case_study", "send")
    state = await state_of(world)
    assert state["steps"]["check_in"]["dropped"] == "not needed after qr.scanned"
    assert await world.effects(step="check_in") == []


async def test_a_delighted_nine_a_share_and_an_introduction(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    await known_in_the_crm(world)
    await world.move("delighted", "answer", email=ADA, score=9)
    await world.done("gift", "send_gift")
    await world.report("mention.posted", f"email:{ADA}", "post", network="linkedin", post="urn:li:share:71")
    await world.report("contact.introduced", f"email:{ADA}", "intro", unprompted=True)
    amplify = await world.done("amplify", "notify")
    assert amplify.request["channel"] == "#advocates"
    await world.done("elite", "task")
    await world.done("elite", "send")
    [contact] = await world.sql("SELECT tier FROM contacts WHERE email = :email", email=ADA)
    assert contact.tier == "elite"


@pytest.mark.parametrize("score", [8, 3])
async def test_who_is_no_promoter_starts_nothing(fast_world: World, score: int) -> None:
    await fast_world.move("wootric", "answer", email=ADA, score=score)
    await heard(fast_world, "nps.answered")
    record = await fast_world.record(ADA)
    assert record.journeys == []


async def test_a_change_of_heart_stops_everything(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=10)
    await world.done("gift", "send_gift")
    await delivered(world)
    now = await skipping.get_current_time()
    await world.report("nps.answered", f"email:{ADA}", "second-answer", at=now, score=2)
    handle = await world.handle(ADA)
    assert await handle.result() == "nps.answered"
    assert await world.effects(step="check_in") == []
    record = await world.record(ADA)
    assert record.journeys[0].ended_because == "nps.answered"
