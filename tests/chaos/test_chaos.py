"""Prevents: money that is right only while nothing goes wrong, and a chaos run that would not notice if it were not.

Some thirty referrals here; `make chaos` plays a thousand.
"""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.books import Books, balance, budget_kept
from tests.chaos.facts import Advocate, Fact, Referral, make
from tests.chaos.oracle import Due, due
from tests.chaos.run import Plan, run

ADA = Advocate("ada@partner.example", "early")
SOLD, PART = Fact("closed", 12_345), Fact("refunded", 2_340)


def told(*facts: Fact, advocate: Advocate = ADA, refused: str = "") -> Referral:
    return Referral(1, advocate, "bo@customer.example", "EUR", [Fact("submitted"), *facts], refused=refused)


@pytest.mark.timeout(240)
async def test_thirty_referrals_through_chaos() -> None:
    plan = Plan(referrals=25, seed=11, window=6.0, pace=5.0, every=(3.0, 6.0), patience=90.0)
    result = await run(plan, lambda line: print(line, file=sys.stderr))
    assert result.good, "\n\n".join(result.differences)
    killed = dict(result.table)["killed"]
    assert sum(int(word) for word in killed.replace(",", "").split() if word.isdigit()) >= 3, killed


@pytest.mark.parametrize(
    ("referral", "expected"),
    [
        (told(), Due(0, 0)),
        (told(SOLD), Due(1_235, 1_235)),
        (told(SOLD, PART), Due(1_001, 1_001)),
        (told(SOLD, Fact("refunded", 2_340, late=True)), Due(1_001, 1_235)),
        (told(SOLD, PART, Fact("refunded", None, late=True)), Due(0, 1_001)),
        (told(SOLD, Fact("lost", late=True)), Due(0, 1_235)),
        (told(SOLD, Fact("lost")), Due(0, 0)),
        (told(Fact("lost"), SOLD), Due(1_235, 1_235)),
        (told(SOLD, refused="in a ring"), Due(0, 0)),
        (told(SOLD, advocate=Advocate("eve@partner.example", "never")), Due(0, 0)),
    ],
)
def test_the_oracle_by_hand(referral: Referral, expected: Due) -> None:
    """10% of 123.45 is 12.345: half a cent is rounded up."""
    assert due(referral) == expected


def test_a_cap_is_the_most() -> None:
    assert due(told(SOLD), cap=1_000) == Due(1_000, 1_000)


def test_a_seed_makes_the_same_world_again_and_another_seed_another() -> None:
    assert make(7, 100) == make(7, 100)
    assert make(7, 100) != make(8, 100)


def test_a_thousand_contain_everything_that_may_go_wrong() -> None:
    world = make(1, 1000)
    assert len(world.referrals) == 1000
    assert {r.refused for r in world.referrals} == {"", "of themselves", "in a ring", "somebody else's friend"}
    assert {r.advocate.account for r in world.referrals} == {"early", "late", "never"}
    assert {r.currency for r in world.referrals} == {"USD", "EUR", "GBP"}
    assert any(report.times > 1 for r in world.referrals for report in r.reports)
    assert any([x.fact for x in r.reports] != sorted(x.fact for x in r.reports) for r in world.referrals)


def agreeing(*, transfers: tuple[int, ...] = (1_235,), entries: int = 1_235, holds: int = 1_235) -> Books:
    """The books of one sale that was paid: as they should be, unless said otherwise."""
    name = {"advocate": ADA.email, "friend": "bo@customer.example"}
    row: Any = SimpleNamespace(id="w_1", kept=entries, paid=entries, payments=1, currency="EUR", reason=None, **name)
    sent = [{"amount": amount, "amount_reversed": 0, "currency": "eur"} for amount in transfers]
    return Books({told(SOLD).name: row}, {"w_1": sent}, {(ADA.email, "EUR"): holds}, {"e_1"})


def differences(books: Books, accepted: str = "e_1") -> int:
    return len(balance(books, [(told(SOLD), Due(1_235, 1_235))], {accepted}))


def test_books_that_agree_pass_and_a_cent_an_extra_transfer_or_a_lost_event_does_not() -> None:
    assert differences(agreeing()) == 0
    assert differences(agreeing(entries=1_234)) > 0
    assert differences(agreeing(transfers=(1_234,))) > 0
    assert differences(agreeing(transfers=(1_235, 1_235), holds=2_470)) > 0
    assert differences(agreeing(holds=1_236)) == 1
    assert differences(agreeing(), accepted="e_2") == 1


def test_a_budget_that_is_overdrawn_or_left_unused_does_not_pass() -> None:
    books, dues = agreeing(), {told(SOLD).name: Due(1_235, 1_235)}
    assert "1235 was paid from a budget of 1000" in budget_kept(books, [told(SOLD)], dues, 1_000)
    name = told(SOLD).name
    waits: Any = SimpleNamespace(advocate=name[0], friend=name[1], paid=0, reason="the budget is used up")
    books.rewards[name] = waits
    assert budget_kept(books, [told(SOLD)], dues, 1_000) == []
    fits = "bo@customer.example waits for 1235 (the budget is used up), and 1235 is left"
    assert budget_kept(books, [told(SOLD)], dues, 1_235) == [fits]
