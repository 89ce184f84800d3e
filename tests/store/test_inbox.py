"""Prevents: an event stored twice or not at all, one person with two contacts, a referral credited to the wrong one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity, Person
from models.event import Event
from store import inbox
from store.identity import find_contact
from store.inbox import accept, event_by_id, look_again, mark_handed, take_waiting, waiting_count
from store.tables import contacts, referrals

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LEASE = timedelta(seconds=20)


def event(event_type: str, subject: str, source_id: str, **more: object) -> Event:
    return Event(
        type=event_type,
        source=str(more.pop("source", "test")),
        source_id=source_id,
        subject=Identity.parse(subject),
        at=NOW,
        **more,  # type: ignore[arg-type]
    )


async def count(engine: AsyncEngine, table: object) -> int:
    async with engine.connect() as conn:
        return int((await conn.execute(select(func.count()).select_from(table))).scalar_one())  # type: ignore[arg-type]


async def test_the_same_event_is_accepted_once(engine: AsyncEngine) -> None:
    first = await accept(engine, event("nps.answered", "email:ada@example.com", "1", data={"score": 10}))
    again = await accept(engine, event("nps.answered", "email:ada@example.com", "1", data={"score": 10}))
    assert first.new
    assert not again.new
    assert again.id == first.id
    assert await waiting_count(engine) == 1


async def test_twenty_reports_at_once_make_one_event_and_one_person(engine: AsyncEngine) -> None:
    report = event("nps.answered", "email:ada@example.com", "1", data={"score": 10}, person=Person(first_name="Ada"))
    accepted = await asyncio.gather(*(accept(engine, report) for _ in range(20)))
    assert sum(one.new for one in accepted) == 1
    assert len({one.id for one in accepted}) == 1
    assert await count(engine, contacts) == 1


async def test_every_name_leads_to_the_same_person(engine: AsyncEngine) -> None:
    await accept(
        engine,
        event(
            "contact.tagged",
            "hubspot:501",
            "1",
            data={"tag": "x"},
            identities=[Identity(kind="email", value="ada@example.com")],
        ),
    )
    by_mail = await accept(engine, event("nps.answered", "email:ADA@example.com", "2", data={"score": 9}))
    by_id = await find_contact(engine, "hubspot:501")
    assert by_id is not None
    assert by_mail.contact == by_id.id
    assert await count(engine, contacts) == 1


async def test_what_is_taken_comes_back_until_it_was_handed_on(engine: AsyncEngine) -> None:
    accepted = await accept(engine, event("nps.answered", "email:ada@example.com", "1", data={"score": 10}))
    assert [w.id for w in await take_waiting(engine, 10, timedelta(seconds=0))] == [accepted.id]
    assert [w.id for w in await take_waiting(engine, 10, LEASE)] == [accepted.id], "its taker died: it is taken again"
    assert await take_waiting(engine, 10, LEASE) == [], "somebody is at it"
    await mark_handed(engine, [accepted.id])
    assert await waiting_count(engine) == 0


async def test_two_relays_never_take_the_same_event(engine: AsyncEngine) -> None:
    for number in range(30):
        await accept(engine, event("hub.visited", f"email:p{number}@example.com", str(number)))
    taken = await asyncio.gather(*(take_waiting(engine, 10, LEASE) for _ in range(4)))
    ids = [w.id for batch in taken for w in batch]
    assert len(ids) == len(set(ids)) == 30


async def test_a_referral_reaches_its_advocate_however_it_is_named(engine: AsyncEngine) -> None:
    amount = {"minor": 120_000, "currency": "USD"}
    advocate = await accept(engine, event("nps.answered", "email:ada@example.com", "1", data={"score": 10}))
    named = await accept(
        engine,
        event(
            "referral.closed",
            "email:new@customer.example",
            "2",
            data={"referred_by": "email:ada@example.com", "amount": amount},
        ),
    )
    again = await accept(engine, event("referral.closed", "email:new@customer.example", "3", data={"amount": amount}))
    assert named.contact == again.contact == advocate.contact
    assert await count(engine, referrals) == 1, "the second report joins the first"
    waiting = {w.id: w for w in await take_waiting(engine, 10, LEASE)}
    assert waiting[named.id].data["referral"] == waiting[again.id].data["referral"]


async def test_a_referral_by_an_unknown_code_is_kept_but_reaches_nobody(engine: AsyncEngine) -> None:
    accepted = await accept(
        engine, event("referral.closed", "email:new@customer.example", "1", data={"referral_code": "nobodys"})
    )
    assert accepted.new
    assert accepted.contact is None


async def test_data_that_does_not_fit_is_refused_with_what_is_allowed(engine: AsyncEngine) -> None:
    with pytest.raises(ValueError, match=r"score.*it may carry: .*score"):
        await accept(engine, event("nps.answered", "email:ada@example.com", "1", data={"score": 11}))
    with pytest.raises(ValueError, match="unknown event type"):
        await accept(engine, event("nps.guessed", "email:ada@example.com", "1"))
    assert await waiting_count(engine) == 0


async def test_an_opt_out_counts_from_the_moment_it_was_said(engine: AsyncEngine) -> None:
    await accept(engine, event("contact.opted_out", "email:ada@example.com", "1"))
    found = await find_contact(engine, "ada@example.com")
    assert found is not None
    assert found.opted_out_at == NOW


async def test_strays_are_counted(engine: AsyncEngine) -> None:
    await inbox.count_stray(engine, "wootric", "survey_deleted")
    await inbox.count_stray(engine, "wootric", "survey_deleted")
    assert await inbox.strays_seen(engine) == [("wootric", "survey_deleted", 2)]


async def test_a_vendor_s_word_that_comes_before_our_receipt_waits_for_it(engine: AsyncEngine) -> None:
    subject = Identity(kind="twilio_send", value="SM1")
    told = Event(type="message.delivered", source="twilio", source_id="SM1:delivered", subject=subject, at=NOW)
    accepted = await accept(engine, told)
    assert accepted.contact is None
    await look_again(engine, accepted.id)
    assert (await event_by_id(engine, accepted.id)).contact is None, "not yet"
    async with engine.begin() as conn:
        await conn.execute(text("INSERT INTO contacts (id) VALUES ('c_1')"))
        await conn.execute(
            text(
                "INSERT INTO effects (key, journey_id, contact_id, playbook, step, effect, purpose, platform, status, "
                "reference) VALUES ('j_1/a/text', 'j_1', 'c_1', 'p', 'a', 'text', 'ask', 'twilio', 'done', 'SM1')"
            )
        )
    await look_again(engine, accepted.id)
    found = await event_by_id(engine, accepted.id)
    assert (found.contact, found.journey, found.data) == ("c_1", "j_1", {"message": "j_1/a/text"})


async def test_a_word_about_nothing_of_ours_is_given_up_in_the_end(engine: AsyncEngine) -> None:
    subject = Identity(kind="twilio_send", value="SM2")
    told = Event(type="message.delivered", source="twilio", source_id="SM2:delivered", subject=subject, at=NOW)
    accepted = await accept(engine, told)
    assert await waiting_count(engine) == 1
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE inbox SET received_at = now() - interval '1 hour'"))
    await look_again(engine, accepted.id)
    assert await waiting_count(engine) == 0
