"""Prevents: a referral lost between click and revenue, a reward paid twice or to the wrong, and words that hurt.

One advocate, her link, and what becomes of whom she sends: by the doors that browsers and vendors use, with the real
return window of thirty days.
"""

import asyncio
import re
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from models.journey import Intervention
from tests.workflows.advocate import DAY, heard, passes
from tests.world import PHONE, World, until

ADA, BO = "ada@engines.example", "bo@new.example"
SALE = {"minor": 1_200_000, "currency": "USD"}


async def ada(world: World) -> str:
    """An advocate with a page of her own. Gives the page's path."""
    properties = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
    await world.move("hubspot", "contact", email=ADA, properties=properties)
    person = {"first_name": "Ada", "last_name": "Lovelace"}
    await world.report("usage.milestone_reached", f"email:{ADA}", "first", milestone="first", person=person)
    return str(world.app.state.gateway.links.hub(await world.contact_id(ADA)))


async def hub(world: World, page: str) -> str:
    answer = await world.http.get(page, headers=PHONE)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


async def comes_by_the_link(world: World, page: str, email: str = BO, **fields: str) -> None:
    """A friend clicks, reads, fills in the form, and takes the time a person takes."""
    link = re.search(r'value="([^"]+/r/[^"]+)"', await hub(world, page))
    assert link is not None
    world.http.cookies.clear()
    click = await world.http.get(link[1], headers=PHONE)
    assert click.headers["location"] == "/welcome"
    form = await world.http.get(f"{world.gateway}/welcome", headers=PHONE)
    stamp = re.search(r'name="stamp" value="([^"]+)"', form.text)
    assert stamp is not None
    await asyncio.sleep(2.1)
    sent = {"email": email, "first_name": "Bo", "last_name": "Chen", "stamp": stamp[1], **fields}
    answer = await world.http.post(f"{world.gateway}/welcome", data=sent, headers=PHONE)
    assert answer.status_code == 200, answer.text
    world.http.cookies.clear()


async def referral_of(world: World, friend: str = BO) -> Any:
    [row] = await world.sql(
        "SELECT r.* FROM referrals r JOIN contacts c ON c.id = r.friend_id WHERE c.email = :email", email=friend
    )
    return row


async def closes(world: World, env: WorkflowEnvironment, friend: str = BO, once: str = "sale", **data: Any) -> None:
    now = await env.get_current_time()
    await world.report("referral.closed", f"email:{friend}", once, at=now, amount=SALE, **data)


async def account_is_completed(world: World) -> None:
    """Ada is asked where to send it, and completes the payer's form."""
    invited = await world.done("payout_account", "invite_payee")
    await world.done("complete_account", "send")
    await world.move("stripe", "onboard", account=invited.reference)
    await heard(world, "payee.ready")


async def rewards(world: World) -> list[Any]:
    return await world.sql("SELECT * FROM rewards ORDER BY at")


async def test_from_the_click_to_the_money(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page)
    told = await world.done("announce", "notify")
    assert "Bo Chen" in told.request["text"]
    lead = await world.done("lead", "update_lead")
    assert lead.request["stage"] == "accepted"
    deals = (await world.books("hubspot"))["deals"]
    assert "Bo Chen" in str(deals)
    await world.done("thanks", "send")
    assert "We are in touch with them." in await hub(world, page)
    assert "Bo" not in await hub(world, page), "the friend's name is the friend's"

    now = await skipping.get_current_time()
    await world.report("referral.qualified", f"email:{BO}", "qualified", at=now)
    await world.done("qualified", "send")
    await closes(world, skipping)
    await world.done("closed", "attribute_revenue")
    assert "12000" in str(await world.books("hubspot")), "the revenue is on the advocate in the CRM"
    await account_is_completed(world)
    await passes(skipping, 29 * DAY)
    assert await rewards(world) == [], "nothing is paid within the return window"
    await passes(skipping, 2 * DAY)

    row = await referral_of(world)
    [waiting] = await rewards(world)
    assert (waiting.amount_minor, waiting.status) == (120_000, "waiting"), "above 1,000 USD a person looks"
    decided = Intervention(step="reward/pay_reward", by="grace", reason="checked the contract")
    await world.referral(row.id).execute_update("approve", decided)
    paid = await world.done("reward", "pay_reward")
    [reward] = await rewards(world)
    assert (reward.status, reward.payment) == ("paid", paid.reference)
    transfers = [o for o in await world.outbox("stripe", "POST") if o["path"] == "/v1/transfers"]
    assert [t["status"] for t in transfers] == [200]
    await world.done("paid", "send")
    assert "1200.00 USD Paid on" in re.sub(r"<[^>]+>", "", await hub(world, page)).replace("  ", " ")


async def test_a_refund_takes_the_reward_and_the_revenue_back(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page)
    await world.done("lead", "update_lead")
    small = {"minor": 500_000, "currency": "USD"}
    now = await skipping.get_current_time()
    await world.report("referral.closed", f"email:{BO}", "sale", at=now, amount=small)
    await account_is_completed(world)
    await passes(skipping, 31 * DAY)
    await world.done("reward", "pay_reward")
    now = await skipping.get_current_time()
    half = {"minor": 250_000, "currency": "USD"}
    await world.report("referral.refunded", f"email:{BO}", "half", at=now, amount=half)
    await world.report("referral.refunded", f"email:{BO}", "half-again", at=now, amount=half)
    await world.done("refunded", "take_back_reward")
    await world.done("refunded", "attribute_revenue")

    async def balance() -> int:
        [row] = await world.sql("SELECT sum(amount_minor)::int AS left FROM reward_entries")
        return int(row.left)

    assert await balance() == 25_000, "half of 500 USD is kept, once"
    assert "2500" in str(await world.books("hubspot"))
    await world.report("referral.refunded", f"email:{BO}", "all", at=now, amount=small)

    async def all_back() -> bool:
        return await balance() == 0

    await until(all_back, "the rest was not taken back")
    assert "was taken back, because the purchase was refunded" in await hub(world, page)


