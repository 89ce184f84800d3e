"""What a referral brought, told to the CRM.

The failure prevented: a total that leaves out the very sale it is told for. Only what is on record is in the total, so
only what is on record is told.
"""

from activities.kit import CannotDo, Kit
from models.money import Money
from platforms.capabilities import AttributeRevenue, Who
from store.governance import Withhold
from store.ledger import Look


async def attribute_revenue(look: Look, kit: Kit) -> AttributeRevenue:
    """What this referral is worth now, and the advocate's total as the record has it.

    Both are absolute: a repeat is harmless, and a refund reverses what was attributed."""
    money = await _worth(look)
    return AttributeRevenue(
        who=Who.of(look.contact),
        referral=look.order.referral or look.order.key,
        amount=money,
        total=await look.revenue(money.currency),
        closed_at=look.at,
    )


async def _worth(look: Look) -> Money:
    """What is left of the sale. Raises CannotDo where it is not on record: a signal puts nothing there."""
    row = await look.referral()
    if row is None:
        raise CannotDo(
            "no such referral is on record, so its sale counts for nobody: report the sale by POST /events, which puts "
            "it on record and tells the journey; then skip this step"
        )
    if row.amount_minor is None and row.status in ("lost", "refunded"):
        raise Withhold("nothing was ever counted of this sale, so nothing is taken back")
    if row.amount_minor is None:
        raise CannotDo(
            "the referral is on record without an amount: report the sale again with one, by POST /events, then retry; "
            "or skip the step"
        )
    left = row.amount_minor - row.refunded_minor if row.status == "closed" and row.verdict != "deny" else 0
    return Money(minor=left, currency=row.currency)
