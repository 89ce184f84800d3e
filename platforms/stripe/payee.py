"""Who is paid: an advocate's connected account, made once for each contact.

The failure prevented: an advocate with two accounts, and money sent to one that cannot take it or is somebody else's.
Stripe has no search for accounts: the contact's id is written on them, and the list is read.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.contact import Identity
from models.event import id_from_content
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import InvitePayee, Receipt, Who
from platforms.errors import InDoubt, Rejected
from platforms.stripe.asking import CONTACT, PAGE, PAGES, Listed, listed, marked, marks, once

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings

ACCOUNT, CUSTOMER = "acct_", "cus_"

_EXPRESS = {
    "controller[stripe_dashboard][type]": "express",
    "controller[fees][payer]": "application",
    "controller[losses][payments]": "application",
    "capabilities[transfers][requested]": "true",
}


def invite(action: InvitePayee, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/accounts where there is none, then POST /v1/account_links: a page that dies when it was visited once.

    So the link has no idempotency key: a repeat is to be a new one."""
    known = action.account or known_as(action.who, ACCOUNT)
    account = (yield from _ours(known, action.who)) if known else (yield from _made(action))
    if payable(account):
        return _receipt(account)
    form = {
        "account": account["id"],
        "type": "account_onboarding",
        "return_url": action.return_url,
        "refresh_url": action.refresh_url,
    }
    link = yield Call.post("/v1/account_links", form=form)
    return _receipt(account, link.json["url"])


def find(action: InvitePayee, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """The contact's account, with a new page to complete it. Raises InDoubt where there are too many to look at."""
    found = yield from _of_contact(action.who)
    if found.first is None and not found.whole:
        raise InDoubt(f"none of the newest {PAGES * PAGE} accounts is this contact's: look in Stripe for {CONTACT}")
    if found.first is None:
        return None
    return (yield from invite(action.model_copy(update={"account": found.first["id"]}), key, settings))


def read(account: str) -> Generator[Call, Reply, Body]:
    """GET /v1/accounts/{id}."""
    reply = yield Call.get(_path(account))
    found: Body = reply.json
    return found


def payable(account: Body) -> bool:
    """Whether money can go there, and on from there to a bank."""
    capabilities = account.get("capabilities")
    transfers = capabilities.get("transfers") if isinstance(capabilities, dict) else None
    return transfers == "active" and account.get("payouts_enabled") is True


def known_as(who: Who, prefix: str) -> str | None:
    """The contact's account or customer at Stripe, if the record knows it: both are identities of kind `stripe`."""
    names = (i.value for i in who.identities if i.kind == "stripe" and i.value.startswith(prefix))
    return next(names, None)


def _ours(known: str, who: Who) -> Generator[Call, Reply, Body]:
    """The account we were told of, with the contact's id written on it, so that its events are known to be ours.

    Raises Rejected where it carries another's."""
    account = yield from read(known)
    owner = (account.get("metadata") or {}).get(CONTACT)
    if owner is None:
        reply = yield Call.post(_path(known), form=marks(**{CONTACT: who.contact}))
        account = reply.json
    elif owner != who.contact:
        raise Rejected(f"the account {known} is that of another contact, {owner}")
    return account


def _made(action: InvitePayee) -> Generator[Call, Reply, Body]:
    """The key is of the contact and of what is asked, not of the effect: two journeys that invite at once make one
    account, and a country that was refused may be put right the same day."""
    found = yield from _of_contact(action.who)
    if found.first is not None:
        return found.first
    form = {"country": action.country, **_EXPRESS, **marks(**{CONTACT: action.who.contact})}
    if action.who.email:
        form["email"] = action.who.email
    reply = yield from once("/v1/accounts", form, f"payee/{action.who.contact}/{id_from_content(form)[:12]}")
    made: Body = reply.json
    return made


def _of_contact(who: Who) -> Generator[Call, Reply, Listed]:
    return (yield from listed("/v1/accounts", lambda a: marked(a, CONTACT, who.contact), one=True))


def _path(account: str) -> str:
    return f"/v1/accounts/{quote(account, safe='')}"


def _receipt(account: Body, url: str | None = None) -> Receipt:
    return Receipt(
        reference=account["id"],
        facts={"account": account["id"], "payable": payable(account)},
        url=url,
        identities=[Identity(kind="stripe", value=account["id"])],
    )
