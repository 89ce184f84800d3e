"""Prevents a story or a forecast in which one sale counts for two referrals, or a referral hears of its neighbor."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authoring.referral import Referrals, may_be_heard, names_a_referral, told
from models.contact import Identity
from models.event import Event

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
ADA, BO, CY = "email:ada@engines.example", "email:bo@new.example", "email:cy@new.example"


class Told:
    """Events in order of time, and what the record would make of each: the advocate and the referral."""

    def __init__(self) -> None:
        self.referrals = Referrals()
        self.number = 0

    def __call__(self, kind: str, subject: str, **data: Any) -> tuple[str, Any]:
        self.number += 1
        event = Event(
            type=f"referral.{kind}",
            source="test",
            source_id=str(self.number),
            subject=Identity.parse(subject),
            at=MONDAY + timedelta(days=self.number),
            data=data,
        )
        advocate, named = self.referrals.credit(event)
        return advocate, named.data.get("referral")


def test_a_second_report_joins_the_first() -> None:
    tell = Told()
    advocate, referral = tell("submitted", BO, referred_by=ADA)
    assert advocate == ADA
    assert tell("submitted", BO, referred_by=ADA) == (ADA, referral)
    assert tell("closed", BO) == (ADA, referral)
    assert tell("refunded", f"ovation_referral:{referral}") == (ADA, referral)
    assert tell("submitted", CY, referred_by=ADA)[1] not in (referral, None)


def test_the_same_file_gives_the_same_names() -> None:
    assert Told()("submitted", BO, referred_by=ADA) == Told()("submitted", BO, referred_by=ADA)


def test_the_first_touch_gets_the_sale() -> None:
    tell = Told()
    first = tell("submitted", BO, referred_by=ADA)
    assert tell("submitted", BO, referred_by="email:eve@elsewhere.example") != first
    assert tell("closed", BO) == first


def test_two_friends_with_one_code_are_two_referrals_of_one_advocate() -> None:
    tell = Told()
    (one, first), (other, second) = (tell("closed", who, referral_code="ADA-7") for who in (BO, CY))
    assert one == other == "referral_code:ADA-7"
    assert first != second


def test_without_a_friend_each_report_is_a_referral_of_its_own_unless_it_is_named() -> None:
    tell = Told()
    assert tell("submitted", ADA)[1] != tell("submitted", ADA)[1]
    assert tell("submitted", ADA, referral="r_9") == tell("closed", ADA, referral="r_9") == (ADA, "r_9")


@pytest.mark.parametrize("kind", ["shared", "clicked"])
def test_before_anybody_was_referred_there_is_no_referral(kind: str) -> None:
    tell = Told()
    assert tell(kind, ADA) == (ADA, None)
    assert tell(kind, ADA, referral_code="X")[1] is None


def test_a_refund_is_told_from_the_next_by_its_total() -> None:
    half = {"amount": {"minor": 50, "currency": "USD"}}
    assert told("referral.refunded", half, "r_1")["refund"] == "50"
    assert told("referral.refunded", {}, "r_1") == {"referral": "r_1", "refund": "all"}
    assert told("referral.closed", {"referral": "r_2"}, "r_1") == {"referral": "r_2"}
    assert told("qr.scanned", {}, "r_1") == {}


def test_what_names_a_referral_and_what_its_journey_could_hear() -> None:
    assert names_a_referral("referral.closed") and names_a_referral("reward.paid")
    assert not names_a_referral("referral.clicked")
    assert [may_be_heard(kind) for kind in ("payee.ready", "message.bounced", "gift.delivered")] == [True] * 3
    assert [may_be_heard(kind) for kind in ("contact.opted_out", "nps.answered", "hub.visited")] == [False] * 3
