"""Prevents: a fraud rule that is right and looks at the wrong facts; a verdict that a repeat or a late word changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity, Person
from models.effect import Decided
from models.event import Event
from models.program import Program
from store import screening
from store.inbox import accept
from store.referral import note_touch, referral_code
from store.screening import screen

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def program(program: Program) -> Program:
    fraud = {
        "customer": 'has(contact.attributes.lifecyclestage) && contact.attributes.lifecyclestage == "customer"',
        "a_day": 3,
        "from_one_network": 2,
        "coupon_sites": ["coupons.example"],
    }
    return Program.model_validate({**program.model_dump(by_alias=True), "fraud": fraud})


async def refer(
    engine: AsyncEngine, advocate: str, friend: str, minutes: int = 0, how: str | None = None, **person: Any
) -> tuple[str, str]:
    """`advocate` refers `friend` (both by the part before the @). Gives the referral and the friend."""
    told = Event(
        type="referral.submitted",
        source="test",
        source_id=f"{advocate}-{friend}-{minutes}",
        subject=Identity(kind="email", value=f"{friend}@{friend}.example" if "@" not in friend else friend),
        at=NOW + timedelta(minutes=minutes),
        data={"referred_by": f"email:{advocate}@{advocate}.example", **({"how": how} if how else {})},
        person=Person.model_validate(person),
    )
    accepted = await accept(engine, told)
    async with engine.connect() as conn:
        data = (await conn.execute(text("SELECT data FROM inbox WHERE id = :id"), {"id": accepted.id})).scalar_one()
    return data["referral"], data["friend"]


async def verdict(engine: AsyncEngine, referral: str, program: Program) -> tuple[str, str]:
    """The verdict and the rule that weighs most."""
    found, _, evidence = await screen(engine, referral, program, None)
    return found, evidence[0].rule if evidence else ""


async def test_an_honest_referral_passes(engine: AsyncEngine, program: Program) -> None:
    referral, _ = await refer(engine, "ada", "bo")
    assert await verdict(engine, referral, program) == ("allow", "")


async def test_two_who_refer_each_other_are_a_loop(engine: AsyncEngine, program: Program) -> None:
    first, _ = await refer(engine, "ada", "bo")
    second, _ = await refer(engine, "bo", "ada", minutes=1)
    assert await verdict(engine, second, program) == ("deny", "loop")
    assert await verdict(engine, first, program) == ("deny", "loop"), "seen from either side, once both are there"


async def test_a_ring_of_three_is_found_when_it_closes(engine: AsyncEngine, program: Program) -> None:
    await refer(engine, "ada", "bo")
    open_, _ = await refer(engine, "bo", "cy", minutes=1)
    assert await verdict(engine, open_, program) == ("allow", ""), "a chain is no ring"
    closing, _ = await refer(engine, "cy", "ada", minutes=2)
    assert await verdict(engine, closing, program) == ("deny", "loop")


async def test_the_first_to_refer_somebody_keeps_them_and_the_second_is_a_dispute(
    engine: AsyncEngine, program: Program
) -> None:
    first, friend = await refer(engine, "ada", "bo")
    second, _ = await refer(engine, "eve", "bo", minutes=5)
    assert await verdict(engine, second, program) == ("deny", "referred_before")
    assert await verdict(engine, first, program) == ("allow", "")
    [dispute] = await screening.disputes(engine, friend)
    assert dispute.referral_id == second


async def test_a_second_report_joins_the_first(engine: AsyncEngine) -> None:
    first, _ = await refer(engine, "ada", "bo")
    again, _ = await refer(engine, "ada", "bo", minutes=9, how="claim")
    assert again == first


async def test_one_friend_under_two_addresses_counts_once(engine: AsyncEngine, program: Program) -> None:
    first, _ = await refer(engine, "ada", "bo.chen@gmail.com")
    second, _ = await refer(engine, "ada", "bochen+2@googlemail.com", minutes=1)
    assert await verdict(engine, first, program) == ("allow", "")
    assert await verdict(engine, second, program) == ("deny", "counted_twice")


async def test_more_in_a_day_than_the_program_expects_is_looked_at(engine: AsyncEngine, program: Program) -> None:
    made = [(await refer(engine, "ada", f"friend{n}", minutes=n))[0] for n in range(4)]
    assert [(await verdict(engine, one, program))[0] for one in made] == ["allow", "allow", "allow", "hold"]


async def test_what_the_crm_knows_of_the_friend_decides(engine: AsyncEngine, program: Program) -> None:
    referral, _ = await refer(engine, "ada", "bo", attributes={"lifecyclestage": "customer"})
    assert await verdict(engine, referral, program) == ("deny", "customer_already")


async def test_the_advocate_s_own_device_and_a_busy_network_are_found(engine: AsyncEngine, program: Program) -> None:
    referral, friend = await refer(engine, "ada", "bo")
    async with engine.connect() as conn:
        ada = (await conn.execute(text("SELECT id FROM contacts WHERE email = 'ada@ada.example'"))).scalar_one()
    await note_touch(engine, advocate_id=ada, how="visit", network="n1", device="d1")
    await note_touch(engine, advocate_id=ada, friend_id=friend, how="form", network="n1", device="d2", at=NOW)
    assert await verdict(engine, referral, program) == ("allow", "same_connection"), "a shared office is no crime"
    await note_touch(engine, advocate_id=ada, friend_id=friend, how="form", network="n1", device="d1", at=NOW)
    assert await verdict(engine, referral, program) == ("hold", "same_connection")


async def test_who_scans_the_box_is_not_taken_for_the_advocate(engine: AsyncEngine, program: Program) -> None:
    referral, friend = await refer(engine, "ada", "bo")
    async with engine.connect() as conn:
        ada = (await conn.execute(text("SELECT id FROM contacts WHERE email = 'ada@ada.example'"))).scalar_one()
    await note_touch(engine, advocate_id=ada, how="scan", network="n1", device="d1")
    await note_touch(engine, advocate_id=ada, friend_id=friend, how="form", network="n1", device="d1", at=NOW)
    found, why, _ = await screen(engine, referral, program, None)
    assert (found, why) == ("allow", "the friend opened the advocate's page by the code of the box, too")


async def test_what_the_form_told_is_weighed_whatever_its_words(engine: AsyncEngine, program: Program) -> None:
    referral, friend = await refer(engine, "ada", "bo")
    form = {"advocate_id": "c_ada", "referral_id": referral, "friend_id": friend}
    await note_touch(engine, **form, how="program")
    assert await verdict(engine, referral, program) == ("allow", "program")
    await note_touch(engine, **form, how="unstamped")
    assert await verdict(engine, referral, program) == ("hold", "machine")
    await note_touch(engine, **form, how="machine", detail="the form was filled in within 0.3 seconds")
    assert (await screen(engine, referral, program, None))[1].startswith("the form was filled in within 0.3 seconds")


async def test_a_code_on_a_coupon_site_is_looked_at(engine: AsyncEngine, program: Program) -> None:
    referral, _ = await refer(engine, "ada", "bo")
    async with engine.begin() as conn:
        ada = (await conn.execute(text("SELECT id FROM contacts WHERE email = 'ada@ada.example'"))).scalar_one()
        code = await referral_code(conn, ada)
    await note_touch(engine, advocate_id=ada, how="click", code=code, detail="www.linkedin.com")
    assert (await verdict(engine, referral, program))[0] == "allow"
    await note_touch(engine, advocate_id=ada, how="click", code=code, detail="www.coupons.example")
    assert await verdict(engine, referral, program) == ("hold", "coupon_leak")


async def test_a_person_s_decision_stands_whatever_is_found_later(engine: AsyncEngine, program: Program) -> None:
    referral, _ = await refer(engine, "ada", "bo@ada.example")
    assert await verdict(engine, referral, program) == ("hold", "same_company")
    decided = Decided(approved=True, by="grace", reason="two departments")
    found, why, _ = await screen(engine, referral, program, decided)
    assert (found, why) == ("allow", "grace: two departments")
    assert (await verdict(engine, referral, program))[0] == "allow", "it stands when it is looked at again"


async def test_evidence_is_kept_for_people_to_read(engine: AsyncEngine, program: Program) -> None:
    referral, _ = await refer(engine, "ada", "bo@ada.example")
    await screen(engine, referral, program, None)
    [kept] = await screening.evidence(engine, referral)
    assert kept.words == "advocate and friend have mailboxes at the same company"


async def test_an_unknown_referral_is_an_error_not_a_pass(engine: AsyncEngine, program: Program) -> None:
    with pytest.raises(LookupError, match="no referral"):
        await screen(engine, "r_nowhere", program, None)
