"""What is due, from the facts alone: written from the program's promises, and sharing no line with the product.

A referral that became a customer brings the advocate 10% of what the sale is worth in the end, cents rounded half up.
Nothing for a sale that was lost after it was won, was refunded, or may not be paid for; nothing where there is no
account to pay it to. A deal that was lost and won after all counts as won.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tests.chaos.facts import Fact, Referral

CAP = 2_000
"""Cents, the most for one referral under the budget."""


@dataclass(frozen=True)
class Due:
    """In minor units. `left` is what the advocate has in the end; `most` what may have been paid before late refunds
    took something back. Where nothing happened late, they are the same."""

    left: int
    most: int


def due(referral: Referral, cap: int | None = None) -> Due:
    if referral.refused or referral.advocate.account == "never":
        return Due(0, 0)
    at_the_end = _share(referral.facts, cap)
    at_first = _share([fact for fact in referral.facts if not fact.late], cap)
    return Due(at_the_end, max(at_first, at_the_end))


def _share(facts: Sequence[Fact], cap: int | None) -> int:
    worth = _worth(facts)
    share = int((Decimal(worth) * Decimal("0.10")).quantize(Decimal(1), ROUND_HALF_UP))
    return share if cap is None else min(share, cap)


def _worth(facts: Iterable[Fact]) -> int:
    """What the sale is worth after all that happened; 0 where there is none."""
    sold = back = 0
    standing = False
    for fact in facts:
        if fact.kind == "closed":
            sold, standing = fact.total or 0, True
        elif fact.kind == "lost":
            standing = False
        elif fact.kind == "refunded":
            back = sold if fact.total is None else max(back, fact.total)
    return sold - back if standing else 0
