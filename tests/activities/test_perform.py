"""Prevents: something withheld from people because it is missing here, and a doubt that the journey never hears of."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities import gift, message
from activities.kit import Kit
from activities.perform import DOERS
from authoring.messages import Messages
from models.effect import Outcome
from models.links import Links
from models.program import Program
from platforms.capabilities import SendText
from tests.activities.vendor import (
    FINDABLE,
    UNSAFE,
    Settings,
    Vendor,
    in_doubt,
    order,
    performer,
    person,
    sql,
)

pytestmark = pytest.mark.usefixtures("texts")


async def test_a_box_that_program_yaml_lost_is_stuck_and_not_withheld(engine: AsyncEngine, program: Program) -> None:
    who = await person(engine)
    await sql(engine, "UPDATE contacts SET email = 'ada@engines.example'")
    kit = Kit(program, Messages({}), Links("https://o.example", ["x"], ""))
    with patch.dict(DOERS, {"text": (gift.send_gift, SendText)}):
        outcome = await performer(engine, program, UNSAFE, Vendor(), kit=kit).perform(
            order(who, params={"box": "advocate"})
        )
    words = "there is no 'advocate' in program.yaml any more: put it back, then retry; or skip the step"
    assert outcome == Outcome(kind="refused", reason=words)
    assert await sql(engine, "SELECT * FROM effects") == []


async def test_a_message_that_was_deleted_is_stuck_and_not_withheld(engine: AsyncEngine, program: Program) -> None:
    who = await person(engine)
    kit = Kit(program, Messages({}), Links("https://o.example", ["x"], ""))
    with patch.dict(DOERS, {"text": (message.text, SendText)}):
        outcome = await performer(engine, program, UNSAFE, Vendor(), kit=kit).perform(
            order(who, params={"message": "thank-you"})
        )
    assert outcome.kind == "refused"
    assert "'thank-you' is not a message" in outcome.reason


async def test_whoever_was_erased_gets_nothing(engine: AsyncEngine, program: Program) -> None:
    outcome = await performer(engine, program, UNSAFE, Vendor()).perform(order("c_gone"))
    assert outcome == Outcome(kind="withheld", reason="there is no contact c_gone: erased?")


@pytest.mark.parametrize(("answer", "doubt"), [(401, False), ({"pending": True}, True)], ids=["refused", "pending"])
async def test_an_outcome_says_whether_it_may_have_happened(
    engine: AsyncEngine, program: Program, answer: Any, doubt: bool
) -> None:
    who = await person(engine)
    outcome = await performer(engine, program, FINDABLE, Vendor(answer)).perform(order(who))
    assert (outcome.kind, outcome.doubt) == ("not_before", doubt)


@pytest.mark.parametrize(("answer", "doubt"), [(429, False), (503, True)])
async def test_an_attempt_that_failed_says_whether_it_may_have_happened(
    engine: AsyncEngine, program: Program, answer: int, doubt: bool
) -> None:
    who = await person(engine)
    with pytest.raises(ApplicationError) as told:
        await performer(engine, program, FINDABLE, Vendor(answer)).perform(order(who))
    assert told.value.details == (doubt,)


async def test_another_attempt_under_way_is_a_doubt(engine: AsyncEngine, program: Program) -> None:
    who = await person(engine)
    doer = performer(engine, program, FINDABLE, Vendor(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await doer.perform(order(who))
    busy = await doer.perform(order(who))
    assert (busy.kind, busy.doubt) == ("not_before", True)


async def test_a_vendor_without_its_keys_keeps_the_doubt(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[401])
    unset = performer(engine, program, FINDABLE, vendor, settings=Settings(account=None))
    assert not (await unset.perform(order(who))).doubt, "it was never called"
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    assert (await unset.perform(order(who))).doubt
    wrong_key = await doer.perform(order(who))
    assert (wrong_key.attention, wrong_key.doubt) == (True, True)
