"""Prevents: an error inside a 200 believed to be a lead, a second lead while search lags or after a conversion, a
salesperson's move undone, a channel that ended unnoticed, and a sale believed on a stranger's word."""

import json
import re
from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Identity
from models.event import Event
from models.money import Money
from platforms.base import Body, Call, Idempotent, Incoming, Poke, Reply, Round, Token, Upkept
from platforms.capabilities import PutLead, Stage, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized, Unavailable
from platforms.stand_in import Answer, Heard
from platforms.zoho import PLATFORM, ZohoSettings, client, news, problem, records, sign_in, upkeep, webhook
from platforms.zoho.problem import judge
from platforms.zoho.stand_in import ACCESS, STAND_IN
from platforms.zoho.stand_in_books import Organization

SPECS = Path(__file__).resolve().parents[3] / "shared/contracts/specs"
SETTINGS = cast(ZohoSettings, STAND_IN.settings())
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
URL = "https://ovation.example.com/webhooks/zoho?hook=k7"
KEY = "j_1a2b/lead/put"
ADA = Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines")
BO = Who(contact="c_2", email="bo@new.example", first_name="Bo", last_name="Chen", company="New Ltd")
LEAD = PutLead(
    referral="r_0192",
    advocate=ADA,
    person=BO,
    stage="submitted",
    owner_email="CSM@acme.example",
    link="https://ovation.example.com/r/r_0192",
    notes="They met at a fair.",
    submitted_at=NOW,
    at=NOW,
)
FIRST = "4150868000003194001"
Seen = list[tuple[Call, Reply]]


def at(stage: Stage, **more: Any) -> PutLead:
    return LEAD.model_copy(update={"stage": stage, **more})


@pytest.fixture
def books() -> Organization:
    return Organization()


