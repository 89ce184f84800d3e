"""Deals at HubSpot's double: made once for each referral, moved, searched, linked.

The search shows at once what was written, the real one seconds later. Computed properties follow a deal's stage.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from platforms.base import Body
from platforms.hubspot.stand_in_answers import operation, read, with_links
from platforms.hubspot.stand_in_books import DEALS, STAGES, Portal, Record, Refused, now
from platforms.hubspot.stand_in_requests import CreateBody, SearchBody, UpdateBody
from platforms.stand_in import Heard, Route

TO_CONTACT = 3
EPOCH = "1970-01-01T00:00:00Z"
_DEFAULTS = ["dealname", "amount", "closedate", "pipeline", "dealstage", "hs_lastmodifieddate"]
_UNIQUE = "ovation_referral"


def _deal(heard: Heard, books: Portal) -> Record:
    by = heard.query.get("idProperty")
    if by not in (None, _UNIQUE):
        raise Refused(400, f"{by} is not a unique property", "VALIDATION_ERROR")
    found = books.deal(heard.params["id"], by)
    if found is None:
        raise Refused(404, "resource not found", "OBJECT_NOT_FOUND")
    return found


def _get(heard: Heard, books: Portal) -> Body:
    asked = [name for name in heard.query.get("properties", "").split(",") if name in DEALS]
    return with_links(_deal(heard, books).shown([*_DEFAULTS, *asked]), heard, books, "deal")


def _create(heard: Heard, books: Portal) -> Body:
    asked = read(CreateBody, heard.json)
    books.check(asked.properties, DEALS)
    if "dealstage" not in asked.properties:
        missing = {"message": "dealstage is required", "context": {"properties": ["dealstage"]}}
        words = "Error creating DEAL. Some required properties were not set."
        raise Refused(400, words, "VALIDATION_ERROR", errors=[missing])
    for link in asked.associations:
        if link.to.id not in books.contacts or [t.associationTypeId for t in link.types] != [TO_CONTACT]:
            raise Refused(400, f"No valid association to {link.to.id}", "VALIDATION_ERROR")
    record = books.record({})
    books.set_deal(record, {"pipeline": "default", **asked.properties})
    books.people_of[record.id] = [link.to.id for link in asked.associations]
    return record.shown([*_DEFAULTS, *asked.properties])


def _update(heard: Heard, books: Portal) -> Body:
    found = _deal(heard, books)
    asked = read(UpdateBody, heard.json)
    books.check(asked.properties, DEALS)
    books.set_deal(found, asked.properties)
    return found.shown([*_DEFAULTS, *asked.properties])


def _link(heard: Heard, books: Portal) -> Body:
    deal, person = _deal(heard, books), heard.params["person"]
    if person not in books.contacts:
        raise Refused(404, "resource not found", "OBJECT_NOT_FOUND")
    people = books.people_of.setdefault(deal.id, [])
    people += [person] if person not in people else []
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TO_CONTACT}
    result = {"associationSpec": link, "from": {"id": deal.id}, "to": {"id": person}}
    return {"status": "COMPLETE", "results": [result], "startedAt": now(), "completedAt": now()}


def _search(heard: Heard, books: Portal) -> Body:
    asked = read(SearchBody, heard.json)
    if stray := sorted({*asked.properties, *asked.sorts} - set(DEALS)):
        raise Refused(400, f"There was a problem with the request: no property {stray[0]}", "VALIDATION_ERROR")
    filters = [one.model_dump() for group in asked.filterGroups for one in group.filters]
    found = [deal for deal in books.deals.values() if all(_holds(one, deal.properties) for one in filters)]
    for name in reversed(asked.sorts):
        found.sort(key=lambda deal, by=name: deal.properties.get(by, ""))  # type: ignore[misc]
    begin = int(asked.after)
    rows = [deal.shown(asked.properties) for deal in found[begin : begin + asked.limit]]
    page: Body = {"total": len(found), "results": rows}
    if len(found) > begin + asked.limit:
        page["paging"] = {"next": {"after": str(begin + asked.limit)}}
    return page


def _holds(one: Mapping[str, Any], properties: Mapping[str, str]) -> bool:
    """Times are compared in milliseconds, as the filter gives them."""
    value = properties.get(one["propertyName"])
    if one["operator"] == "HAS_PROPERTY" or value is None:
        return bool(value)
    return _millis(value) >= int(one["value"])


def _millis(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _pipelines(heard: Heard, books: Portal) -> Body:
    times = {"createdAt": EPOCH, "updatedAt": EPOCH, "archived": False}
    stages = [
        {
            "id": stage,
            "label": stage.title(),
            "displayOrder": order,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "metadata": {"isClosed": str(chance in ("1.0", "0.0")).lower(), "probability": chance},
            **times,
        }
        for order, (stage, chance) in enumerate(STAGES.items())
    ]
    pipeline = {"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "stages": stages, **times}
    return {"results": [pipeline]}


def _property(heard: Heard, books: Portal) -> Body:
    name = heard.params["name"]
    if name not in DEALS:
        raise Refused(404, f"No property with name {name} exists for object type DEAL.", "OBJECT_NOT_FOUND")
    texts = {"name": name, "label": name, "description": "", "groupName": "dealinformation"}
    return {**texts, "type": "string", "fieldType": "text", "options": [], "hasUniqueValue": name == _UNIQUE}


def moved(referral: str, stage: str, amount: str | None, books: Portal) -> Record:
    """A colleague moves a deal. Raises Refused."""
    found = books.deal(referral, _UNIQUE)
    if found is None:
        raise Refused(404, "resource not found", "OBJECT_NOT_FOUND")
    properties = {"dealstage": stage, **({"amount": amount} if amount is not None else {})}
    books.check(properties, DEALS, by_api=False)
    books.set_deal(found, properties)
    return found


DEAL_ROUTES = [
    Route("GET", "/crm/objects/{version}/deals/{id}", operation(_get)),
    Route("POST", "/crm/objects/{version}/deals", operation(_create, 201)),
    Route("PATCH", "/crm/objects/{version}/deals/{id}", operation(_update)),
    Route("POST", "/crm/objects/{version}/deals/search", operation(_search)),
    Route("PUT", "/crm/objects/{version}/deals/{id}/associations/default/contacts/{person}", operation(_link)),
    Route("GET", "/crm/pipelines/{version}/deals", operation(_pipelines)),
    Route("GET", "/crm/properties/{version}/deals/{name}", operation(_property)),
]
