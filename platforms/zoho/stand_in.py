"""Zoho CRM's double: one organization, its sign-in, its set-up, and channels that are closed after a week at most.

Moves are what people do there: set a lead's status, convert it, win or lose the deal, tick the opt-out.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route, StandIn
from platforms.zoho import ZohoSettings
from platforms.zoho import stand_in_answers as records
from platforms.zoho.sign_in import PATH
from platforms.zoho.stand_in_answers import operation, told
from platforms.zoho.stand_in_books import (
    LONGEST_CHANNEL,
    ME,
    ORG,
    STAGES,
    STATUSES,
    Organization,
    Record,
    Refused,
    Watch,
)
from platforms.zoho.stand_in_requests import Channel, Channels, Chosen, Exchange, Joining, Lag, Rules, read

ACCESS = "1000.sandbox-access-token"
_TEXT: Body = {"data_type": "text", "length": 255, "pick_list_values": []}


def _sign_in(heard: Heard, books: Organization) -> Answer:
    """A refusal has status 200, as Zoho's has."""
    try:
        asked, own = read(Exchange, dict(heard.form)), heard.settings
    except Refused:
        return Answer(json={"error": "invalid_client"})
    if (asked.client_id, asked.client_secret) != (own.client_id, reveal(own.client_secret)):
        return Answer(json={"error": "invalid_client"})
    if asked.refresh_token != reveal(own.refresh_token):
        return Answer(json={"error": "invalid_code"})
    host = "https://www.zohoapis.com"
    return Answer(json={"access_token": ACCESS, "api_domain": host, "token_type": "Bearer", "expires_in": 3600})


def _org(heard: Heard, books: Organization) -> Answer:
    return Answer(json={"org": [{"id": ORG, "company_name": "Acme", "iso_code": "USD", "mc_status": False}]})


def _users(heard: Heard, books: Organization) -> Answer:
    me = {"id": ME, "email": "ovation@acme.example", "status": "active"}
    active = [{"id": number, "email": email, "status": "active"} for email, number in books.users.items()]
    kinds = {"CurrentUser": [me], "ActiveUsers": [me, *active]}
    users = kinds.get(heard.query.get("type", ""), [])
    return Answer(json={"users": users, "info": {"count": len(users), "more_records": False}})


def _fields(heard: Heard, books: Organization) -> Answer:
    module = heard.query.get("module", "")
    picklists = {"Leads": ("Lead_Status", STATUSES), "Deals": ("Stage", STAGES)}
    if module not in picklists:
        raise Refused("INVALID_MODULE", "The module name given seems to be invalid")
    name, words = picklists[module]
    values = [{"actual_value": word, "display_value": word} for word in words]
    picklist = {"api_name": name, "data_type": "picklist", "unique": {}, "pick_list_values": values}
    ref = {"api_name": "Ovation_Ref", **_TEXT, "unique": {"casesensitive": False}}
    return Answer(json={"fields": [picklist, ref, {"api_name": "Ovation_Stage", **_TEXT, "unique": {}}]})


def _list_channels(heard: Heard, books: Organization) -> Answer:
    wanted = heard.query.get("channel_id")
    there = [watch for number, watch in books.channels.items() if wanted in (None, number)]
    shown = [watch.shown(event) for watch in there for event in watch.events]
    if not shown:
        return Answer(204)
    return Answer(
        json={"watch": shown, "info": {"per_page": 200, "page": 1, "count": len(shown), "more_records": False}}
    )


def _open(heard: Heard, books: Organization) -> Answer:
    return _opened(heard, books, 201, "Successfully subscribed for actions-watch of the given module")


def _replace(heard: Heard, books: Organization) -> Answer:
    return _opened(heard, books, 200, "Successfully updated the subscribe details")


def _opened(heard: Heard, books: Organization, status: int, message: str) -> Answer:
    """Whoever asks for more than a week, or for no time, gets an hour."""
    try:
        asked = read(Channel, read(Channels, heard.json).watch[0])
        if status == 200 and asked.channel_id not in books.channels:
            raise Refused("NOT_SUBSCRIBED", "the channel is not subscribed")
    except Refused as refused:
        return Answer(202, json={"watch": [refused.item]})
    moment = datetime.now(UTC)
    ends = datetime.fromisoformat(asked.channel_expiry) if asked.channel_expiry else None
    if ends is None or ends - moment > LONGEST_CHANNEL:
        ends = moment + timedelta(hours=1)
    told_by = asked.model_dump(exclude={"channel_expiry", "notify_on_related_action"})
    watch = Watch(**told_by, channel_expiry=ends.isoformat(timespec="seconds"))
    books.channels[watch.channel_id] = watch
    events = [{**watch.shown(event), "notification_condition": []} for event in watch.events]
    item = {"code": "SUCCESS", "details": {"events": events}, "message": message, "status": "success"}
    return Answer(status, json={"watch": [item]})


def _close(heard: Heard, books: Organization) -> Answer:
    number = heard.query.get("channel_ids", "")
    if books.channels.pop(number, None) is None:
        item = {"code": "NOT_SUBSCRIBED", "details": {}, "message": "not subscribed", "status": "error"}
        return Answer(202, json={"watch": [item]})
    item = {
        "code": "SUCCESS",
        "details": {},
        "message": "Successfully un-subscribed from actions-watch",
        "status": "success",
    }
    return Answer(json={"watch": [item]})


