"""Stripe's double: payees, and money that goes to them and comes back."""

from platforms.base import Body
from platforms.stand_in import Heard
from platforms.stripe.stand_in_books import OURS, Account, Refused, new
from platforms.stripe.stand_in_kit import Made, Nothing, known, page
from platforms.stripe.stand_in_requests import (
    ChangedAccount,
    NewAccount,
    NewLink,
    NewReversal,
    NewTransfer,
    Page,
    TransferPage,
)

LINK_LASTS = 300
_NOT_PAYABLE = (
    "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
    "crypto_transfers, legacy_payments"
)


def get_balance(asked: Nothing, heard: Heard, books: Account) -> Body:
    available = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency in books.currencies()
        for amount in [books.balance(OURS, currency)]
    ]
    return {"object": "balance", "available": available, "pending": [], "livemode": False}


def new_account(asked: NewAccount, heard: Heard, books: Account) -> Made:
    if asked.controller.losses.payments == "application" and asked.controller.fees.payer != "application":
        words = "controller[losses][payments]=application requires controller[fees][payer]=application"
        raise Refused(400, words, param="controller[fees][payer]")
    account: Body = {
        "id": new("acct"),
        "object": "account",
        "country": asked.country,
        "email": asked.email,
        "business_type": asked.business_type,
        "capabilities": {name: "inactive" for name, c in asked.capabilities if c is not None and c.requested},
        "charges_enabled": False,
        "payouts_enabled": False,
        "details_submitted": False,
        "controller": asked.controller.model_dump(exclude_none=True),
        "created": books.now(),
        "metadata": asked.metadata,
    }
    books.accounts[account["id"]] = account
    return account, []


def changed_account(asked: ChangedAccount, heard: Heard, books: Account) -> Made:
    account = get_account(asked, heard, books)
    before = {"metadata": dict(account["metadata"])}
    account["metadata"] |= asked.metadata
    account["email"] = asked.email or account["email"]
    return account, books.tell("account.updated", account, before=before, account=account["id"])


def get_account(asked: object, heard: Heard, books: Account) -> Body:
    name = heard.params["id"]
    if name not in books.accounts:
        words = f"The provided key does not have access to account '{name}' (or that account does not exist)."
        raise Refused(403, words, "account_invalid")
    return books.accounts[name]


def list_accounts(asked: Page, heard: Heard, books: Account) -> Body:
    return page(asked, heard, books.accounts.values())


def new_link(asked: NewLink, heard: Heard, books: Account) -> Made:
    account = known("account", asked.account, books.accounts, "account")
    if asked.return_url is None or asked.refresh_url is None:
        missing = "return_url" if asked.return_url is None else "refresh_url"
        raise Refused(400, f"Missing required param: {missing}.", "parameter_missing", param=missing)
    url = f"https://connect.stripe.com/setup/e/{account['id']}/{new('link')}"
    now = books.now()
    return {"object": "account_link", "created": now, "expires_at": now + LINK_LASTS, "url": url}, []


def new_transfer(asked: NewTransfer, heard: Heard, books: Account) -> Made:
    account = known("destination", asked.destination, books.accounts, "destination")
    if account["capabilities"].get("transfers") != "active":
        raise Refused(400, _NOT_PAYABLE, "insufficient_capabilities_for_transfer")
    transfer: Body = {
        "id": new("tr"),
        "object": "transfer",
        "amount": asked.amount,
        "amount_reversed": 0,
        "balance_transaction": new("txn"),
        "created": books.now(),
        "currency": asked.currency,
        "description": asked.description,
        "destination": asked.destination,
        "destination_payment": new("py"),
        "livemode": False,
        "metadata": asked.metadata,
        "reversals": {"object": "list", "data": [], "has_more": False, "url": ""},
        "reversed": False,
        "source_transaction": None,
        "source_type": asked.source_type or "card",
        "transfer_group": asked.transfer_group,
    }
    books.move(OURS, asked.destination, asked.amount, asked.currency, transfer["id"])
    books.transfers[transfer["id"]] = transfer
    return transfer, books.tell("transfer.created", transfer, key=heard.headers.get("idempotency-key"))


def list_transfers(asked: TransferPage, heard: Heard, books: Account) -> Body:
    wanted = {"transfer_group": asked.transfer_group, "destination": asked.destination}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    return page(asked, heard, [t for t in books.transfers.values() if all(t[n] == v for n, v in wanted.items())])


def get_transfer(asked: object, heard: Heard, books: Account) -> Body:
    found: Body = known("transfer", heard.params["id"], books.transfers)
    return found


def new_reversal(asked: NewReversal, heard: Heard, books: Account) -> Made:
    return reverse(get_transfer(asked, heard, books), asked, books, heard.headers.get("idempotency-key"))


def reverse(transfer: Body, asked: NewReversal, books: Account, key: str | None = None) -> Made:
    """Takes back what is asked, else all that is left, from the payee's balance."""
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = asked.amount or left
    if amount > left or not left:
        words = f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
        raise Refused(400, words, param="amount")
    reversal: Body = {
        "id": new("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": new("txn"),
        "created": books.now(),
        "currency": transfer["currency"],
        "destination_payment_refund": new("pyr"),
        "metadata": asked.metadata,
        "source_refund": None,
        "transfer": transfer["id"],
    }
    books.move(transfer["destination"], OURS, amount, transfer["currency"], reversal["id"])
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    return reversal, books.tell("transfer.reversed", transfer, key=key)


def list_reversals(asked: Page, heard: Heard, books: Account) -> Body:
    return page(asked, heard, get_transfer(asked, heard, books)["reversals"]["data"][::-1])
