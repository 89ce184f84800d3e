"""Prevents: one person known by two names who is thanked twice, asked for silence in vain, or cannot be reached by an
old link; and one friend known by two names who is paid for twice."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Address, Identity, Person
from models.effect import Order
from models.event import Event
from models.journey import JourneyStart
from models.playbook import Playbook
from models.program import Program
from platforms.capabilities import SendEmail
from store import screening
from store.contact import learn_from, opt_in, opt_out, read, set_tier
from store.governance import No
from store.hub import shown_to
from store.identity import find_contact
from store.inbox import accept
from store.journey import enter, running_journeys
from store.ledger import Claim, Erased, Look, Mine, claim
from store.payee import keep_payee, payee_of
from store.payout import rewards_of
from store.referral import advocate_of, note_touch, referral_code
from tests.store.sales import ADA, BO, EVE, SALE, can_be_paid, met, paid, pay, rows, told, with_rewards

NOW = datetime.now(UTC)
THANKS = Playbook.model_validate(
    {"playbook": "thanks", "title": "Thanks", "purpose": "gratitude", "starts": ["nps.answered", "contact.tagged"]}
)
CRM = Identity(kind="hubspot", value="101")
MAIL = Identity(kind="email", value="ada@example.com")
TOLD = Person(email="Ada@example.com", first_name="Ada")


async def arrives(engine: AsyncEngine, event_type: str, subject: Identity, **data: object) -> tuple[str, str]:
    event = Event(type=event_type, source="test", source_id=subject.text, subject=subject, at=NOW, data=data)
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    start = await enter(engine, THANKS, {"playbook": "thanks"}, accepted.contact, accepted.id, NOW, {})
    assert start is not None
    return accepted.contact, accepted.id


async def in_thanks(engine: AsyncEngine, subject: Identity, event_type: str) -> tuple[str, JourneyStart]:
    """Somebody whose thank-you journey has begun. Gives the contact and the journey."""
    data: dict[str, Any] = {"score": 10} if event_type == "nps.answered" else {"tag": "referral_given"}
    contact, event = await arrives(engine, event_type, subject, **data)
    [row] = await rows(engine, "SELECT start FROM journeys WHERE event_id = :event", event=event)
    return contact, JourneyStart.model_validate(row.start)


def order(start: JourneyStart, step: str = "gift", effect: str = "send_gift", **more: Any) -> Order:
    at = {"due": NOW, "now": NOW, "contact": start.contact, "playbook": "thanks", "purpose": "gratitude", **more}
    return Order(key=f"{start.journey}/{step}/{effect}", effect=effect, journey=start.journey, step=step, **at)


async def do(engine: AsyncEngine, program: Program, wanted: Order) -> Claim:
    async def prepare(look: Look) -> SendEmail:
        return SendEmail(to=look.contact.email or "", subject="x", text="x", html="x")

    return await claim(engine, wanted, program, prepare)


async def told_again(engine: AsyncEngine) -> list[tuple[str, str]]:
    found = await rows(engine, "SELECT type, contact_id FROM inbox WHERE source = 'ovation'")
    return [tuple(row) for row in found]


# Who is kept, and what is told again.


async def test_the_address_the_crm_tells_leads_to_the_one_we_know(engine: AsyncEngine) -> None:
    by_mail, _ = await arrives(engine, "nps.answered", MAIL, score=10)
    by_crm, _ = await arrives(engine, "contact.tagged", CRM, tag="referral_given")
    assert by_mail != by_crm
    assert await learn_from(engine, by_crm, [CRM], TOLD) == by_mail
    for name in ("hubspot:101", "ada@example.com"):
        found = await find_contact(engine, name)
        assert found is not None
        assert found.id == by_mail
    assert await told_again(engine) == [("contact.tagged", by_mail)], "what the CRM said is heard by whom it is about"


async def test_somebody_new_becomes_known_by_the_address_the_crm_tells(engine: AsyncEngine) -> None:
    by_crm, _ = await arrives(engine, "contact.tagged", CRM, tag="referral_given")
    assert await learn_from(engine, by_crm, [], Person(email="ada@example.com")) == by_crm
    found = await find_contact(engine, "ada@example.com")
    assert found is not None
    assert found.id == by_crm


async def test_the_id_the_crm_tells_leads_to_whom_it_was_asked_about(engine: AsyncEngine) -> None:
    """The journey that asked goes on; what began the other one is told again to the same person."""
    by_crm, _ = await in_thanks(engine, CRM, "contact.tagged")
    by_mail, asking = await in_thanks(engine, MAIL, "nps.answered")
    assert await learn_from(engine, by_mail, [CRM], TOLD) == by_mail
    assert await told_again(engine) == [("contact.tagged", by_mail)]
    assert [one.id for one in await running_journeys(engine, [by_mail, by_crm])] == [asking.journey]


async def test_an_opt_out_by_one_name_is_one_by_all(engine: AsyncEngine) -> None:
    by_mail, _ = await arrives(engine, "nps.answered", MAIL, score=10)
    await accept(engine, Event(type="contact.opted_out", source="test", source_id="1", subject=CRM, at=NOW))
    by_crm, _ = await arrives(engine, "contact.tagged", CRM, tag="referral_given")
    assert await learn_from(engine, by_crm, [CRM], Person(email="ada@example.com")) == by_mail
    found = await find_contact(engine, "ada@example.com")
    assert found is not None
    assert found.opted_out_at == NOW


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_opt_out_told_by_the_crm_s_id_silences_whom_we_know_by_mail(
    engine: AsyncEngine, program: Program, when: str
) -> None:
    """Before and after the CRM was asked about her, by her address."""
    await met(engine, CRM, "contact.updated")
    by_mail, asking = await in_thanks(engine, MAIL, "nps.answered")
    if when == "before":
        await met(engine, CRM, "contact.opted_out")
    await learn_from(engine, by_mail, [CRM], TOLD)
    if when == "after":
        await met(engine, CRM, "contact.opted_out")
    assert await do(engine, program, order(asking, "hello", "send")) == No("they opted out")


async def test_who_got_their_box_by_one_name_gets_no_other_by_the_other(engine: AsyncEngine, program: Program) -> None:
    by_crm, boxed = await in_thanks(engine, CRM, "contact.tagged")
    assert isinstance(await do(engine, program, order(boxed)), Mine)
    by_mail = await met(engine, MAIL)
    # weeks later another playbook asks the CRM about 101, who has an address by now
    assert await learn_from(engine, by_crm, [CRM], TOLD) == by_mail
    assert await told_again(engine) == []
    answered = await met(engine, MAIL, "nps.answered", score=10)
    [event] = await rows(engine, "SELECT id FROM inbox WHERE type = 'nps.answered'")
    assert await enter(engine, THANKS, {"playbook": "thanks"}, answered, event.id, NOW, {}) is None
    [heard] = await running_journeys(engine, [by_mail])
    assert heard.id == boxed.journey, "their journey goes on, and hears of them"


async def test_a_journey_that_would_repeat_what_the_other_did_ends_instead(
    engine: AsyncEngine, program: Program
) -> None:
    """She is asked about by mail; by the CRM's id she has her box already."""
    by_crm, boxed = await in_thanks(engine, CRM, "contact.tagged")
    assert isinstance(await do(engine, program, order(boxed)), Mine)
    by_mail, asking = await in_thanks(engine, MAIL, "nps.answered")
    assert await learn_from(engine, by_mail, [CRM], TOLD) == by_crm
    assert await told_again(engine) == [("nps.answered", by_crm)]
    with pytest.raises(Erased, match="the same person as"):
        await do(engine, program, order(asking))
    [again] = await rows(engine, "SELECT id FROM inbox WHERE source = 'ovation'")
    assert await enter(engine, THANKS, {"playbook": "thanks"}, by_crm, again.id, NOW, {}) is None


