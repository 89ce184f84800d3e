"""Prevents: one person known by two names who is thanked twice."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity, Person
from models.event import Event
from models.playbook import Playbook
from store.contact import learn_from
from store.identity import find_contact
from store.inbox import accept
from store.journey import enter

NOW = datetime.now(UTC)
THANKS = Playbook.model_validate(
    {"playbook": "thanks", "title": "Thanks", "purpose": "gratitude", "starts": ["nps.answered", "contact.tagged"]}
)


async def arrives(engine: AsyncEngine, event_type: str, subject: Identity, **data: object) -> tuple[str, str]:
    event = Event(type=event_type, source="test", source_id=subject.text, subject=subject, at=NOW, data=data)
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    start = await enter(engine, THANKS, {"playbook": "thanks"}, accepted.contact, accepted.id, NOW, {})
    assert start is not None
    return accepted.contact, accepted.id


async def test_the_address_the_crm_tells_leads_to_the_one_we_know(engine: AsyncEngine) -> None:
    by_mail, _ = await arrives(engine, "nps.answered", Identity(kind="email", value="ada@example.com"), score=10)
    by_crm, _ = await arrives(engine, "contact.tagged", Identity(kind="hubspot", value="101"), tag="referral_given")
    assert by_mail != by_crm
    told = Person(email="Ada@example.com", first_name="Ada")
    assert await learn_from(engine, by_crm, [Identity(kind="hubspot", value="101")], told) == by_mail
    for name in ("hubspot:101", "ada@example.com"):
        found = await find_contact(engine, name)
        assert found is not None
        assert found.id == by_mail
    async with engine.connect() as conn:
        rows = (await conn.execute(text("SELECT type, contact_id FROM inbox WHERE source = 'ovation'"))).all()
    assert [tuple(row) for row in rows] == [("contact.tagged", by_mail)], (
        "what the CRM said is heard by whom it is about"
    )


async def test_somebody_new_becomes_known_by_the_address_the_crm_tells(engine: AsyncEngine) -> None:
    by_crm, _ = await arrives(engine, "contact.tagged", Identity(kind="hubspot", value="101"), tag="referral_given")
    assert await learn_from(engine, by_crm, [], Person(email="ada@example.com")) == by_crm
    found = await find_contact(engine, "ada@example.com")
    assert found is not None
    assert found.id == by_crm


async def test_an_opt_out_by_one_name_is_one_by_all(engine: AsyncEngine) -> None:
    by_mail, _ = await arrives(engine, "nps.answered", Identity(kind="email", value="ada@example.com"), score=10)
    crm = Identity(kind="hubspot", value="101")
    await accept(engine, Event(type="contact.opted_out", source="test", source_id="1", subject=crm, at=NOW))
    by_crm, _ = await arrives(engine, "contact.tagged", crm, tag="referral_given")
    assert await learn_from(engine, by_crm, [crm], Person(email="ada@example.com")) == by_mail
    found = await find_contact(engine, "ada@example.com")
    assert found is not None
    assert found.opted_out_at == NOW
