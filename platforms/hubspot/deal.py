"""A deal for each referral: made once, moved through its pipeline, linked to the referred person, its note in step.

The failure prevented: two deals for one referral. The property `ovation_referral` is unique: a deal is read by it, and
a second create is refused. `ovation_stage` holds what we told last, so that a change of ours is not told back to us.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.money import Money
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PutLead, Receipt
from platforms.errors import Rejected, Unauthorized
from platforms.hubspot import contact, engagement, stage
from platforms.hubspot.contact import objects
from platforms.hubspot.engagement import NOTE, instant, link
from platforms.hubspot.problem import said

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

REFERRAL = "ovation_referral"
TOLD = "ovation_stage"
REFERRED_BY = "ovation_referred_by"
OWN = (REFERRAL, TOLD, REFERRED_BY)
"""Deal properties that a portal needs; the first must be unique."""

PROPERTIES = (
    *("dealname", "dealstage", "pipeline", "amount", "deal_currency_code", "hs_is_closed", "hs_is_closed_won"),
    *OWN,
)
TO_CONTACT = 3
"""HubSpot's number for the link from a deal to a contact."""


def put_lead(action: PutLead, key: str, settings: "HubSpotSettings") -> Talk:
    """GET …/deals/{our id}?idProperty=ovation_referral; POST if absent, else PATCH of what differs; then the links and
    the note. Each step looks first, so that the whole may be repeated."""
    if not settings.stages:
        raise Unauthorized(
            'OVATION_HUBSPOT__STAGES is not set; for HubSpot\'s own pipeline: {"submitted": "appointmentscheduled", '
            '"qualified": "qualifiedtobuy", "won": "closedwon", "lost": "closedlost", "disqualified": "closedlost"}'
        )
    person = yield from _person(action, settings)
    found = yield from _known(action.referral, settings)
    if found is None:
        found = yield from _made(action, person, settings)
    yield from _in_step(found, action, settings)
    yield from _linked(found, person, settings)
    yield from _noted(found, action, person, settings)
    return _receipt(found)


def find_lead(action: PutLead, key: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Receipt | None]:
    """The deal, if it and its note are as this action wants them. Else None: what is there is not made twice."""
    found = yield from _known(action.referral, settings)
    if found is None or (yield from _differing(found, action, settings)):
        return None
    if _text(action):
        note = yield from _note(found, action, settings)
        if note is None or note["properties"].get(NOTE.body) != _body(action):
            return None
    return _receipt(found)


def checked(settings: "HubSpotSettings") -> Generator[Call, Reply, Body]:
    """What a portal lacks for deals, for the doctor: properties, and stages that its pipeline does not have."""
    if not settings.stages:
        return {}
    missing = []
    for name in OWN:
        reply = yield Call.get(f"/crm/properties/{settings.api_version}/deals/{name}", accepts=(404,))
        if not reply.ok:
            missing.append(name)
        elif name == REFERRAL and not reply.json.get("hasUniqueValue"):
            missing.append(f"{name} (unique)")
    there = (yield from stage.pipelines(settings)).get(settings.pipeline, {})
    unknown = sorted(set(settings.stages.values()) - set(there))
    return {"missing_deal_properties": missing, "unknown_stages": unknown}


def _person(action: PutLead, settings: "HubSpotSettings") -> Generator[Call, Reply, str | None]:
    """The id of the referred person's contact, made if absent; None for somebody without an address."""
    if not action.person.email and not action.person.known_as("hubspot"):
        return None
    found = yield from contact.known_or_made(action.person, settings)
    return str(found["id"])


def _known(referral: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Body | None]:
    query = {"idProperty": REFERRAL, "properties": ",".join(PROPERTIES), "associations": "contacts,notes"}
    path = objects(settings, "deals", f"/{quote(referral, safe='')}")
    reply = yield Call.get(path, query=query, accepts=(404,))
    return reply.json if reply.ok else None


def _made(action: PutLead, person: str | None, settings: "HubSpotSettings") -> Generator[Call, Reply, Body]:
    """POST …/deals with its link. Whoever loses a race is refused by the unique property, and reads the other's."""
    owner = (yield from contact.owner_id(action.owner_email, settings)) if action.owner_email else None
    properties = {
        "dealname": _name(action),
        "pipeline": settings.pipeline,
        "dealstage": stage.first(action.stage, settings),
        "hubspot_owner_id": owner,
        REFERRAL: action.referral,
        REFERRED_BY: action.advocate.email,
        TOLD: action.stage,
        **_worth(action, settings),
    }
    given = {name: value for name, value in properties.items() if value}
    links = [link(person, TO_CONTACT)] if person else []
    reply = yield Call.post(
        objects(settings, "deals"), json={"properties": given, "associations": links}, accepts=(400, 409)
    )
    if reply.ok:
        linked = {"contacts": {"results": [{"id": person}] if person else []}}
        return {**reply.json, "properties": {**given, **reply.json["properties"]}, "associations": linked}
    found = yield from _known(action.referral, settings)
    if found is None:
        raise Rejected(f"HubSpot did not make the deal: {said(reply)}", status=reply.status)
    return found


