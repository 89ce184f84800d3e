"""Zoho CRM, out: one lead for a referral, and from its conversion on the deal, with a note that is kept in step.

The failure prevented: two leads for one referral, or one beside the deal that it became. Our id is a unique field of
leads and deals alike, and is carried over when a lead is converted.
"""

import json
from collections.abc import Generator
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PutLead, Receipt, Who
from platforms.errors import Rejected, Unauthorized, Unavailable
from platforms.zoho import records
from platforms.zoho.records import CONVERTED, IN_BLUEPRINT, REF, STAGE, path
from platforms.zoho.sign_in import domain
from platforms.zoho.stage import FIELDS, step, words

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

NOT_PROVIDED = "[not provided]"
LONGEST = 20_000
_LEAD = ("id", REF, STAGE, "Lead_Status")
_TABS = {"Leads": "Leads", "Deals": "Potentials"}


def put_lead(action: PutLead, key: str, settings: "ZohoSettings") -> Talk:
    """The referral's deal or lead, else POST /crm/v8/Leads; PUT of what differs; then the note on it, the same way.

    A lead that was converted without our id reaching a deal is left as it is."""
    module, there = yield from _there(action, settings)
    if there is None:
        there = yield from _made(action, settings)
    number = str(there["id"])
    if module is None or not (yield from _kept(module, there, action, settings)):
        return Receipt(reference=number, facts={"lead": number, "converted": True})
    text = _note(action)
    note = yield from records.notes(module, number, _mark(action))
    if note is None or note.get("Note_Content") != text:
        yield from records.write_note(module, number, text, note)
    url = f"https://crm.{domain(settings)}/crm/tab/{_TABS[module]}/{number}"
    return Receipt(reference=number, facts={module[:-1].lower(): number}, url=url)


def doctor(settings: "ZohoSettings") -> Talk:
    """GET /crm/v8/org, the signed-in user, and the fields of leads and deals: token, scopes and set-up at once.

    Raises Unauthorized naming fields and values that are missing."""
    org: Body = (yield Call.get(path("/org"))).json["org"][0]
    user: Body = (yield Call.get(path("/users"), query={"type": "CurrentUser"})).json["users"][0]
    wrong: list[str] = []
    for module in FIELDS:
        reply = yield Call.get(path("/settings/fields"), query={"module": module})
        wrong += _wrong(module, {field["api_name"]: field for field in reply.json["fields"]}, settings)
    if wrong:
        raise Unauthorized(f"Zoho CRM is not set up: {'; '.join(wrong)}")
    return Receipt(facts={"org": str(org["id"]), "currency": org.get("iso_code"), "user": str(user["id"])})


def deal_fields(settings: "ZohoSettings") -> tuple[str, ...]:
    """What we read of deals; only companies with several currencies have a field for it."""
    return ("id", REF, STAGE, "Stage", "Amount", *(("Currency",) if settings.multi_currency else ()))


def _there(action: PutLead, settings: "ZohoSettings") -> Generator[Call, Reply, tuple[str | None, Body | None]]:
    """Module and record of the referral: the deal, the lead, or, with no module, a lead that was converted without a
    deal of ours. A lead that is only about to be made has its module already."""
    deal = yield from records.found("Deals", action.referral, deal_fields(settings))
    if deal is not None:
        return "Deals", deal
    lead = yield from records.found("Leads", action.referral, _LEAD)
    if lead is not None:
        return "Leads", lead
    gone = yield from records.found("Leads", action.referral, _LEAD, converted=True)
    if gone is not None:
        return None, gone
    return "Leads", (yield from records.newest("Leads", action.referral, _LEAD))


def _made(action: PutLead, settings: "ZohoSettings") -> Generator[Call, Reply, Body]:
    """A new lead, or the one that a unique field says is there."""
    owner = yield from _user(action.owner_email, settings)
    word = words("Leads", settings).get(action.stage)
    values = {
        **_names(action.person),
        "Company": (action.person.company or NOT_PROVIDED)[:200],
        **({"Email": action.person.email} if action.person.email else {}),
        "Lead_Source": settings.lead_source,
        **({"Lead_Status": word} if word else {}),
        **({"Owner": {"id": owner}} if owner else {}),
        REF: action.referral,
        STAGE: action.stage,
    }
    try:
        number = yield from records.insert("Leads", values, settings)
    except records.Duplicate as duplicate:
        return (yield from _taken(duplicate, action, settings))
    return {"id": number, **values}


