"""Money in integer minor units: a float near money is how cents get lost."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from models.base import Model

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

_EXPONENT = {"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
             "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3,
             "OMR": 3, "TND": 3}  # ISO 4217; every other currency has two decimals  # fmt: skip

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU "
    "UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
    "ANG BGN HRK MRO SLL STD ZWL"  # withdrawn of late: sales of former years are in them
)
CURRENCIES = frozenset(_CODES.split())
"""What people pay in, by ISO 4217: no metals, no funds, no codes for tests."""


class Money(Model):
    """An amount in the currency's minor unit (cents), currency by ISO 4217."""

    minor: Annotated[int, Field(strict=True)]
    currency: Currency

    def decimal_text(self) -> str:
        """The amount as a decimal number in major units, as vendors' JSON wants it: `12000.00`."""
        exponent = _EXPONENT.get(self.currency, 2)
        if exponent == 0:
            return str(self.minor)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**exponent)
        return f"{sign}{whole}.{part:0{exponent}d}"

    @classmethod
    def from_decimal(cls, value: str | int | float | Decimal, currency: str) -> "Money":
        """An amount in major units, as vendors give it, in the currency's minor unit; halves away from zero.

        Raises ValueError for what is not a number."""
        code = currency.upper()
        try:
            scaled = Decimal(str(value)).scaleb(_EXPONENT.get(code, 2))
            return cls(minor=int(scaled.quantize(Decimal(1), ROUND_HALF_UP)), currency=code)
        except InvalidOperation as error:
            raise ValueError(f"{value!r} is not an amount of money") from error

    @classmethod
    def worth(cls, value: str | int | float | Decimal, currency: str) -> "Money | None":
        """What a sale is worth as a vendor says it, in major units; None for nothing, for less, and in a currency that
        there is not: then nobody has filled the amount in yet, and the sale is heard without one.

        Raises ValueError for what is not a number."""
        amount = cls.from_decimal(value, currency)
        return amount if amount.minor > 0 and amount.currency in CURRENCIES else None

    @classmethod
    def parse(cls, text: str) -> "Money":
        """`100 USD`, `12.50 EUR`. Raises ValueError with the allowed form."""
        number, _, currency = text.strip().partition(" ")
        if not re.fullmatch(r"\d+(\.\d+)?", number) or not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValueError(f"{text!r} is not an amount of money; write it like 100 USD")
        return cls.from_decimal(number, currency)

    def share(self, basis_points: int) -> "Money":
        """A part of it, in hundredths of a percent; halves are rounded up."""
        return Money(minor=(self.minor * basis_points + 5_000) // 10_000, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.decimal_text()} {self.currency}"


def _from_text(value: object) -> object:
    return Money.parse(value) if isinstance(value, str) else value


Sum = Annotated[Money, BeforeValidator(_from_text)]
"""An amount as people write it in YAML: `100 USD`."""