async def test_a_journey_that_is_told_again_does_nothing_more_itself(engine: AsyncEngine, program: Program) -> None:
    _, lost = await in_thanks(engine, CRM, "contact.tagged")
    by_mail = await met(engine, MAIL)
    await learn_from(engine, by_mail, [CRM], TOLD)
    [again] = await rows(engine, "SELECT id FROM inbox WHERE source = 'ovation'")
    fresh = await enter(engine, THANKS, {"playbook": "thanks"}, by_mail, again.id, NOW, {})
    assert fresh is not None, "it was no time through the playbook"
    assert isinstance(await do(engine, program, order(fresh)), Mine)
    with pytest.raises(Erased, match=f"the same person as {by_mail}"):
        await do(engine, program, order(lost))


async def test_an_alert_is_not_something_done_for_them(engine: AsyncEngine, program: Program) -> None:
    """While the CRM could not be asked the team was told so. The journey is told again all the same."""
    _, lost = await in_thanks(engine, CRM, "contact.tagged")
    waits = order(lost, "journey", "alert", purpose="team")
    assert isinstance(await do(engine, program, waits), Mine)
    by_mail = await met(engine, MAIL)
    await learn_from(engine, by_mail, [CRM], TOLD)
    assert await told_again(engine) == [("contact.tagged", by_mail)]


