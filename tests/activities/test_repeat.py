"""Prevents: a repeat of what happened, of what nobody may have any more, or of what nobody knows of."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.kit import CannotDo
from models.effect import Outcome
from models.program import Program
from platforms.base import Findable
from platforms.errors import InDoubt, Rejected
from store.governance import Wait
from tests.activities.vendor import (
    A_DAY,
    FINDABLE,
    FOR_EVER,
    NOON,
    THERE,
    UNSAFE,
    Vendor,
    find,
    in_doubt,
    lease_passes,
    opts_out,
    order,
    performer,
    person,
    preparing,
    row,
)

pytestmark = pytest.mark.usefixtures("texts")


def with_quiet_hours(program: Program) -> Program:
    return Program.model_validate(
        {**program.model_dump(by_alias=True, mode="json"), "governance": {"asks_per_quarter": 1}}
    )


@pytest.mark.parametrize("repeat", [FINDABLE, A_DAY], ids=["findable", "idempotent"])
async def test_who_opts_out_while_a_message_is_in_doubt_does_not_get_it(
    engine: AsyncEngine, program: Program, repeat: Any
) -> None:
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, program, repeat, vendor)
    await in_doubt(doer, order(who))
    await opts_out(engine, who)
    assert await doer.perform(order(who)) == Outcome(kind="withheld", reason="they opted out")
    assert len(vendor.sent) == 1
    assert (await row(engine)).status == "withheld"


@pytest.mark.parametrize("repeat", [FINDABLE, A_DAY], ids=["findable", "idempotent"])
async def test_a_message_that_reached_them_before_they_opted_out_is_in_the_books(
    engine: AsyncEngine, program: Program, repeat: Any
) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[THERE])
    doer = performer(engine, program, repeat, vendor)
    await in_doubt(doer, order(who))
    await opts_out(engine, who)
    assert (await doer.perform(order(who))).kind == "done"
    assert ((await row(engine)).status, (await row(engine)).reference) == ("done", "m_1")


@pytest.mark.parametrize("repeat", [FINDABLE, A_DAY], ids=["findable", "idempotent"])
async def test_a_message_in_doubt_is_not_sent_at_night(engine: AsyncEngine, program: Program, repeat: Any) -> None:
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, with_quiet_hours(program), repeat, vendor)
    await in_doubt(doer, order(who, now=NOON))
    night = await doer.perform(order(who, now=NOON + timedelta(hours=11)))
    assert (night.kind, night.reason, night.doubt) == ("not_before", "quiet hours where they are", False)
    morning = await doer.perform(order(who, now=NOON + timedelta(hours=22)))
    assert (morning.kind, len(vendor.sent)) == ("done", 2)


async def test_what_had_not_happened_is_prepared_anew(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    with preparing("the price of today"):
        assert (await doer.perform(order(who))).kind == "done"
    assert b"the price of today" in vendor.sent[1]
    assert (await row(engine)).request["text"] == "the price of today"


async def test_a_repeat_by_the_same_key_sends_the_same_body(engine: AsyncEngine, program: Program) -> None:
    """A vendor refuses its key with another body."""
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, program, A_DAY, vendor)
    await in_doubt(doer, order(who))
    with preparing("other words"):
        assert (await doer.perform(order(who))).kind == "done"
    assert vendor.sent[0] == vendor.sent[1]


@pytest.mark.parametrize("asked", ["opted out", "cannot be prepared"])
async def test_what_may_not_be_repeated_and_cannot_be_found_asks_a_person(
    engine: AsyncEngine, program: Program, asked: str
) -> None:
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, program, FOR_EVER, vendor)
    await in_doubt(doer, order(who))
    if asked == "opted out":
        await opts_out(engine, who)
        outcome = await doer.perform(order(who))
        why = "they opted out"
    else:
        with preparing(CannotDo("there is no telephone number")):
            outcome = await doer.perform(order(who))
        why = "there is no telephone number"
    words = f"Chat may have done it already, and cannot be asked. It is not called again: {why}"
    assert outcome == Outcome(kind="unsure", reason=words)
    assert ((await row(engine)).status, len(vendor.sent)) == ("doubted", 1)


async def test_nobody_is_asked_what_waiting_will_tell(engine: AsyncEngine, program: Program) -> None:
    """The same key may be called again, and only not now."""
    who, vendor = await person(engine), Vendor(503)
    doer = performer(engine, program, FOR_EVER, vendor)
    await in_doubt(doer, order(who))
    with preparing(Wait("another word is on its way there", timedelta(seconds=2))):
        waits = await doer.perform(order(who))
    assert (waits.kind, waits.reason, waits.doubt) == ("not_before", "another word is on its way there", True)
    assert waits.at == NOON + timedelta(seconds=2)
    assert (await row(engine)).status == "claimed"
    assert (await doer.perform(order(who))).kind == "done"
    assert vendor.sent[0] == vendor.sent[1]


async def test_after_the_days_of_its_key_it_is_looked_up(engine: AsyncEngine, program: Program) -> None:
    """Counted from the first call with this body, however often it was called since."""
    who, vendor = await person(engine), Vendor(503, 503, looks=[THERE])
    doer = performer(engine, program, A_DAY, vendor)
    await in_doubt(doer, order(who))
    await in_doubt(doer, order(who, now=NOON + timedelta(hours=20)))
    assert (await doer.perform(order(who, now=NOON + timedelta(hours=25)))).kind == "done"
    assert len(vendor.sent) == 2


async def test_a_video_in_the_making_that_is_nowhere_to_be_found_has_a_last_look(
    engine: AsyncEngine, program: Program
) -> None:
    who, vendor = await person(engine), Vendor({"reference": "m_1", "pending": True})
    doer = performer(engine, program, FINDABLE, vendor)
    assert (await doer.perform(order(who))).kind == "not_before"
    await opts_out(engine, who)
    assert (await doer.perform(order(who))).kind == "withheld"
    assert len(vendor.sent) == 1


async def test_a_resolution_is_used_once(engine: AsyncEngine, program: Program) -> None:
    """The worker dies after it wrote the second doubt down and before Temporal heard of it."""
    who, vendor = await person(engine), Vendor(503, 503)
    doer = performer(engine, program, UNSAFE, vendor)
    assert (await doer.perform(order(who))).kind == "unsure"
    resolved = order(who, resolved=True, now=NOON + timedelta(hours=1))
    for _ in range(2):
        assert (await doer.perform(resolved)).kind == "unsure"
    assert len(vendor.sent) == 2
    once_more = order(who, resolved=True, now=NOON + timedelta(hours=2))
    assert (await doer.perform(once_more)).kind == "done"


async def test_the_lag_of_a_look_up_counts_from_the_last_call(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor(503, asyncio.CancelledError())
    doer = performer(engine, program, Findable(find=find, after=timedelta(minutes=2)), vendor)
    await in_doubt(doer, order(who))
    with pytest.raises(asyncio.CancelledError):  # surely not there: called again, and the worker dies
        await doer.perform(order(who, now=NOON + timedelta(minutes=3)))
    await lease_passes(engine)
    with pytest.raises(ApplicationError) as told:
        await doer.perform(order(who, now=NOON + timedelta(minutes=3, seconds=40)))
    assert told.value.next_retry_delay == timedelta(seconds=80)
    assert told.value.details == (True,)
    assert len(vendor.sent) == 2
    vendor.looks = [THERE]
    assert (await doer.perform(order(who, now=NOON + timedelta(minutes=5)))).kind == "done"


@pytest.mark.parametrize("blind", [404, Rejected("nobody there"), InDoubt("cannot be read back")], ids=str)
async def test_a_look_up_that_cannot_tell_asks_a_person(engine: AsyncEngine, program: Program, blind: Any) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[blind])
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    outcome = await doer.perform(order(who))
    assert outcome.kind == "unsure"
    assert outcome.reason.startswith("Chat may have done it already, and cannot tell: ")
    assert ((await row(engine)).status, len(vendor.sent)) == ("doubted", 1)


@pytest.mark.parametrize(
    ("answer", "ends"), [(404, "unsure"), (Rejected("it could not be made"), "refused")], ids=["lost", "failed"]
)
async def test_a_video_that_failed_can_be_tried_again_and_one_that_is_lost_asks_a_person(
    engine: AsyncEngine, program: Program, answer: Any, ends: str
) -> None:
    who, vendor = await person(engine), Vendor({"pending": True}, looks=[answer])
    doer = performer(engine, program, FINDABLE, vendor)
    await doer.perform(order(who))
    assert (await doer.perform(order(who))).kind == ends
