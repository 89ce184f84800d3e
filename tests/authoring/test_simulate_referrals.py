"""Prevents a forecast of payouts that counts refunded sales, and letters that one advocate would get ten times."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from authoring import source
from authoring.lifetime import Entry
from authoring.simulate import Simulation, simulate
from models.playbook import Playbook
from models.program import Program

HERE = Path(__file__).parents[2]
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = "email:ada@engines.example"
SALE = {"amount": {"minor": 100_000, "currency": "USD"}}
PROGRAM = Program.model_validate(source.read_file(HERE / "program.yaml").content)


def playbook(name: str) -> Playbook:
    return Playbook.model_validate(source.read_file(HERE / "playbooks" / f"{name}.yaml").content)


def event(kind: str, friend: str, days: float, **data: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}/{friend}/{days}",
        "type": f"ovation.{kind}",
        "subject": f"email:{friend}@new.example",
        "time": (MONDAY + days * DAY).isoformat(),
        "data": data,
    }


def sent(friend: str, days: float, **data: Any) -> dict[str, Any]:
    return event("referral.submitted", friend, days, referred_by=ADA, **data)


def played(folder: Path, *events: dict[str, Any]) -> Simulation:
    file = folder / "events.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in events))
    names = ("advocate-thank-you", "referral")
    return simulate(file, {name: playbook(name) for name in names}, PROGRAM)


def days(entry: Entry, step: str, fate: str = "done") -> list[int]:
    """On which days an effect of a step had this fate."""
    return [(d.at - MONDAY).days for d in entry.done if d.step.partition(":")[0] == step and d.fate == fate]


def test_each_referral_has_a_journey_of_its_own_and_its_sale_reaches_no_other(tmp_path: Path) -> None:
    found = played(tmp_path, sent("bo", 0), sent("cy", 1), event("referral.closed", "bo", 10, **SALE))
    bo, cy = [entry for entry in found.entries if entry.refused is None]
    assert {bo.contact, cy.contact} == {ADA}
    assert bo.referral != cy.referral and str(bo.referral).startswith("r_")
    assert (days(bo, "thanks"), days(bo, "reward"), days(bo, "paid")) == ([0], [40], [40])
    assert (days(cy, "thanks"), days(cy, "closed"), days(cy, "reward")) == ([1], [], [])
    assert found.totals["pay_reward"].done == 1


def test_however_often_it_is_reported_it_begins_once(tmp_path: Path) -> None:
    found = played(tmp_path, sent("bo", 0), sent("bo", 5), event("referral.closed", "bo", 10, **SALE))
    assert [entry.refused for entry in found.entries] == [None, *["they are in this playbook already"] * 2]
    assert found.totals["update_lead"].done == 2


def test_what_names_no_referral_follows_none(tmp_path: Path) -> None:
    assert played(tmp_path, event("referral.clicked", "bo", 0, referred_by=ADA)).entries == []


def test_a_refund_within_the_thirty_days_pays_nothing_and_one_in_part_pays(tmp_path: Path) -> None:
    sold = [event("referral.closed", who, 0, referred_by=ADA, **SALE) for who in ("bo", "cy")]
    whole = event("referral.refunded", "bo", 9)
    part = event("referral.refunded", "cy", 9, amount={"minor": 40_000, "currency": "USD"})
    bo, cy = played(tmp_path, *sold, whole, part).entries
    assert (days(bo, "reward"), days(bo, "reward", "withheld"), days(bo, "taken_back")) == ([], [30], [])
    assert (days(cy, "reward"), days(cy, "refunded", "withheld"), days(cy, "taken_back")) == ([30], [9], [])


def test_a_refund_after_the_payment_takes_it_back(tmp_path: Path) -> None:
    sold = event("referral.closed", "bo", 0, referred_by=ADA, **SALE)
    (bo,) = played(tmp_path, sold, event("referral.refunded", "bo", 50)).entries
    assert (days(bo, "reward"), days(bo, "refunded"), days(bo, "taken_back")) == ([30], [50, 50, 50], [50])


def test_a_lead_that_was_given_up_and_won_after_all_is_paid_and_one_lost_after_the_sale_is_not(tmp_path: Path) -> None:
    won = [sent("bo", 0), event("referral.lost", "bo", 20), event("referral.closed", "bo", 60, **SALE)]
    lost = [event("referral.closed", "cy", 0, referred_by=ADA, **SALE), event("referral.lost", "cy", 5)]
    entries = {entry.event: entry for entry in played(tmp_path, *won, *lost).entries if entry.refused is None}
    assert days(entries["referral.submitted"], "reward") == [90]
    assert days(entries["referral.closed"], "reward", "withheld") == [30]


def test_an_account_is_asked_for_once_in_a_life(tmp_path: Path) -> None:
    sold = [event("referral.closed", f"p{n}", n, referred_by=ADA, **SALE) for n in range(3)]
    found = played(tmp_path, *sold)
    assert [len(days(entry, "complete_account")) for entry in found.entries] == [1, 0, 0]
    assert (found.totals["invite_payee"].done, found.totals["invite_payee"].withheld) == (1, 2)
    assert found.totals["pay_reward"].done == 3


def test_the_advocates_own_journey_hears_of_all_her_referrals(tmp_path: Path) -> None:
    promoter = {**event("nps.answered", "x", -1, score=10), "subject": ADA}
    sold = [event("referral.closed", who, 3, referred_by=ADA, **SALE) for who in ("bo", "cy")]
    thanks, *_ = played(tmp_path, promoter, *sold).entries
    assert thanks.referral is None
    gifts = {d.step for d in thanks.done if d.step.startswith("second_gift") and d.effect == "send_gift"}
    assert len(gifts) == 2


def test_a_friend_who_left_his_name_does_not_give_it_to_the_advocate(tmp_path: Path) -> None:
    """A time zone of the friend's would move the advocate's letters into her night."""
    friend = {"person": {"time_zone": "Asia/Tokyo"}}
    promoter = {**event("nps.answered", "x", 1, score=10), "subject": ADA}
    delivered = {**event("gift.delivered", "x", 2), "subject": ADA}
    found = played(tmp_path, sent("bo", 0, **friend), promoter, delivered)
    thanks = next(entry for entry in found.entries if entry.playbook == "advocate-thank-you")
    (check_in,) = [d for d in thanks.done if d.step == "check_in" and d.fate == "done"]
    assert check_in.at.isoformat() == "2026-03-09T13:00:00+00:00", "Monday at nine in New York"


def test_an_advocate_named_in_no_known_form_is_a_bad_line(tmp_path: Path) -> None:
    (bad,) = played(tmp_path, event("referral.submitted", "bo", 0, referred_by="ada")).bad
    assert "is not of the form kind:value" in bad.reason
