"""Prevents: an operator who cannot see what a journey waits for, or whose word makes something happen twice."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from models.journey import Intervention
from tests.workflows.advocate import ADA, DAY, delivered, heard, known_in_the_crm, passes, state_of
from tests.world import World, until

GRACE = Intervention(by="grace", reason="looked at it")


async def update(world: World, command: str, **said: object) -> str:
    handle = await world.handle(ADA)
    return str(await handle.execute_update(command, GRACE.model_copy(update=said), result_type=str))


async def begun(world: World) -> None:
    await known_in_the_crm(world)
    await world.move("wootric", "answer", email=ADA, score=10)


async def test_a_rejected_gift_waits_flagged_and_a_retry_sends_it_once(fast_world: World) -> None:
    world = fast_world
    await world.move("hubspot", "contact", email=ADA, properties={"lastname": "Lovelace"})
    await world.move("wootric", "answer", email=ADA, score=10)

    async def stuck() -> bool:
        state = await state_of(world)
        return bool(state["steps"].get("gift", {}).get("effects", {}).get("make_video", {}).get("life") == "stuck")

    await until(stuck, "the video needs a first name, and nobody was told")
    await world.report("contact.updated", f"email:{ADA}", "named", person={"first_name": "Ada"})
    assert await update(world, "retry", step="gift/make_video") == "retry gift/make_video"
    await world.done("gift", "send_gift")
    assert len(await world.outbox("boxli", "POST")) == 1


async def test_a_paused_journey_does_nothing_and_goes_on_where_it_was(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    await delivered(world)
    await update(world, "pause")
    await passes(skipping, 8 * DAY)
    assert await world.effects(step="check_in") == []
    await update(world, "resume")
    await passes(skipping, 3 * DAY)
    await world.done("check_in", "send")


async def test_a_skipped_step_is_left_out_and_a_step_is_run_at_once(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    await delivered(world)
    await update(world, "skip", step="check_in")
    await update(world, "run", step="case_study/task")
    await world.done("case_study", "task")
    await passes(skipping, 8 * DAY)
    assert await world.effects(step="check_in") == []


async def test_what_makes_no_sense_is_refused_and_leaves_nothing_in_the_history(fast_world: World) -> None:
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    handle = await world.handle(ADA)
    for command, said, words in (
        ("resume", {}, "the journey is not paused"),
        ("retry", {"step": "nowhere"}, "there is no step 'nowhere'"),
        ("resolve", {"step": "gift/send_gift", "found": True}, "not in doubt"),
        ("skip", {"step": "gift/send_gift"}, "neither planned nor stuck"),
        ("approve", {"step": "gift/send_gift"}, "not waiting for a decision"),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await update(world, command, **said)
        assert words in str(refused.value.cause), command
    history = await handle.fetch_history()
    assert not [e for e in history.events if e.HasField("workflow_execution_update_accepted_event_attributes")]


async def test_a_doubt_is_shown_and_settled_by_a_person(fast_world: World, skipping: WorkflowEnvironment) -> None:
    """SendGrid keeps no key: a lost answer is a doubt, and nothing is sent again by itself."""
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    await delivered(world)
    await world.fault("sendgrid", "500")
    await passes(skipping, 6 * DAY)

    async def doubted() -> bool:
        return bool(await world.effects(step="check_in", status="doubted"))

    await until(doubted, "a 500 after a write is a doubt")
    assert (await state_of(world))["steps"]["check_in"]["effects"]["send"]["life"] == "doubted"
    await update(world, "resolve", step="check_in/send", found=False)
    await world.done("check_in", "send")
    mails = [o for o in await world.outbox("sendgrid", "POST") if "check_in" in (o["effect"] or "")]
    assert [mail["status"] for mail in mails] == [500, 202]


async def test_a_signal_nobody_understands_is_noted_and_flagged_and_harms_nothing(
    fast_world: World, skipping: WorkflowEnvironment
) -> None:
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    handle = await world.handle(ADA)
    await handle.signal("qr.scaned", {"id": "1", "at": "2026-01-01T00:00:00Z", "data": {}})
    await handle.signal("nps.answered", "ten out of ten, says ada@example.com")
    await handle.signal("nps.answered")

    async def noted() -> bool:
        return len((await state_of(world))["notes"]) == 3

    await until(noted, "three signals could not be understood")
    assert "ada@example.com" not in str((await state_of(world))["notes"])
    await delivered(world)
    await heard(world, "gift.delivered")
    await passes(skipping, timedelta(days=6))
    await world.done("check_in", "send")


async def test_an_operator_ends_a_journey_with_a_reason(fast_world: World) -> None:
    world = fast_world
    await begun(world)
    await world.done("gift", "send_gift")
    await update(world, "end", reason="she asked us by phone")
    assert await (await world.handle(ADA)).result() == "she asked us by phone"
