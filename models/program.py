"""The program: what is the same for all playbooks. `program.yaml` is this model."""

import re
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from models.base import Model
from models.contact import Tier, TimeZoneName
from models.money import Currency, Money, Sum


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https"):
        raise ValueError(f"{value!r} is not a web address; write https://…")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Bound = Annotated[list[str], BeforeValidator(_listed)]


class Video(Model):
    """A video recorded once. `campaign` is its id at the vendor; `plain` is the same film without a name."""

    campaign: str
    plain: WebAddress | None = None


class Box(Model):
    """A gift box. `campaign` is its name at the vendor."""

    campaign: str


class Hours(Model):
    """From one time of day to another, in the contact's own time zone."""

    from_: time = Field(alias="from")
    to: time


class Governance(Model):
    """Who may be asked and when. `quiet` and `business` are None when days are compressed by a time scale."""

    asks_per_quarter: int = Field(default=1, ge=0)
    quiet: Hours | None = Hours(**{"from": time(20), "to": time(8)})
    business: Hours | None = Hours(**{"from": time(9), "to": time(17)})


class Invitation(Model):
    title: str
    text: str
    link: WebAddress | None = None


class Hub(Model):
    """The page a box's QR code opens. A personal note from leadership, and an invitation; never a product page."""

    title: str = "Thank you"
    note: str
    signed: str
    invitation: Invitation | None = None


class Share(Model):
    """What a reward is worth: an amount, or a part of the sale in hundredths of a percent."""

    amount: Money | None = None
    basis_points: int | None = None


def _share_from(value: object) -> object:
    if not isinstance(value, str):
        return value
    percent = re.fullmatch(r"(\d+(?:\.\d{1,2})?)\s*%(?: of the sale)?", value.strip())
    if percent:
        return {"basis_points": int(Decimal(percent[1]) * 100)}
    try:
        return {"amount": Money.parse(value)}
    except ValueError as error:
        raise ValueError(f"{value!r} is not worth anything; write it like 100 USD, or 10% of the sale") from error


Worth = Annotated[Share, BeforeValidator(_share_from)]


class Reward(Model):
    """What somebody gets for a referral that became a customer. `tiers` replaces `worth` for advocates of a tier.

    `signature`: it is paid only once the advocate has signed the agreement."""

    to: Literal["advocate", "friend"] = "advocate"
    wallet: Literal["cash", "credit", "code"] = "cash"
    worth: Worth
    tiers: dict[Tier, Worth] = Field(default_factory=dict)
    at_most: Sum | None = None
    signature: bool = False

    def amount(self, sale: Money | None, tier: Tier) -> Money | None:
        """What is due for this sale; None where it is a part of a sale whose amount nobody told.

        Raises ValueError when `at_most` is in another currency than the sale."""
        share = self.tiers.get(tier, self.worth)
        if share.amount is not None:
            due = share.amount
        elif sale is None:
            return None
        else:
            due = sale.share(share.basis_points or 0)
        if self.at_most is None or due.minor <= 0:
            return due
        if self.at_most.currency != due.currency:
            raise ValueError(f"at_most is in {self.at_most.currency} and the reward in {due.currency}")
        return min(due, self.at_most, key=lambda money: money.minor)


class Budget(Model):
    """What may be paid in a period of the calendar, in UTC. Other currencies have no budget, so nothing is paid in
    them without a person's approval."""

    amount: Sum
    per: Literal["month", "quarter", "year"] = "quarter"


class Payouts(Model):
    """Limits on money. Above `approve_above` a person approves each reward, and in any other currency too."""

    approve_above: Sum | None = None
    budget: Budget | None = None
    country: str = Field(default="US", pattern=r"^[A-Z]{2}$")


class Referrals(Model):
    """The personal link. `link` is where it leads, our own page if it is not said; `words` is what the advocate may
    say, in their voice."""

    link: WebAddress | None = None
    words: str = "I think you would like this."


class Fraud(Model):
    """What the fraud rules expect. `customer` and `lead` are conditions on the friend as the CRM knows them."""

    customer: str | None = None
    lead: str | None = None
    a_day: int = Field(default=10, ge=1)
    from_one_network: int = Field(default=5, ge=1)
    coupon_sites: list[str] = Field(default_factory=list)


class Program(Model):
    """`platforms` binds capabilities to platforms; several where it makes sense."""

    company: str
    platforms: dict[str, Bound]
    time_zone: TimeZoneName = "UTC"
    currency: Currency = "USD"
    alerts: str
    csm: str | None = None
    reply_to: str | None = None
    videos: dict[str, Video] = Field(default_factory=dict)
    boxes: dict[str, Box] = Field(default_factory=dict)
    hub: Hub
    governance: Governance = Field(default_factory=Governance)
    referrals: Referrals | None = None
    rewards: dict[str, Reward] = Field(default_factory=dict)
    payouts: Payouts = Field(default_factory=Payouts)
    tiers: dict[Tier, int] = Field(default_factory=dict)
    """How many closed referrals make an advocate of this tier."""
    fraud: Fraud = Field(default_factory=Fraud)