def _taken(duplicate: records.Duplicate, action: PutLead, settings: "ZohoSettings") -> Generator[Call, Reply, Body]:
    """The lead that forbids another: ours of a moment ago, or one that marketing had, which becomes the referral's."""
    if duplicate.module not in (None, "Leads") or (duplicate.id is None and duplicate.field != REF):
        raise Rejected(f"Zoho has a record with this {duplicate.field} already: {duplicate.module} {duplicate.id}")
    there = (yield from records.read("Leads", duplicate.id, _LEAD)) if duplicate.id else None
    if there is None:
        raise Unavailable("the lead was made a moment ago and cannot be found yet")
    if there.get(REF) not in (None, "", action.referral):
        raise Rejected(f"Zoho has a lead of this person already, of another referral: {there['id']}")
    if there.get(REF) != action.referral:
        yield from records.change("Leads", str(there["id"]), {REF: action.referral}, settings)
    return there


def _kept(module: str, there: Body, action: PutLead, settings: "ZohoSettings") -> Generator[Call, Reply, bool]:
    """Stage, and the worth of a deal. False for a lead that turns out to be converted.

    In a blueprint only its own transitions move; where none leads there, people have to."""
    number, values = str(there["id"]), step(module, there, action, settings)
    values |= _worth(action, there, settings) if module == "Deals" else {}
    if not values:
        return True
    code = yield from records.change(module, number, values, settings)
    if code == IN_BLUEPRINT:
        word = values.pop(FIELDS[module], None)
        if word is not None:
            yield from records.moved(module, number, word)
        code = yield from records.change(module, number, values, settings)
    return code not in CONVERTED


def _worth(action: PutLead, there: Body, settings: "ZohoSettings") -> Body:
    """The amount where nobody wrote one. A sum of another currency is left out unless the company keeps several.

    The JSON number has the decimal's own digits."""
    money = action.amount
    if money is None or there.get("Amount") or not (settings.multi_currency or money.currency == settings.currency):
        return {}
    amount = {"Amount": json.loads(money.decimal_text())}
    return {**amount, "Currency": money.currency} if settings.multi_currency else amount


def _user(email: str | None, settings: "ZohoSettings") -> Generator[Call, Reply, str | None]:
    """GET /crm/v8/users: the id of the active user of this address; None when nobody has it."""
    if email is None:
        return None
    reply = yield Call.get(path("/users"), query={"type": "ActiveUsers", "per_page": "200"})
    users = (reply.json or {}).get("users") or []
    return next((str(u["id"]) for u in users if str(u.get("email")).lower() == email.lower()), None)


def _names(who: Who) -> Body:
    """A last name is compulsory: without one the first name, the company or the address stands in."""
    last = who.last_name or who.first_name or who.company or who.email or NOT_PROVIDED
    first = {"First_Name": who.first_name[:40]} if who.first_name and who.last_name else {}
    return {**first, "Last_Name": last[:80]}


def _wrong(module: str, fields: dict[str, Body], settings: "ZohoSettings") -> list[str]:
    lacking = [f"{module} have no field {name}" for name in (REF, STAGE) if name not in fields]
    if REF in fields and not fields[REF].get("unique"):
        lacking.append(f"{REF} of {module} allows duplicates")
    values = {one.get("actual_value") for one in fields.get(FIELDS[module], {}).get("pick_list_values") or []}
    unknown = sorted(set(words(module, settings).values()) - values)
    return [*lacking, *(f"{FIELDS[module]} of {module} has no value {word!r}" for word in unknown)]


def _mark(action: PutLead) -> str:
    return f"[ovation:{action.referral}]"


def _note(action: PutLead) -> str:
    """Our text, then the mark by which the note is found again."""
    names = (action.advocate.first_name, action.advocate.last_name)
    advocate = " ".join(part for part in names if part) or "a customer"
    company = f", {action.advocate.company}" if action.advocate.company else ""
    parts = (f"Referred by {advocate}{company}.", action.notes.strip()[:LONGEST], action.link or "", _mark(action))
    return "\n\n".join(part for part in parts if part)
