"""The records of Zoho's double: searched, listed, made, changed, moved by blueprint, annotated.

A write is answered with a verdict for each record: 201 or 200 where it went well, 202 where it failed.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from time import time_ns
from typing import Any

from platforms.base import Body
from platforms.stand_in import Answer, Heard, Webhook
from platforms.zoho.stand_in_books import MODULES, Note, Organization, Record, Refused
from platforms.zoho.stand_in_requests import Blueprint, DealChange, Lead, LeadChange, Records, Strict, read
from platforms.zoho.stand_in_requests import Note as NoteBody

EVERYTHING = 200
FIRST_TRANSITION = 3652397000003921127
_OPERATIONS = {"create": "insert", "edit": "update", "delete": "delete"}


def operation(handle: Callable[[Any, Organization], Answer]) -> Callable[[Any, Organization], Answer]:
    """Answers, or refuses in Zoho's form."""

    def answer(asked: Any, books: Organization) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def told(record: Record, event: str, changed: Sequence[str], books: Organization) -> list[Webhook]:
    """A notification for each open channel that asked for this event."""
    name = f"{record.module}.{event}"
    return [_notification(record, event, changed, watch) for watch in books.channels.values() if watch.wants(name)]


def _notification(record: Record, event: str, changed: Sequence[str], watch: Any) -> Webhook:
    body: Body = {
        "server_time": time_ns() // 10**6,
        "query_params": {},
        "module": record.module,
        "resource_uri": f"https://www.zohoapis.com/crm/v8/{record.module}",
        "ids": [record.id],
        "operation": _OPERATIONS[event],
        "channel_id": watch.channel_id,
        "token": watch.token,
    }
    if watch.return_affected_field_values:
        values = {name: record.fields.get(name) for name in changed}
        body |= {"affected_fields": [{record.id: list(changed)}]}
        body |= {"affected_values": [{"record_id": record.id, "values": values}]}
    return Webhook(json.dumps(body).encode(), url=watch.notify_url)


def search(heard: Heard, books: Organization) -> Answer:
    """By one criterion. What the index does not know yet is not found; nothing found is 204 without a body."""
    module = _module(heard)
    criterion = re.fullmatch(r"\((\w+):equals:(.+)\)", heard.query.get("criteria", ""))
    if criterion is None:
        raise Refused("INVALID_QUERY", "invalid query formed", reason="invalid criteria")
    value = re.sub(r"\\(.)", r"\1", criterion[2])
    converted = heard.query.get("converted", "false")
    there = [
        record
        for record in books.of(module)
        if str(record.fields.get(criterion[1])).lower() == value.lower()
        and record.id not in books.not_indexed
        and converted in ("both", str(record.converted).lower())
    ]
    return _listed(there, heard)


