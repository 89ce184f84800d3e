"""Prevents: a sale of nothing or of less, or in a currency that there is not, that counts as money."""

import pytest

from models.money import CURRENCIES, Money


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("12.50", "EUR", 1250), (12, "usd", 1200), (12.005, "USD", 1201), (1200, "JPY", 1200), ("0.005", "KWD", 5)],
)
def test_what_a_vendor_says_that_a_sale_is_worth(value: str | int | float, currency: str, minor: int) -> None:
    assert Money.worth(value, currency) == Money(minor=minor, currency=currency.upper())


@pytest.mark.parametrize(
    ("value", "currency"),
    [(0, "EUR"), ("0.00", "EUR"), (0.004, "EUR"), (-5, "EUR"), (5, "ZZZ"), (5, "XTS"), (5, "XAU")],
)
def test_nothing_less_and_no_currency_are_no_amount_yet(value: str | int | float, currency: str) -> None:
    assert Money.worth(value, currency) is None


@pytest.mark.parametrize(("value", "currency"), [("much", "EUR"), ("", "EUR"), (5, "euros"), ("NaN", "EUR")])
def test_what_is_no_number_or_no_code_is_said(value: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|pattern|NaN"):
        Money.worth(value, currency)


def test_the_list_of_currencies() -> None:
    assert {"USD", "EUR", "GBP", "JPY", "XOF", "XCG", "ZWG"} <= CURRENCIES
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert not {"XXX", "XTS", "XAU", "EURO", "ABC"} & CURRENCIES
