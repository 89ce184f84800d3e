"""What a referral brought, told to the CRM."""

from activities.kit import CannotDo, Kit, who
from models.money import Money
from platforms.capabilities import AttributeRevenue
from store.ledger import Look


async def attribute_revenue(look: Look, kit: Kit) -> AttributeRevenue:
    """The amount of this referral, and the advocate's total as the record has it: absolute, so a repeat is harmless."""
    amount = look.order.params.get("amount")
    if not amount:
        raise CannotDo("the closed referral was reported without an amount: report it again with one, or skip the step")
    money = Money.model_validate(amount)
    return AttributeRevenue(
        who=who(look.contact),
        referral=str(look.order.facts.get("referral") or look.order.key),
        amount=money,
        total=await look.revenue(money.currency),
        closed_at=look.at,
    )