def ask(call: Call, books: Organization, token: str = ACCESS) -> Answer:
    path = re.sub(r"^https://[^/]+", "", call.path)
    route, match = next((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(path)))
    signed = sign_in.headers(SETTINGS, Token(token)) if call.signed_in else {}
    asked = Heard(
        method=call.method,
        path=path,
        params=match.groupdict(),
        query=call.query or {},
        headers={k.lower(): v for k, v in {**signed, **call.headers}.items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form=dict(parse_qsl(urlencode(call.form or {}), keep_blank_values=True)),
        settings=SETTINGS,
    )
    return STAND_IN.guard(asked) or route.handler(asked, books)


def reply_of(answer: Answer) -> Reply:
    body = json.loads(json.dumps(answer.json))
    text = "" if body is None else json.dumps(body)
    return Reply(answer.status, body, text, {k.lower(): v for k, v in answer.headers.items()})


def converse(
    talk: Generator[Call, Reply, Any], books: Organization, seen: Seen | None = None, *, lose: str = ""
) -> Any:
    """Plays a talk against the stand-in. `lose`: the answer to this write never comes, and the talk ends there."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        reply = reply_of(ask(call, books))
        if seen is not None:
            seen.append((call, reply))
        assert reply.status in call.accepts or judge(reply, call) is None, reply.text
        if lose and f"{call.method} {call.path}" == lose:
            talk.close()
            return None


def put(action: PutLead, books: Organization, seen: Seen | None = None, **more: Any) -> Any:
    return converse(client.put_lead(action, KEY, SETTINGS), books, seen, **more)


def move(name: str, books: Organization, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, books)
    assert answer.status == 200, answer.json
    return answer


def upkept(talk: Any, books: Organization, mark: Any = None, seen: Seen | None = None) -> Upkept:
    kept: Upkept = converse(talk(Round(mark=mark or {}, webhook_url=URL, now=NOW), SETTINGS), books, seen)
    return kept


def changes(books: Organization) -> list[Event]:
    since = {"since": "2026-01-01T00:00:00+00:00"}
    return upkept(upkeep.read_changes, books, {"Leads": since, "Deals": since, "Contacts": since}).events


def calls(seen: Seen) -> list[str]:
    return [f"{call.method} {call.path.removeprefix('/crm/v8')}" for call, _ in seen]


def written(seen: Seen) -> list[Any]:
    return [call.json["data"][0] for call, _ in seen if call.writes]


def fields(books: Organization, module: str = "Leads") -> Body:
    return books.of(module)[-1].fields


# Out


def test_a_lead_is_built_field_by_field(books: Organization) -> None:
    seen: Seen = []
    receipt = put(LEAD, books, seen)
    lead, note = written(seen)
    assert lead == {
        "First_Name": "Bo",
        "Last_Name": "Chen",
        "Company": "New Ltd",
        "Email": "bo@new.example",
        "Lead_Source": "External Referral",
        "Lead_Status": "Not Contacted",
        "Owner": {"id": "4150868000000225014"},
        "Ovation_Ref": "r_0192",
        "Ovation_Stage": "submitted",
    }
    assert note == {
        "Note_Title": "Ovation",
        "Note_Content": "Referred by Ada Lovelace, Engines.\n\nThey met at a fair.\n\n"
        "https://ovation.example.com/r/r_0192\n\n[ovation:r_0192]",
        "Parent_Id": {"module": {"api_name": "Leads"}, "id": FIRST},
    }
    made = next(call for call, _ in seen if call.writes)
    assert (made.method, made.path, made.json["trigger"]) == ("POST", "/crm/v8/Leads", [])
    assert (receipt.reference, receipt.facts) == (FIRST, {"lead": FIRST})
    assert receipt.url == f"https://crm.zoho.com/crm/tab/Leads/{FIRST}"


def test_it_is_looked_for_everywhere_before_it_is_made(books: Organization) -> None:
    seen: Seen = []
    put(LEAD, books, seen)
    assert calls(seen) == [
        *["GET /Deals/search", "GET /Leads/search", "GET /Leads/search", "GET /Leads"],
        *["GET /users", "POST /Leads", f"GET /Leads/{FIRST}/Notes", "POST /Notes"],
    ]
    first, _, third, fourth = (call.query or {} for call, _ in seen[:4])
    assert first == {
        "criteria": "(Ovation_Ref:equals:r_0192)", "fields": "id,Ovation_Ref,Ovation_Stage,Stage,Amount"
    }  # fmt: skip
    assert third["converted"] == "true"
    assert fourth["converted"] == "both"
    assert next(records.found("Leads", r"a(b),c\d", ["id"])).query == {
        "criteria": r"(Ovation_Ref:equals:a\(b\)\,c\\d)", "fields": "id"
    }  # fmt: skip


def test_twice_is_once_and_changes_nothing(books: Organization) -> None:
    first = put(LEAD, books)
    seen: Seen = []
    before = books.model_dump()
    assert put(LEAD, books, seen) == first
    assert [call for call, _ in seen if call.writes] == []
    assert books.model_dump() == before


@pytest.mark.parametrize("lost", ["POST /crm/v8/Leads", "POST /crm/v8/Notes"])
@pytest.mark.parametrize("lags", [True, False])
def test_after_a_lost_answer_nothing_is_made_twice(books: Organization, lost: str, lags: bool) -> None:
    move("index", books, lags=lags)
    put(LEAD, books, lose=lost)
    assert put(LEAD, books).facts == {"lead": FIRST}
    assert (len(books.of("Leads")), len(books.notes)) == (1, 1)


def test_the_unique_field_has_the_last_word(books: Organization) -> None:
    """Another worker makes the lead after we looked."""
    talk = client.put_lead(LEAD, KEY, SETTINGS)
    call = next(talk)
    while call.method == "GET":
        call = talk.send(reply_of(ask(call, books)))
    put(LEAD, books)
    refused = reply_of(ask(call, books))
    assert (refused.status, refused.json["data"][0]["code"]) == (202, "DUPLICATE_DATA")
    assert talk.send(refused).path == f"/crm/v8/Leads/{FIRST}"
    talk.close()


@pytest.mark.parametrize("details", [{"api_name": "Ovation_Ref"}, {"api_name": "Ovation_Ref", "id": "9"}])
def test_a_lead_that_cannot_be_read_yet_is_waited_for(details: Body) -> None:
    item = {"code": "DUPLICATE_DATA", "details": details, "message": "duplicate data", "status": "error"}
    talk = client._taken(records.Duplicate("Ovation_Ref", details.get("id"), None), LEAD, SETTINGS)
    assert judge(Reply(202, {"data": [item]}), Call.post("/crm/v8/Leads")) is not None
    with pytest.raises(Unavailable, match="a moment ago"):
        next(talk)
        talk.send(Reply(204))


def test_marketings_lead_becomes_the_referrals(books: Organization) -> None:
    move("lead", books, email="BO@new.example", unique=True)
    receipt = put(at("accepted"), books)
    assert receipt.facts == {"lead": FIRST}
    [lead] = books.of("Leads")
    assert lead.fields == {
        "Last_Name": "Somebody", "Company": "Fair", "Email": "BO@new.example", "Ovation_Ref": "r_0192",
        "Ovation_Stage": "accepted", "Lead_Status": "Contacted",
    }  # fmt: skip
    with pytest.raises(Rejected, match=f"of another referral: {FIRST}"):
        put(at("submitted", referral="r_2"), books)


def test_a_duplicate_elsewhere_is_refused() -> None:
    other = records.Duplicate("Phone", "7", "Contacts")
    with pytest.raises(Rejected, match="Phone already: Contacts 7"):
        next(client._taken(other, LEAD, SETTINGS))
    with pytest.raises(Rejected, match="Email already"):
        next(client._taken(records.Duplicate("Email", None, None), LEAD, SETTINGS))


@pytest.mark.parametrize(
    ("who", "names"),
    [
        (Who(contact="c", first_name="Bo", company="New Ltd"), {"Last_Name": "Bo", "Company": "New Ltd"}),
        (Who(contact="c", company="New Ltd"), {"Last_Name": "New Ltd", "Company": "New Ltd"}),
        (Who(contact="c", email="b@n.example"), {"Last_Name": "b@n.example", "Company": "[not provided]"}),
        (Who(contact="c"), {"Last_Name": "[not provided]", "Company": "[not provided]"}),
    ],
)
def test_a_name_is_found_for_everybody(books: Organization, who: Who, names: Body) -> None:
    put(at("submitted", person=who, owner_email="stranger@else.example"), books)
    own = fields(books)
    assert {name: own[name] for name in names} == names
    assert "First_Name" not in own
    assert "Owner" not in own


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        ("accepted", "Contacted"),
        ("qualified", "Pre-Qualified"),
        ("won", "Not Contacted"),
        ("lost", "Lost Lead"),
        ("disqualified", "Not Qualified"),
    ],
)
def test_each_stage_has_its_status(books: Organization, stage: Stage, status: str) -> None:
    put(LEAD, books)
    seen: Seen = []
    put(at(stage), books, seen)
    [change] = written(seen)
    assert change["Ovation_Stage"] == stage
    assert change.get("Lead_Status", "Not Contacted") == status
    assert fields(books)["Lead_Status"] == status


def test_people_move_on_and_are_not_pulled_back(books: Organization) -> None:
    put(LEAD, books)
    move("status", books, status="Attempted to Contact")
    put(at("accepted"), books)
    assert fields(books)["Lead_Status"] == "Attempted to Contact", "a status of theirs alone stays"
    move("status", books, status="Pre-Qualified")
    put(at("submitted"), books)
    assert fields(books)["Lead_Status"] == "Pre-Qualified", "no way back"
    assert fields(books)["Ovation_Stage"] == "submitted"
    move("status", books, status="Not Contacted")
    put(at("submitted"), books)
    assert fields(books)["Lead_Status"] == "Not Contacted", "told once, not told again"
    put(at("lost"), books)
    assert fields(books)["Lead_Status"] == "Lost Lead", "the end goes over all that is open"


@pytest.mark.parametrize("closed", ["Lost Lead", "Junk Lead", "Not Qualified"])
def test_what_people_closed_stays_closed(books: Organization, closed: str) -> None:
    put(LEAD, books)
    move("status", books, status=closed)
    put(at("accepted"), books)
    put(at("lost"), books)
    assert fields(books)["Lead_Status"] == closed


def test_from_its_conversion_on_the_deal_is_kept(books: Organization) -> None:
    put(LEAD, books)
    move("convert", books)
    seen: Seen = []
    receipt = put(at("won", amount=Money(minor=1_200_050, currency="USD")), books, seen)
    [deal] = books.of("Deals")
    assert written(seen)[0] == {"Ovation_Stage": "won", "Stage": "Closed Won", "Amount": 12000.5}
    assert receipt.facts == {"deal": deal.id}
    assert receipt.url == f"https://crm.zoho.com/crm/tab/Potentials/{deal.id}"
    assert len(books.of("Leads")) == 1
    assert books.notes.popitem()[1].parent == deal.id
    put(at("lost", amount=Money(minor=5, currency="USD")), books)
    assert (deal.fields["Stage"], deal.fields["Amount"]) == ("Closed Won", 12000.5)


def test_a_sum_of_another_currency_needs_a_company_that_keeps_several(books: Organization) -> None:
    put(LEAD, books)
    move("convert", books)
    won = at("won", amount=Money(minor=1_000, currency="EUR"))
    put(won, books)
    assert "Amount" not in fields(books, "Deals")
    several = SETTINGS.model_copy(update={"multi_currency": True})
    converse(client.put_lead(won, KEY, several), books)
    assert (fields(books, "Deals")["Amount"], fields(books, "Deals")["Currency"]) == (10.0, "EUR")


@pytest.mark.parametrize("lags", [True, False])
def test_a_converted_lead_without_our_deal_is_left_and_not_made_again(books: Organization, lags: bool) -> None:
    put(LEAD, books)
    move("index", books, lags=lags)
    if lags:
        books.not_indexed.add(FIRST)
    move("convert", books, mapped=False)
    stages: list[Stage] = ["accepted", "accepted", "won"]
    for stage in stages:
        assert put(at(stage), books).reference == FIRST
    assert len(books.of("Leads")) == 1
    assert fields(books)["Ovation_Stage"] == "submitted"


def test_a_blueprint_is_followed(books: Organization) -> None:
    put(LEAD, books)
    move("blueprint", books, referral="r_0192", leads_to=["Attempted to Contact", "Contacted"])
    seen: Seen = []
    put(at("accepted"), books, seen)
    steps = [call.json for call, _ in seen if call.path.endswith("/actions/blueprint") and call.writes]
    assert steps == [{"blueprint": [{"transition_id": "3652397000003921128", "data": {}}]}]
    assert (fields(books)["Lead_Status"], fields(books)["Ovation_Stage"]) == ("Contacted", "accepted")


@pytest.mark.parametrize(("leads_to", "complete"), [([], True), (["Lost Lead"], True), (["Contacted"], False)])
def test_where_no_transition_leads_there_people_have_to(
    books: Organization, leads_to: list[str], complete: bool
) -> None:
    put(LEAD, books)
    move("blueprint", books, referral="r_0192", leads_to=leads_to, complete=complete)
    put(at("accepted"), books)
    assert (fields(books)["Lead_Status"], fields(books)["Ovation_Stage"]) == ("Not Contacted", "accepted")


def test_a_record_that_left_its_blueprint_has_no_transitions(books: Organization) -> None:
    put(LEAD, books)
    assert converse(records.moved("Leads", FIRST, "Contacted"), books) is False
    talk = records.moved("Leads", FIRST, "Contacted")
    next(talk)
    partial = {"code": "SUCCESS", "details": {}, "message": "transition saved partially", "status": "success"}
    wanted = {"blueprint": {"transitions": [{"id": 1, "next_field_value": "Contacted", "criteria_matched": True}]}}
    talk.send(Reply(200, wanted))
    with pytest.raises(StopIteration) as stop:
        talk.send(Reply(200, partial))
    assert stop.value.value is False


def test_the_note_is_kept_in_step(books: Organization) -> None:
    put(LEAD, books)
    seen: Seen = []
    put(at("submitted", notes="They met again."), books, seen)
    assert [c for c in calls(seen) if not c.startswith("GET")] == ["PUT /Notes/4150868000003194002"]
    assert "They met again." in books.notes["4150868000003194002"].Note_Content
    talk = records.notes("Leads", FIRST, "[ovation:r_0192]")
    next(talk)
    with pytest.raises(InDoubt, match=r"\[ovation:r_0192\]"):
        talk.send(Reply(200, {"data": [], "info": {"more_records": True}}))


def test_a_repeat_needs_no_looking() -> None:
    [action] = PLATFORM.actions
    assert isinstance(action.repeat, Idempotent)
    assert action.repeat.within is None


def test_the_doctor_names_what_is_missing(books: Organization) -> None:
    facts = converse(client.doctor(SETTINGS), books).facts
    assert facts == {"org": "4150868000000215001", "currency": "USD", "user": "4150868000000225013"}
    wrong = SETTINGS.model_copy(update={"stages": {"accepted": "Called"}})
    with pytest.raises(Unauthorized, match="Lead_Status of Leads has no value 'Called'"):
        converse(client.doctor(wrong), books)
    bare: dict[str, Body] = {
        "Ovation_Ref": {"unique": {}},
        "Stage": {"pick_list_values": [{"actual_value": "Closed Won"}]},
    }
    assert client._wrong("Deals", bare, SETTINGS) == [
        "Deals have no field Ovation_Stage",
        "Ovation_Ref of Deals allows duplicates",
        "Stage of Deals has no value 'Closed Lost'",
    ]


# Signing in


def test_a_refresh_token_is_exchanged_at_the_data_center(books: Organization) -> None:
    call = sign_in.call(SETTINGS, NOW)
    assert (call.method, call.path, call.signed_in, call.writes) == (
        "POST", "https://accounts.zoho.com/oauth/v2/token", False, False
    )  # fmt: skip
    assert call.form == {
        "grant_type": "refresh_token",
        "client_id": "1000.SANDBOX",
        "client_secret": "zoho-sandbox-client-secret",
        "refresh_token": "1000.sandbox-refresh-token",
    }
    token = sign_in.read(reply_of(ask(call, books)), NOW)
    assert token == Token(ACCESS, NOW + timedelta(minutes=56), "https://www.zohoapis.com")
    assert sign_in.headers(SETTINGS, token) == {"Authorization": f"Zoho-oauthtoken {ACCESS}"}
    assert sign_in.headers(SETTINGS, None) == {}


@pytest.mark.parametrize(
    ("center", "host"),
    [("eu", "accounts.zoho.eu"), ("com.au", "accounts.zoho.com.au"), ("ca", "accounts.zohocloud.ca")],
)
def test_each_data_center_has_its_host(center: str, host: str) -> None:
    own = SETTINGS.model_copy(update={"data_center": center})
    assert sign_in.call(own, NOW).path == f"https://{host}/oauth/v2/token"


def test_a_refused_sign_in_is_no_token_though_it_says_200(books: Organization) -> None:
    wrong = SETTINGS.model_copy(update={"refresh_token": SecretStr("gone")})
    call = sign_in.call(wrong, NOW)
    reply = reply_of(ask(call, books))
    assert (reply.status, reply.json) == (200, {"error": "invalid_code"})
    found = judge(reply, call)
    assert found is not None
    assert found.kind == "unauthorized"
    with pytest.raises(Unauthorized, match="no access token"):
        sign_in.read(reply, NOW)
    often = {
        "error": "Access Denied", "status": "failure",
        "error_description": "You have made too many requests continuously. Please try again after some time.",
    }  # fmt: skip
    found = judge(Reply(200, often), call)
    assert found is not None
    assert (found.kind, found.retry_after) == ("rate-limited", 600.0)


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"data_center": "de"}, {"webhook_secret": "x" * 51}, {"stages": {"begun": "x"}}, {"currency": "usd"}):
        with pytest.raises(ValidationError):
            ZohoSettings(**cast(Any, wrong))
    assert ZohoSettings(webhook_secret=SecretStr("x" * 50)).trigger == []


# Errors


def item(code: str, **details: Any) -> Body:
    return {"code": code, "details": details, "message": "words", "status": "error"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"data": [item("INVALID_DATA", api_name="Email")]}, "rejected"),
        (201, {"data": [item("MANDATORY_NOT_FOUND", api_name="Last_Name")]}, "rejected"),
        (202, {"data": [item("DUPLICATE_DATA", api_name="Ovation_Ref")]}, "rejected"),
        (207, {"data": [{"code": "SUCCESS", "status": "success"}, item("RECORD_LOCKED")]}, "rejected"),
        (400, item("NOT_SUPPORTED"), "rejected"),
        (404, item("INVALID_URL_PATTERN"), "rejected"),
        (202, {"watch": [item("INVALID_DATA", api_name="channel_expiry")]}, "rejected"),
        (202, {"data": [item("INVALID_DATA", api_name="Lead_Status")]}, "unauthorized"),
        (400, item("INVALID_DATA", api_name="Ovation_Ref"), "unauthorized"),
        (401, item("INVALID_TOKEN"), "unauthorized"),
        (401, item("OAUTH_SCOPE_MISMATCH"), "unauthorized"),
        (403, item("NO_PERMISSION"), "unauthorized"),
        (200, {"data": [item("NO_PERMISSION")]}, "unauthorized"),
        (403, None, "unauthorized"),
        (429, item("TOO_MANY_REQUESTS"), "rate-limited"),
        (429, None, "rate-limited"),
        (500, item("INTERNAL_ERROR"), "in doubt"),
        (200, {"data": [item("INTERNAL_ERROR")]}, "in doubt"),
        (502, None, "in doubt"),
        (200, None, "in doubt"),
        (404, None, "rejected"),
    ],
)
def test_each_error_has_its_kind(status: int, body: Any, kind: str) -> None:
    reply = Reply(status, body, json.dumps(body) if body else "<html>")
    found = judge(reply, Call.post("/crm/v8/Leads"))
    assert found is not None
    assert found.kind == kind
    if body is not None or not reply.ok:
        reading = judge(reply, Call.get("/crm/v8/Leads"))
        assert reading is not None
        assert reading.kind == {"in doubt": "unavailable"}.get(kind, kind)


def test_nothing_found_is_no_error() -> None:
    assert judge(Reply(204), Call.get("/crm/v8/Leads/search")) is None
    assert judge(Reply(200, {"data": []}), Call.get("/x")) is None
    assert judge(Reply(201, {"data": [{"code": "SUCCESS", "status": "success"}]}), Call.post("/x")) is None


def test_the_message_names_the_field_and_no_value() -> None:
    found = judge(
        Reply(202, {"data": [item("INVALID_DATA", api_name="Email", value="bo@new.example")]}), Call.post("/x")
    )
    assert found is not None
    assert found.message == "HTTP 202: INVALID_DATA: words (Email)"


def test_the_wait_is_a_minute_or_an_hour() -> None:
    def wait(**headers: str) -> float:
        found = judge(Reply(429, item("TOO_MANY_REQUESTS"), "", headers), Call.get("/x"))
        assert found is not None
        return found.retry_after

    assert wait() == 60.0
    assert wait(**{"x-api-credits-remaining": "0"}) == 3600.0
    assert wait(**{"x-api-credits-remaining": "1200"}) == 60.0


def test_a_verdict_that_is_not_there_is_a_doubt() -> None:
    bodies: list[Body] = [{}, {"data": []}, {"data": ["x"]}, {"data": [{"status": "success"}]}]
    for body in bodies:
        with pytest.raises(InDoubt):
            problem.details_of(Reply(200, body))


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("NO_PERMISSION", 200, Unauthorized), ("INTERNAL_ERROR", 202, InDoubt), ("INVALID_DATA", 202, Rejected)],
)
def test_what_a_talk_cannot_help_it_raises(code: str, status: int, error: type[Exception]) -> None:
    talk = records.insert("Leads", {}, SETTINGS)
    next(talk)
    with pytest.raises(error, match=code):
        talk.send(Reply(status, {"data": [item(code)]}))


# In


def incoming(body: bytes, query: dict[str, str] | None = None, kind: str = "application/json") -> Incoming:
    return Incoming("POST", URL, {"content-type": kind}, query or {}, body)


def notification(token: str = "zoho-sandbox-webhook-secret", **more: Any) -> bytes:
    return json.dumps({"module": "Deals", "operation": "update", "ids": ["1"], "token": token, **more}).encode()


def test_the_token_is_the_proof() -> None:
    webhook.verify(incoming(notification()), SETTINGS, NOW)
    webhook.verify(incoming(b"module=Deals", webhook.sign_query(SETTINGS)), SETTINGS, NOW)
    assert webhook.sign_query(SETTINGS) == {"token": "zoho-sandbox-webhook-secret"}
    assert webhook.sign(b"", SETTINGS, URL, NOW) == {}
    for wrong in (notification("no"), notification(""), b"{}", b"", b'{"token": 1}', b"[" * 10**5, b'["x"]'):
        with pytest.raises(BadSignature):
            webhook.verify(incoming(wrong), SETTINGS, NOW)
    with pytest.raises(BadSignature, match="does not match"):
        webhook.verify(incoming(notification(), {"token": "no"}), SETTINGS, NOW)
    unset = SETTINGS.model_copy(update={"webhook_secret": None})
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET"):
        webhook.verify(incoming(notification()), unset, NOW)
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        webhook.sign_query(unset)


def name_of(body: bytes, kind: str = "application/json") -> str:
    [(name, _)] = webhook.unpack(incoming(body, kind=kind))
    return name


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "Deals.update"),
        ({"affected_fields": [{"1": ["Stage", "Amount"]}]}, "Deals.update"),
        ({"affected_fields": [{"1": ["Amount"]}]}, "Deals.update of other fields"),
        ({"affected_fields": [{"1": ["Amount"]}], "operation": "insert"}, "Deals.insert"),
        ({"affected_fields": {"1": "?"}}, "Deals.update"),
        ({"affected_fields": ["?", {"1": 2}]}, "Deals.update"),
        ({"module": "Accounts", "affected_fields": [{"1": ["Rating"]}]}, "Accounts.update of other fields"),
    ],
)
def test_only_what_may_matter_makes_us_look(more: Body, name: str) -> None:
    assert name_of(notification(**more)) == name


def test_a_workflow_rule_may_speak_too() -> None:
    assert name_of(b'{"module": "Leads", "id": "1"}') == "Leads.workflow"
    assert name_of(b"module=Contacts&id=1", "application/x-www-form-urlencoded") == "Contacts.workflow"
    assert webhook.INBOUND.events["Leads.workflow"] == Poke("changes")
    assert webhook.INBOUND.events["Deals.insert"] == Poke("changes")
    assert {job.name for job in PLATFORM.upkeep} == {"channel", "changes"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"module": 1}', b'{"module": "a b"}', b'{"module": "Deals", "operation": ""}']
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


# What people do, as it is found


def test_a_referrals_way_is_told_once(books: Organization) -> None:
    put(LEAD, books)
    assert changes(books) == []
    move("status", books, status="Pre-Qualified")
    [qualified] = changes(books)
    assert (qualified.type, qualified.data) == ("referral.qualified", {"referral": "r_0192"})
    assert qualified.subject == Identity(kind="ovation_referral", value="r_0192")
    move("convert", books)
    [same] = changes(books)
    assert same.source_id == qualified.source_id == "r_0192:referral.qualified"
    move("stage", books, stage="Closed Won", amount=12000.5)
    [won] = changes(books)
    assert (won.type, won.source_id) == ("referral.closed", "r_0192:referral.closed")
    assert won.data == {"referral": "r_0192", "amount": {"minor": 1200050, "currency": "USD"}}
    put(at("won"), books)
    assert changes(books) == [], "what we told ourselves is no news"


@pytest.mark.parametrize(
    ("module", "word", "told", "kind"),
    [
        ("Leads", "Not Contacted", "submitted", None),
        ("Leads", "Contact in Future", "submitted", None),
        ("Leads", "Pre-Qualified", "qualified", None),
        ("Leads", "Pre-Qualified", "won", None),
        ("Leads", "Lost Lead", "accepted", "referral.lost"),
        ("Leads", "Junk Lead", "accepted", "referral.lost"),
        ("Leads", "Not Qualified", "lost", None),
        ("Deals", "Needs Analysis", "accepted", "referral.qualified"),
        ("Deals", "Needs Analysis", "qualified", None),
        ("Deals", "Closed Won", "qualified", "referral.closed"),
        ("Deals", "Closed Lost", "qualified", "referral.lost"),
        ("Deals", "Closed Lost to Competition", "qualified", "referral.lost"),
        ("Deals", None, None, "referral.qualified"),
    ],
)
def test_only_what_people_reached_is_news(module: str, word: str | None, told: str | None, kind: str | None) -> None:
    field = {"Leads": "Lead_Status", "Deals": "Stage"}[module]
    record = {"id": "7", "Ovation_Ref": "r_1", "Ovation_Stage": told, field: word}
    assert [event.type for event in news.moved(module, record, NOW, SETTINGS)] == ([kind] if kind else [])
    assert news.moved(module, {**record, "Ovation_Ref": None}, NOW, SETTINGS) == []


def test_an_amount_is_in_its_own_currency() -> None:
    record = {"id": "7", "Ovation_Ref": "r_1", "Stage": "Closed Won", "Amount": 5, "Currency": "JPY"}
    [won] = news.moved("Deals", record, NOW, SETTINGS)
    assert won.data["amount"] == {"minor": 5, "currency": "JPY"}
    [bare] = news.moved("Deals", {**record, "Amount": None}, NOW, SETTINGS)
    assert "amount" not in bare.data
    with pytest.raises(Malformed):
        news.moved("Deals", {**record, "Amount": True}, NOW, SETTINGS)


def test_an_opt_out_there_is_one_here(books: Organization) -> None:
    move("contact", books, email="ada@example.com")
    assert changes(books) == []
    move("opt_out", books, email="ADA@example.com")
    [gone] = changes(books)
    assert (gone.type, gone.subject.text) == ("contact.opted_out", "email:ada@example.com")
    assert [one.text for one in gone.identities] == [f"zoho:{FIRST}"]
    [nameless] = news.opted_out("Contacts", {"id": "7", "Email_Opt_Out": True, "Email": None}, NOW)
    assert nameless.subject.text == "zoho:7"


@pytest.mark.parametrize("value", [None, 5, "soon", "2026-01-15T10:00:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_none_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        news.moment(value)
    assert news.moment("2026-01-15T11:00:00+01:00") == datetime(2026, 1, 15, 10, tzinfo=UTC)


def test_what_people_do_pokes_us(books: Organization) -> None:
    today = Round(mark={}, webhook_url=URL, now=datetime.now(UTC))
    converse(upkeep.keep_channel(today, SETTINGS), books)
    put(LEAD, books)
    for name, given in (
        ("status", {"status": "Contacted"}),
        ("convert", {}),
        ("stage", {"stage": "Closed Won"}),
    ):
        [sent] = move(name, books, **given).webhooks
        assert sent.url == URL
        webhook.verify(incoming(sent.body), SETTINGS, NOW)
        assert isinstance(webhook.INBOUND.read(name_of(sent.body), {}, SETTINGS), Poke)
    assert move("stage", books, stage="Closed Won", amount=5).webhooks != []
    [sent] = STAND_IN.moves["stage"]({"stage": "Closed Won", "amount": 6}, books).webhooks
    assert name_of(sent.body) == "Deals.update of other fields"
    move("end_channels", books)
    assert move("status", books, status="Lost Lead").webhooks == []


# Upkeep


def open_channel(books: Organization, **more: Any) -> tuple[Upkept, Seen]:
    seen: Seen = []
    return upkept(upkeep.keep_channel, books, seen=seen, **more), seen


def test_a_channel_is_opened_and_then_renewed(books: Organization) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    given = Round(mark={}, webhook_url=URL, now=now)
    seen: Seen = []
    kept = converse(upkeep.keep_channel(given, SETTINGS), books, seen)
    [channel] = books.channels
    assert calls(seen) == ["GET /actions/watch", "POST /actions/watch"]
    assert seen[1][0].json == {
        "watch": [
            {
                "channel_id": channel,
                "events": ["Leads.edit", "Deals.create", "Deals.edit", "Contacts.edit"],
                "channel_expiry": (now + timedelta(days=6)).isoformat(),
                "token": "zoho-sandbox-webhook-secret",
                "notify_url": URL,
                "return_affected_field_values": True,
                "notify_on_related_action": False,
            }
        ]
    }
    assert kept == Upkept(mark={"channel": channel})
    seen.clear()
    later = given.model_copy(update={"mark": kept.mark})
    assert converse(upkeep.keep_channel(later, SETTINGS), books, seen) == kept
    assert calls(seen) == ["GET /actions/watch", "PUT /actions/watch"]
    assert re.fullmatch(r"\d{13}", channel)


def test_an_ended_channel_is_opened_anew(books: Organization) -> None:
    kept, _ = open_channel(books)
    move("end_channels", books)
    _, seen = open_channel(books, mark=kept.mark)
    assert calls(seen) == ["GET /actions/watch", "POST /actions/watch"]


def test_another_address_gets_a_channel_of_its_own(books: Organization) -> None:
    kept, _ = open_channel(books)
    moved = Round(mark=kept.mark, webhook_url="https://new.example.com/webhooks/zoho?hook=k7", now=NOW)
    after = converse(upkeep.keep_channel(moved, SETTINGS), books)
    assert after.mark != kept.mark
    assert [watch.notify_url for watch in books.channels.values()] == [moved.webhook_url]
    assert upkeep._channel(URL) == upkeep._channel(URL.replace("k7", "k8")), "the proof in the query may change"


def test_a_channel_that_ends_sooner_is_renewed_sooner() -> None:
    talk = upkeep.keep_channel(Round(mark={}, webhook_url=URL, now=NOW), SETTINGS)
    next(talk)
    talk.send(Reply(204))
    event = {"channel_expiry": "2026-01-15T19:00:00+01:00", "resource_name": "Deals"}
    with pytest.raises(StopIteration) as stop:
        talk.send(Reply(201, {"watch": [{"status": "success", "details": {"events": [event]}}]}))
    assert stop.value.value.again_at == datetime(2026, 1, 15, 17, 50, tzinfo=UTC)


def test_a_channel_that_was_refused_is_no_success(books: Organization) -> None:
    wrong = SETTINGS.model_copy(update={"webhook_secret": SecretStr("x" * 51)})
    talk = upkeep.keep_channel(Round(mark={}, webhook_url=URL, now=NOW), wrong)
    next(talk)
    call = talk.send(Reply(204))
    reply = reply_of(ask(call, books))
    assert reply.status == 202
    found = judge(reply, call)
    assert found is not None
    assert found.kind == "rejected"
    jobs = {job.name: job for job in PLATFORM.upkeep}
    assert jobs["channel"].needs(SETTINGS) == ("webhook_secret",)


def test_the_first_round_begins_now_and_the_next_a_little_before(books: Organization) -> None:
    seen: Seen = []
    kept = upkept(upkeep.read_changes, books, seen=seen)
    assert [(call.path, reply.status) for call, reply in seen] == [
        ("/crm/v8/Leads", 304),
        ("/crm/v8/Deals", 304),
        ("/crm/v8/Contacts", 304),
    ]
    assert seen[0][0].headers == {"If-Modified-Since": "2026-01-15T17:00:00+00:00"}
    assert seen[0][0].query == {
        "fields": "id,Ovation_Ref,Ovation_Stage,Lead_Status,Email,Email_Opt_Out,Modified_Time",
        "sort_by": "Modified_Time",
        "sort_order": "asc",
        "per_page": "200",
    }
    place = {"since": "2026-01-15T16:55:00+00:00"}
    assert kept == Upkept(mark={"Leads": place, "Deals": place, "Contacts": place})


def page(*found: Body, token: str | None = None) -> Reply:
    info = {"more_records": token is not None, **({"next_page_token": token} if token else {})}
    return Reply(200, {"data": list(found), "info": info})


def rounds(talk: Generator[Call, Reply, Upkept], replies: Iterable[Reply]) -> tuple[list[Call], Upkept]:
    asked = [next(talk)]
    for reply in replies:
        try:
            asked.append(talk.send(reply))
        except StopIteration as end:
            return asked, end.value
    raise AssertionError("the talk goes on")


def test_what_does_not_fit_a_round_is_read_in_the_next() -> None:
    lost = {"id": "7", "Ovation_Ref": "r_1", "Lead_Status": "Lost Lead", "Modified_Time": "2026-01-15T17:00:00+01:00"}
    spoilt: list[Body] = [{**lost, "Ovation_Ref": "not an id"}, {**lost, "Modified_Time": None}]
    first = Round(mark={"Leads": {"since": "2026-01-15T15:00:00+00:00"}}, webhook_url=URL, now=NOW)
    pages = [page(lost, *spoilt, token=token) for token in "bcdef"]
    asked, left = rounds(upkeep.read_changes(first, SETTINGS), [*pages, Reply(304), Reply(204)])
    assert {event.source_id for event in left.events} == {"r_1:referral.lost"}
    assert [(call.query or {}).get("page_token") for call in asked[:6]] == [None, *"bcde", None]
    since, began = "2026-01-15T15:00:00+00:00", "2026-01-15T17:00:00+00:00"
    assert left.mark["Leads"] == {"since": since, "began": began, "token": "f"}
    assert left.again_at == NOW + timedelta(minutes=1)
    second = Round(mark=left.mark, webhook_url=URL, now=NOW + timedelta(minutes=1))
    asked, done = rounds(upkeep.read_changes(second, SETTINGS), [page(lost), Reply(304), Reply(304)])
    assert (asked[0].query or {})["page_token"] == "f"
    assert done.mark["Leads"] == {"since": "2026-01-15T16:55:00+00:00"}
    forgotten = Reply(400, item("INVALID_DATA", api_name="page_token"))
    asked, again = rounds(upkeep.read_changes(second, SETTINGS), [forgotten, Reply(304), Reply(304)])
    assert 400 in asked[0].accepts
    assert 400 not in asked[1].accepts
    assert again.mark["Leads"] == {"since": since}


# Zoho's documents


def document(name: str) -> dict[str, Any]:
    path = SPECS / f"zoho-{name}.json"
    if not path.exists():
        pytest.skip("Zoho's documents are not beside this checkout")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return [document(name) for name in ("notifications", "notes-tags", "blueprint-convert", "records")]


UNDOCUMENTED = ("/org", "/users", "/settings/fields", "/Notes")
"""Questions that are not in the documents at hand: about the set-up, and for the list of a record's notes."""


def operation(call: Call, documents: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    for one in documents:
        for template, operations in sorted(one["paths"].items(), key=lambda path: path[0].count("{")):
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), call.path) and call.method.lower() in operations:
                return one, operations[call.method.lower()]
    return None


