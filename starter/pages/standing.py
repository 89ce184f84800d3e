"""How referrals and rewards stand, in words for the advocate: kind, true, and nothing about the friend."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from models.money import Money


@dataclass(frozen=True)
class Standing:
    """One line: what it is, and how it stands. `good` marks what is worth a smile."""

    what: str
    how: str
    good: bool = False


_REFERRALS = {
    "submitted": "We are in touch with them.",
    "qualified": "They are having a serious look.",
    "closed": "They are a customer now. Thank you!",
    "lost": "It was not for them this time. It was still kind of you.",
    "refunded": "Their purchase was refunded.",
}
_REWARDS = {
    "planned": "It comes once the return window has passed.",
    "waiting": "We are looking at it; you need not do anything.",
    "claimed": "It is on its way.",
    "voided": "It is not paid.",
}


def referral_words(row: Row[Any]) -> Standing:
    """A referral without the friend: when it was, and how far it has come."""
    what = f"Introduced on {_day(row.submitted_at)}"
    if row.verdict == "deny":
        return Standing(what, "We could not count this one: it does not fit our rules. Write to us if that is wrong.")
    if row.verdict == "hold":
        return Standing(what, "We are having a look at this one.")
    return Standing(what, _REFERRALS[row.status], row.status == "closed")


def reward_words(row: Row[Any], *, own: bool) -> Standing:
    """A reward, with its code only for `own` eyes: whoever reads a code can use it."""
    what = str(Money(minor=row.amount_minor, currency=row.currency))
    if row.status == "paid" and row.balance < row.amount_minor:
        back = Money(minor=row.amount_minor - row.balance, currency=row.currency)
        return Standing(what, f"{back} was taken back, because the purchase was refunded.")
    if row.status == "paid":
        code = f" Your code: {row.code}" if row.code and own else ""
        return Standing(what, f"Paid on {_day(row.paid_at)}.{code}", good=True)
    if row.reason and "account" in row.reason:
        return Standing(what, "It waits until you have told us where to send it.")
    return Standing(what, _REWARDS[row.status])


def _day(at: Any) -> str:
    return f"{at.day} {at:%B %Y}"
