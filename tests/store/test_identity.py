"""Prevents: somebody renamed by whoever knows their address, and a record that never learns what it does not know."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Address, Contact, Identity, Person
from models.event import Event
from store.identity import find_contact, learn
from store.inbox import accept

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PRANK = Person(first_name="Stinky", last_name="McFace", company="Fools Inc")


async def told(
    engine: AsyncEngine, once: str, person: Person, *, hearsay: bool, email: str = "ada@x.example"
) -> Contact:
    subject = Identity(kind="email", value=email)
    event = Event(
        type="contact.updated", source="t", source_id=once, subject=subject, at=NOW, person=person, hearsay=hearsay
    )
    await accept(engine, event)
    found = await find_contact(engine, email)
    assert found is not None
    return found


async def test_hearsay_fills_what_is_empty_and_changes_nothing(engine: AsyncEngine) -> None:
    await told(engine, "1", Person(first_name="Ada"), hearsay=False)
    ada = await told(engine, "2", PRANK, hearsay=True)
    assert (ada.first_name, ada.last_name, ada.company) == ("Ada", "McFace", "Fools Inc")
    ada = await told(engine, "3", Person(first_name="Augusta", last_name="King"), hearsay=False)
    assert (ada.first_name, ada.last_name, ada.company) == ("Augusta", "King", "Fools Inc"), "who knows overwrites"


async def test_hearsay_of_somebody_new_is_all_we_know(engine: AsyncEngine) -> None:
    bo = await told(engine, "1", PRANK, hearsay=True)
    assert (bo.first_name, bo.email) == ("Stinky", "ada@x.example")


async def test_an_old_address_in_a_form_does_not_become_the_current_one(engine: AsyncEngine) -> None:
    ada = await told(engine, "1", Person(email="ada@new.example"), hearsay=False)
    assert ada.email == "ada@new.example"
    assert (await told(engine, "2", Person(), hearsay=True)).email == "ada@new.example"


async def test_only_what_is_unknown_is_learnt_of_addresses_and_attributes_too(engine: AsyncEngine) -> None:
    home = Address(line1="1 St James's Square", city="London", country="GB")
    ada = await told(engine, "1", Person(address=home, attributes={"plan": "gold"}), hearsay=False)
    elsewhere = Address(line1="1 Elsewhere", city="Nowhere", country="XX")
    rumor = Person(address=elsewhere, attributes={"plan": "tin", "seats": 3})
    async with engine.begin() as conn:
        await learn(conn, ada.id, [], rumor, only_unknown=True)
    found = await find_contact(engine, ada.id)
    assert found is not None
    assert found.address == home
    assert found.attributes == {"plan": "gold", "seats": 3}
    async with engine.begin() as conn:
        await learn(conn, ada.id, [], rumor)
    found = await find_contact(engine, ada.id)
    assert found is not None and found.address == elsewhere and found.attributes["plan"] == "tin"