def _in_step(found: Body, action: PutLead, settings: "HubSpotSettings") -> Generator[Call, Reply, None]:
    """PATCH of the properties that differ, if any; the deal's own name and owner stay as people left them."""
    changes = yield from _differing(found, action, settings)
    if changes:
        path = objects(settings, "deals", f"/{quote(str(found['id']), safe='')}")
        yield Call.patch(path, json={"properties": changes})
        found["properties"] |= changes


def _differing(found: Body, action: PutLead, settings: "HubSpotSettings") -> Generator[Call, Reply, dict[str, str]]:
    """What is to be changed. Nothing where we told a later stage already: this action was overtaken."""
    properties = found["properties"]
    if stage.behind(properties.get(TOLD), action.stage):
        return {}
    changes: dict[str, str] = {} if properties.get(TOLD) == action.stage else {TOLD: action.stage}
    to = settings.stages.get(action.stage)
    if to is not None and to != properties.get("dealstage") and (yield from stage.may_move(found, to, settings)):
        changes["dealstage"] = to
        if action.stage in stage.CLOSING:
            changes["closedate"] = instant(action.at)
    if action.amount is not None and action.amount != worth(found, settings):
        changes |= _worth(action, settings)
    return changes


def worth(found: Body, settings: "HubSpotSettings") -> Money | None:
    """The deal's amount; None without one that makes sense. HubSpot writes 0 where nobody has filled it in."""
    properties = found["properties"]
    currency = properties.get("deal_currency_code") or settings.currency
    try:
        return Money.worth(properties["amount"], currency) if properties.get("amount") else None
    except ValueError:
        return None


def _worth(action: PutLead, settings: "HubSpotSettings") -> dict[str, str]:
    """The currency is named only where it is not the portal's usual one, which many portals do not let us name."""
    if action.amount is None:
        return {}
    usual = action.amount.currency == settings.currency
    named = {} if usual else {"deal_currency_code": action.amount.currency}
    return {"amount": action.amount.decimal_text(), **named}


def _linked(found: Body, person: str | None, settings: "HubSpotSettings") -> Generator[Call, Reply, None]:
    """PUT …/associations/default: a deal that was there before may lack the link."""
    there = ((found.get("associations") or {}).get("contacts") or {}).get("results", [])
    if person is not None and person not in {str(one["id"]) for one in there}:
        yield Call.put(objects(settings, "deals", f"/{found['id']}/associations/default/contacts/{person}"))


def _noted(
    found: Body, action: PutLead, person: str | None, settings: "HubSpotSettings"
) -> Generator[Call, Reply, None]:
    """Our note on the deal: POST …/notes if absent, PATCH if it says something else."""
    if not _text(action):
        return
    body = _body(action)
    note = yield from _note(found, action, settings)
    if note is None:
        links = [link(str(found["id"]), NOTE.to_deal), *([link(person, NOTE.to_contact)] if person else [])]
        properties = {"hs_timestamp": instant(action.at), NOTE.body: body}
        yield Call.post(objects(settings, NOTE.plural), json={"properties": properties, "associations": links})
    elif note["properties"].get(NOTE.body) != body:
        yield Call.patch(objects(settings, NOTE.plural, f"/{note['id']}"), json={"properties": {NOTE.body: body}})


def _note(found: Body, action: PutLead, settings: "HubSpotSettings") -> Generator[Call, Reply, Body | None]:
    return (yield from engagement.with_mark(NOTE, "deals", found, _mark(action), settings))


def _mark(action: PutLead) -> str:
    """One note for a referral, whichever action writes it."""
    return f"referral/{action.referral}"


def _body(action: PutLead) -> str:
    return engagement.marked(_text(action), _mark(action))


def _text(action: PutLead) -> str:
    return "\n\n".join(part for part in (action.notes.strip(), action.link) if part)


def _name(action: PutLead) -> str:
    who = action.person
    named = " ".join(part for part in (who.first_name, who.last_name) if part)
    return f"{who.company or named or who.email or 'Somebody'}, referred"


def _receipt(found: Body) -> Receipt:
    facts = {"deal": found["id"], "stage": found["properties"].get("dealstage")}
    return Receipt(reference=str(found["id"]), facts=facts, url=found.get("url"))
