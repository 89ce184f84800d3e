"""A referral as a row of Notion: what we write, what differs from what is there, and what people made of it.

The failure prevented: a status that a person picked overwritten by an older one of ours, or our own heard as theirs. A
column of ours keeps the word that we wrote last: where the status says another, a person set it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from models.money import Money
from platforms.base import Body
from platforms.capabilities import PutRow, Who

if TYPE_CHECKING:
    from platforms.notion import NotionSettings

PIECE = 2_000
PIECES = 100
"""Characters of a piece of text, and pieces of a property."""

TELLS = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}
"""Stage that people set → what it means to us. The earlier stages are ours to tell."""

TYPES: Mapping[str, str] = {
    "title": "title",
    "person_email": "email",
    "amount": "number",
    "link": "url",
    "submitted": "date",
    **dict.fromkeys(("referral", "written", "advocate", "company", "currency", "owner", "notes"), "rich_text"),
}
"""Our word → the type its property must have; the status may be of two."""

_ONCE = frozenset({"title", "submitted", "referral"})
"""Written when the row is made: the name of a page is its people's, the others never change."""


def columns_of(settings: "NotionSettings") -> dict[str, str]:
    """Our word → the column."""
    return {word: column for word, column in settings.columns.items()}


def made(action: PutRow, settings: "NotionSettings") -> Body:
    """The properties of a new row, by column."""
    return _properties(_values(action, settings), settings)


def differing(page: Body, action: PutRow, settings: "NotionSettings") -> Body:
    """The properties of a row that do not say yet what we say; none when it is up to date."""
    wanted = {word: value for word, value in _values(action, settings).items() if word not in _ONCE}
    if wanted.get("status") != said(page, "status", settings) and _newer_word(page, action, settings):
        wanted = {word: value for word, value in wanted.items() if word not in ("status", "written")}
    changed = {word: value for word, value in wanted.items() if said(page, word, settings) != value}
    return _properties(changed, settings)


def said(page: Body, word: str, settings: "NotionSettings") -> Any:
    """What the column of this word says; None where it is empty or not there. Columns go by name or id."""
    column = columns_of(settings).get(word)
    for name, held in page["properties"].items():
        if column is not None and (name == column or unquote(str(held.get("id"))) == unquote(column)):
            return _plain(held.get(held.get("type")))
    return None


def stage_set_by_people(page: Body, settings: "NotionSettings") -> str | None:
    """The stage that a person picked and that we do not have yet; None where the status is what we wrote."""
    word = said(page, "status", settings)
    if word is None or word == said(page, "written", settings):
        return None
    stage = next((stage for stage, name in settings.stages.items() if name == word), None)
    return stage if stage in TELLS else None


def money(page: Body, settings: "NotionSettings") -> Money | None:
    """The amount of a row, None where there is none that makes sense."""
    amount = said(page, "amount", settings)
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    try:
        return Money.worth(amount, said(page, "currency", settings) or settings.currency)
    except ValueError:
        return None


def _newer_word(page: Body, action: PutRow, settings: "NotionSettings") -> bool:
    """Whether a person picked a stage after the state that we are about to write: then theirs is the news."""
    edited = datetime.fromisoformat(page["last_edited_time"])
    return stage_set_by_people(page, settings) is not None and edited > action.at


def _values(action: PutRow, settings: "NotionSettings") -> Body:
    """What we know, by our words. What is not known is left out, so that what people know better stays."""
    status = settings.stages.get(action.stage)
    about = _named(action.person) or action.person.company or "Somebody"
    advocate = _named(action.advocate)
    values: Body = {
        "title": f"{about}, referred by {advocate}" if advocate else about,
        "referral": action.referral,
        "status": status,
        "written": status,
        "advocate": advocate,
        "person_email": action.person.email,
        "company": action.person.company,
        "owner": action.owner_email,
        "link": action.link,
        "notes": action.notes[: PIECE * PIECES] or None,
        "submitted": action.submitted_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        **_worth(action.amount, settings),
    }
    return {word: value for word, value in values.items() if value is not None and word in settings.columns}


def _worth(amount: Money | None, settings: "NotionSettings") -> Body:
    """Amount and currency go together: without a column for the currency, only amounts in the usual one are written.

    The JSON number has the decimal's own digits; a double gives them back unchanged up to fifteen of them."""
    if amount is None or (amount.currency != settings.currency and "currency" not in settings.columns):
        return {}
    return {"amount": json.loads(amount.decimal_text()), "currency": amount.currency}


def _properties(values: Body, settings: "NotionSettings") -> Body:
    columns = columns_of(settings)
    return {columns[word]: _property(word, value, settings) for word, value in values.items()}


def _property(word: str, value: Any, settings: "NotionSettings") -> Body:
    kind = settings.status_type if word == "status" else TYPES[word]
    match kind:
        case "title" | "rich_text":
            pieces = (value[begin : begin + PIECE] for begin in range(0, len(value), PIECE))
            return {kind: [{"text": {"content": piece}} for piece in pieces]}
        case "status" | "select":
            return {kind: {"name": value}}
        case "date":
            return {kind: {"start": value}}
        case _:
            return {kind: value}


def _plain(value: Any) -> Any:
    """A property's value: the text of its pieces, an option's name, a number or text as it is."""
    if isinstance(value, list):
        return "".join(str(piece.get("plain_text", "")) for piece in value if isinstance(piece, dict)) or None
    return value.get("name") if isinstance(value, dict) else value


def _named(who: Who) -> str | None:
    return " ".join(part for part in (who.first_name, who.last_name) if part) or who.email
