"""Prevents: a total that was told to the CRM, called done, and did not have the very sale in it; a second note that
says the same to everybody, or too much.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit import CannotDo, Kit
from activities.revenue import attribute_revenue
from authoring.messages import Messages, read_messages
from models.contact import Contact, Identity
from models.effect import Order
from models.event import Event
from models.links import Links
from models.money import Money
from models.program import Program
from platforms.capabilities import AttributeRevenue
from store.governance import Withhold
from store.identity import get_contact
from store.inbox import Accepted, accept, event_by_id
from store.ledger import Look

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
SALE = {"minor": 1_200_000, "currency": "USD"}
MESSAGES = Path(__file__).parents[2] / "playbooks" / "messages"


async def told(engine: AsyncEngine, event_type: str, friend: str, at: datetime = NOW, **data: Any) -> Accepted:
    """Ada's referral of somebody, as another service reports it."""
    event = Event(
        type=event_type,
        source="test",
        source_id=f"{event_type}:{friend}:{at}",
        subject=Identity(kind="email", value=friend),
        at=at,
        data={"referred_by": "email:ada@engines.example", **data},
    )
    return await accept(engine, event)


async def referral_of(engine: AsyncEngine, accepted: Accepted) -> str:
    return str((await event_by_id(engine, accepted.id)).data["referral"])


def order(contact: str | None, **facts: Any) -> Order:
    return Order(
        key="j_1/second_gift/attribute_revenue",
        effect="attribute_revenue",
        journey="j_1",
        playbook="advocate-thank-you",
        contact=contact or "",
        step="second_gift",
        purpose="gratitude",
        platform="hubspot",
        facts=facts,
        due=NOW,
        now=NOW,
    )


async def attributed(engine: AsyncEngine, program: Program, asked: Order) -> AttributeRevenue:
    async with engine.begin() as conn:
        contact = await get_contact(conn, asked.contact)
        assert contact is not None
        look = Look(conn, asked, contact, program, NOW)
        return await attribute_revenue(look, Kit(program, Messages({}), Links("https://o.example", ["x"], "")))


async def variables(engine: AsyncEngine, program: Program, asked: Order) -> dict[str, Any]:
    async with engine.begin() as conn:
        contact = await get_contact(conn, asked.contact)
        assert contact is not None
        kit = Kit(program, Messages({}), Links("https://o.example", ["x"], ""))
        return await kit.variables(Look(conn, asked, contact, program, NOW))


class TestRevenue:
    """What the CRM is told."""

    async def test_what_is_on_record_counts(self, engine: AsyncEngine, program: Program) -> None:
        first = await told(engine, "referral.closed", "bo@new.example", amount=SALE)
        second = await told(engine, "referral.closed", "cy@new.example", amount={"minor": 5, "currency": "USD"})
        asked = order(first.contact, referral=await referral_of(engine, second))
        revenue = await attributed(engine, program, asked)
        assert (revenue.amount, revenue.total) == (
            Money(minor=5, currency="USD"),
            Money(minor=1_200_005, currency="USD"),
        )

    @pytest.mark.parametrize("referral", [{}, {"referral": "r_unheard_of"}])
    async def test_a_signal_about_no_referral_is_not_done_and_says_what_to_do(
        self, engine: AsyncEngine, program: Program, referral: dict[str, str]
    ) -> None:
        ada = (await told(engine, "referral.closed", "bo@new.example", amount=SALE)).contact
        with pytest.raises(CannotDo, match=r"no such referral is on record.* by POST /events.* skip this step"):
            await attributed(engine, program, order(ada, amount=SALE, **referral))

    async def test_a_signal_with_the_amount_that_the_record_lacks_is_not_done(
        self, engine: AsyncEngine, program: Program
    ) -> None:
        closed = await told(engine, "referral.closed", "bo@new.example")
        asked = order(closed.contact, referral=await referral_of(engine, closed), amount=SALE)
        with pytest.raises(CannotDo, match=r"without an amount: report the sale again with one, by POST /events"):
            await attributed(engine, program, asked)
        await told(engine, "referral.closed", "bo@new.example", NOW.replace(hour=13), amount=SALE)
        revenue = await attributed(engine, program, asked)
        assert revenue.amount == revenue.total == Money.model_validate(SALE)

    async def test_a_deal_that_was_lost_and_never_won_takes_nothing_back(
        self, engine: AsyncEngine, program: Program
    ) -> None:
        lost = await told(engine, "referral.submitted", "bo@new.example")
        await told(engine, "referral.lost", "bo@new.example", NOW.replace(hour=13))
        with pytest.raises(Withhold, match="nothing was ever counted"):
            await attributed(engine, program, order(lost.contact, referral=await referral_of(engine, lost)))


class TestImpact:
    """What the second note says of it."""

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("introduction", "the person you introduced to us on 3 March 2026 is a customer now"),
            ("link", "the person who came to us by your link on 3 March 2026 is a customer now"),
            ("code", "the person who came to us by your code on 3 March 2026 is a customer now"),
            ("crm", "the person you sent our way on 3 March 2026 is a customer now"),
            ("claim", "the person you sent our way on 3 March 2026 is a customer now"),
        ],
    )
    async def test_it_names_the_introduction_and_what_came_of_all_of_them(
        self, engine: AsyncEngine, program: Program, how: str, words: str
    ) -> None:
        await told(engine, "referral.closed", "cy@new.example", amount=SALE)
        sent = await told(engine, "referral.submitted", "bo@new.example", datetime(2026, 3, 3, 9, tzinfo=UTC), how=how)
        await told(engine, "referral.closed", "bo@new.example", amount=SALE)
        given = await variables(engine, program, order(sent.contact, referral=await referral_of(engine, sent)))
        assert given["referral"] == {"day": "3 March 2026", "how": how, "customers": 2}
        messages, _ = read_messages(MESSAGES)
        note = messages.render("your-impact", given).text
        assert f"{words}. That makes 2 who are with us because of you." in note
        assert "bo@" not in note
        assert "12" not in note, "nor what they paid"

    async def test_nobody_reads_of_another_advocates_referral(self, engine: AsyncEngine, program: Program) -> None:
        sent = await told(engine, "referral.closed", "bo@new.example", amount=SALE)
        referral = await referral_of(engine, sent)
        event = Event(
            type="hub.visited",
            source="test",
            source_id="1",
            subject=Identity(kind="email", value="eve@else.example"),
            at=NOW,
        )
        eve = (await accept(engine, event)).contact
        assert (await variables(engine, program, order(eve, referral=referral)))["referral"] == {}
        unnamed = await variables(engine, program, order(sent.contact))
        assert unnamed["referral"] == {}
        messages, _ = read_messages(MESSAGES)
        assert "somebody you sent our way is a customer now." in messages.render("your-impact", unnamed).text


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"first_name": "Ada", "company": "Engines"}, "Ada of Engines spoke up for us."),
        ({"company": "Engines"}, "Engines spoke up for us."),
        ({}, "c_1 spoke up for us."),
    ],
)
async def test_a_new_advocate_without_a_name_is_named_all_the_same(
    engine: AsyncEngine, program: Program, known: dict[str, str], words: str
) -> None:
    kit = Kit(program, Messages({}), Links("https://o.example", ["x"], "https://temporal.example"))
    messages, _ = read_messages(MESSAGES)
    async with engine.begin() as conn:
        look = Look(conn, order("c_1"), Contact.model_validate({"id": "c_1", **known}), program, NOW)
        text = messages.render("new-advocate", await kit.variables(look)).text
    assert text.startswith(words)
    assert "c_1" in text.splitlines()[-1], "the way to their journey"
