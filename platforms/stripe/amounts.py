"""Our minor units as Stripe's, and back.

The failure prevented: a reward a hundred times too large. Stripe counts in minor units as we do, but for some
currencies it has another idea of what those are, and takes the wrong number without a word.
"""

from models.money import Money
from platforms.errors import Rejected

_TENTHS_ONLY = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Three decimals, the last of which must be 0."""
_UNKNOWN = frozenset({"IQD", "LYD"})
"""Three decimals, and not among Stripe's currencies: how it would read the number is not known."""


def minor(amount: Money) -> int:
    """The amount as Stripe counts it. Raises Rejected for what cannot be paid exactly, or is not more than nothing."""
    if amount.minor <= 0:
        raise Rejected(f"{amount} cannot be paid: it is not more than nothing")
    match amount.currency:
        case "UGX":  # no decimals, written with two since before it lost them
            return amount.minor * 100
        case "MGA":  # two decimals here, none at Stripe
            whole, rest = divmod(amount.minor, 100)
            return whole if not rest else _inexact(amount)
        case code if code in _TENTHS_ONLY:
            return amount.minor if amount.minor % 10 == 0 else _inexact(amount)
        case code if code in _UNKNOWN:
            raise Rejected(f"Stripe does not pay in {code}")
        case _:
            return amount.minor


def money(count: int, currency: str) -> Money:
    """What Stripe counts, as ours. Raises ValueError for what is no currency."""
    code = currency.upper()
    factor = {"UGX": (1, 100), "MGA": (100, 1)}.get(code, (1, 1))
    return Money(minor=count * factor[0] // factor[1], currency=code)


def _inexact(amount: Money) -> int:
    raise Rejected(f"{amount} cannot be paid to the last digit: Stripe's {amount.currency} has fewer decimals")
