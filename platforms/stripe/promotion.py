"""A code: a discount of the reward's amount, good once, and withdrawn again.

The failure prevented: two codes for one reward, and a code called withdrawn that was used long ago. The code's text is
made from the reward where nobody chose one, so that it can be looked up; one coupon serves all codes of an amount.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.event import id_from_content
from models.money import Money
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PayReward, Receipt, TakeBack
from platforms.errors import Rejected
from platforms.stripe import payee
from platforms.stripe.amounts import minor
from platforms.stripe.asking import EFFECT, REWARD, marked, marks, once
from platforms.stripe.problem import refused, request_of

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings


def pay(action: PayReward, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/promotion_codes, on a coupon of this amount, for one redemption; a known customer alone may use it."""
    minor(action.amount)
    found = yield from find_paid(action, key, settings)
    if found is not None:
        return found
    coupon = yield from _coupon(action.amount, settings)
    form = {
        "promotion[type]": "coupon",
        "promotion[coupon]": coupon,
        "code": _code(action),
        "max_redemptions": "1",
        **marks(**{REWARD: action.reward, EFFECT: key}),
    }
    if customer := _customer(action):
        form["customer"] = customer
    reply = yield from once("/v1/promotion_codes", form, f"reward/{action.reward}")
    return _receipt(reply.json, request_of(reply))


def find_paid(action: PayReward, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /v1/promotion_codes?code=: the one that carries the reward. Raises Rejected where another has the code, or
    it is for another amount."""
    reply = yield Call.get("/v1/promotion_codes", query={"code": _code(action), "limit": "100"})
    found = next((promo for promo in reply.json["data"] if marked(promo, REWARD, action.reward)), None)
    if found is None:
        if any(promo["active"] for promo in reply.json["data"]):
            raise Rejected(f"another promotion has the code {_code(action)}")
        return None
    coupon = found["promotion"]["coupon"]
    if coupon != coupon_of(action.amount):
        raise Rejected(f"this reward has a code already, for another discount than asked: {found['id']}, {coupon}")
    return _receipt(found)


def take_back(action: TakeBack, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/promotion_codes/{id} active=false. Raises Rejected for a code that was used: nothing is left to take."""
    promo = yield from _unused(action)
    if promo["active"]:
        form = {"active": "false", **marks(**{EFFECT: key})}
        reply = yield from once(_path(action.payment), form, f"back/{key}")
        promo = reply.json
    return _receipt(_not_used(promo))


def find_taken(action: TakeBack, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /v1/promotion_codes/{id}: whether it is withdrawn."""
    promo = yield from _unused(action)
    return None if promo["active"] else _receipt(promo)


def coupon_of(amount: Money) -> str:
    """The coupon's own id, which says all that matters of it."""
    return f"ovation-{amount.currency.lower()}-{minor(amount)}"


def _coupon(amount: Money, settings: "StripeSettings") -> Generator[Call, Reply, str]:
    """GET, else POST /v1/coupons, under an id of our own: whoever loses a race to make it finds the other's."""
    wanted = coupon_of(amount)
    found = yield Call.get(f"/v1/coupons/{wanted}", accepts=(404,))
    if not found.ok:
        form = {
            "id": wanted,
            "amount_off": str(minor(amount)),
            "currency": amount.currency.lower(),
            "duration": "once",
            "name": settings.coupon_name,
        }
        made = yield Call.post("/v1/coupons", form=form, accepts=(400,))
        found = made if made.ok else (yield Call.get(f"/v1/coupons/{wanted}", accepts=(404,)))
        if not found.ok:
            raise refused(made)
    _worth(found.json, amount)
    return wanted


def _worth(coupon: Body, amount: Money) -> None:
    """Raises Rejected for a coupon that somebody made otherwise, or ended."""
    if (coupon["amount_off"], coupon["currency"]) != (minor(amount), amount.currency.lower()):
        raise Rejected(f"the coupon {coupon['id']} is not worth {amount}: delete it in Stripe, it is made anew")
    if not coupon["valid"]:
        raise Rejected(f"the coupon {coupon['id']} was ended: delete it in Stripe, it is made anew")


def _unused(action: TakeBack) -> Generator[Call, Reply, Body]:
    reply = yield Call.get(_path(action.payment))
    if not marked(reply.json, REWARD, action.reward):
        raise Rejected(f"{action.payment} is no code of the reward {action.reward}")
    return _not_used(reply.json)


def _not_used(promo: Body) -> Body:
    if promo["times_redeemed"]:
        raise Rejected(f"the code {promo['id']} was used already: there is nothing to take back")
    return promo


def _code(action: PayReward) -> str:
    """The code as it was chosen, else one that only the reward's id gives."""
    return action.code or f"THANKS-{id_from_content('promotion code', action.reward)[:10].upper()}"


def _customer(action: PayReward) -> str | None:
    """Only a customer may be named: the account of a payee is nobody who buys."""
    account = action.account or ""
    return account if account.startswith(payee.CUSTOMER) else payee.known_as(action.who, payee.CUSTOMER)


def _path(promotion: str) -> str:
    return f"/v1/promotion_codes/{quote(promotion, safe='')}"


def _receipt(promo: Body, request: str | None = None) -> Receipt:
    ids = {"promotion_code": promo["id"], "code": promo["code"]}
    return Receipt(reference=promo["id"], facts=ids | ({"request": request} if request else {}))