def listed(heard: Heard, books: Organization) -> Answer:
    """Sorted by the time of the last change. 304 where nothing changed since the time that is asked for."""
    module, since = _module(heard), heard.headers.get("if-modified-since")
    if "fields" not in heard.query:
        raise Refused("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param_name="fields")
    converted = heard.query.get("converted", "false")
    there = [r for r in books.of(module) if converted in ("both", str(r.converted).lower())]
    if since is not None:
        at = datetime.fromisoformat(since)
        there = [record for record in there if datetime.fromisoformat(record.Modified_Time) >= at]
        if not there:
            return Answer(304)
    descending = heard.query.get("sort_order", "desc") == "desc"
    return _listed(sorted(there, key=lambda r: (r.Modified_Time, r.id), reverse=descending), heard)


def _listed(there: list[Record], heard: Heard) -> Answer:
    token, size = heard.query.get("page_token", "0"), int(heard.query.get("per_page", EVERYTHING))
    if not token.isdigit() or size > EVERYTHING:
        raise Refused("INVALID_DATA", "invalid data", param_name="page_token" if size <= EVERYTHING else "per_page")
    begin, end = int(token), int(token) + size
    names = heard.query.get("fields", "").split(",")
    shown = [record.shown(names) for record in there[begin:end]]
    if not shown:
        return Answer(204)
    more = end < len(there)
    info: Body = {"per_page": size, "count": len(shown), "page": 1, "more_records": more}
    return Answer(json={"data": shown, "info": {**info, **({"next_page_token": str(end)} if more else {})}})


def get(heard: Heard, books: Organization) -> Answer:
    record = books.records.get(heard.params["id"])
    if record is None or record.module != _module(heard):
        return Answer(204)
    return Answer(json={"data": [record.shown(heard.query.get("fields", "").split(","))]})


def insert(heard: Heard, books: Organization) -> Answer:
    """Leads alone: deals come from converting them."""
    if _module(heard) != "Leads":
        raise Refused("NOT_SUPPORTED", "this double makes leads only")
    [given] = read(Records, heard.json).data

    def made() -> tuple[Record, list[Webhook]]:
        fields = read(Lead, given).model_dump(exclude_none=True)
        if (owner := fields.get("Owner")) and owner["id"] not in books.users.values():
            raise Refused("INVALID_DATA", "the id given seems to be invalid", api_name="Owner")
        record = books.add("Leads", fields)
        return record, told(record, "create", list(fields), books)

    return _verdict(made, 201, "record added")


def update(heard: Heard, books: Organization) -> Answer:
    module, number = _module(heard), heard.params["id"]
    [given] = read(Records, heard.json).data

    def changed() -> tuple[Record, list[Webhook]]:
        record = books.known(module, number)
        model: type[Strict] = LeadChange if module == "Leads" else DealChange
        fields = read(model, given).model_dump(exclude_unset=True)
        if record.converted:
            raise Refused("CONVERTED_RECORD", "can't update the converted record", id=number)
        if record.blueprint is not None and {"Lead_Status", "Stage"} & set(fields):
            raise Refused("RECORD_IN_BLUEPRINT", "The record is in blue print", id=number)
        return record, told(record, "edit", books.change(record, fields), books)

    return _verdict(changed, 200, "record updated")


def _verdict(write: Callable[[], tuple[Record, list[Webhook]]], status: int, message: str) -> Answer:
    try:
        record, webhooks = write()
    except Refused as refused:
        return Answer(202, json={"data": [refused.item]})
    item = {"code": "SUCCESS", "details": record.details(), "message": message, "status": "success"}
    return Answer(status, json={"data": [item]}, webhooks=webhooks)


def get_blueprint(heard: Heard, books: Organization) -> Answer:
    record = books.known(_module(heard), heard.params["id"])
    if record.blueprint is None:
        raise Refused("RECORD_NOT_IN_PROCESS", "record not in process")
    transitions = [_transition(at, word) for at, word in enumerate(record.blueprint)]
    return Answer(json={"blueprint": {"process_info": _process(record), "transitions": transitions}})


def _process(record: Record) -> Body:
    value = record.fields.get("Lead_Status")
    field = {"field_id": 3652397000000002611, "field_name": "Lead Status", "field_label": "Lead Status"}
    where = {"api_name": "Lead_Status", "column_name": "STATUS", "field_value": value}
    kind = {"is_continuous": False, "continuous": False}
    return {"id": "3652397000003921125", "name": "Follow-up", **field, **where, **kind}


def _transition(at: int, word: str) -> Body:
    leads = {"id": FIRST_TRANSITION + at, "name": word, "next_field_value": word, "criteria_matched": True}
    shown = {"percent_partial_save": 0.0, "text_color_code": None, "color_code": None, "criteria_message": None}
    return {**leads, **shown, "next_transitions": [], "data": {}, "fields": []}


def put_blueprint(heard: Heard, books: Organization) -> Answer:
    """A transition that asks for more fields is saved partially: a success that did not move."""
    record = books.known(_module(heard), heard.params["id"])
    [asked] = read(Blueprint, heard.json).blueprint
    words = list(record.blueprint or {})
    at = int(asked.transition_id) - FIRST_TRANSITION if asked.transition_id.isdigit() else -1
    if not 0 <= at < len(words):
        raise Refused("INVALID_DATA", "invalid transition", api_name="transition_id")
    complete = (record.blueprint or {})[words[at]]
    changed = books.change(record, {"Lead_Status": words[at]}) if complete else []
    message = "transition updated successfully" if complete else "transition saved partially"
    body = {"code": "SUCCESS", "details": {}, "message": message, "status": "success"}
    return Answer(json=body, webhooks=told(record, "edit", changed, books) if changed else [])


def list_notes(heard: Heard, books: Organization) -> Answer:
    books.known(_module(heard), heard.params["id"])
    there = [note for note in books.notes.values() if note.parent == heard.params["id"]]
    if not there:
        return Answer(204)
    shown = [note.model_dump(exclude={"parent"}) for note in there[:EVERYTHING]]
    info: Body = {"per_page": EVERYTHING, "count": len(shown), "page": 1, "more_records": len(there) > EVERYTHING}
    return Answer(json={"data": shown, "info": info})


def add_note(heard: Heard, books: Organization) -> Answer:
    [given] = read(Records, heard.json).data

    def made() -> tuple[Record, list[Webhook]]:
        asked = read(NoteBody, given)
        parent = books.known(asked.Parent_Id.module.api_name, asked.Parent_Id.id)
        if parent.converted:
            raise Refused("CONVERTED_RECORD", "can't update the converted record", id=parent.id)
        number, words = books.next_id(), asked.model_dump(include={"Note_Title", "Note_Content"})
        books.notes[number] = Note(id=number, parent=parent.id, **words)
        return parent.model_copy(update={"id": number}), []

    return _verdict(made, 201, "record added")


def change_note(heard: Heard, books: Organization) -> Answer:
    [given] = read(Records, heard.json).data

    def changed() -> tuple[Record, list[Webhook]]:
        asked, note = read(NoteBody, given), books.notes.get(heard.params["id"])
        if note is None:
            raise Refused("INVALID_DATA", "the id given seems to be invalid", id=heard.params["id"])
        note.Note_Content = asked.Note_Content
        return books.records[note.parent].model_copy(update={"id": note.id}), []

    return _verdict(changed, 200, "record updated")


def _module(heard: Heard) -> str:
    if heard.params["module"] not in MODULES:
        raise Refused("INVALID_MODULE", "The module name given seems to be invalid")
    return heard.params["module"]
