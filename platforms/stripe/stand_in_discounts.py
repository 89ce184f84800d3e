"""Stripe's double: credit on a customer's next invoice, and codes for a discount."""

from platforms.base import Body
from platforms.stand_in import Heard
from platforms.stripe.stand_in_books import PROMISED, Account, Refused, new
from platforms.stripe.stand_in_kit import Made, known, page
from platforms.stripe.stand_in_requests import (
    ChangedPromotionCode,
    NewCoupon,
    NewPromotionCode,
    NewTransaction,
    Page,
    PromotionCodePage,
)


def new_transaction(asked: NewTransaction, heard: Heard, books: Account) -> Made:
    customer = heard.params["id"]
    known("customer", customer, books.customers)
    if asked.amount == 0:
        raise Refused(400, "The amount must not be 0.", param="amount")
    transaction: Body = {
        "id": new("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": asked.amount,
        "created": books.now(),
        "currency": asked.currency,
        "customer": customer,
        "description": asked.description,
        "livemode": False,
        "metadata": asked.metadata,
        "type": "adjustment",
    }
    parties = (PROMISED, customer) if asked.amount < 0 else (customer, PROMISED)
    books.move(*parties, abs(asked.amount), asked.currency, transaction["id"])
    transaction["ending_balance"] = -books.balance(customer, asked.currency)
    books.customers[customer].append(transaction)
    return transaction, []


def list_transactions(asked: Page, heard: Heard, books: Account) -> Body:
    return page(asked, heard, known("customer", heard.params["id"], books.customers))


def new_coupon(asked: NewCoupon, heard: Heard, books: Account) -> Made:
    name = asked.id or new("coupon")
    if name in books.coupons:
        raise Refused(400, "Coupon already exists.", "resource_already_exists", param="id")
    coupon: Body = {
        "id": name,
        "object": "coupon",
        "amount_off": asked.amount_off,
        "created": books.now(),
        "currency": asked.currency,
        "duration": asked.duration,
        "livemode": False,
        "max_redemptions": asked.max_redemptions,
        "metadata": asked.metadata,
        "name": asked.name,
        "percent_off": None,
        "times_redeemed": 0,
        "valid": True,
    }
    books.coupons[name] = coupon
    return coupon, []


def get_coupon(asked: object, heard: Heard, books: Account) -> Body:
    found: Body = known("coupon", heard.params["id"], books.coupons)
    return found


def new_promotion_code(asked: NewPromotionCode, heard: Heard, books: Account) -> Made:
    known("coupon", asked.promotion.coupon, books.coupons, "promotion[coupon]")
    if asked.customer is not None:
        known("customer", asked.customer, books.customers, "customer")
    code = asked.code or new("")[2:10].upper()
    if any(p["active"] and p["code"].lower() == code.lower() for p in books.promotion_codes.values()):
        words = f"An active promotion code with `code: {code}` already exists."
        raise Refused(400, words, "resource_already_exists", param="code")
    promo: Body = {
        "id": new("promo"),
        "object": "promotion_code",
        "active": True,
        "code": code,
        "created": books.now(),
        "customer": asked.customer,
        "expires_at": asked.expires_at,
        "livemode": False,
        "max_redemptions": asked.max_redemptions,
        "metadata": asked.metadata,
        "promotion": {"type": "coupon", "coupon": asked.promotion.coupon},
        "restrictions": {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        "times_redeemed": 0,
    }
    books.promotion_codes[promo["id"]] = promo
    return promo, books.tell("promotion_code.created", promo, key=heard.headers.get("idempotency-key"))


def changed_promotion_code(asked: ChangedPromotionCode, heard: Heard, books: Account) -> Made:
    promo = get_promotion_code(asked, heard, books)
    before = {"active": promo["active"]} if asked.active not in (None, promo["active"]) else {}
    promo["metadata"] |= asked.metadata
    promo["active"] = promo["active"] if asked.active is None else asked.active
    return promo, books.tell("promotion_code.updated", promo, before=before, key=heard.headers.get("idempotency-key"))


def get_promotion_code(asked: object, heard: Heard, books: Account) -> Body:
    found: Body = known("promotion code", heard.params["id"], books.promotion_codes)
    return found


def list_promotion_codes(asked: PromotionCodePage, heard: Heard, books: Account) -> Body:
    def wanted(promo: Body) -> bool:
        same = asked.code is None or promo["code"].lower() == asked.code.lower()
        of_coupon = asked.coupon in (None, promo["promotion"]["coupon"])
        return same and of_coupon and asked.active in (None, promo["active"])

    return page(asked, heard, [promo for promo in books.promotion_codes.values() if wanted(promo)])
