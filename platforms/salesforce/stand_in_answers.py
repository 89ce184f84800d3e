"""What Salesforce's double answers to each operation that we use.

There is no idempotency key: a task created twice is two. An external id and a campaign's member exist once.
"""

from collections.abc import Callable
from typing import Any

from platforms.base import Body
from platforms.salesforce.stand_in_books import FIELDS, RELATIONS, Org, Refused
from platforms.salesforce.stand_in_flows import told
from platforms.salesforce.stand_in_session import of, sign_in
from platforms.salesforce.stand_in_soql import Query, Wrong, comparable, parse, shown
from platforms.stand_in import Answer, Heard, Route, Webhook

VERSIONS = frozenset(f"v{number}.0" for number in range(54, 69))
_NO_SUCH = "Provided external ID field does not exist or is not accessible"


def _operation(handle: Callable[[Heard, Org], Answer]) -> Callable[[Heard, Org], Answer]:
    """Answers what `handle` gives, or its refusal; with the org's count of calls, which every answer carries."""

    def answer(heard: Heard, books: Org) -> Answer:
        try:
            found = _counted(heard, books) or handle(heard, books)
        except Refused as refused:
            found = Answer(refused.status, json=refused.body)
        usage = {"Sforce-Limit-Info": f"api-usage={books.calls}/{books.calls + books.calls_left}"}
        return Answer(found.status, json=found.json, headers=usage, webhooks=found.webhooks)

    return answer


def _counted(heard: Heard, books: Org) -> Answer | None:
    if heard.headers.get("authorization") != f"Bearer {of(heard.settings, books)}":
        raise Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)
    if heard.params["version"] not in VERSIONS:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    if books.calls_left <= 0:
        raise Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
    books.calls += 1
    books.calls_left -= 1
    return None


def _query(heard: Heard, books: Org) -> Answer:
    return _asked(heard, books, deleted_too=False)


def _query_all(heard: Heard, books: Org) -> Answer:
    return _asked(heard, books, deleted_too=True)


def _asked(heard: Heard, books: Org, *, deleted_too: bool) -> Answer:
    try:
        query = parse(heard.query.get("q", ""))
    except Wrong as wrong:
        raise Refused("MALFORMED_QUERY", str(wrong)) from wrong
    _know(query)
    there = [one for one in books.records[query.kind].values() if deleted_too or one["Id"] not in books.thrown_away]
    found = [one for one in there if query.where(lambda name, one=one: books.value(one, name))]  # type: ignore[misc]
    found.sort(key=lambda one: [comparable(books.value(one, name)) for name in query.order])
    version = heard.params["version"]
    records = [shown(query, query.kind, one, books.value, version) for one in found[: query.limit]]
    return Answer(200, json={"totalSize": len(records), "done": True, "records": records})


def _know(query: Query) -> None:
    if query.kind not in FIELDS:
        raise Refused("INVALID_TYPE", f"sObject type '{query.kind}' is not supported.")
    for field in [*query.fields, *query.named]:
        relation, dot, name = field.partition(".")
        lookup = RELATIONS.get(relation, "") if dot else field
        if lookup not in FIELDS[query.kind]:
            raise Refused("INVALID_FIELD", f"No such column '{field}' on entity '{query.kind}'.")
        if dot and not any(name in FIELDS[to] for to in FIELDS[query.kind][lookup].to):
            raise Refused("INVALID_FIELD", f"No such column '{name}' on entity '{relation}'.")


def _create(heard: Heard, books: Org) -> Answer:
    kind, values = _kind(heard), _values(heard)
    books.check(kind, values)
    if kind == "CampaignMember" and _is_member(values, books):
        raise Refused("DUPLICATE_VALUE", "Already a campaign member.")
    _no_twins(kind, values, books)
    return _made(kind, books.add(kind, values), {}, heard, books)


def _upsert(heard: Heard, books: Org) -> Answer:
    kind, field, value = _kind(heard), heard.params["field"], heard.params["value"]
    known = FIELDS[kind].get(field)
    if known is None or not known.unique:
        raise Refused("NOT_FOUND", f"{_NO_SUCH}: " + field, status=404)
    values = _values(heard)
    if field in values:
        raise Refused("INVALID_FIELD", f"The {field} field should not be specified in the sobject data.", [field])
    there = books.find(kind, field, value)
    if there:
        return _changed(kind, there[0], values, heard, books)
    values[field] = value
    books.check(kind, values)
    _no_twins(kind, values, books)
    return _made(kind, books.add(kind, values), {}, heard, books)