async def test_a_journey_that_goes_on_speaks_to_who_they_are_now(engine: AsyncEngine, program: Program) -> None:
    by_crm, begun = await in_thanks(engine, CRM, "contact.tagged")
    assert isinstance(await do(engine, program, order(begun)), Mine)
    by_mail = await met(engine, MAIL)
    await learn_from(engine, by_crm, [CRM], TOLD)
    free = program.governance.model_copy(update={"quiet": None, "business": None})
    later = await do(
        engine, program.model_copy(update={"governance": free}), order(begun, "check_in", "send", purpose="ask")
    )
    assert isinstance(later, Mine)
    assert later.request["to"] == TOLD.email
    kept = await rows(engine, "SELECT DISTINCT contact_id FROM effects")
    assert [row.contact_id for row in kept] == [by_mail], (
        "what was done for them by either name counts against the caps"
    )


async def test_an_account_or_a_telephone_that_two_share_makes_them_nobody_else(engine: AsyncEngine) -> None:
    ada, eve = await can_be_paid(engine, ADA), await met(engine, EVE)
    await learn_from(engine, ada, [Identity(kind="phone", value="+442079460123")], None)
    shared = [Identity(kind="stripe", value=f"acct_{ada}"), Identity(kind="phone", value="+442079460123")]
    assert await learn_from(engine, eve, shared, Person(email=EVE)) == eve
    found = await find_contact(engine, ADA)
    assert found is not None and found.id == ada


# What was known, and what names them from outside.


async def test_nothing_known_of_either_is_forgotten(engine: AsyncEngine) -> None:
    crm = await met(engine, CRM)
    lives = Address(line1="1 Engine Way", city="London", country="GB")
    known = Person(last_name="Lovelace", company="Engines", address=lives, attributes={"plan": "gold", "seats": 3})
    await learn_from(engine, crm, [], known)
    await set_tier(engine, crm, "elite")
    mail = await met(engine, MAIL)
    await learn_from(engine, mail, [], Person(company="New Ltd", attributes={"plan": "basic"}))
    await learn_from(engine, mail, [CRM], TOLD)
    found = await read(engine, mail)
    assert found is not None
    assert (found.name, found.company, found.tier) == ("Ada Lovelace", "New Ltd", "elite")
    assert (found.address, found.attributes) == (lives, {"plan": "basic", "seats": 3})
    [left] = await rows(engine, "SELECT * FROM contacts WHERE id = :id", id=crm)
    assert {left.email, left.last_name, left.company, left.address} == {None}
    assert left.attributes == {}


async def test_a_link_from_before_the_merge_is_theirs(engine: AsyncEngine) -> None:
    """The unsubscribe link of every mail that was sent, the page behind the box, the link that they share."""
    lost, kept = await met(engine, CRM), await met(engine, MAIL)
    async with engine.begin() as conn:
        codes = [await referral_code(conn, one) for one in (lost, kept)]
    await learn_from(engine, lost, [CRM], TOLD)
    await met(engine, Identity(kind="ovation", value=lost), "contact.opted_out")
    found = await read(engine, lost)
    assert found is not None
    assert (found.id, found.opted_out_at is not None) == (kept, True)
    await opt_in(engine, lost)
    opened = await shown_to(engine, lost)
    assert opened is not None
    assert (opened.contact.id, opened.contact.opted_out_at, opened.code) == (kept, None, codes[1])
    await opt_out(engine, lost)
    assert (await find_contact(engine, lost)) == (await find_contact(engine, MAIL.text))
    assert [await advocate_of(engine, code) for code in codes] == [kept, kept]
    await note_touch(engine, advocate_id=lost, how="visit")
    [visit] = await rows(engine, "SELECT advocate_id FROM touches")
    assert visit.advocate_id == kept


async def test_of_three_names_the_first_leads_to_the_last(engine: AsyncEngine) -> None:
    pipedrive = Identity(kind="pipedrive", value="7")
    first, second, third = [await met(engine, name) for name in (CRM, pipedrive, MAIL)]
    await learn_from(engine, second, [CRM], None)
    await learn_from(engine, third, [pipedrive], TOLD)
    assert [tuple(row) for row in await rows(engine, "SELECT id, merged_into FROM contacts ORDER BY created_at")] == [
        (first, third),
        (second, third),
        (third, None),
    ]
    found = await read(engine, first)
    assert found is not None and found.id == third


