"""Zoho's notifications: they say which records changed, not what they say now and not who changed them.

The failure prevented: a sale believed on a stranger's word. Zoho signs nothing: a token of ours comes back in the body,
or stands in the address of a webhook that somebody made in a workflow rule. Either only makes us look for ourselves, so
that a forged or repeated one does no more than that.
"""

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from platforms.base import IGNORED, Body, Inbound, Incoming, Poke, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

CHANGES = "changes"
"""The upkeep that is poked."""
TOKEN = "token"  # noqa: S105 (a name)
OTHER = "of other fields"

WATCHED: Mapping[str, frozenset[str]] = {
    "Leads": frozenset({"Lead_Status", "Email_Opt_Out"}),
    "Deals": frozenset({"Stage"}),
    "Contacts": frozenset({"Email_Opt_Out"}),
}
"""Module → the fields whose change is worth a look."""

_FORM = "application/x-www-form-urlencoded"
_WORD = re.compile(r"[A-Za-z0-9_]{1,60}")


def verify(incoming: Incoming, settings: "ZohoSettings", now: datetime) -> None:
    """Our token, in the address or in the body. There is no time in it: a repeat makes us look once more."""
    secret, given = reveal(settings.webhook_secret), incoming.query.get(TOKEN) or _token(incoming)
    if not secret:
        raise BadSignature("OVATION_ZOHO__WEBHOOK_SECRET is not set")
    if not given:
        raise BadSignature("there is no token in the body or the address")
    if not hmac.compare_digest(secret.encode(), given.encode("utf-8", "replace")):
        raise BadSignature("the token does not match")


def sign(body: bytes, settings: "ZohoSettings", url: str, now: datetime) -> dict[str, str]:
    """No header: the token is in the body already, or in the address."""
    return {}


def sign_query(settings: "ZohoSettings") -> dict[str, str]:
    """The token in the address, as a workflow rule's webhook has it. Raises ValueError when there is none."""
    if not reveal(settings.webhook_secret):
        raise ValueError("OVATION_ZOHO__WEBHOOK_SECRET is not set")
    return {TOKEN: reveal(settings.webhook_secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair: `Deals.update`, with a word more where none of the changed fields is ours to watch; `Deals.workflow`
    for what a workflow rule sends, a form or an object with the module's name."""
    body = incoming.form() if incoming.content_type == _FORM else _object(incoming.body)
    module, operation = _word(body.get("module")), body.get("operation")
    if operation is None:
        return [(f"{module}.workflow", body)]
    name = f"{module}.{_word(operation)}"
    touched = set(_touched(body))
    watched = WATCHED.get(module, frozenset())
    return [(f"{name} {OTHER}" if operation == "update" and touched and not touched & watched else name, body)]


def _token(incoming: Incoming) -> str | None:
    try:
        token = _object(incoming.body).get(TOKEN)
    except Malformed:
        return None
    return token if isinstance(token, str) else None


def _object(raw: bytes) -> Body:
    try:
        body: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict):
        raise Malformed("not an object")
    return body


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise Malformed("no module or no operation")
    return value


def _touched(body: Body) -> Iterator[str]:
    """Names of changed fields, as far as the body has them in the form that has been seen."""
    affected = body.get("affected_fields")
    for by_record in affected if isinstance(affected, list) else []:
        for names in by_record.values() if isinstance(by_record, dict) else []:
            yield from (name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    sign_query=sign_query,
    unpack=unpack,
    events={
        "Leads.update": Poke(CHANGES),
        "Deals.insert": Poke(CHANGES),
        "Deals.update": Poke(CHANGES),
        "Contacts.update": Poke(CHANGES),
        "Leads.workflow": Poke(CHANGES),
        "Deals.workflow": Poke(CHANGES),
        "Contacts.workflow": Poke(CHANGES),
        **{f"{module}.update {OTHER}": IGNORED for module in WATCHED},
        # Our channel asks for none of these; one that was opened by hand may.
        "Leads.insert": IGNORED,
        "Contacts.insert": IGNORED,
        **{f"{module}.delete": IGNORED for module in WATCHED},
    },
)