def _update(heard: Heard, books: Org) -> Answer:
    kind = _kind(heard)
    record = books.records[kind].get(heard.params["id"])
    if record is None:
        raise Refused("NOT_FOUND", f"{_NO_SUCH}: ", status=404)
    if record["Id"] in books.thrown_away:
        raise Refused("ENTITY_IS_DELETED", "entity is deleted", status=404)
    answer = _changed(kind, record, _values(heard), heard, books)
    return Answer(204, webhooks=answer.webhooks)


def _made(kind: str, record: Body, before: Body, heard: Heard, books: Org) -> Answer:
    body = {"id": record["Id"], "success": True, "errors": [], "created": True}
    return Answer(201, json=body, webhooks=_webhooks(kind, before, record, books))


def _changed(kind: str, record: Body, values: Body, heard: Heard, books: Org) -> Answer:
    books.check(kind, values, record)
    before = dict(record)
    books.change(kind, record, values)
    body = {"id": record["Id"], "success": True, "errors": [], "created": False}
    return Answer(200, json=body, webhooks=_webhooks(kind, before, record, books))


def _webhooks(kind: str, before: Body, record: Body, books: Org) -> list[Webhook]:
    return [Webhook(body, after=0.2) for body in told(kind, before, record)]


def _no_twins(kind: str, values: Body, books: Org) -> None:
    """The org's duplicate rule: one e-mail address, one contact, one lead."""
    email = values.get("Email")
    there = books.find(kind, "Email", email) if kind in ("Contact", "Lead") and email else []
    if there:
        url = {"type": kind, "url": f"/services/data/v68.0/sobjects/{kind}/{there[0]['Id']}"}
        match = {"fieldDiffs": [], "record": {"attributes": url, "Id": there[0]["Id"]}}
        result = {"entityType": kind, "matchRecords": [match], "rule": f"Standard_{kind}_Match_Rule_v1_0", "size": 1}
        duplicate = {"allowSave": True, "duplicateRule": f"Standard_{kind}_Duplicate_Rule", "matchResults": [result]}
        raise Refused("DUPLICATES_DETECTED", "Use one of these records?", duplicateResult=duplicate)


def _is_member(values: Body, books: Org) -> bool:
    return any(
        one["CampaignId"] == values["CampaignId"]
        for one in books.find("CampaignMember", "ContactId", values["ContactId"])
    )


def _kind(heard: Heard) -> str:
    kind = heard.params["kind"]
    if kind not in FIELDS or kind in ("User", "Organization"):
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    return kind


def _values(heard: Heard) -> Body:
    if not heard.headers.get("content-type", "application/json").startswith("application/json"):
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Unsupported content-type", status=415)
    if not isinstance(heard.json, dict):
        raise Refused("JSON_PARSER_ERROR", "Unexpected content at [line:1, column:1]")
    return dict(heard.json)


def _describe(heard: Heard, books: Org) -> Answer:
    kind = heard.params["kind"]
    if kind not in FIELDS:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    return Answer(200, json={"name": kind, "fields": [_described(name, f) for name, f in FIELDS[kind].items()]})


def _described(name: str, field: Any) -> Body:
    own = {"name": name, "type": field.of, "length": field.size, "createable": field.written}
    return {**own, "updateable": field.written, "unique": field.unique, "externalId": field.unique}


def _limits(heard: Heard, books: Org) -> Answer:
    day = {"Max": books.calls + books.calls_left, "Remaining": books.calls_left}
    return Answer(200, json={"DailyApiRequests": day})


_S = "/services/data/{version}"
ROUTES = [
    Route("POST", "/services/oauth2/token", sign_in),
    Route("GET", f"{_S}/query", _operation(_query)),
    Route("GET", f"{_S}/queryAll", _operation(_query_all)),
    Route("GET", f"{_S}/limits", _operation(_limits)),
    Route("GET", f"{_S}/sobjects/{{kind}}/describe", _operation(_describe)),
    Route("POST", f"{_S}/sobjects/{{kind}}", _operation(_create)),
    Route("PATCH", f"{_S}/sobjects/{{kind}}/{{id}}", _operation(_update)),
    Route("PATCH", f"{_S}/sobjects/{{kind}}/{{field}}/{{value}}", _operation(_upsert)),
]