async def test_what_is_written_for_the_old_contact_meanwhile_follows(engine: AsyncEngine) -> None:
    """A journey that was being opened just then asks the CRM, and finds out who it is about."""
    lost, kept = await met(engine, CRM), await met(engine, MAIL)
    await learn_from(engine, lost, [CRM], TOLD)
    tagged = await met(engine, CRM, "contact.tagged", tag="referral_given")
    [event] = await rows(engine, "SELECT id FROM inbox WHERE type = 'contact.tagged'")
    assert tagged == kept
    assert await enter(engine, THANKS, {"playbook": "thanks"}, lost, event.id, NOW, {}) is not None
    assert await learn_from(engine, lost, [CRM], TOLD) == kept
    assert await told_again(engine) == [("contact.tagged", kept)]


async def test_an_account_that_can_be_paid_comes_along(engine: AsyncEngine) -> None:
    lost, kept = await can_be_paid(engine, CRM), await met(engine, MAIL)
    await learn_from(engine, lost, [CRM], TOLD)
    async with engine.begin() as conn:
        for contact in (lost, kept):
            found = await payee_of(conn, contact, "stripe")
            assert found is not None and (found.contact_id, found.payable) == (kept, True)
        await keep_payee(conn, lost, "stripe", "acct_new", payable=True, referral=None, at=NOW)
    assert [row.contact_id for row in await rows(engine, "SELECT contact_id FROM payees")] == [kept]


# Referrals by two names.


@pytest.fixture
def paying(program: Program) -> Program:
    return with_rewards(program)


BO_BY_CRM = Identity(kind="hubspot", value="77")


async def known_as_one(engine: AsyncEngine) -> str:
    """The CRM is asked about its record, and tells Bo's address. Gives who he is."""
    return await learn_from(engine, await met(engine, BO_BY_CRM), [BO_BY_CRM], Person(email=BO, first_name="Bo"))


@pytest.mark.parametrize("first", ["crm", "mail"])
async def test_one_sale_that_is_told_by_two_names_is_paid_once(
    engine: AsyncEngine, paying: Program, first: str
) -> None:
    by_crm = await told(engine, "closed", 0 if first == "crm" else 2, friend=BO_BY_CRM, amount=SALE)
    by_mail = await told(engine, "closed", 1, source="stripe", amount=SALE)
    bo = await known_as_one(engine)
    await can_be_paid(engine, ADA)
    counts, other = (by_crm, by_mail) if first == "crm" else (by_mail, by_crm)
    [row] = await rows(engine, "SELECT * FROM referrals WHERE friend_id = :bo", bo=bo)
    assert (row.id, row.verdict) == (counts, None)
    [finding] = await screening.evidence(engine, other)
    assert (finding.rule, finding.words) == (
        "counted_twice",
        f"the same advocate and friend as {counts}, known by other names",
    )
    verdicts = [(await screening.screen(engine, one, paying, None))[0] for one in (counts, other)]
    assert verdicts == ["allow", "deny"]
    refused = await pay(engine, paying, other)
    assert isinstance(refused, No) and refused.reason.startswith("the referral was refused")
    await paid(engine, paying, counts)


async def test_the_referral_that_is_a_sale_counts_though_the_other_is_older(
    engine: AsyncEngine, paying: Program
) -> None:
    older = await told(engine, "submitted", friend=BO_BY_CRM)
    sale = await told(engine, "closed", 1, amount=SALE)
    await known_as_one(engine)
    await can_be_paid(engine, ADA)
    rival = await told(engine, "closed", 0.5, by=EVE, amount=SALE)
    await paid(engine, paying, sale)
    [row] = await rows(engine, "SELECT submitted_at FROM referrals WHERE id = :id", id=sale)
    [early] = await rows(engine, "SELECT verdict, at FROM referrals r JOIN touches t ON t.referral_id = r.id "
                                 "WHERE r.id = :id", id=older)  # fmt: skip
    assert (row.submitted_at, early.verdict) == (early.at, "deny"), "it is as old as the older: it came before Eve's"
    assert isinstance(await pay(engine, paying, rival), No)


