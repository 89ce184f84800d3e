"""Prevents: what nobody wants any more, done all the same; and what happened, in no book."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from models.effect import Outcome
from models.program import Program
from platforms.errors import InDoubt, Rejected
from tests.activities.vendor import (
    A_DAY,
    FINDABLE,
    FOR_EVER,
    NOON,
    THERE,
    UNSAFE,
    Settings,
    Vendor,
    in_doubt,
    lease_passes,
    order,
    performer,
    person,
    row,
)

pytestmark = pytest.mark.usefixtures("texts")


async def test_what_nobody_wants_any_more_is_not_begun(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor()
    doer = performer(engine, program, UNSAFE, vendor, settings=Settings(account=None))
    assert await doer.perform(order(who, over=True)) == Outcome(kind="withheld", reason="not wanted any more")
    assert ((await row(engine)).status, vendor.sent) == ("withheld", [])


async def test_what_was_given_back_and_nobody_wants_any_more_is_not_begun(
    engine: AsyncEngine, program: Program
) -> None:
    who, vendor = await person(engine), Vendor(429)
    doer = performer(engine, program, FINDABLE, vendor)
    with pytest.raises(ApplicationError):
        await doer.perform(order(who))
    assert (await doer.perform(order(who, over=True))).reason == "not wanted any more"
    assert len(vendor.sent) == 1


@pytest.mark.parametrize("repeat", [FINDABLE, A_DAY], ids=["findable", "idempotent"])
@pytest.mark.parametrize(
    ("looks", "ends"),
    [
        ([THERE], Outcome(kind="done")),
        ([None], Outcome(kind="withheld", reason="it had not happened, and is not wanted any more")),
    ],
    ids=["there", "not there"],
)
async def test_whether_what_nobody_wants_any_more_happened_is_found_out(
    engine: AsyncEngine, program: Program, repeat: Any, looks: list[Any], ends: Outcome
) -> None:
    who, vendor = await person(engine), Vendor(503, looks=looks)
    doer = performer(engine, program, repeat, vendor)
    await in_doubt(doer, order(who))
    assert await doer.perform(order(who, over=True)) == ends
    assert ((await row(engine)).status, len(vendor.sent)) == (ends.kind, 1)


@pytest.mark.parametrize("repeat", [UNSAFE, FOR_EVER], ids=["unsafe", "idempotent"])
async def test_a_doubt_of_what_nobody_wants_any_more_stays_until_a_person_looks(
    engine: AsyncEngine, program: Program, repeat: Any
) -> None:
    who, vendor = await person(engine), Vendor(asyncio.CancelledError())
    doer = performer(engine, program, repeat, vendor)
    with pytest.raises(asyncio.CancelledError):
        await doer.perform(order(who))
    await lease_passes(engine)
    for _ in range(2):
        assert (await doer.perform(order(who, over=True))).kind == "unsure"
    looked = await doer.perform(order(who, over=True, resolved=True, now=NOON + timedelta(hours=1)))
    assert looked == Outcome(kind="withheld", reason="it had not happened, and is not wanted any more")
    assert ((await row(engine)).status, len(vendor.sent)) == ("withheld", 1)


async def test_a_video_that_failed_and_nobody_wants_any_more_is_no_work_for_anybody(
    engine: AsyncEngine, program: Program
) -> None:
    who, vendor = await person(engine), Vendor({"pending": True}, looks=[Rejected("it could not be made")])
    doer = performer(engine, program, FINDABLE, vendor)
    assert (await doer.perform(order(who))).doubt
    assert (await doer.perform(order(who, over=True))).kind == "withheld"


async def test_what_did_happen_is_looked_up_for_its_receipt(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[InDoubt("too many"), {**THERE, "facts": {"id": "m_1"}}])
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    assert (await doer.perform(order(who))).kind == "unsure"
    assert await doer.perform(order(who, found=True)) == Outcome(kind="done", facts={"id": "m_1"})
    assert ((await row(engine)).status, (await row(engine)).reference) == ("done", "m_1")


@pytest.mark.parametrize(
    "blind", [None, 404, 401, InDoubt("cannot be read back"), Rejected("no such channel")], ids=str
)
async def test_what_did_happen_is_done_whatever_a_look_finds(engine: AsyncEngine, program: Program, blind: Any) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[InDoubt("too many"), blind])
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    await doer.perform(order(who))
    assert await doer.perform(order(who, found=True)) == Outcome(kind="done", reason="said to have happened")
    assert ((await row(engine)).status, len(vendor.sent)) == ("done", 1)


@pytest.mark.parametrize("settings", [Settings(), Settings(account=None)], ids=["set up", "not set up"])
async def test_what_did_happen_is_done_where_nobody_can_look(
    engine: AsyncEngine, program: Program, settings: Settings
) -> None:
    who, vendor = await person(engine), Vendor(503)
    assert (await performer(engine, program, UNSAFE, vendor).perform(order(who))).kind == "unsure"
    doer = performer(engine, program, UNSAFE, vendor, settings=settings)
    for _ in range(2):
        assert await doer.perform(order(who, found=True)) == Outcome(kind="done", reason="said to have happened")
    assert (await row(engine)).reason == "said to have happened"


@pytest.mark.parametrize("trouble", [503, 429])
async def test_its_receipt_is_not_given_up_for_a_vendor_that_is_away(
    engine: AsyncEngine, program: Program, trouble: int
) -> None:
    who, vendor = await person(engine), Vendor(503, looks=[InDoubt("too many"), *[trouble] * 3, THERE])
    doer = performer(engine, program, FINDABLE, vendor)
    await in_doubt(doer, order(who))
    doubt = await doer.perform(order(who))
    with pytest.raises(ApplicationError) as told, patch("platforms.runner._wait", return_value=0):
        await doer.perform(order(who, found=True))
    assert told.value.details == (True,)
    assert ((await row(engine)).status, (await row(engine)).reason) == ("doubted", doubt.reason)
    vendor.looks = [THERE]
    assert (await doer.perform(order(who, found=True))).kind == "done"
    assert (await row(engine)).reference == "m_1"


async def test_what_is_said_to_have_happened_and_was_never_begun_is_done(engine: AsyncEngine, program: Program) -> None:
    who, vendor = await person(engine), Vendor()
    assert (await performer(engine, program, UNSAFE, vendor).perform(order(who, found=True))).kind == "done"
    assert vendor.sent == []
