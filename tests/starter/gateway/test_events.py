"""Prevents: a service that cannot tell which of its events was taken, and why another was not."""

import json
from typing import Any

import pytest

from tests.starter.gateway.conftest import Door


def told(**more: Any) -> dict[str, Any]:
    return {"type": "ovation.contact.updated", "subject": "email:a@b.example", **more}


def closed(minor: int) -> dict[str, Any]:
    data = {"referred_by": "email:ada@example.com", "amount": {"minor": minor, "currency": "USD"}}
    return told(type="ovation.referral.closed", id="sale", data=data)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (told(id="x", subject="email:a\0@b.example"), "a NUL character"),
        (told(id="x", data={"person": {"last_name": "Canarelli\0"}}), "a NUL character"),
        (told(id="x\0"), "a NUL character"),
        (closed(10**30), "a number of more than 64 bits"),
        (
            told(type="ovation.order.delivered", id="x", data={"amount": {"minor": 10**30, "currency": "USD"}}),
            "64 bits",
        ),
        (told(type="ovation.files.received", id="x", data={"count": -(10**30)}), "64 bits"),
        (told(id="x", time="0001-01-01T00:00:00+14:00"), "time: a time beyond the calendar"),
        (told(id="x", time="9999-12-31T23:59:59-14:00"), "time: a time beyond the calendar"),
        (told(id="x", data={"\ud800": 1}), "data"),
        (told(id="x", data={"person": {"first_name": "\ud800"}}), "half of a character"),
        (told(id="\ud800"), "id"),
        (told(id={"deep": "\ud800"}), "id"),
        ("\ud800", "event"),
        (None, "event"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_the_reason_and_the_others_are_taken(
    door: Door, event: Any, why: str
) -> None:
    assert (await door.report([event])).status_code == 422, "alone too"
    answer = await door.report([told(id="before"), event, told(id="after")])
    assert answer.status_code == 202, answer.text
    became = answer.json()["events"]
    assert [one["became"] for one in became] == ["accepted", "refused", "accepted"]
    assert why in became[1]["reason"]
    assert await door.stored() == ["before", "after"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("order-1", "order-1"),
        ("été", "été"),
        ("x\0", None),
        ("a\nb", None),
        ("\ud800", None),
        (7, None),
        ("x" * 201, None),
    ],
)
async def test_a_refusal_names_the_event_by_an_id_that_one_can_read(door: Door, given: Any, shown: str | None) -> None:
    answer = await door.report({"id": given, "type": "unheard.of"})
    assert answer.status_code == 422
    assert answer.json()["events"][0]["id"] == shown


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
@pytest.mark.parametrize(
    "where", ['{"id": %s, "type": "x"}', '{"type": "x", "data": {"person": {"attributes": {"x": %s}}}}']
)
async def test_a_number_that_json_does_not_have_is_named(door: Door, number: str, where: str) -> None:
    answer = await door.report(where % number)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(f"{number} is not a number that JSON has")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"data":' * 50_000])
async def test_what_is_nested_too_deeply_is_refused(door: Door, body: str) -> None:
    answer = await door.report(body)
    assert answer.status_code == 400
    assert "nested too deeply" in answer.json()["detail"]


async def test_no_depth_in_between_breaks_it(door: Door) -> None:
    """JSON that can just be read may be too deep to be written."""
    for depth in range(800, 1000):
        body = json.dumps(told(data={"x": "deep"})).replace('"deep"', "[" * depth + "]" * depth)
        assert (await door.report(body)).status_code in (400, 422), depth


@pytest.mark.parametrize(
    "event",
    [
        told(type="ovation.contact.churned", subject="ovation:c_nope"),
        told(type="ovation.gift.delivered", subject="effect:zzz"),
        told(type="ovation.referral.closed", data={"referral_code": "UNKNOWN1"}),
    ],
    ids=lambda event: str(event["type"]),
)
async def test_what_nobody_will_hear_is_said(door: Door, event: dict[str, Any]) -> None:
    for became in ("accepted", "known already"):
        [one] = (await door.report({**event, "id": "x"})).json()["events"]
        assert (one["became"], one["contact"]) == (became, None)
        assert one["note"] == "names nobody and nothing we know"


async def test_what_names_somebody_has_no_such_note(door: Door) -> None:
    [one] = (await door.report(told(id="x"))).json()["events"]
    assert one["contact"] is not None
    assert "note" not in one


@pytest.mark.parametrize(
    ("event_type", "minor", "currency", "why"),
    [
        ("referral.closed", -1, "USD", "amount: -0.01 USD is less than nothing"),
        ("referral.closed", 0, "USD", "amount: 0.00 USD is no sale: leave the amount out until it is known"),
        ("referral.closed", 1, "ZZZ", "amount: ZZZ is not a currency of ISO 4217"),
        ("referral.refunded", -1, "USD", "amount: -0.01 USD is less than nothing"),
        ("order.delivered", -1, "USD", "amount: -0.01 USD is less than nothing"),
        ("contract.renewed", 1, "XTS", "amount: XTS is not a currency"),
    ],
)
async def test_an_amount_that_is_none_is_refused(
    door: Door, event_type: str, minor: int, currency: str, why: str
) -> None:
    event = told(type=f"ovation.{event_type}", id="x", data={"amount": {"minor": minor, "currency": currency}})
    answer = await door.report(event)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{event_type}: {why}")
    assert await door.stored() == []


@pytest.mark.parametrize("zone", ["Europe", "x" * 300, "../../etc", "Mars/Olympus"])
async def test_a_time_zone_that_is_none_is_refused(door: Door, zone: str) -> None:
    answer = await door.report(told(id="x", data={"person": {"time_zone": zone}}))
    assert answer.status_code == 422
    assert "is not a time zone; write it like Europe/Berlin" in answer.json()["detail"]
