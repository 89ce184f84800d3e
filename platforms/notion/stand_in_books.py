"""The books of Notion's double: one data source with its rows, shown in Notion's shapes.

Values are checked as Notion checks them: a property must exist and be of the type that is sent, a status must be one of
its options, a text is sent in pieces. Times of edits are given to the minute, as Notion gives them.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

DATABASE, DATA_SOURCE = "36cc9195-760f-4fff-a67e-3a46c559b176", "98024f3c-b1d3-4aec-a301-f01e0dacf023"
BOT, PERSON = "0ef2e755-4912-4096-91c1-00376a88a5ca", "c7c11cca-1d73-471d-9b6e-bdef51470190"
WORDS = ("Submitted", "Accepted", "Qualified", "Won", "Lost", "Disqualified", "On hold")
PROPERTIES = {
    "Name": ("title", "title"),
    "Ovation ref": ("a%3Bre", "rich_text"),
    "Status": ("wX%7Bd", "status"),
    "Ovation status": ("Zs%40t", "rich_text"),
    "Advocate": ("adv1", "rich_text"),
    "Referred email": ("mail", "email"),
    "Company": ("comp", "rich_text"),
    "Amount": ("amnt", "number"),
    "Currency": ("curr", "rich_text"),
    "Owner": ("ownr", "rich_text"),
    "Link": ("link", "url"),
    "Notes": ("note", "rich_text"),
    "Submitted": ("date", "date"),
}
"""Name → id, as Notion encodes it, and type."""
_TEXTS = ("title", "rich_text")


class Refused(Exception):
    """An error in Notion's form."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        asked = str(uuid4())
        body = {"object": "error", "status": status, "code": code, "message": message, "request_id": asked}
        self.answer = Answer(
            status, json={**body, **({"additional_data": more} if more else {})}, headers={"x-notion-request-id": asked}
        )


class Page(BaseModel):
    """A row. `values` by the property's name: a text, a number, an option's name, a date's start."""

    id: str = Field(default_factory=lambda: str(uuid4()))
    created: datetime
    edited: datetime
    editor: str
    in_trash: bool = False
    values: Body = Field(default_factory=dict)

    def shown(self) -> Body:
        """As every answer shows it."""
        times = {
            "created_time": iso(self.created),
            "last_edited_time": iso(self.edited.replace(second=0, microsecond=0)),
        }
        people = {"created_by": {"object": "user", "id": BOT}, "last_edited_by": {"object": "user", "id": self.editor}}
        looks = {"cover": None, "icon": None, "is_locked": False, "public_url": None, "in_trash": self.in_trash}
        parent = {"type": "data_source_id", "data_source_id": DATA_SOURCE, "database_id": DATABASE}
        url = f"https://www.notion.so/{self.id.replace('-', '')}"
        held = {name: _shown(name, self.values.get(name)) for name in PROPERTIES}
        return {
            "object": "page",
            "id": self.id,
            **times,
            **people,
            **looks,
            "parent": parent,
            "url": url,
            "properties": held,
        }


class Workspace(BaseModel):
    """The books."""

    pages: dict[str, Page] = Field(default_factory=dict)

    def add(self, values: Body, editor: str) -> Page:
        now = datetime.now(UTC)
        page = Page(created=now, edited=now, editor=editor, values=_kept(values))
        self.pages[page.id] = page
        return page

    def change(self, page: Page, values: Body, editor: str) -> None:
        """Sets values; None empties one, the others stay."""
        page.values = _kept({**page.values, **values})
        page.edited, page.editor = datetime.now(UTC), editor

    def with_reference(self, referral: str) -> Page:
        """The oldest row of a referral."""
        found = [p for p in self.pages.values() if p.values.get("Ovation ref") == referral and not p.in_trash]
        if not found:
            raise Refused(404, "object_not_found", f"Could not find a row with reference: {referral}.")
        return found[0]


