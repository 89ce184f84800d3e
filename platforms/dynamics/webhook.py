"""Requests from an environment: its webhooks, or a Power Automate flow. Either says only that a row changed.

The failure prevented: a half of the news believed. A webhook carries the changed columns alone, loses them above 256
KB, and tells one deal several times; so it pokes the look for what changed, which reads the row. A secret header proves
the sender.
"""

import hmac
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from platforms.base import Body, Inbound, Incoming, Poke, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

HEADER = "X-Ovation-Key"
TABLES = ("contact", "lead", "opportunity", "task", "ovationreferral")


def verify(incoming: Incoming, settings: "DynamicsSettings", now: datetime) -> None:
    """The secret that the webhook's registration, or the flow, puts into a header."""
    secret, given = reveal(settings.webhook_secret), incoming.headers.get(HEADER.lower(), "")
    if not secret:
        raise BadSignature("OVATION_DYNAMICS__WEBHOOK_SECRET is not set")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise BadSignature(f"{HEADER} is missing or wrong")


def sign(body: bytes, settings: "DynamicsSettings", url: str, now: datetime) -> dict[str, str]:
    """The header as it was registered."""
    return {HEADER: reveal(settings.webhook_secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """The table that changed. The body is said to be a string that holds the JSON, and is read either way."""
    body = _parsed(incoming.body)
    if isinstance(body, str):
        body = _parsed(body.encode("utf-8", "replace"))
    if not isinstance(body, dict):
        raise Malformed("not an object")
    if "event" in body:
        return [("flow", body)]
    table = body.get("PrimaryEntityName")
    if not isinstance(table, str) or not table.isprintable() or not table:
        raise Malformed("neither a flow's `event` nor a PrimaryEntityName")
    return [("ovationreferral" if table.endswith("_ovationreferral") else table, body)]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={**dict.fromkeys(TABLES, Poke("changes")), "flow": Poke("changes")},
)