async def test_what_is_told_of_the_one_that_does_not_count_is_told_of_the_one_that_does(
    engine: AsyncEngine, paying: Program
) -> None:
    """Its lead is in the CRM, and is won there."""
    counts = await told(engine, "submitted", friend=BO_BY_CRM)
    other = await told(engine, "submitted", 1)
    await known_as_one(engine)
    await can_be_paid(engine, ADA)
    by_its_id = Identity(kind="ovation_referral", value=other)
    assert await told(engine, "closed", 5, friend=by_its_id, by=None, amount=SALE) == counts
    await paid(engine, paying, counts)


async def test_the_referral_that_was_paid_counts(engine: AsyncEngine, paying: Program) -> None:
    """What is out cannot be paid again by the other name, whichever is older."""
    await can_be_paid(engine, ADA)
    older = await told(engine, "closed", friend=BO_BY_CRM, amount=SALE)
    out = await told(engine, "closed", 1, amount=SALE)
    await paid(engine, paying, out)
    bo = await known_as_one(engine)
    [row] = await rows(engine, "SELECT id FROM referrals WHERE friend_id = :bo", bo=bo)
    assert row.id == out
    assert isinstance(await pay(engine, paying, older), No)


async def test_a_referral_that_a_person_voided_stays_so_by_the_other_name(engine: AsyncEngine, paying: Program) -> None:
    await can_be_paid(engine, ADA)
    voided = await told(engine, "submitted", friend=BO_BY_CRM)
    other = await told(engine, "closed", 1, amount=SALE)
    await rows(
        engine,
        "INSERT INTO decisions (about, what, by, reason) VALUES (:id, 'voided', 'grace', 'an employee')",
        id=voided,
    )
    await known_as_one(engine)
    assert isinstance(await pay(engine, paying, other), No)


async def sold_by_the_crm(engine: AsyncEngine) -> None:
    """The CRM tells of Bo's purchase, and names Ada by its own id."""
    event = Event(
        type="referral.closed",
        source="crm",
        source_id="by id",
        subject=Identity(kind="email", value=BO),
        at=NOW,
        data={"referred_by": CRM.text, "amount": SALE},
    )
    await accept(engine, event)


async def test_an_advocate_by_two_names_is_paid_once_for_a_friend(engine: AsyncEngine, paying: Program) -> None:
    by_mail = await told(engine, "closed", by="ada@example.com", amount=SALE)
    await sold_by_the_crm(engine)
    [row] = await rows(engine, "SELECT id FROM referrals WHERE id != :id", id=by_mail)
    ada = await learn_from(engine, await met(engine, CRM), [CRM], TOLD)
    await can_be_paid(engine, MAIL)
    await paid(engine, paying, by_mail)
    assert isinstance(await pay(engine, paying, row.id), No)
    assert [one.balance for one in await rewards_of(engine, ada)] == [5_000]


async def test_a_reward_that_waits_stays_theirs(engine: AsyncEngine, paying: Program) -> None:
    """And is one, not two for one effect."""
    await sold_by_the_crm(engine)
    [row] = await rows(engine, "SELECT id FROM referrals")
    await pay(engine, paying, row.id)
    ada = await can_be_paid(engine, MAIL)
    assert await learn_from(engine, await met(engine, CRM), [CRM], TOLD) == ada
    await paid(engine, paying, row.id)
    assert [one.beneficiary_id for one in await rows(engine, "SELECT * FROM rewards")] == [ada]


async def test_a_friend_who_turned_out_to_be_known_still_hears_from_us(engine: AsyncEngine, paying: Program) -> None:
    referral = await told(engine, "submitted", friend=BO_BY_CRM, how="link")
    friend = await met(engine, BO_BY_CRM)
    bo = await met(engine, BO)
    assert await known_as_one(engine) == bo
    wanted = Order(
        key=f"{referral}/hello/send",
        effect="notify",
        journey=referral,
        playbook="referral",
        contact=friend,
        step="hello",
        purpose="service",
        due=NOW,
        now=NOW,
    )
    mine = await do(engine, paying, wanted)
    assert isinstance(mine, Mine)
    assert mine.request["to"] == BO, "and the advocate does not hear it in his place"


async def test_where_and_by_what_they_came_is_not_forgotten(engine: AsyncEngine) -> None:
    """Or a friend who used the advocate's own device would be told apart by another name."""
    await told(engine, "submitted", friend=BO_BY_CRM)
    lost = await met(engine, BO_BY_CRM)
    await note_touch(engine, advocate_id=await met(engine, ADA), friend_id=lost, how="form", device="d1")
    bo = await met(engine, BO)
    await known_as_one(engine)
    found = await rows(engine, "SELECT DISTINCT friend_id FROM touches")
    assert [row.friend_id for row in found] == [bo]