async def test_a_refund_within_the_window_pays_nothing(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page)
    await world.done("lead", "update_lead")
    await closes(world, skipping)
    await account_is_completed(world)
    await passes(skipping, 10 * DAY)
    now = await skipping.get_current_time()
    await world.report("referral.refunded", f"email:{BO}", "refund", at=now)
    await heard(world, "referral.refunded")
    await passes(skipping, 30 * DAY)
    assert await world.sql("SELECT 1 FROM reward_entries") == []
    assert not [o for o in await world.outbox("stripe", "POST") if o["path"] == "/v1/transfers"]
    assert "Their purchase was refunded." in await hub(world, page)


async def test_who_refers_themselves_is_refused_kindly_and_nothing_follows(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page, "Ada+friend@engines.example")

    async def denied() -> bool:
        return bool(await world.sql("SELECT 1 FROM referrals WHERE verdict = 'deny'"))

    await until(denied, "a self-referral was not refused")
    [row] = await world.sql("SELECT id FROM referrals")
    await world.referral(row.id).result()
    assert await world.effects(effect="notify") == []
    assert await world.effects(effect="update_lead") == []
    assert "does not fit our rules" in await hub(world, page)


async def test_a_friend_two_advocates_report_belongs_to_the_first(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page)
    await world.done("lead", "update_lead")
    now = await skipping.get_current_time()
    rival = {"referred_by": "email:eve@elsewhere.example"}
    await world.report("referral.submitted", f"email:{BO}", "rival", at=now, **rival)
    await world.report("referral.submitted", f"email:{BO}", "again", at=now, referred_by=f"email:{ADA}")

    async def judged() -> bool:
        rows = await world.sql("SELECT verdict FROM referrals ORDER BY submitted_at, id")
        return [r.verdict for r in rows] in (["allow", "deny"], ["deny", "allow"])

    await until(judged, "the second advocate's claim was not refused")
    await closes(world, skipping)
    await world.done("closed", "attribute_revenue")
    [closed] = await world.sql("SELECT * FROM referrals WHERE status = 'closed'")
    assert closed.advocate_id == await world.contact_id(ADA)
    [dispute] = await world.sql("SELECT advocate_id FROM touches WHERE disputed")
    assert dispute.advocate_id == await world.contact_id("eve@elsewhere.example")


async def test_a_review_that_nobody_makes_never_pays(fast_world: World, skipping: WorkflowEnvironment) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page, "bo@engines.example")

    async def held() -> bool:
        return bool(await world.sql("SELECT 1 FROM referrals WHERE verdict = 'hold'"))

    await until(held, "two at one company are to be looked at")
    await closes(world, skipping, "bo@engines.example")
    assert "having a look at this one" in await hub(world, page)
    [row] = await world.sql("SELECT id FROM referrals")
    for _ in range(9):
        await passes(skipping, 100 * DAY)
    assert await world.referral(row.id).result() in ("at its longest", "quiet")
    assert await world.sql("SELECT 1 FROM reward_entries") == []
    assert await world.effects(effect="pay_reward") == []


async def test_a_reviewed_referral_goes_on_with_the_name_of_who_decided(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page, "bo@engines.example")

    async def held() -> bool:
        return bool(await world.sql("SELECT 1 FROM referrals WHERE verdict = 'hold'"))

    await until(held, "two at one company are to be looked at")
    [row] = await world.sql("SELECT id FROM referrals")

    async def flagged() -> bool:
        state = await world.referral(row.id).query("state")
        return bool(state["internal"]["qualify"]["attention"])

    await until(flagged, "a person is needed, and nobody is told")
    decided = Intervention(step="journey/qualify", by="grace", reason="two departments")
    await world.referral(row.id).execute_update("approve", decided)
    await world.done("lead", "update_lead")
    [kept] = await world.sql("SELECT what, by, reason FROM decisions")
    assert tuple(kept) == ("approved", "grace", "two departments")


@pytest.mark.parametrize(("fields", "words"), [({"website": "http://spam"}, "machine"), ({"stamp": "1.x"}, "not one")])
async def test_a_form_filled_in_by_a_machine_is_refused(fast_world: World, fields: dict[str, str], words: str) -> None:
    world = fast_world
    page = await ada(world)
    await comes_by_the_link(world, page, **fields)

    async def denied() -> Any:
        return await world.sql("SELECT words FROM findings WHERE rule = 'machine'")

    [finding] = await until(denied, "a machine was believed")
    assert words in finding.words


async def test_a_wrong_address_is_said_beside_the_field_and_loses_nothing(fast_world: World) -> None:
    page = await ada(fast_world)
    sent = {"first_name": "Bo", "email": "bo at new", "notes": "likes engines"}
    answer = await fast_world.http.post(f"{page}/referrals", data=sent, headers=PHONE)
    assert answer.status_code == 422
    assert "this does not look like an e-mail address" in answer.text
    assert 'value="likes engines"' in answer.text
    assert await fast_world.sql("SELECT 1 FROM referrals") == []


async def test_a_preview_of_the_link_is_no_click(fast_world: World) -> None:
    page = await ada(fast_world)
    link = re.search(r'value="([^"]+/r/[^"]+)"', await hub(fast_world, page))
    assert link is not None
    for agent in ("Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "curl/8.1"):
        answer = await fast_world.http.get(link[1], headers={"User-Agent": agent})
        assert answer.status_code == 302
    assert await fast_world.sql("SELECT 1 FROM touches WHERE how = 'click'") == []
    assert ADA not in link[1]
