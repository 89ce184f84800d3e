"""Prevents: a journey that forgets, repeats or moves its clocks when its history is cut and it goes on in a new run."""

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from tests.workflows.advocate import ADA, DAY, delivered, heard, known_in_the_crm, passes, state_of
from tests.workflows.conftest import time_skipping
from tests.world import PHONE, world


async def test_a_journey_that_rests_every_few_events_does_the_same_once(database_url: str) -> None:
    async with time_skipping() as env, _world(env, database_url) as here:
        await known_in_the_crm(here)
        await here.move("wootric", "answer", email=ADA, score=10)
        gift = await here.done("gift", "send_gift")
        await here.done("personal_call", "task")
        await delivered(here)
        await passes(env, DAY)
        due = (await state_of(here))["steps"]["check_in"]["due"]
        for number in range(12):  # each of them may be on its way while the run is cut
            now = await env.get_current_time()
            await here.report("usage.milestone_reached", f"email:{ADA}", f"m{number}", at=now, milestone=f"m{number}")
        await heard(here, "usage.milestone_reached", 12)
        await passes(env, timedelta(hours=1))
        state = await state_of(here)
        assert state["steps"]["check_in"]["due"] == due, "a clock is an instant, and stays"
        assert sum("usage.milestone_reached" in line["text"] for line in state["log"]) == 12, "nothing was lost"
        handle = await here.handle(ADA)
        await here.http.get(gift.request["qr_url"], headers=PHONE, follow_redirects=True)
        await heard(here, "qr.scanned")
        await passes(env, 4 * DAY)
        await here.done("case_study", "send")
        assert len([o for o in await here.outbox("boxli", "POST")]) == 1
        assert len(await here.effects(effect="add_to_list")) == 1
        history = await handle.fetch_history()
        start = history.events[0].workflow_execution_started_event_attributes
        assert start.continued_execution_run_id, "it did rest"
        assert start.first_execution_run_id != start.original_execution_run_id


def _world(env: WorkflowEnvironment, database_url: str):  # type: ignore[no-untyped-def]
    return world(env.client, database_url, now=env.get_current_time, skip=env.sleep, rest_after=12)
