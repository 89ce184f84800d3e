"""Stripe's double: one platform account with its payees, customers and sales, and its two webhook endpoints.

It keeps money as Stripe does, so a reward paid twice is missing here; it refuses what our balance or a payee's does not
cover, and an account that nobody completed; and it forgets idempotency keys after a day.
"""

from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route, StandIn
from platforms.stripe import StripeSettings
from platforms.stripe import stand_in_discounts as discounts
from platforms.stripe import stand_in_transfers as transfers
from platforms.stripe.client import VERSION
from platforms.stripe.stand_in_books import Account, Refused, numbered
from platforms.stripe.stand_in_kit import Nothing, known, page, reads, writes
from platforms.stripe.stand_in_moves import MOVES
from platforms.stripe.stand_in_requests import (
    ChangedAccount,
    ChangedPromotionCode,
    EventPage,
    NewAccount,
    NewCoupon,
    NewLink,
    NewPromotionCode,
    NewReversal,
    NewTransaction,
    NewTransfer,
    Page,
    PromotionCodePage,
    TransferPage,
)


def get_charge(asked: object, heard: Heard, books: Account) -> Body:
    found: Body = known("charge", heard.params["id"], books.charges)
    return found


def list_events(asked: EventPage, heard: Heard, books: Account) -> Body:
    """Of our own account only: those of payees are listed under theirs."""
    names = [*(asked.types or {}).values(), *([asked.type] if asked.type else [])]

    def wanted(event: Body) -> bool:
        delivered = event["id"] not in books.undelivered
        late = asked.created is None or event["created"] >= asked.created.gte
        named = not names or event["type"] in names
        return late and named and "account" not in event and asked.delivery_success in (None, delivered)

    return page(asked, heard, [event for event in books.events if wanted(event)])


def guard(heard: Heard) -> Answer | None:
    given = heard.headers.get("authorization", "")
    if given != f"Bearer {reveal(heard.settings.api_key)}":
        words = "Invalid API Key provided: sk_test_****" if given else "You did not provide an API key."
        return Refused(401, words).answer
    version = heard.headers.get("stripe-version", VERSION)
    return None if version == VERSION else Refused(400, f"Invalid Stripe API version: {version}").answer


def rate_limited() -> Answer:
    words = "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits."
    error = {"type": "invalid_request_error", "code": "rate_limit", "message": words}
    headers = {**numbered(), "Stripe-Rate-Limited-Reason": "endpoint-rate"}
    return Answer(429, json={"error": error}, headers=headers)


def broken() -> Answer:
    words = "An unknown error occurred"
    return Answer(500, json={"error": {"type": "api_error", "message": words}}, headers=numbered())


def settings() -> StripeSettings:
    return StripeSettings(
        api_key=SecretStr("sk_test_sandbox"),
        webhook_secret=SecretStr("whsec_sandbox"),
        connect_webhook_secret=SecretStr("whsec_sandbox_connect"),
    )


ROUTES = [
    Route("GET", "/v1/balance", reads(Nothing, transfers.get_balance)),
    Route("GET", "/v1/accounts", reads(Page, transfers.list_accounts)),
    Route("POST", "/v1/accounts", writes(NewAccount, transfers.new_account)),
    Route("GET", "/v1/accounts/{id}", reads(Nothing, transfers.get_account)),
    Route("POST", "/v1/accounts/{id}", writes(ChangedAccount, transfers.changed_account)),
    Route("POST", "/v1/account_links", writes(NewLink, transfers.new_link)),
    Route("GET", "/v1/transfers", reads(TransferPage, transfers.list_transfers)),
    Route("POST", "/v1/transfers", writes(NewTransfer, transfers.new_transfer)),
    Route("GET", "/v1/transfers/{id}", reads(Nothing, transfers.get_transfer)),
    Route("GET", "/v1/transfers/{id}/reversals", reads(Page, transfers.list_reversals)),
    Route("POST", "/v1/transfers/{id}/reversals", writes(NewReversal, transfers.new_reversal)),
    Route("GET", "/v1/customers/{id}/balance_transactions", reads(Page, discounts.list_transactions)),
    Route("POST", "/v1/customers/{id}/balance_transactions", writes(NewTransaction, discounts.new_transaction)),
    Route("POST", "/v1/coupons", writes(NewCoupon, discounts.new_coupon)),
    Route("GET", "/v1/coupons/{id}", reads(Nothing, discounts.get_coupon)),
    Route("GET", "/v1/promotion_codes", reads(PromotionCodePage, discounts.list_promotion_codes)),
    Route("POST", "/v1/promotion_codes", writes(NewPromotionCode, discounts.new_promotion_code)),
    Route("GET", "/v1/promotion_codes/{id}", reads(Nothing, discounts.get_promotion_code)),
    Route("POST", "/v1/promotion_codes/{id}", writes(ChangedPromotionCode, discounts.changed_promotion_code)),
    Route("GET", "/v1/charges/{id}", reads(Nothing, get_charge)),
    Route("GET", "/v1/events", reads(EventPage, list_events)),
]

STAND_IN = StandIn(
    name="stripe",
    books=Account,
    routes=ROUTES,
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves=MOVES,
)