def resolved(node: Any, whole: dict[str, Any]) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = whole
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        node = target
    return node


def fits(value: Any, holder: Any, whole: dict[str, Any]) -> None:
    """`oneOf` there lists what may be answered, and its alternatives overlap: any of them will do."""
    schema = resolved(holder, whole)["content"]["application/json"]["schema"]
    told = {**relaxed(schema), "components": relaxed(whole["components"])}
    jsonschema.validate(value, told, cls=jsonschema.Draft202012Validator)


def relaxed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [relaxed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {("anyOf" if name == "oneOf" else name): relaxed(one) for name, one in schema.items()}
    if inner.get("nullable") is True and isinstance(inner.get("type"), str):
        inner["type"] = [inner["type"], "null"]
    return inner


def everything(books: Organization) -> Seen:
    """Every talk there is, with absent and with present things, and refusals among the answers."""
    seen: Seen = []
    converse(client.doctor(SETTINGS), books, seen)
    mark = upkept(upkeep.keep_channel, books, seen=seen).mark
    upkept(upkeep.keep_channel, books, mark, seen)
    moved = Round(mark=mark, webhook_url="https://new.example.com/webhooks/zoho", now=NOW)
    converse(upkeep.keep_channel(moved, SETTINGS), books, seen)
    put(LEAD, books, seen)
    put(at("accepted", notes="news"), books, seen)
    move("blueprint", books, referral="r_0192", leads_to=["Pre-Qualified"])
    put(at("qualified"), books, seen)
    move("convert", books)
    put(at("won", amount=Money(minor=500, currency="USD")), books, seen)
    move("lead", books, email="eve@new.example", unique=True)
    eve = Who(contact="c_3", email="eve@new.example", last_name="Eve")
    put(at("submitted", referral="r_2", person=eve), books, seen)
    since = {"since": "2026-01-01T00:00:00+00:00"}
    upkept(upkeep.read_changes, books, {"Leads": since, "Deals": since}, seen)
    return seen


def test_every_call_and_answer_fits_the_documents(books: Organization, documents: list[dict[str, Any]]) -> None:
    used, statuses = set(), set()
    for call, reply in everything(books):
        used.add(next(r.path for r in STAND_IN.routes if r.method == call.method and r.pattern.match(call.path)))
        statuses.add(reply.status)
        if call.path.endswith(UNDOCUMENTED) and call.method == "GET":
            continue
        described = operation(call, documents)
        assert described is not None, f"no document has {call.method} {call.path}"
        whole, told = described
        parameters = [resolved(one, whole) for one in told.get("parameters", [])]
        assert set(call.query or {}) <= {one["name"] for one in parameters if one["in"] == "query"}
        assert set(call.headers) <= {one["name"] for one in parameters if one["in"] == "header"}
        if call.json is not None:
            fits(call.json, told["requestBody"], whole)
        if reply.status == 304 or (reply.status == 202 and "202" not in told["responses"]):
            continue
        assert str(reply.status) in told["responses"]
        if reply.json is not None:
            if isinstance(process := reply.json.get("blueprint"), dict):
                process["transition_id"] = None  # requests share the schema, and need it
            fits(reply.json, told["responses"][str(reply.status)], whole)
    assert {200, 201, 202, 204} <= statuses
    assert used == {route.path for route in STAND_IN.routes} - {"/oauth/v2/token"}, "every route is used by a talk"


# The stand-in


@pytest.mark.parametrize(
    ("lead", "code", "field"),
    [
        ({"Company": "x"}, "MANDATORY_NOT_FOUND", "Last_Name"),
        ({"Last_Name": "x"}, "MANDATORY_NOT_FOUND", "Company"),
        ({"Last_Name": "x", "Company": "x", "Email": "nobody"}, "INVALID_DATA", "Email"),
        ({"Last_Name": "x", "Company": "x", "Lead Status": "Contacted"}, "INVALID_DATA", "Lead Status"),
        ({"Last_Name": "x", "Company": "x", "Lead_Status": "Called"}, "INVALID_DATA", "Lead_Status"),
        ({"Last_Name": "x", "Company": "x", "Owner": {"id": "1" * 19}}, "INVALID_DATA", "Owner"),
    ],
)
def test_the_stand_in_refuses_what_zoho_refuses(books: Organization, lead: Body, code: str, field: str) -> None:
    answer = ask(Call.post("/crm/v8/Leads", json={"data": [lead]}), books)
    [refused] = answer.json["data"]
    assert (answer.status, refused["status"], refused["code"]) == (202, "error", code)
    assert refused["details"]["api_name"] == field
    assert not books.records


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (Call.get("/crm/v8/Leads"), 400),
        (Call.get("/crm/v8/Leads/search", query={"criteria": "x"}), 400),
        (Call.get("/crm/v8/Gadgets", query={"fields": "id"}), 400),
        (Call.get("/crm/v8/Leads/7", query={"fields": "id"}), 204),
        (Call.put("/crm/v8/Leads/7", json={"data": [{}]}), 202),
        (Call.put("/crm/v8/actions/watch", json={"watch": [{"channel_id": "1"}]}), 202),
        (Call("DELETE", "/crm/v8/actions/watch", query={"channel_ids": "1"}), 202),
    ],
)
def test_other_requests_that_make_no_sense(books: Organization, call: Call, status: int) -> None:
    assert ask(call, books).status == status


def test_who_asks_for_too_long_gets_an_hour(books: Organization) -> None:
    far = (datetime.now(UTC) + timedelta(days=8)).isoformat(timespec="seconds")
    watch = {"channel_id": "1", "events": ["Deals.edit"], "notify_url": URL, "channel_expiry": far}
    [made] = ask(Call.post("/crm/v8/actions/watch", json={"watch": [watch]}), books).json["watch"]
    ends = datetime.fromisoformat(made["details"]["events"][0]["channel_expiry"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=1)


def test_the_stand_in_knows_its_token(books: Organization) -> None:
    answer = ask(Call.get("/crm/v8/org"), books, token="another")
    assert (answer.status, answer.json["code"]) == (401, "INVALID_TOKEN")
