"""What Stripe's double takes: forms with nested names, and only parameters that it knows.

The failure prevented: a misspelt parameter, which Stripe refuses and a lenient double would let through.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from platforms.base import Body
from platforms.stripe.stand_in_books import Refused

_NAME = re.compile(r"^(\w+)((?:\[\w*\])*)$")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,15}", value):
        raise ValueError("not an integer")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Amount = Annotated[Whole, Field(ge=1)]
Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Metadata = dict[
    Annotated[str, StringConstraints(max_length=40)],
    Annotated[str, StringConstraints(max_length=500)],
]


class _Marked(Strict):
    metadata: Metadata = Field(default_factory=dict, max_length=50)


class _Requested(Strict):
    requested: bool


class _Capabilities(Strict):
    transfers: _Requested | None = None
    card_payments: _Requested | None = None


class _Dashboard(Strict):
    type: Literal["express", "full", "none"]


class _Fees(Strict):
    payer: Literal["account", "application"]


class _Losses(Strict):
    payments: Literal["application", "stripe"]


class _Controller(Strict):
    stripe_dashboard: _Dashboard
    fees: _Fees
    losses: _Losses
    requirement_collection: Literal["application", "stripe"] | None = None


class NewAccount(_Marked):
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = None
    business_type: Literal["company", "government_entity", "individual", "non_profit"] | None = None
    capabilities: _Capabilities
    controller: _Controller


class ChangedAccount(_Marked):
    email: str | None = None


class NewLink(Strict):
    account: str
    type: Literal["account_onboarding", "account_update"]
    return_url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    refresh_url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None


class NewTransfer(_Marked):
    amount: Amount
    currency: Currency
    destination: str
    description: str | None = None
    source_type: Literal["bank_account", "card", "fpx"] | None = None
    transfer_group: str | None = None


class NewReversal(_Marked):
    amount: Amount | None = None
    description: str | None = None
    refund_application_fee: bool = False


class NewTransaction(_Marked):
    amount: Whole
    currency: Currency
    description: Annotated[str, StringConstraints(max_length=350)] | None = None


class NewCoupon(_Marked):
    id: str | None = None
    amount_off: Amount
    currency: Currency
    duration: Literal["forever", "once", "repeating"] = "once"
    max_redemptions: Amount | None = None
    name: Annotated[str, StringConstraints(max_length=40)] | None = None


class _Promotion(Strict):
    type: Literal["coupon"]
    coupon: str


class NewPromotionCode(_Marked):
    promotion: _Promotion
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=500)] | None = None
    customer: str | None = None
    max_redemptions: Amount | None = None
    expires_at: Whole | None = None


class ChangedPromotionCode(_Marked):
    active: bool | None = None


class Page(Strict):
    """What every list takes."""

    limit: Annotated[Whole, Field(ge=1, le=100)] = 10
    starting_after: str | None = None


class TransferPage(Page):
    transfer_group: str | None = None
    destination: str | None = None


class PromotionCodePage(Page):
    code: str | None = None
    coupon: str | None = None
    active: bool | None = None


class _Since(Strict):
    gte: Whole


class EventPage(Page):
    created: _Since | None = None
    type: str | None = None
    types: Annotated[dict[str, str], Field(max_length=20)] | None = None
    delivery_success: bool | None = None


Asked = TypeVar("Asked", bound=BaseModel)


def read(model: type[Asked], form: Mapping[str, str]) -> Asked:
    """The parameters. Raises Refused in Stripe's words, with the parameter that is wrong."""
    try:
        return model.model_validate(_unfolded(form))
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(first["type"], [str(part) for part in first["loc"]], first["input"]) from error


def _wrong(kind: str, where: list[str], given: object) -> Refused:
    name = where[0] + "".join(f"[{part}]" for part in where[1:]) if where else ""
    match kind:
        case "missing":
            return Refused(400, f"Missing required param: {name}.", "parameter_missing", param=name)
        case "extra_forbidden":
            return Refused(400, f"Received unknown parameter: {name}", "parameter_unknown", param=name)
        case "value_error":
            return Refused(400, f"Invalid integer: {given}", "parameter_invalid_integer", param=name)
        case "greater_than_equal":
            words = "This value must be greater than or equal to 1."
            return Refused(400, words, "parameter_invalid_integer", param=name)
        case _:
            return Refused(400, f"Invalid {name}", param=name)


def _unfolded(form: Mapping[str, str]) -> Body:
    """`a[b][c]=1` → `{"a": {"b": {"c": "1"}}}`."""
    whole: Body = {}
    for name, value in form.items():
        match = _NAME.match(name)
        if match is None:
            raise Refused(400, f"Received unknown parameter: {name}", "parameter_unknown", param=name)
        parts = [match[1], *re.findall(r"\[(\w*)\]", match[2])]
        inner = whole
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise Refused(400, f"Invalid {name}", param=name)
        inner[parts[-1]] = value
    return whole
