"""Records of Zoho CRM: looked for by our reference, made, changed, moved through a blueprint.

The failure prevented: a second lead because a search did not show the first one yet. Search is an index that lags by
up to a minute; so the newest records are read too, and in the end it is the unique field that refuses a second one.
"""

import re
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from platforms.base import Body, Call, Reply
from platforms.errors import InDoubt
from platforms.zoho.problem import VERDICTS, code_of, details_of, error_of, refuse

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

REF = "Ovation_Ref"
"""Our id of the referral, unique, on leads and on deals."""
STAGE = "Ovation_Stage"
"""The stage that we told last, on both; conversion carries the two over."""

NEWEST = "200"
IN_BLUEPRINT = "RECORD_IN_BLUEPRINT"
CONVERTED = frozenset({"CONVERTED_RECORD", "ID_ALREADY_CONVERTED"})
_SURE = frozenset({IN_BLUEPRINT, *CONVERTED})


class Duplicate(Exception):
    """A unique field held a new record back: `field` is its name, `id` the record that has the value, if Zoho says."""

    def __init__(self, field: str, number: str | None, module: str | None) -> None:
        super().__init__(field)
        self.field, self.id, self.module = field, number, module


def path(rest: str) -> str:
    """A path of the API; the sign-in said at which host."""
    return f"/crm/v8{rest}"


def found(
    module: str, ref: str, fields: Sequence[str], *, converted: bool = False
) -> Generator[Call, Reply, Body | None]:
    """GET /{module}/search by our reference: the oldest record that has it exactly, or, if `converted`, the oldest
    converted lead."""
    value = re.sub(r"([(),\\])", r"\\\1", ref)
    query = {"criteria": f"({REF}:equals:{value})", "fields": ",".join(fields)}
    only = {"converted": "true"} if converted else {}
    reply = yield Call.get(path(f"/{module}/search"), query={**query, **only})
    return _of(ref, reply)


def newest(module: str, ref: str, fields: Sequence[str]) -> Generator[Call, Reply, Body | None]:
    """GET /{module}, the records changed last, converted leads among them: what the index may not know yet."""
    order = {"sort_by": "Modified_Time", "sort_order": "desc", "per_page": NEWEST, "converted": "both"}
    reply = yield Call.get(path(f"/{module}"), query={"fields": ",".join(fields), **order})
    return _of(ref, reply)


def read(module: str, number: str, fields: Sequence[str]) -> Generator[Call, Reply, Body | None]:
    """GET /{module}/{id}; None when it is gone."""
    where = path(f"/{module}/{quote(number, safe='')}")
    records = records_in((yield Call.get(where, query={"fields": ",".join(fields)})))
    return records[0] if records else None


def insert(module: str, values: Body, settings: "ZohoSettings") -> Generator[Call, Reply, str]:
    """POST /{module}; gives the id. Raises Duplicate where a unique field forbids it."""
    body = {"data": [values], "trigger": settings.trigger}
    reply = yield Call.post(path(f"/{module}"), json=body, accepts=VERDICTS)
    if code_of(reply) == "DUPLICATE_DATA":
        details = details_of(reply)
        there = details.get("duplicate_record") or {}
        number = there.get("id") or details.get("id")
        raise Duplicate(str(details.get("api_name")), number, (there.get("module") or {}).get("api_name"))
    return str(_done(reply)["id"])


def change(module: str, number: str, values: Body, settings: "ZohoSettings") -> Generator[Call, Reply, str | None]:
    """PUT /{module}/{id}. Gives the code where a blueprint or a conversion forbids it: then nothing was changed."""
    body = {"data": [values], "trigger": settings.trigger}
    reply = yield Call.put(path(f"/{module}/{number}"), json=body, accepts=VERDICTS)
    code = code_of(reply)
    if code in _SURE:
        return code
    _done(reply)
    return None


def moved(module: str, number: str, word: str) -> Generator[Call, Reply, bool]:
    """GET …/actions/blueprint for the transition that leads to this value, then PUT it.

    False where there is none, or where it asks for fields that only people can fill: "saved partially" did not move."""
    where = path(f"/{module}/{number}/actions/blueprint")
    reply = yield Call.get(where, accepts=VERDICTS)
    transitions = ((reply.json or {}).get("blueprint") or {}).get("transitions") or []
    fitting = [t for t in transitions if t.get("next_field_value") == word and t.get("criteria_matched") is not False]
    if not fitting:
        return False
    step = {"transition_id": str(fitting[0]["id"]), "data": {}}
    reply = yield Call.put(where, json={"blueprint": [step]}, accepts=VERDICTS)
    return error_of(reply) is None and "partially" not in str((reply.json or {}).get("message"))


def notes(module: str, number: str, mark: str) -> Generator[Call, Reply, Body | None]:
    """GET /{module}/{id}/Notes: the oldest that carries the mark.

    Raises InDoubt for a record with so many notes that ours may be among those not read."""
    query = {"fields": "id,Note_Title,Note_Content", "per_page": NEWEST}
    reply = yield Call.get(path(f"/{module}/{number}/Notes"), query=query)
    marked = [note for note in records_in(reply) if mark in str(note.get("Note_Content"))]
    if not marked and ((reply.json or {}).get("info") or {}).get("more_records"):
        raise InDoubt(f"record {number} has more than {NEWEST} notes: look for the one that ends with {mark}")
    return min(marked, key=lambda note: int(note["id"]), default=None)


def write_note(module: str, number: str, text: str, there: Body | None) -> Generator[Call, Reply, None]:
    """POST /Notes, or PUT /Notes/{id} of the one that is there."""
    parent = {"module": {"api_name": module}, "id": number}
    body = {"data": [{"Note_Title": "Ovation", "Note_Content": text, "Parent_Id": parent}]}
    if there is None:
        reply = yield Call.post(path("/Notes"), json=body, accepts=VERDICTS)
    else:
        reply = yield Call.put(path(f"/Notes/{there['id']}"), json=body, accepts=VERDICTS)
    if code_of(reply) not in CONVERTED:  # a lead that was converted meanwhile takes no notes
        _done(reply)


def records_in(reply: Reply) -> list[Body]:
    """The records of an answer; none for 204, which has no body, and for 304."""
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    return data if isinstance(data, list) else []


def _of(ref: str, reply: Reply) -> Body | None:
    ours = [record for record in records_in(reply) if record.get(REF) == ref]
    return min(ours, key=lambda record: int(record["id"]), default=None)


def _done(reply: Reply) -> Body:
    if error_of(reply) is not None or not reply.ok:
        refuse(reply)
    return details_of(reply)
