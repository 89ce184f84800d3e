"""Prevents: a name that an erasure leaves, an amount that it takes along, a call that writes the name back, and an
opt-out that is forgotten with the person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Address, Identity, Person
from models.effect import Order
from models.event import Event
from models.program import Program
from platforms.capabilities import PostMessage
from store import tables as t
from store.contact import learn_from, opt_in
from store.erasure import StillAtWork, erase, journeys_of
from store.holdings import NOBODYS, about, everything, find, scrubbed
from store.identity import find_contact
from store.inbox import accept, take_waiting
from store.ledger import Look, Mine, claim, close

NOW = datetime.now(UTC)
ADA = Person(
    first_name="Ada",
    last_name="Lovelace",
    company="Engines Ltd",
    phone="+442079460123",
    address=Address(line1="1 Engine Way", city="London", country="GB"),
    attributes={"plan": "gold-canary"},
)
BO = Person(first_name="Will", last_name="Chen", company="New Ltd")
CANARIES = ("ada@engines.example", "Ada", "Lovelace", "Engines Ltd", "442079460123", "1 Engine Way", "gold-canary")
COMMENT = "Wonderful, said the countess"


async def tell(engine: AsyncEngine, event_type: str, email: str, person: Person | None = None, **data: Any) -> Any:
    event = Event(
        type=event_type,
        source="test",
        source_id=f"{event_type} of {email}",
        subject=Identity(kind="email", value=email),
        at=NOW - timedelta(hours=1),
        data=data,
        person=person,
    )
    return await accept(engine, event)


async def ada_and_will(engine: AsyncEngine) -> tuple[str, str, str]:
    """Ada, who referred Will, who bought. Gives their ids and the referral's."""
    ada = (await tell(engine, "nps.answered", "ada@engines.example", ADA, score=10, comment=COMMENT)).contact
    sale = {"amount": {"minor": 1_200_000, "currency": "USD"}, "referred_by": "email:ada@engines.example"}
    await tell(engine, "referral.closed", "will@new.example", BO, **sale, reason="Lovelace knows him from school")
    will = await find_contact(engine, "will@new.example")
    assert will is not None
    [(referral,)] = await rows(engine, "SELECT id FROM referrals")
    return ada, will.id, referral


async def sent(
    engine: AsyncEngine, program: Program, key: str, contact: str, words: str, *, settle: bool = True
) -> None:
    """A message to colleagues that went out, at whatever hour."""
    order = Order(
        key=key,
        effect="notify",
        journey=key.partition("/")[0],
        playbook="referral",
        contact=contact,
        step="tell",
        purpose="team",
        platform="slack",
        due=NOW,
        now=NOW,
    )

    async def prepare(look: Look) -> PostMessage:
        return PostMessage(channel="C1", title="News", text=words)

    assert isinstance(await claim(engine, order, program, prepare), Mine)
    if settle:
        url = f"https://video.example/{contact}"
        await close(engine, key, "done", reference="m_1", url=url, reason="Slack: took it for Ada", at=NOW)


async def rows(engine: AsyncEngine, query: str, **values: Any) -> list[tuple[Any, ...]]:
    async with engine.connect() as conn:
        return [tuple(row) for row in (await conn.execute(text(query), values)).all()]


async def where_written(engine: AsyncEngine, word: str) -> list[str]:
    """Every column of every table in which a word stands."""
    found = []
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    for table, column in await rows(engine, columns):
        hit = f'SELECT 1 FROM "{table}" WHERE "{column}"::text ILIKE :word LIMIT 1'
        if await rows(engine, hit, word=f"%{word}%"):
            found.append(f"{table}.{column}")
    return found


def test_every_table_is_somebodys_or_nobodys() -> None:
    """A new table is added to `store.holdings.about`, or to `NOBODYS` if it never holds anything about a person."""
    from models.contact import Contact
    from store.holdings import Them

    nobody = Them(Contact(id="c_1"), ["c_1"], [], [], [], [], [])
    ours = {table for table in t.metadata.sorted_tables if table.name != "alembic_version"}
    assert about(nobody).keys() | NOBODYS == ours
    assert not about(nobody).keys() & NOBODYS


async def test_no_column_of_any_table_holds_the_persons_words(engine: AsyncEngine, program: Program) -> None:
    ada, _, referral = await ada_and_will(engine)
    await sent(engine, program, "j_1/tell/notify", ada, f"Thank you, Ada. You said: {COMMENT}")
    await sent(engine, program, f"{referral}/tell/notify", ada, "Will bought, Ada Lovelace")
    async with engine.begin() as conn:
        await conn.execute(update(t.referrals).values(notes="Ada Lovelace introduced him"))
        await conn.execute(
            insert(t.findings).values(referral_id=referral, rule="name", weight=1, words="both Lovelace")
        )
        said = {"about": referral, "what": "approved", "by": "grace", "reason": "I asked ada@engines.example"}
        await conn.execute(insert(t.decisions).values(said))
        await conn.execute(update(t.touches).values(network="n-canary", device="d-canary", detail="detail-canary"))
        await conn.execute(insert(t.codes).values(code="canarycode", kind="referral", contact_id=ada))
        await conn.execute(insert(t.payees).values(contact_id=ada, platform="stripe", account="acct_canary"))
    marks = (*CANARIES, COMMENT, "canary", "video.example")
    for mark in marks:
        assert await where_written(engine, mark), f"{mark} is nowhere to begin with, so this proves nothing"
    await erase(engine, "ada@engines.example", "grace", "Ada Lovelace wrote to us")
    left = {mark: places for mark in marks if (places := await where_written(engine, mark))}
    assert left == {}
    assert await find_contact(engine, "ada@engines.example") is None


