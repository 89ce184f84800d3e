"""Prevents: an effect that happens twice, one that nobody may have, and a refusal without a reason on record."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity
from models.effect import Order
from models.event import Event
from models.program import Program
from platforms.capabilities import SendEmail
from store.governance import No, NotYet
from store.inbox import accept
from store.ledger import Busy, Look, Mine, Settled, claim, close

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)  # 10:00 in New York


async def contact(engine: AsyncEngine, email: str = "ada@example.com") -> str:
    subject = Identity(kind="email", value=email)
    event = Event(type="hub.visited", source="test", source_id=email, subject=subject, at=TUESDAY)
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    return accepted.contact


def order(who: str, step: str = "check_in", **more: Any) -> Order:
    values = {"effect": "send", "purpose": "gratitude", "due": TUESDAY, "now": TUESDAY, "platform": "sendgrid"}
    return Order(key=f"j_1/{step}/send", journey="j_1", playbook="p", contact=who, step=step, **{**values, **more})


async def prepare(look: Look) -> SendEmail:
    return SendEmail(to="ada@example.com", subject="Hello", text="Hello", html="<p>Hello</p>")


def later(program: Program) -> Program:
    """The program without hours, so that a test does not depend on the time of day."""
    free = program.governance.model_copy(update={"quiet": None, "business": None})
    return program.model_copy(update={"governance": free})


async def test_of_twenty_claims_at_once_one_is_mine(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    claims = await asyncio.gather(*(claim(engine, order(who), later(program), prepare) for _ in range(20)))
    assert sum(isinstance(c, Mine) for c in claims) == 1
    assert sum(isinstance(c, Busy) for c in claims) == 19


@pytest.mark.parametrize("effect", ["send", "text", "in_app", "enroll", "request_signature", "send_gift", "make_video"])
async def test_who_opted_out_is_reached_by_nothing(engine: AsyncEngine, program: Program, effect: str) -> None:
    who = await contact(engine)
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE contacts SET opted_out_at = now() WHERE id = :id"), {"id": who})
    assert await claim(engine, order(who, effect=effect), later(program), prepare) == No("they opted out")


@pytest.mark.parametrize("effect", ["send", "text", "in_app"])
async def test_nobody_is_written_to_at_night(engine: AsyncEngine, program: Program, effect: str) -> None:
    who = await contact(engine)
    night = datetime(2027, 11, 24, 4, tzinfo=UTC)  # 23:00 in New York
    late = program.model_copy(update={"time_zone": "America/New_York"})
    waits = await claim(engine, order(who, effect=effect, due=night, now=night), late, prepare)
    assert isinstance(waits, NotYet)
    assert waits.reason == "quiet hours where they are"


async def test_what_is_done_is_never_claimed_again(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    await claim(engine, order(who), later(program), prepare)
    await close(engine, "j_1/check_in/send", "done", reference="m_1", facts={"message": "m_1"})
    again = await claim(engine, order(who), later(program), prepare)
    assert again == Settled("done", "", {"message": "m_1"})


async def test_after_a_crash_the_next_claim_knows_that_it_may_have_happened(
    engine: AsyncEngine, program: Program
) -> None:
    who = await contact(engine)
    first = await claim(engine, order(who), later(program), prepare)
    async with engine.begin() as conn:  # the lease of a process that died passes
        await conn.execute(text("UPDATE effects SET lease_until = now() - interval '1 second'"))
    again = await claim(engine, order(who), later(program), prepare)
    assert isinstance(first, Mine)
    assert isinstance(again, Mine)
    assert (first.mode, again.mode) == ("first", "again")
    assert again.request == first.request, "a repeat sends the same bytes"


async def test_given_back_it_is_claimed_as_if_new(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    await claim(engine, order(who), later(program), prepare)
    await close(engine, "j_1/check_in/send", "open")
    again = await claim(engine, order(who), later(program), prepare)
    assert isinstance(again, Mine)
    assert again.mode == "first"


async def test_a_doubt_waits_for_an_operator(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    await claim(engine, order(who), later(program), prepare)
    await close(engine, "j_1/check_in/send", "doubted", reason="no answer")
    assert isinstance(await claim(engine, order(who), later(program), prepare), Settled)
    resolved = await claim(engine, order(who, resolved=True), later(program), prepare)
    assert isinstance(resolved, Mine)


@pytest.mark.parametrize("what", ["contact.opted_out", "contact.churned"])
async def test_who_left_is_not_written_to_and_the_reason_is_kept(
    engine: AsyncEngine, program: Program, what: str
) -> None:
    who = await contact(engine)
    subject = Identity(kind="ovation", value=who)
    await accept(engine, Event(type=what, source="test", source_id="x", subject=subject, at=TUESDAY))
    assert isinstance(await claim(engine, order(who), later(program), prepare), No)
    async with engine.connect() as conn:
        row = (await conn.execute(text("SELECT status, reason FROM effects"))).one()
    assert row.status == "withheld"
    assert row.reason


async def test_one_ask_a_quarter_whatever_the_journey(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    free = later(program)
    assert isinstance(await claim(engine, order(who, "case_study", purpose="ask"), free, prepare), Mine)
    other = order(who, "review", purpose="ask")
    assert isinstance(await claim(engine, other, free, prepare), No)
    thanks = order(who, "thanks", purpose="gratitude")
    assert isinstance(await claim(engine, thanks, free, prepare), Mine), "gratitude is no ask"


async def test_two_asks_at_the_same_moment_are_one(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    asks = [order(who, f"ask_{number}", purpose="ask") for number in range(8)]
    claims = await asyncio.gather(*(claim(engine, ask, later(program), prepare) for ask in asks))
    assert sum(isinstance(c, Mine) for c in claims) == 1


async def test_an_evening_message_waits_for_the_morning_where_they_are(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    evening = datetime(2030, 1, 8, 23, 30, tzinfo=UTC)
    there = program.model_copy(update={"time_zone": "America/New_York"})
    night = await claim(engine, order(who, now=evening + timedelta(hours=3)), there, prepare)
    assert isinstance(night, NotYet)
    assert night.at.astimezone(UTC) == datetime(2030, 1, 9, 13, tzinfo=UTC), "8:00 in New York"


async def test_office_hours_skip_the_weekend(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    saturday = datetime(2030, 1, 12, 12, tzinfo=UTC)
    waits = await claim(engine, order(who, now=saturday, hours="business"), program, prepare)
    assert isinstance(waits, NotYet)
    assert waits.at == datetime(2030, 1, 14, 9, tzinfo=UTC)


async def test_an_erased_person_is_an_error_not_a_message(engine: AsyncEngine, program: Program) -> None:
    with pytest.raises(LookupError, match="erased"):
        await claim(engine, order("c_nobody"), program, prepare)