def checked(given: Body) -> Body:
    """The values of a request, by name. Raises Refused for what Notion would not take."""
    return {(name := name_of(key)): _value(name, held) for key, held in given.items()}


def name_of(key: str) -> str:
    """A property by name or id."""
    for name, (encoded, _) in PROPERTIES.items():
        if key in (name, encoded):
            return name
    raise Refused(400, "validation_error", f"{key} is not a property that exists.")


def _value(name: str, held: Any) -> Any:
    kind = PROPERTIES[name][1]
    if not isinstance(held, dict) or set(held) - {"type"} != {kind}:
        raise Refused(400, "validation_error", f"{name} is expected to be {kind}.")
    value = held[kind]
    if kind in _TEXTS:
        return _text(name, value)
    if kind == "status" and value is not None:
        return _option(name, value)
    if kind == "date" and value is not None:
        value = _date(name, value)
    fits = value is None or (isinstance(value, int | float) if kind == "number" else isinstance(value, str))
    if not fits or isinstance(value, bool) or (isinstance(value, str) and len(value) > 2000):
        raise Refused(400, "validation_error", f"body failed validation: body.properties.{name}.{kind}")
    return value


def _text(name: str, pieces: Any) -> str:
    if not isinstance(pieces, list) or len(pieces) > 100:
        raise Refused(400, "validation_error", f"body.properties.{name} should be an array of at most 100")
    texts: list[Any] = [piece.get("text", {}).get("content") if isinstance(piece, dict) else None for piece in pieces]
    if any(not isinstance(text, str) or len(text) > 2000 for text in texts):
        words = f"body.properties.{name}.text.content.length should be ≤ `2000`"
        raise Refused(400, "validation_error", words)
    return "".join(texts)


def _option(name: str, value: Any) -> str:
    option = value.get("name") if isinstance(value, dict) else None
    if option not in WORDS:
        raise Refused(
            400, "validation_error", f'{name} is expected to be one of its options: "{option}" does not exist.'
        )
    return str(option)


def _date(name: str, value: Any) -> str:
    start = value.get("start") if isinstance(value, dict) else None
    try:
        datetime.fromisoformat(str(start))
    except ValueError:
        raise Refused(
            400, "validation_error", f"body.properties.{name}.date.start should be a valid ISO 8601"
        ) from None
    return str(start)


def _shown(name: str, value: Any) -> Body:
    encoded, kind = PROPERTIES[name]
    shown: Any = value
    if kind in _TEXTS:
        shown = [_piece(value[begin : begin + 2000]) for begin in range(0, len(value or ""), 2000)]
    elif kind == "status" and value is not None:
        shown = _option_shown(value)
    elif kind == "date" and value is not None:
        shown = {"start": value, "end": None, "time_zone": None}
    return {"id": encoded, "type": kind, kind: shown}


def _piece(text: str) -> Body:
    plain = dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False)
    own = {"type": "text", "text": {"content": text, "link": None}, "plain_text": text, "href": None}
    return {**own, "annotations": {**plain, "color": "default"}}


def _option_shown(word: str) -> Body:
    return {"id": f"opt-{WORDS.index(word)}", "name": word, "color": "default"}


def schema() -> Body:
    """The properties of the data source, with the options of the status."""
    shown: Body = {}
    for name, (encoded, kind) in PROPERTIES.items():
        about: Body = {"number": {"format": "number"}}.get(kind, {})
        if kind == "status":
            options = [{**_option_shown(word), "description": None} for word in WORDS]
            group = {"id": "grp-0", "name": "To-do", "color": "gray", "option_ids": [one["id"] for one in options]}
            about = {"options": options, "groups": [group]}
        shown[name] = {"id": encoded, "name": name, "description": None, "type": kind, kind: about}
    return shown


def _kept(values: Body) -> Body:
    return {name: value for name, value in values.items() if value not in (None, "")}


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