def _lead(given: Any, books: Organization) -> Answer:
    """Marketing has a lead of this address already; `unique`: and lets no second one have it."""
    joining = read(Joining, given)
    books.unique_email = joining.unique
    record = books.add("Leads", {"Last_Name": "Somebody", "Company": "Fair", "Email": joining.email})
    return Answer(json=record.model_dump(), webhooks=told(record, "create", list(record.fields), books))


def _contact(given: Any, books: Organization) -> Answer:
    record = books.add("Contacts", {"Last_Name": "Somebody", "Email": read(Joining, given).email})
    return Answer(json=record.model_dump())


def _opt_out(given: Any, books: Organization) -> Answer:
    """Somebody ticks *Email Opt Out* on the contact or lead of this address."""
    email = read(Joining, given).email.lower()
    there = [r for r in books.records.values() if str(r.fields.get("Email")).lower() == email]
    if not there:
        raise Refused("INVALID_DATA", "nobody has this address", status=404)
    return _changed(there[-1], {"Email_Opt_Out": True}, books)


def _status(given: Any, books: Organization) -> Answer:
    chosen = read(Chosen, given)
    return _changed(books.by_referral("Leads", chosen.referral), {"Lead_Status": chosen.status}, books)


def _convert(given: Any, books: Organization) -> Answer:
    """Somebody converts the lead. `mapped`: the fields of ours are carried over to the deal."""
    chosen = read(Chosen, given or {})
    lead = books.by_referral("Leads", chosen.referral)
    lead.converted = True
    ours = {name: lead.fields.get(name) for name in ("Ovation_Ref", "Ovation_Stage")} if chosen.mapped else {}
    deal = books.add("Deals", {"Deal_Name": lead.fields["Company"], "Stage": "Qualification", **ours})
    return Answer(json=deal.model_dump(), webhooks=told(deal, "create", list(deal.fields), books))


def _stage(given: Any, books: Organization) -> Answer:
    """Somebody moves the deal, wins or loses it, and may write its amount."""
    chosen = read(Chosen, given)
    amount = {"Amount": chosen.amount} if chosen.amount is not None else {}
    return _changed(books.by_referral("Deals", chosen.referral), {"Stage": chosen.stage, **amount}, books)


def _blueprint(given: Any, books: Organization) -> Answer:
    rules = read(Rules, given)
    books.by_referral("Leads", rules.referral).blueprint = dict.fromkeys(rules.leads_to, rules.complete)
    return Answer(json={})


def _end_channels(given: Any, books: Organization) -> Answer:
    """The week is over."""
    books.channels.clear()
    return Answer(json={})


def _index(given: Any, books: Organization) -> Answer:
    books.index_lags = read(Lag, given).lags
    if not books.index_lags:
        books.not_indexed.clear()
    return Answer(json={})


def _changed(record: Record, fields: Body, books: Organization) -> Answer:
    changed = books.change(record, fields)
    return Answer(json=record.model_dump(), webhooks=told(record, "edit", changed, books))


def _guard(heard: Heard) -> Answer | None:
    if heard.path == PATH or heard.headers.get("authorization") == f"Zoho-oauthtoken {ACCESS}":
        return None
    return Refused("INVALID_TOKEN", "invalid oauth token", status=401).answer


_MODULE, _RECORD = "/crm/v8/{module}", "/crm/v8/{module}/{id}"
ROUTES = [
    Route("POST", PATH, _sign_in),
    Route("GET", "/crm/v8/org", _org),
    Route("GET", "/crm/v8/users", _users),
    Route("GET", "/crm/v8/settings/fields", operation(_fields)),
    Route("GET", "/crm/v8/actions/watch", _list_channels),
    Route("POST", "/crm/v8/actions/watch", _open),
    Route("PUT", "/crm/v8/actions/watch", _replace),
    Route("DELETE", "/crm/v8/actions/watch", _close),
    Route("POST", "/crm/v8/Notes", operation(records.add_note)),
    Route("PUT", "/crm/v8/Notes/{id}", operation(records.change_note)),
    Route("GET", f"{_RECORD}/Notes", operation(records.list_notes)),
    Route("GET", f"{_RECORD}/actions/blueprint", operation(records.get_blueprint)),
    Route("PUT", f"{_RECORD}/actions/blueprint", operation(records.put_blueprint)),
    Route("GET", f"{_MODULE}/search", operation(records.search)),
    Route("GET", _MODULE, operation(records.listed)),
    Route("POST", _MODULE, operation(records.insert)),
    Route("GET", _RECORD, operation(records.get)),
    Route("PUT", _RECORD, operation(records.update)),
]

STAND_IN = StandIn(
    name="zoho",
    books=Organization,
    routes=ROUTES,
    guard=_guard,
    rate_limited=lambda: Refused("TOO_MANY_REQUESTS", "too many requests fired in concurrency", status=429).answer,
    broken=lambda: Refused("INTERNAL_ERROR", "Internal server error occurred.", status=500).answer,
    settings=lambda: ZohoSettings(
        client_id="1000.SANDBOX",
        client_secret=SecretStr("zoho-sandbox-client-secret"),
        refresh_token=SecretStr("1000.sandbox-refresh-token"),
        webhook_secret=SecretStr("zoho-sandbox-webhook-secret"),
    ),
    moves={
        "lead": operation(_lead),
        "contact": operation(_contact),
        "opt_out": operation(_opt_out),
        "status": operation(_status),
        "convert": operation(_convert),
        "stage": operation(_stage),
        "blueprint": operation(_blueprint),
        "end_channels": operation(_end_channels),
        "index": operation(_index),
    },
)
