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
from store.governance import No, NotYet, Wait, Withhold
from store.inbox import accept
from store.ledger import Busy, CannotDo, Erased, Look, Mine, Settled, claim, close, give_back, in_doubt

KEY = "j_1/check_in/send"
DAY = timedelta(days=1)
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


async def sql(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.begin() as conn:
        got = await conn.execute(text(statement), values)
        return list(got.all()) if got.returns_rows else []


async def taken(engine: AsyncEngine, asked: Order, program: Program, **more: Any) -> Mine:
    got = await claim(engine, asked, later(program), prepare, **more)
    assert isinstance(got, Mine), got
    return got


async def lease_passes(engine: AsyncEngine) -> None:
    """Of a process that died."""
    await sql(engine, "UPDATE effects SET lease_until = now() - interval '1 second'")


@pytest.mark.parametrize(("harmless", "mode"), [(timedelta(), "look"), (DAY, "again"), (timedelta.max, "again")])
async def test_after_a_crash_the_next_claim_knows_that_it_may_have_happened(
    engine: AsyncEngine, program: Program, harmless: timedelta, mode: str
) -> None:
    first = await taken(engine, order(await contact(engine)), program)
    await lease_passes(engine)
    again = await taken(engine, order(await contact(engine)), program, harmless=harmless)
    assert (first.mode, again.mode, again.was) == ("first", mode, "claimed")
    assert again.request == first.request, "a repeat sends the same bytes"


async def test_a_call_is_harmless_only_for_a_while_after_the_first(engine: AsyncEngine, program: Program) -> None:
    who = await contact(engine)
    for hours, mode in [(0, "first"), (20, "again"), (25, "look")]:
        at = TUESDAY + timedelta(days=2000, hours=hours)
        assert (await taken(engine, order(who, now=at), program, harmless=DAY)).mode == mode
        await lease_passes(engine)


async def test_a_look_is_no_call(engine: AsyncEngine, program: Program) -> None:
    """What a vendor's search may lag behind is the last call."""
    who, at = await contact(engine), TUESDAY + timedelta(days=2000)
    sent = [(at, DAY), (at + timedelta(hours=1), DAY), (at + timedelta(hours=2), timedelta())]
    mine = []
    for moment, harmless in sent:
        mine.append(await taken(engine, order(who, now=moment), program, harmless=harmless))
        await lease_passes(engine)
    assert [(m.mode, m.sent_at) for m in mine] == [("first", at), ("again", sent[1][0]), ("look", sent[1][0])]


@pytest.mark.parametrize("why", [Withhold("it was voided"), CannotDo("no address"), Wait("no account yet")], ids=str)
async def test_what_forbids_a_repeat_leaves_a_look_and_no_other_trace(
    engine: AsyncEngine, program: Program, why: Exception
) -> None:
    """What it may have done is on record as it was done."""

    async def changed(look: Look) -> SendEmail:
        await look.code()
        raise why

    who = await contact(engine)
    first = await taken(engine, order(who), program)
    await lease_passes(engine)
    got = await claim(engine, order(who), later(program), changed, DAY)
    assert isinstance(got, Mine)
    assert (got.mode, got.request) == ("look", first.request)
    assert got.verdict is not None and got.verdict.reason == str(why)
    assert await sql(engine, "SELECT * FROM codes") == []
    assert await sql(engine, "SELECT status, reason FROM effects") == [("claimed", None)]


async def test_what_nobody_wants_any_more_is_withheld_where_it_was_not_begun(
    engine: AsyncEngine, program: Program
) -> None:
    who = await contact(engine)
    assert await claim(engine, order(who, over=True), later(program), prepare) == No("not wanted any more")
    assert await sql(engine, "SELECT status, reason FROM effects") == [("withheld", "not wanted any more")]


async def test_a_claim_that_was_taken_over_gives_nothing_back(engine: AsyncEngine, program: Program) -> None:
    """A process that stood still for longer than its lease would open what another one is calling."""
    slow = await taken(engine, order(await contact(engine)), program)
    await lease_passes(engine)
    await taken(engine, order(await contact(engine)), program)
    assert not await give_back(engine, KEY, slow, "open")
    assert isinstance(await claim(engine, order(await contact(engine)), later(program), prepare), Busy)


async def test_what_is_given_back_is_in_doubt_or_open(engine: AsyncEngine, program: Program) -> None:
    mine = await taken(engine, order(await contact(engine)), program)
    for status, doubt in [("claimed", True), ("pending", True), ("doubted", True), ("open", False)]:
        assert await give_back(engine, KEY, mine, status)  # type: ignore[arg-type]
        assert await in_doubt(engine, KEY) == doubt


async def test_a_row_is_of_whoever_it_is_done_for(engine: AsyncEngine, program: Program) -> None:
    """A referral is somebody else's by now: their record tells of it, and the other's erasure does not touch it."""
    ada, eve = await contact(engine), await contact(engine, "eve@example.com")
    mine = await taken(engine, order(ada), program)
    await give_back(engine, KEY, mine, "open")
    await taken(engine, order(eve), program)
    assert await sql(engine, "SELECT contact_id FROM effects") == [(eve,)]


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
    assert (await taken(engine, order(who, resolved=True), program)).mode == "first"


async def test_an_operators_word_is_used_once(engine: AsyncEngine, program: Program) -> None:
    """Temporal repeats an attempt whose end it never heard of, with the word in it."""
    who = await contact(engine)
    await taken(engine, order(who), program)
    await close(engine, KEY, "doubted", reason="no answer")
    word = order(who, resolved=True, now=TUESDAY + DAY)
    await taken(engine, word, program)
    await close(engine, KEY, "doubted", reason="no answer again")
    assert await claim(engine, word, later(program), prepare) == Settled("doubted", "no answer again", {})
    await taken(engine, order(who, resolved=True, now=TUESDAY + 2 * DAY), program)


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
    with pytest.raises(Erased, match="erased"):
        await claim(engine, order("c_nobody"), program, prepare)
