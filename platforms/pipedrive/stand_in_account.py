"""The account of Pipedrive's double: its users, fields and stages, notes, and who is told what by webhook.

All of it but fields and stages is version 1 of the API: times with a blank, flags as 0 and 1, pages by `start`.
"""

from collections.abc import Callable

from platforms.base import Body
from platforms.pipedrive.stand_in_books import COMPANY, ME, PIPELINE, STAGES, Company, Hook, Note, Refused, known_number
from platforms.pipedrive.stand_in_requests import HookBody, NoteBody, NoteChange, read
from platforms.stand_in import Answer, Heard

_MINE = {"id": ME, "name": "Ovation", "email": "ovation@acme.example", "active_flag": True, "is_you": True}
_ACCOUNT = {"company_id": COMPANY, "company_name": "Acme", "company_domain": "acme", "timezone_name": "Europe/Tallinn"}


def _me(heard: Heard, books: Company) -> Answer:
    return Answer(json={"success": True, "data": {**_MINE, **_ACCOUNT}})


def _users(heard: Heard, books: Company) -> Answer:
    users = [{"id": number, "email": email, "active_flag": True} for email, number in books.users.items()]
    return Answer(json={"success": True, "data": [_MINE, *users]})


def _fields(heard: Heard, books: Company) -> Answer:
    def shown(name: str, code: str, *, custom: bool) -> Body:
        kind = {"field_type": "varchar", "is_custom_field": custom, "is_optional_response_field": False}
        return {"field_name": name, "field_code": code, **kind, "options": None, "subfields": None}

    own = heard.settings
    custom = [("Ovation ref", own.referral_field), ("Ovation stage", own.stage_field)]
    fields = [shown("Title", "title", custom=False), *(shown(name, code, custom=True) for name, code in custom)]
    return Answer(json={"success": True, "data": fields, "additional_data": {"next_cursor": None}})


def _stages(heard: Heard, books: Company) -> Answer:
    if heard.query.get("pipeline_id", str(PIPELINE)) != str(PIPELINE):
        return Answer(json={"success": True, "data": [], "additional_data": {"next_cursor": None}})
    stages = [
        {"id": number, "order_nr": number, "name": name, "is_deleted": False, "pipeline_id": PIPELINE}
        for number, name in STAGES.items()
    ]
    return Answer(json={"success": True, "data": stages, "additional_data": {"next_cursor": None}})


def _list_notes(heard: Heard, books: Company) -> Answer:
    """Version 1: `start` and `limit`, and whether there is more."""
    limit = known_number(heard.query.get("limit", "100"))
    newest = reversed(books.notes.values())
    found = [note for note in newest if str(note.deal_id) == heard.query.get("deal_id", str(note.deal_id))]
    paging = {"start": 0, "limit": limit, "more_items_in_collection": len(found) > limit}
    shown = [note.model_dump(exclude_none=True) for note in found[:limit]]
    return Answer(json={"success": True, "data": shown, "additional_data": {"pagination": paging}})


def _add_note(heard: Heard, books: Company) -> Answer:
    asked = read(NoteBody, heard.json)
    if asked.deal_id is not None and asked.deal_id not in books.deals:
        raise Refused(400, "Validation failed: deal_id: Deal not found")
    note = Note(id=books.next_id(), content=asked.content, deal_id=asked.deal_id, person_id=asked.person_id)
    books.notes[note.id] = note
    return Answer(json={"success": True, "data": note.model_dump(exclude_none=True)})


def _change_note(heard: Heard, books: Company) -> Answer:
    note = books.notes.get(known_number(heard.params["id"]))
    if note is None:
        raise Refused(404, "Note not found")
    note.content = read(NoteChange, heard.json).content
    return Answer(json={"success": True, "data": note.model_dump(exclude_none=True)})


def _list_hooks(heard: Heard, books: Company) -> Answer:
    return Answer(json={"status": "ok", "success": True, "data": [hook.shown() for hook in books.hooks.values()]})


def _add_hook(heard: Heard, books: Company) -> Answer:
    asked = read(HookBody, heard.json)
    if len(books.hooks) >= 40:
        raise Refused(400, "Maximum number of webhooks reached")
    hook = Hook(id=books.next_id(), **asked.model_dump(exclude={"user_id"}))
    books.hooks[hook.id] = hook
    return Answer(201, json={"status": "ok", "success": True, "data": hook.shown()})


def _delete_hook(heard: Heard, books: Company) -> Answer:
    if books.hooks.pop(known_number(heard.params["id"]), None) is None:
        return Answer(404, json={"status": "error", "success": False, "errors": {"id": ["not found"]}})
    return Answer(json={"status": "ok", "success": True})


OPERATIONS: list[tuple[str, str, Callable[[Heard, Company], Answer]]] = [
    ("GET", "/api/v1/users/me", _me),
    ("GET", "/api/v1/users", _users),
    ("GET", "/api/v2/dealFields", _fields),
    ("GET", "/api/v2/stages", _stages),
    ("GET", "/api/v1/notes", _list_notes),
    ("POST", "/api/v1/notes", _add_note),
    ("PUT", "/api/v1/notes/{id}", _change_note),
    ("GET", "/api/v1/webhooks", _list_hooks),
    ("POST", "/api/v1/webhooks", _add_hook),
    ("DELETE", "/api/v1/webhooks/{id}", _delete_hook),
]
