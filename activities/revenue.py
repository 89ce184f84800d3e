"""What a referral brought, told to the CRM."""

from activities.kit import CannotDo, Kit
from models.money import Money
from platforms.capabilities import AttributeRevenue, Who
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
    row = await look.referral()
    if row is not None and row.amount_minor is not None:
        left = row.amount_minor - row.refunded_minor if row.status == "closed" and row.verdict != "deny" else 0
        return Money(minor=left, currency=row.currency)
    amount = look.order.params.get("amount") or look.order.facts.get("amount")
    if not amount:
        raise CannotDo("the closed referral was reported without an amount: report it again with one, or skip the step")
    return Money.model_validate(amount)
