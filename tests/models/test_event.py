"""Prevents: a sale of less than nothing that is believed, and paid for."""

from typing import Any

import pytest

from models.event import EVENTS, checked_data


def priced() -> list[str]:
    return [name for name, kind in EVENTS.items() if "amount" in kind.model_fields]


@pytest.mark.parametrize("event_type", priced())
def test_an_amount_is_not_less_than_nothing_and_in_a_currency(event_type: str) -> None:
    told = {"amount": {"minor": 1, "currency": "EUR"}}
    assert checked_data(event_type, told) == told
    with pytest.raises(ValueError, match=rf"^{event_type}: amount: -0.01 EUR is less than nothing"):
        checked_data(event_type, {"amount": {"minor": -1, "currency": "EUR"}})
    with pytest.raises(ValueError, match=rf"^{event_type}: amount: ZZZ is not a currency of ISO 4217"):
        checked_data(event_type, {"amount": {"minor": 1, "currency": "ZZZ"}})


@pytest.mark.parametrize("event_type", priced())
def test_only_a_closed_sale_is_worth_more_than_nothing(event_type: str) -> None:
    """A refund of nothing, an order that was a present: there are such. A sale of nothing has no amount yet."""
    nothing: dict[str, Any] = {"amount": {"minor": 0, "currency": "EUR"}}
    if event_type != "referral.closed":
        assert checked_data(event_type, nothing) == nothing
        return
    with pytest.raises(ValueError, match=r"^referral.closed: amount: 0.00 EUR is no sale: leave the amount out"):
        checked_data(event_type, nothing)
    assert checked_data(event_type, {"referral": "r_1"}) == {"referral": "r_1"}


def test_what_an_event_carries_stands_in_its_order() -> None:
    """The pages show it so."""
    assert list(EVENTS["order.delivered"].model_fields) == ["order", "amount"]
