"""Airtable's webhooks: a signed ping, and the payloads that it asks us to fetch.

The failure prevented: a status that people changed and nobody here heard of; and our own write heard as news. The ping
holds nothing but ids, so it only wakes the upkeep, which reads the payloads; the functions here make events of them.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from platforms.base import Body, Inbound, Incoming, Poke, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.airtable import AirtableSettings

MAC = "X-Airtable-Content-MAC"
CHANGES = "changes"
"""The upkeep that a ping wakes."""

TELLS = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}
"""Stage that people set → what it means to us. The earlier stages are ours to tell."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The ids behind the settings' names: payloads know a table and its fields by nothing else."""

    table: str
    columns: Mapping[str, str]


def verify(incoming: Incoming, settings: "AirtableSettings", now: datetime) -> None:
    """HMAC-SHA256 over the raw body in hex, keyed with the decoded secret of the webhook."""
    given = incoming.headers.get(MAC.lower(), "")
    if not given:
        raise BadSignature(f"{MAC} is missing")
    try:
        expected = _mac(incoming.body, settings)
    except ValueError as error:
        raise BadSignature(str(error)) from error
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{MAC} does not match: the secret is another webhook's")


def sign(body: bytes, settings: "AirtableSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Airtable would send. Raises ValueError without a secret, or with one that is not base64."""
    return {MAC: _mac(body, settings)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One ping, whatever it is about: which base and which webhook changes nothing in what is to be read."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("webhook"), dict):
        raise Malformed("a ping without its webhook")
    return [("ping", body)]


def events_of(payload: Body, watched: Watched, settings: "AirtableSettings") -> list[Event]:
    """A payload's changes of status, as events. A row without a referral of ours is somebody's own."""
    tables = _object(payload.get("changedTablesById"))
    records = _object(_object(tables.get(watched.table)).get("changedRecordsById"))
    return [
        event
        for record, change in records.items()
        for event in _event(record, _object(change), payload, watched, settings)
    ]


def _event(record: str, change: Body, payload: Body, watched: Watched, settings: "AirtableSettings") -> Iterator[Event]:
    """One event or none. The transaction's number is the base's own: a webhook made anew tells it by the same id."""
    now, before, beside = (_cells(change, part, watched) for part in ("current", "previous", "unchanged"))
    word = _text(now.get("status"))
    kind = TELLS.get(_stage(word, settings) or "")
    referral = _text(now.get("referral") or beside.get("referral"))
    if kind is None or not referral or word == _text(before.get("status")):
        return
    data: Json = {"referral": referral}
    if kind == "referral.lost":
        data["reason"] = word
    if kind == "referral.closed" and (amount := _money({**beside, **now}, settings)):
        data["amount"] = amount.model_dump()
    with suppress(ValueError):  # a cell that somebody typed over is no id of ours
        yield Event(
            type=kind,
            source="airtable",
            source_id=f"{settings.base}:{payload.get('baseTransactionNumber')}:{record}",
            subject=Identity(kind="ovation_referral", value=referral),
            at=_moment(payload.get("timestamp")),
            data=checked_data(kind, data),
        )


def _cells(change: Body, part: str, watched: Watched) -> Body:
    values = _object(_object(change.get(part)).get("cellValuesByFieldId"))
    return {word: values[field] for word, field in watched.columns.items() if field in values}


def _stage(word: str | None, settings: "AirtableSettings") -> str | None:
    return next((stage for stage, name in settings.stages.items() if name == word), None)


def _text(cell: Any) -> str | None:
    """A select is an object with a name here, though the REST answers give its name alone."""
    value = cell.get("name") if isinstance(cell, dict) else cell
    return value.strip() if isinstance(value, str) else None


def _money(cells: Body, settings: "AirtableSettings") -> Money | None:
    amount = cells.get("amount")
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    with suppress(ValueError):
        return Money.worth(amount, _text(cells.get("currency")) or settings.currency)
    return None


def _moment(timestamp: Any) -> datetime:
    return datetime.fromisoformat(str(timestamp)).astimezone(UTC)


def _object(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


def _mac(body: bytes, settings: "AirtableSettings") -> str:
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("no webhook is registered yet: the upkeep does it, and keeps its secret")
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("OVATION_AIRTABLE__WEBHOOK_SECRET is not the base64 secret that Airtable gave") from error
    return f"hmac-sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"


INBOUND = Inbound(verify=verify, sign=sign, unpack=unpack, events={"ping": Poke(CHANGES)})
