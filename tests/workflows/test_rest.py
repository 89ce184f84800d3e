"""Prevents: a journey that forgets, repeats or moves its clocks when its history is cut and it goes on in a new run."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models.effect import Order, Outcome
from models.journey import ACTIVITY_QUEUE, Intervention, JourneyStart, queue_of
from models.playbook import Playbook
from store.database import new_id
from tests.workflows.advocate import ADA, DAY, delivered, heard, known_in_the_crm, passes, state_of
from tests.workflows.conftest import time_skipping
from tests.world import PHONE, world
from worker import SHELLS
from workflows.journey import AdvocateJourney

HELLO = Playbook.model_validate(
    {
        "playbook": "hello",
        "title": "Say hello",
        "purpose": "gratitude",
        "starts": ["nps.answered"],
        "steps": {
            "hello": {
                "due": "at start",
                "do": [{"verb": "send", "params": {"message": "m"}, "platforms": ["sendgrid"]}],
            }
        },
    }
)


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


@pytest.mark.parametrize("rest_after", [12, 22])
async def test_how_an_effect_ended_is_not_forgotten_by_the_rest(temporal: Client, rest_after: int) -> None:
    """A run rests when nothing is in flight: right after an effect has ended."""
    sent: list[Order] = []
    calls = [asyncio.Event() for _ in range(9)]

    def send(order: Order) -> Outcome:
        calls[len(sent)].set()
        sent.append(order)
        return Outcome(kind="unsure", reason="the answer was lost") if len(sent) < 6 else Outcome(kind="done")

    start = _start(rest_after)
    doers = [_doer(name, _done) for name in ("qualify", "end_journey", "alert")] + [_doer("send", send)]
    async with (
        Worker(
            temporal,
            task_queue=ACTIVITY_QUEUE,
            workflows=[AdvocateJourney],
            activities=doers,
            workflow_runner=SHELLS,
        ),
        Worker(temporal, task_queue=queue_of("sendgrid"), activities=doers),
    ):
        handle = await temporal.start_workflow("AdvocateJourney", start, id=start.workflow, task_queue=ACTIVITY_QUEUE)
        try:
            for word in range(1, 4):
                for number in range(6):
                    notice = {"id": f"{word}.{number}", "at": datetime.now(UTC).isoformat(), "data": {"milestone": "x"}}
                    await handle.signal("usage.milestone_reached", notice)
                await _in_doubt(handle)
                await asyncio.sleep(0.5)
                assert len(sent) == word, "a doubt is not called again unasked"
                said = Intervention(step="hello/send", found=False, by="grace", reason="not there")
                await handle.execute_update("resolve", said)
                async with asyncio.timeout(20):
                    await calls[word].wait()
        finally:
            await handle.terminate()
    assert [order.resolved for order in sent] == [False, True, True, True], "one word of an operator, one call"
    described = await temporal.get_workflow_handle(start.workflow).describe()
    assert described.run_id != handle.first_execution_run_id, "it did rest"


async def test_a_run_does_not_rest_on_a_slow_local_activity(temporal: Client) -> None:
    """Temporal keeps such a task alive by starting it again, and replays these starts as one: whatever asks how long
    the history is just then is told another number."""

    @activity.defn(name="qualify")
    async def slowly(order: Order) -> Outcome:
        await asyncio.sleep(1.5)
        return Outcome(kind="done")

    start = _start(rest_after=12)
    doers = [slowly, *(_doer(name, _done) for name in ("send", "end_journey", "alert"))]
    handle = await temporal.start_workflow(
        "AdvocateJourney",
        start,
        id=start.workflow,
        task_queue=ACTIVITY_QUEUE,
        task_timeout=timedelta(seconds=1),
    )
    for number in range(6):
        notice = {"id": f"{number}", "at": datetime.now(UTC).isoformat(), "data": {"milestone": "x"}}
        await handle.signal("usage.milestone_reached", notice)
    async with Worker(
        temporal, task_queue=ACTIVITY_QUEUE, workflows=[AdvocateJourney], activities=doers, workflow_runner=SHELLS
    ):
        try:
            await _until_in(handle, "marker_recorded")
        finally:
            await handle.terminate()
    seen = [event.WhichOneof("attributes") for event in (await _first_run(temporal, handle).fetch_history()).events]
    started = seen[: seen.index("marker_recorded_event_attributes")].count("workflow_task_started_event_attributes")
    assert started > 1, "it was kept alive"
    assert (
        seen[seen.index("marker_recorded_event_attributes") + 1] == "upsert_workflow_search_attributes_event_attributes"
    )
    assert "workflow_execution_continued_as_new_event_attributes" not in seen


async def _until_in(handle: WorkflowHandle[Any, Any], event: str) -> None:
    for _ in range(100):
        if any(e.HasField(f"{event}_event_attributes") for e in (await handle.fetch_history()).events):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"there never was a {event}")


def _first_run(temporal: Client, handle: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    return temporal.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)


def _start(rest_after: int) -> JourneyStart:
    return JourneyStart(
        journey=new_id("j"),
        contact=new_id("c"),
        playbook=HELLO.model_dump(mode="json", by_alias=True),
        started=datetime.now(UTC),
        rest_after=rest_after,
    )


def _done(order: Order) -> Outcome:
    return Outcome(kind="done")


def _doer(name: str, answer: Callable[[Order], Outcome]) -> Callable[[Order], object]:
    @activity.defn(name=name)
    async def doer(order: Order) -> Outcome:
        return answer(order)

    return doer


async def _in_doubt(handle: WorkflowHandle[Any, Any]) -> None:
    for _ in range(200):
        state = await handle.query("state")
        if state["steps"].get("hello", {}).get("effects", {}).get("send", {}).get("life") == "doubted":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never was in doubt")


def _world(env: WorkflowEnvironment, database_url: str):  # type: ignore[no-untyped-def]
    return world(env.client, database_url, now=env.get_current_time, skip=env.sleep, rest_after=12)
