"""What Dynamics' double answers to each operation that we use.

`If-None-Match: *` leaves a row that is there (412), `If-Match: *` makes none that is not (404); without either a PATCH
makes or changes, as at Dataverse.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from platforms.base import Body, reveal
from platforms.dynamics.stand_in_books import ORG_ID, ROBOT, Environment, Refused
from platforms.dynamics.stand_in_odata import Query, Wrong, comparable, parse, shown
from platforms.dynamics.stand_in_tables import RELATIONS, TABLES
from platforms.stand_in import Answer, Heard, Route, Webhook

PAGE = 5000
_WATCHED = {
    "contacts": ("contact", ("new_referralgivenon", "donotemail", "donotbulkemail")),
    "leads": ("lead", ("statecode", "statuscode")),
    "opportunities": ("opportunity", ("statecode",)),
    "tasks": ("task", ("statecode",)),
    "new_ovationreferrals": ("new_ovationreferral", ("new_status",)),
}
_KEYED = re.compile(r"(\w+)\(([0-9a-f-]{36})\)")


def token_of(settings: Any) -> str:
    return f"eyJ0eXAiOiJKV1Qi.{reveal(settings.client_secret).encode().hex()}"


def sign_in(heard: Heard, books: Environment) -> Answer:
    """POST /{tenant}/oauth2/v2.0/token, at Entra."""
    own, form = heard.settings, heard.form
    if heard.params["tenant"] != own.tenant:
        return _entra("invalid_request", f"AADSTS90002: Tenant '{heard.params['tenant']}' not found.")
    if form.get("grant_type") != "client_credentials":
        return _entra("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    if form.get("scope") != f"{own.environment_url.rstrip('/')}/.default":
        return _entra("invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid.")
    if (form.get("client_id"), form.get("client_secret")) != (own.client_id, reveal(own.client_secret)):
        return _entra("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
    return Answer(200, json={"token_type": "Bearer", "expires_in": 3599, "access_token": token_of(own)})


def _entra(code: str, words: str, status: int = 400) -> Answer:
    return Answer(status, json={"error": code, "error_description": words})


def _operation(handle: Callable[[Heard, Environment], Answer]) -> Callable[[Heard, Environment], Answer]:
    """Answers what `handle` gives, or its refusal."""

    def answer(heard: Heard, books: Environment) -> Answer:
        try:
            found = handle(heard, books)
        except Refused as refused:
            found = Answer(refused.status, json=refused.body)
        left = {"x-ms-ratelimit-burst-remaining-xrm-requests": "5999", "OData-Version": "4.0"}
        return Answer(found.status, json=found.json, headers={**left, **found.headers}, webhooks=found.webhooks)

    return answer


def _get(heard: Heard, books: Environment) -> Answer:
    """A row by its id, or a query."""
    keyed = _KEYED.fullmatch(heard.params["rows"])
    table = keyed[1] if keyed else heard.params["rows"]
    if table == "WhoAmI":
        return Answer(200, json={"BusinessUnitId": ORG_ID, "UserId": ROBOT, "OrganizationId": ORG_ID})
    _known(table)
    try:
        query = parse(heard.query)
    except Wrong as wrong:
        raise Refused(400, "0x80060888", str(wrong)) from wrong
    _know(table, query)
    if keyed:
        return Answer(200, json=shown(query, _row(table, keyed[2], books), books.value))
    return _listed(table, query, heard, books)


def _listed(table: str, query: Query, heard: Heard, books: Environment) -> Answer:
    there = books.rows[table].values()
    found = [one for one in there if query.where(lambda name, one=one: books.value(one, name))]  # type: ignore[misc]
    found.sort(key=lambda one: [comparable(books.value(one, name)) for name in query.order])
    begin, size = int(heard.query.get("$skiptoken", "0")), _page_size(heard)
    page = found[begin : begin + min(size, query.top)]
    body: Body = {"value": [shown(query, one, books.value) for one in page]}
    if "$top" not in heard.query and begin + size < len(found):
        asked = urlencode({**heard.query, "$skiptoken": str(begin + size)})
        body["@odata.nextLink"] = f"{heard.settings.environment_url}{heard.path}?{asked}"
    return Answer(200, json=body)


def _page_size(heard: Heard) -> int:
    preferred = re.search(r"odata\.maxpagesize=(\d+)", heard.headers.get("prefer", ""))
    return min(int(preferred[1]), PAGE) if preferred else PAGE


def _patch(heard: Heard, books: Environment) -> Answer:
    """Makes or changes, unless a condition forbids the one or the other."""
    keyed = _KEYED.fullmatch(heard.params["rows"])
    if keyed is None:
        raise Refused(405, "0x80060888", "The requested resource does not support http method 'PATCH'.")
    table, number = keyed[1], keyed[2]
    _known(table)
    there = books.rows[table].get(number)
    if there is not None and heard.headers.get("if-none-match") == "*":
        raise Refused(412, "0x80060892", "A record with matching key values already exists.")
    if there is None and heard.headers.get("if-match") == "*":
        raise Refused(404, "0x80040217", f"{table} With Id = {number} Does Not Exist")
    values = books.read(table, heard.json)
    before = dict(there or {})
    if there is None:
        there = books.add(table, values, number)
    elif table == "opportunities" and values.get("statecode", 0) != 0:
        raise Refused(400, "0x80048408", "1 is not a valid status code for state code OpportunityState")
    elif table == "leads" and there["statecode"] == 1:
        raise Refused(400, "0x80040230", "The lead is closed: it cannot be updated")
    else:
        books.change(there, values)
    where = f"{heard.settings.environment_url}{heard.path}"
    return Answer(204, headers={"OData-EntityId": where}, webhooks=told(table, before, there, ROBOT))


def _act(heard: Heard, books: Environment) -> Answer:
    """An action that is bound to nothing."""
    name, given = heard.params["action"], heard.json if isinstance(heard.json, dict) else {}
    if name not in ("WinOpportunity", "LoseOpportunity"):
        raise Refused(404, "0x80060888", f"Resource not found for the segment '{name}'.")
    close = given.get("OpportunityClose") or {}
    keyed = _KEYED.search(str(close.get("opportunityid@odata.bind")))
    won = name == "WinOpportunity"
    if keyed is None or given.get("Status") not in ((3,) if won else (4, 5)):
        raise Refused(400, "0x80048d19", "Error identified in Payload provided by the user for Entity")
    deal = _row("opportunities", keyed[2], books)
    if deal["statecode"] != 0:
        raise Refused(400, "0x80040203", "The opportunity has already been closed.")
    return Answer(204, webhooks=closed(deal, won, close.get("actualrevenue"), given["Status"], ROBOT, books))


def closed(deal: Body, won: bool, amount: Any, status: int, who: str, books: Environment) -> list[Webhook]:
    """An opportunity that is won or lost."""
    before = dict(deal)
    books.change(deal, {"statecode": 1 if won else 2, "statuscode": status, "actualvalue": amount})
    return told("opportunities", before, deal, who)


def _add_member(heard: Heard, books: Environment) -> Answer:
    keyed = _KEYED.fullmatch(heard.params["rows"])
    if keyed is None or heard.params["action"] != "Microsoft.Dynamics.CRM.AddMemberList":
        raise Refused(404, "0x80060888", f"Resource not found for the segment '{heard.params['action']}'.")
    chosen = _row("lists", keyed[2], books)
    member = str((heard.json or {}).get("EntityId"))
    if chosen["type"]:
        raise Refused(400, "0x8004f02b", "Members cannot be added to a dynamic list")
    _row("contacts", member, books)
    values = {"_listid_value": chosen["listid"], "_entityid_value": member}
    there = [m for m in books.rows["listmembers"].values() if {k: m[k] for k in values} == values]
    row = there[0] if there else books.add("listmembers", values)
    return Answer(200, json={"Id": row["listmemberid"]})


def told(table: str, before: Body, after: Body, who: str) -> list[Webhook]:
    """The webhook of a step for updates: the changed columns alone, in a string that holds the JSON."""
    if table not in _WATCHED or not before:
        return []
    entity, columns = _WATCHED[table]
    changed = {name: after[name] for name in after if name in before and before[name] != after[name]}
    if not set(columns) & set(changed):
        return []
    attributes = [{"key": name, "value": value} for name, value in changed.items()]
    target = {"LogicalName": entity, "Id": after[TABLES[table][0]], "Attributes": attributes}
    context = {
        "MessageName": "Update",
        "PrimaryEntityName": entity,
        "PrimaryEntityId": after[TABLES[table][0]],
        "OperationId": str(uuid4()),
        "OrganizationId": ORG_ID,
        "OrganizationName": "acme",
        "Depth": 1,
        "Mode": 1,
        "Stage": 40,
        "InitiatingUserId": who,
        "InputParameters": [{"key": "Target", "value": target}],
    }
    return [Webhook(json.dumps(json.dumps(context)).encode(), after=0.2)]


def _known(table: str) -> None:
    if table not in TABLES:
        raise Refused(404, "0x80060888", f"Resource not found for the segment '{table}'.")


def _know(table: str, query: Query) -> None:
    number, columns = TABLES[table]
    for name in [*query.select, *query.named]:
        relation, slash, _ = name.partition("/")
        if not (RELATIONS.get(relation) in columns if slash else name in columns or name == number):
            words = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
            raise Refused(400, "0x80060888", words)
    for relation in query.expand:
        if RELATIONS.get(relation) not in columns:
            raise Refused(400, "0x80060888", f"Could not find a property named '{relation}' on type '{table}'.")


def _row(table: str, number: str, books: Environment) -> Body:
    row = books.rows[table].get(number)
    if row is None:
        raise Refused(404, "0x80040217", f"{table} With Id = {number} Does Not Exist")
    return row


_D = "/api/data/{version}"
ROUTES = [
    Route("POST", "/{tenant}/oauth2/v2.0/token", sign_in),
    Route("GET", f"{_D}/{{rows}}", _operation(_get)),
    Route("PATCH", f"{_D}/{{rows}}", _operation(_patch)),
    Route("POST", f"{_D}/{{action}}", _operation(_act)),
    Route("POST", f"{_D}/{{rows}}/{{action}}", _operation(_add_member)),
]
