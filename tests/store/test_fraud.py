"""Prevents: money for somebody who refers themselves, and honest people who are turned away."""

from unittest.mock import patch

import pytest

from models.contact import Contact
from models.program import Fraud
from store import fraud
from store.fraud import DENY, HOLD, Case, judge, normalized

ADA = Contact(id="c_ada", email="ada@engines.example", first_name="Ada", last_name="Lovelace", phone="+44 20 7946 0001")
BO = Contact(id="c_bo", email="bo@new.example", first_name="Bo", last_name="Chen", phone="+372 555 1234")


def friend(**changes: object) -> Contact:
    return BO.model_copy(update=changes)


def case(bo: Contact | None = BO, **more: object) -> Case:
    return Case(advocate=ADA, friend=bo, **more)  # type: ignore[arg-type]


def test_two_different_people_pass_and_nothing_is_held_against_them() -> None:
    assert judge(case()) == ("allow", [])


@pytest.mark.parametrize(
    ("suspect", "verdict", "rule"),
    [
        (case(None), "hold", "nobody_is_named"),
        (case(friend(email="Ada+friend@Engines.example")), "deny", "same_mailbox"),
        (case(friend(phone="0044 (0)20 79460001")), "deny", "same_telephone"),
        (case(friend(first_name="ADA", last_name="lovelace")), "hold", "same_name"),
        (case(friend(email="bo@engines.example")), "hold", "same_company"),
        (case(friend(email="bo@mailinator.com")), "hold", "disposable_mailbox"),
        (case(is_customer=True), "deny", "customer_already"),
        (case(is_lead=True), "hold", "customer_already"),
        (case(earlier_advocates=["c_x"]), "deny", "referred_before"),
        (case(twins=["c_y"]), "deny", "counted_twice"),
        (case(chain=["c_bo"]), "deny", "loop"),
        (case(chain=["c_bo", "c_eve"]), "deny", "loop"),
        (case(in_a_day=11), "hold", "velocity"),
        (case(same_device=True), "hold", "same_connection"),
        (case(others_from_network=6), "hold", "same_connection"),
        (case(payout_shared_with=["c_z"]), "deny", "same_payout"),
        (case(coupon_sites=["coupons.example"]), "hold", "coupon_leak"),
        (case(suspicions={"machine": "the form was filled in by a machine"}), "deny", "machine"),
        (case(suspicions={"unstamped": ""}), "hold", "machine"),
        (case(suspicions={"unstamped": "", "program": ""}), "hold", "machine"),
        (case(suspicions={"program": ""}), "allow", "program"),
        (case(same_scan=True), "allow", "same_connection"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_finds_its_case_and_says_why(suspect: Case, verdict: str, rule: str) -> None:
    judged, findings = judge(suspect)
    assert judged == verdict
    assert findings[0].rule == rule, "the weightiest evidence comes first"
    words = findings[0].words
    assert "ada" not in words.lower() and "chen" not in words.lower(), "evidence names nobody"


def test_a_shared_network_alone_is_no_reason_to_hold() -> None:
    judged, findings = judge(case(same_network=True))
    assert judged == "allow"
    assert findings[0].rule == "same_connection"


def test_two_reasons_to_hold_are_a_reason_to_deny() -> None:
    judged, findings = judge(case(friend(email="bo@engines.example", first_name="Ada", last_name="Lovelace")))
    assert judged == "deny"
    assert sum(f.weight for f in findings) >= DENY


def test_at_the_limit_velocity_says_nothing() -> None:
    assert judge(case(in_a_day=10)) == ("allow", [])
    assert judge(case(in_a_day=3, rules=Fraud(a_day=2)))[0] == "hold"


def test_a_rule_that_breaks_holds() -> None:
    def broken(case: Case) -> fraud.Found:
        raise ZeroDivisionError
        yield 0, ""

    with patch.object(fraud, "RULES", (broken,)):
        judged, findings = judge(case())
    assert judged == "hold"
    assert (findings[0].weight, findings[0].rule) == (HOLD, "broken")


def test_colleagues_at_a_mail_provider_are_no_colleagues() -> None:
    ada = ADA.model_copy(update={"email": "ada@gmail.com"})
    assert judge(Case(advocate=ada, friend=friend(email="bo@gmail.com")))[0] == "allow"


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("A.d.a+news@GMail.com", "ada@gmail.com"),
        ("ada@googlemail.com", "ada@gmail.com"),
        ("A.da@engines.example", "a.da@engines.example"),
        ("ada+x@engines.example", "ada@engines.example"),
        ("nobody", None),
        (None, None),
    ],
)
def test_a_mailbox_is_the_same_however_it_is_written(written: str | None, mailbox: str | None) -> None:
    assert normalized(written) == mailbox