async def test_ids_amounts_and_who_did_it_stay(engine: AsyncEngine, program: Program) -> None:
    ada, will, referral = await ada_and_will(engine)
    await sent(engine, program, "j_1/tell/notify", ada, "Thank you")
    receipt = await erase(engine, ada, "grace", "she asked by letter")
    assert (receipt.contact, receipt.erased["effects"], receipt.erased["contacts"]) == (ada, 1, 1)
    kept = "SELECT id, advocate_id, friend_id, amount_minor, currency, status FROM referrals"
    assert await rows(engine, kept) == [(referral, ada, will, 1_200_000, "USD", "closed")]
    assert await rows(engine, "SELECT key, contact_id, status, reference, request FROM effects") == [
        ("j_1/tell/notify", ada, "done", "m_1", None)
    ]
    assert await rows(engine, "SELECT data->>'score' FROM inbox WHERE type = 'nps.answered'") == [("10",)]
    assert await rows(engine, "SELECT about, what, by, reason FROM decisions") == [
        (ada, "the person was erased", "grace", "she asked by letter")
    ]


async def test_the_friend_stays_known(engine: AsyncEngine) -> None:
    ada, will, _ = await ada_and_will(engine)
    await erase(engine, ada, "grace", "")
    found = await find_contact(engine, "will@new.example")
    assert found is not None
    assert (found.id, found.name, found.company) == (will, "Will Chen", "New Ltd")


async def test_a_friend_is_erased_from_what_the_advocate_was_told(engine: AsyncEngine, program: Program) -> None:
    """A name that is a word, too, is taken for the name where it is written like one."""
    ada, will, referral = await ada_and_will(engine)
    await sent(engine, program, f"{referral}/tell/notify", ada, "Will Chen (WILL@new.example) will buy, Ada")
    await sent(engine, program, "j_1/tell/notify", ada, "It was Will Chen, Ada")
    await erase(engine, "will@new.example", "grace", "")
    texts = await rows(engine, "SELECT request->>'text' FROM effects ORDER BY key")
    assert texts == [(f"It was {will} {will}, Ada",), (f"{will} {will} ({will}) will buy, Ada",)]
    [(name,)] = await rows(engine, "SELECT first_name FROM contacts")
    assert name == "Ada"


async def test_an_address_inside_an_event_id_goes_and_two_ids_stay_two(engine: AsyncEngine) -> None:
    await tell(engine, "review.held", "ada@engines.example", ADA)
    await tell(engine, "order.delivered", "ada@engines.example")
    assert await where_written(engine, "ada@engines.example") != []
    contact = (await erase(engine, "ada@engines.example", "grace", "")).contact
    ids = await rows(engine, "SELECT source_id FROM inbox ORDER BY position")
    assert ids == [(f"review.held of {contact}",), (f"order.delivered of {contact}",)]


async def test_a_contact_that_turned_out_to_be_the_same_person_goes_too(engine: AsyncEngine) -> None:
    await tell(engine, "nps.answered", "ada@engines.example", score=10)
    seen = Event(
        type="contact.tagged",
        source="hubspot",
        source_id="1",
        subject=Identity(kind="hubspot", value="101"),
        at=NOW,
        data={"tag": "referral_given"},
        person=Person(email="ada@engines.example", first_name="Ada"),
    )
    by_crm = await find_or_make(engine, seen)
    kept = await learn_from(engine, by_crm, [seen.subject], Person(email="ada@engines.example", first_name="Ada"))
    await erase(engine, "ada@engines.example", "grace", "")
    assert await rows(engine, "SELECT id FROM contacts") == []
    assert await where_written(engine, "ada@engines.example") == []
    assert kept


async def test_a_contact_that_was_merged_is_erased_and_exported_though_nothing_was_told_again(
    engine: AsyncEngine,
) -> None:
    by_crm = Identity(kind="hubspot", value="101")
    seen = Event(type="contact.updated", source="hubspot", source_id="1", subject=by_crm, at=NOW)
    lost = await find_or_make(engine, seen)
    kept = (await tell(engine, "nps.answered", "ada@engines.example", ADA, score=10)).contact
    await learn_from(engine, kept, [by_crm], Person(email="ada@engines.example"))
    assert {row["id"] for row in (await everything(engine, lost))["contacts"]} == {lost, kept}
    receipt = await erase(engine, lost, "grace", "")
    assert (receipt.contact, receipt.also_known_as, receipt.known_at) == (kept, [lost], ["hubspot:101"])
    assert await rows(engine, "SELECT id FROM contacts") == []


async def find_or_make(engine: AsyncEngine, event: Event) -> str:
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    return accepted.contact


async def test_nothing_is_erased_while_a_call_is_under_way(engine: AsyncEngine, program: Program) -> None:
    ada, _, _ = await ada_and_will(engine)
    await sent(engine, program, "j_1/tell/notify", ada, "Thank you, Ada", settle=False)
    with pytest.raises(StillAtWork) as busy:
        await erase(engine, ada, "grace", "")
    assert 0 < busy.value.seconds <= 40
    assert await find_contact(engine, "ada@engines.example") is not None
    await close(engine, "j_1/tell/notify", "done")
    await erase(engine, ada, "grace", "")


@pytest.mark.parametrize(
    "told_again",
    [
        Identity(kind="email", value="ada@engines.example"),
        Identity(kind="phone", value="+442079460123"),
        Identity(kind="hubspot", value="101"),
    ],
    ids=lambda name: name.kind,
)
async def test_an_opt_out_outlives_the_erasure(engine: AsyncEngine, told_again: Identity) -> None:
    ada, _, _ = await ada_and_will(engine)
    await tell(engine, "contact.opted_out", "ada@engines.example")
    await erase(engine, ada, "grace", "asked for it")
    assert [mark for mark in CANARIES if mark in str(await rows(engine, "SELECT * FROM optouts"))] == []
    event = Event(type="nps.answered", source="crm", source_id="9", subject=told_again, at=NOW, data={"score": 10})
    again = await find_or_make(engine, event)
    assert again != ada
    await learn_from(engine, again, [told_again], Person(email="Ada@engines.example", phone="+442079460123"))
    found = await find_contact(engine, "ada@engines.example")
    assert found is not None and found.id == again
    assert found.opted_out_at == NOW - timedelta(hours=1)


async def test_who_opts_in_again_has_done_so_for_good(engine: AsyncEngine) -> None:
    ada, _, _ = await ada_and_will(engine)
    await tell(engine, "contact.opted_out", "ada@engines.example")
    await erase(engine, ada, "grace", "asked for it")
    again = (await tell(engine, "contact.updated", "ada@engines.example")).contact
    await opt_in(engine, again)
    await erase(engine, again, "grace", "asked for it again")
    await tell(engine, "qr.scanned", "ada@engines.example")
    found = await find_contact(engine, "ada@engines.example")
    assert found is not None and found.opted_out_at is None


async def test_whoever_never_opted_out_is_no_opt_out_afterwards(engine: AsyncEngine) -> None:
    ada, _, _ = await ada_and_will(engine)
    await erase(engine, ada, "grace", "asked for it")
    await tell(engine, "contact.updated", "ada@engines.example")
    found = await find_contact(engine, "ada@engines.example")
    assert found is not None and found.opted_out_at is None


async def test_no_journey_begins_or_goes_on_for_them(engine: AsyncEngine, program: Program) -> None:
    ada, _, _ = await ada_and_will(engine)
    async with engine.begin() as conn:
        row = {"id": "j_1", "playbook": "thanks", "contact_id": ada, "subject_id": ada, "event_id": "e_1"}
        row |= {"workflow_id": f"journey/thanks/{ada}", "start": {}, "started_at": NOW}
        await conn.execute(insert(t.journeys).values(row))
    assert await journeys_of(engine, ada) == [f"journey/thanks/{ada}"]
    await erase(engine, ada, "grace", "")
    assert await rows(engine, "SELECT ended_because FROM journeys") == [("the person was erased",)]
    assert await take_waiting(engine, 10, timedelta(seconds=1)) == []
    order_for_nobody = sent(engine, program, "j_1/later/notify", ada, "Hello again")
    with pytest.raises(LookupError, match="erased"):
        await order_for_nobody


async def test_an_export_has_all_of_theirs_and_others_by_id_only(engine: AsyncEngine, program: Program) -> None:
    ada, will, referral = await ada_and_will(engine)
    await sent(engine, program, f"{referral}/tell/notify", ada, "Will Chen bought, Ada")
    found = await everything(engine, "ada@engines.example")
    written = str(found)
    for mark in (*CANARIES, COMMENT):
        assert mark in written, mark
    for others in ("will@new.example", "Chen", "New Ltd"):
        assert others not in written, others
    assert [row["amount_minor"] for row in found["referrals"]] == [1_200_000]
    assert [row["request"]["text"] for row in found["effects"]] == [f"{will} {will} bought, Ada"]  # type: ignore[index]


async def test_nobody_is_an_error_that_says_whom(engine: AsyncEngine) -> None:
    with pytest.raises(LookupError, match="nobody is known as cy@old"):
        await erase(engine, "cy@old.example", "grace", "")
    with pytest.raises(LookupError, match="nobody is known as c_gone"):
        await find(engine, "c_gone")


def test_words_are_replaced_whole() -> None:
    value = {"to": ["Adam and Ada"], "n": 3, "mail": "ADA@x.example"}
    assert scrubbed(value, ["Ada", "ada@x.example"], "c_1") == {"to": ["Adam and c_1"], "n": 3, "mail": "c_1"}
