"""Prevents: a call task that a colleague finds twice, a tagged contact whose journey never starts, a forged request."""

import hashlib
import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Address, Identity, Person
from models.event import Event
from models.money import Money
from platforms.base import IGNORED, Call, Incoming, Poke, Problem, Reply, Round
from platforms.capabilities import (
    AddToList,
    AttributeRevenue,
    CreateTask,
    FindContact,
    PutLead,
    Receipt,
    Who,
    WriteNote,
)
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unavailable
from platforms.hubspot import PLATFORM, HubSpotSettings, client, contact, deal, engagement, news, signature, webhook
from platforms.hubspot.problem import judge
from platforms.hubspot.stand_in import STAND_IN
from platforms.hubspot.stand_in_books import Portal
from platforms.hubspot.stand_in_requests import (
    CreateBody,
    ListBody,
    ReadBody,
    ReadLinksBody,
    SearchBody,
    Strict,
    UpdateBody,
)
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SPECS = Path(__file__).resolve().parents[3] / "shared/contracts/specs"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = HubSpotSettings(access_token=SecretStr("pat-1"), client_secret=SecretStr("hs-test-secret"))
URL = "https://hooks.example.com/webhooks/hubspot"
NOW = datetime.fromtimestamp(1795500000.5, UTC)
KEY = "j_5afm9g0mjvkyzrhj/second_gift:r_0123456789abcdef/personal_call"
ADA = Who(contact="c_1", email="Ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines")
TASK = CreateTask(
    who=ADA,
    title="Call Ada: thank her in person",
    notes="She wrote:\n<b>great</b> & more",
    owner_email="CSM@acme.example",
    due=datetime(2026, 11, 27, 9, tzinfo=UTC),
    call=True,
)
NOTE = WriteNote(who=ADA, text="Said yes to a story", at=datetime(2026, 11, 24, 6, tzinfo=UTC))
JOIN = AddToList(who=ADA, list="Customer Advisory Board / Prospects")
REVENUE = AttributeRevenue(
    who=ADA,
    referral="r_7",
    amount=Money(minor=1_200_000, currency="USD"),
    total=Money(minor=1_950_050, currency="USD"),
    closed_at=NOW,
)
FIND = FindContact(who=ADA)


# Talks with the stand-in


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def heard(call: Call, params: dict[str, str]) -> Heard:
    return Heard(
        method=call.method,
        path=call.path,
        params=params,
        query=call.query or {},
        headers={k.lower(): v for k, v in {**call.headers, **client.headers(SETTINGS, None)}.items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )


def ask(call: Call, vendor: Vendor) -> Reply:
    """The stand-in's answer to a call."""
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    request = heard(call, dict(params))
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text, {k.lower(): v for k, v in answer.headers.items()})


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, seen: list[tuple[Call, Reply]] | None = None) -> Any:
    """Plays a talk against the stand-in; what the talk does not accept must be judged good."""
    seen = [] if seen is None else seen
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        reply = ask(call, vendor)
        seen.append((call, reply))
        if reply.status not in call.accepts:
            assert judge(reply, call) is None, reply.text


def said(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """Plays a talk against answers written here."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as end:
            return end.value
    raise AssertionError("the talk goes on")


def joined(vendor: Vendor, email: str = "ada@example.com", **more: Any) -> str:
    answer = STAND_IN.moves["contact"]({"email": email, **more}, vendor.books)
    assert answer.status == 200, answer.json
    return str(answer.json["id"])


def paths(seen: list[tuple[Call, Reply]]) -> list[tuple[str, str]]:
    return [(call.method, call.path) for call, _ in seen]


# Who is it?


def test_a_contact_is_read_with_who_looks_after_them(vendor: Vendor) -> None:
    number = joined(
        vendor,
        properties={
            **{"firstname": "Ada", "lastname": "Lovelace", "company": "Engines", "phone": "+44 20 7946 0000"},
            **{"hs_timezone": "america_slash_new_york", "hs_country_region_code": "gb", "country": "United Kingdom"},
            **{"address": "12 St James's Square", "city": "London", "zip": "SW1Y 4JH", "state": ""},
        },
    )
    seen: list[tuple[Call, Reply]] = []
    receipt = converse(client.find_contact(FIND, KEY, SETTINGS), vendor, seen)
    assert receipt.person == Person(
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        company="Engines",
        phone="+44 20 7946 0000",
        time_zone="America/New_York",
        address=Address(line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"),
        csm_email="csm@acme.example",
    )
    assert receipt.identities == [Identity(kind="hubspot", value=number)]
    assert not receipt.opted_out
    assert paths(seen) == [
        ("GET", "/crm/objects/2026-09/contacts/Ada@example.com"),
        ("GET", "/crm/owners/2026-09/64492917"),
    ]
    assert seen[0][0].query is not None
    assert seen[0][0].query["idProperty"] == "email"


def test_a_stranger_is_nobody_and_no_error(vendor: Vendor) -> None:
    seen: list[tuple[Call, Reply]] = []
    assert converse(client.find_contact(FIND, KEY, SETTINGS), vendor, seen) == Receipt()
    [(_, reply)] = seen
    assert reply.status == 404
    assert reply.json["status"] == "error"
    assert converse(client.find_contact(FindContact(who=Who(contact="c_1")), KEY, SETTINGS), vendor) == Receipt()


def test_an_id_comes_first_and_the_address_helps_where_it_is_gone(vendor: Vendor) -> None:
    number = joined(vendor)
    tagged = ADA.model_copy(update={"identities": [Identity(kind="hubspot", value=number)], "email": None})
    assert converse(client.find_contact(FindContact(who=tagged), KEY, SETTINGS), vendor).reference == number
    merged = ADA.model_copy(update={"identities": [Identity(kind="hubspot", value="42")]})
    assert converse(client.find_contact(FindContact(who=merged), KEY, SETTINGS), vendor).reference == number


def test_an_address_with_odd_letters_is_one_part_of_the_path(vendor: Vendor) -> None:
    number = joined(vendor, "ada+x/y?z@example.com")
    who = Who(contact="c_1", email="ada+x/y?z@example.com")
    assert converse(client.find_contact(FindContact(who=who), KEY, SETTINGS), vendor).reference == number


def test_an_opt_out_there_is_one_here(vendor: Vendor) -> None:
    joined(vendor, properties={"hs_email_optout": "true"}, owner=None)
    receipt = converse(client.find_contact(FIND, KEY, SETTINGS), vendor)
    assert receipt.opted_out
    assert receipt.person.csm_email is None


def test_an_owner_who_has_left_is_no_success_manager(vendor: Vendor) -> None:
    joined(vendor)
    vendor.books.owners.clear()
    assert converse(client.find_contact(FIND, KEY, SETTINGS), vendor).person.csm_email is None


@pytest.mark.parametrize(
    ("slug", "zone"),
    [
        ("us_slash_eastern", "US/Eastern"),
        ("america_slash_port_of_spain", "America/Port_of_Spain"),
        ("america_slash_port_hyphen_au_hyphen_prince", "America/Port-au-Prince"),
        ("america_slash_argentina_slash_buenos_aires", "America/Argentina/Buenos_Aires"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("mars_slash_olympus", None),
        (None, None),
    ],
)
def test_time_zones_as_hubspot_spells_them(slug: str | None, zone: str | None) -> None:
    assert zone is None or zone in available_timezones()
    assert contact.person({"properties": {"hs_timezone": slug}}, None).time_zone == zone


@pytest.mark.parametrize(
    "lacking",
    [{"country": "United States"}, {"country": None}, {"address": ""}, {"city": None}, {"address": "x" * 121}],
)
def test_half_an_address_is_none(lacking: dict[str, str | None]) -> None:
    whole = {"address": "1 Main St", "city": "Boston", "zip": "02110", "state": "MA", "country": "us"}
    assert contact.person({"properties": whole}, None).address == Address(
        line1="1 Main St", city="Boston", postal_code="02110", region="MA", country="US"
    )
    assert contact.person({"properties": {**whole, **lacking}}, None).address is None


# Lists


def test_a_list_and_a_contact_are_made_once(vendor: Vendor) -> None:
    seen: list[tuple[Call, Reply]] = []
    first = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor, seen)
    assert [(c.method, r.status) for c, r in seen] == [
        *[("GET", 404), ("POST", 201)],
        *[("GET", 404), ("POST", 200)],
        ("PUT", 200),
    ]
    assert seen[1][0].json == {
        "properties": {"email": "Ada@example.com", "firstname": "Ada", "lastname": "Lovelace", "company": "Engines"},
        "associations": [],
    }
    assert seen[2][0].path.endswith("/object-type-id/0-1/name/Customer%20Advisory%20Board%20%2F%20Prospects")
    assert seen[3][0].json == {"name": JOIN.list, "objectTypeId": "0-1", "processingType": "MANUAL"}
    again = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)
    assert again == first
    [made] = vendor.books.lists.values()
    assert list(made.members) == list(vendor.books.contacts) == [first.facts["contact"]]


def test_what_people_wrote_about_a_contact_is_left(vendor: Vendor) -> None:
    number = joined(vendor, properties={"firstname": "Augusta"})
    converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)
    assert vendor.books.contacts[number].properties["firstname"] == "Augusta"


def test_a_list_with_a_filter_is_refused(vendor: Vendor) -> None:
    ask(Call.post("/crm/lists/2026-09", json={"name": JOIN.list, "objectTypeId": "0-1", "processingType": "DYNAMIC"}),
        vendor)  # fmt: skip
    with pytest.raises(Rejected, match="filter"):
        converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)


FOUND = Reply(200, json={"id": "7", "properties": {}})
ABSENT = Reply(404, json={"status": "error", "message": "resource not found"})
LISTED = Reply(200, json={"list": {"listId": "3", "processingType": "MANUAL"}})


@pytest.mark.parametrize("status", [400, 409])
def test_a_list_that_another_worker_made_meanwhile_is_used(status: int) -> None:
    lost = Reply(status, json={"status": "error", "message": "exists", "subCategory": "ILS.DUPLICATE_LIST_NAMES"})
    added = Reply(200, json={"recordsIdsAdded": ["7"], "recordIdsRemoved": [], "recordIdsMissing": []})
    receipt = said(client.add_to_list(JOIN, KEY, SETTINGS), FOUND, ABSENT, lost, LISTED, added)
    assert receipt.reference == "3"
    with pytest.raises(Rejected, match="did not make the list: exists"):
        said(client.add_to_list(JOIN, KEY, SETTINGS), FOUND, ABSENT, lost, ABSENT)


def test_a_membership_that_was_not_taken_is_tried_again() -> None:
    missing = Reply(200, json={"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["7"]})
    with pytest.raises(Unavailable):
        said(client.add_to_list(JOIN, KEY, SETTINGS), FOUND, LISTED, missing)


@pytest.mark.parametrize("words", ["Contact already exists. Existing ID: 7", "Somebody has this address"])
def test_a_contact_who_was_made_meanwhile_is_used(words: str) -> None:
    lost = Reply(409, json={"status": "error", "message": words, "category": "CONFLICT"})
    talk = contact.known_or_made(ADA, SETTINGS)
    next(talk)
    talk.send(ABSENT)
    read = talk.send(lost)
    by_id = "Existing" in words
    assert read.path.endswith("/contacts/7" if by_id else "/contacts/Ada@example.com")
    with pytest.raises(StopIteration) as end:
        talk.send(FOUND)
    assert end.value.value["id"] == "7"
    with pytest.raises(Rejected, match=words.split(".")[0]):
        said(contact.known_or_made(ADA, SETTINGS), ABSENT, lost, ABSENT)


def test_without_an_address_nobody_can_be_made(vendor: Vendor) -> None:
    with pytest.raises(Rejected, match="without an e-mail address"):
        converse(client.add_to_list(AddToList(who=Who(contact="c_1"), list="x"), KEY, SETTINGS), vendor)


# Tasks and notes


def test_a_task_is_linked_owned_and_marked(vendor: Vendor) -> None:
    number = joined(vendor)
    seen: list[tuple[Call, Reply]] = []
    receipt = converse(client.create_task(TASK, KEY, SETTINGS), vendor, seen)
    call, _ = seen[-1]
    assert call.json == {
        "properties": {
            "hs_timestamp": "2026-11-27T09:00:00.000Z",
            "hs_task_subject": "Call Ada: thank her in person",
            "hs_task_body": f"She wrote:<br>&lt;b&gt;great&lt;/b&gt; &amp; more<br><br>[ovation:{KEY}]",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "CALL",
            "hubspot_owner_id": "64492917",
        },
        "associations": [
            {"to": {"id": number}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
        ],
    }
    assert [receipt.reference] == vendor.books.tasks_of[number]


def test_a_note_is_linked_and_marked(vendor: Vendor) -> None:
    number = joined(vendor)
    receipt = converse(client.write_note(NOTE, KEY, SETTINGS), vendor)
    assert [receipt.reference] == vendor.books.notes_of[number]
    [note] = vendor.books.notes.values()
    assert note.properties == {
        "hs_timestamp": "2026-11-24T06:00:00.000Z",
        "hs_note_body": f"Said yes to a story<br><br>[ovation:{KEY}]",
    }


def test_a_task_for_nobody_is_the_contacts_owners(vendor: Vendor) -> None:
    joined(vendor, owner="grace@acme.example")
    plain = TASK.model_copy(update={"owner_email": None, "call": False, "notes": ""})
    converse(client.create_task(plain, KEY, SETTINGS), vendor)
    [task] = vendor.books.tasks.values()
    assert task.properties["hubspot_owner_id"] == vendor.books.owners["grace@acme.example"]
    assert task.properties["hs_task_type"] == "TODO"
    assert task.properties["hs_task_body"] == f"[ovation:{KEY}]"


def test_a_task_for_a_stranger_is_refused_not_lost(vendor: Vendor) -> None:
    with pytest.raises(Rejected, match="owner"):
        converse(client.create_task(TASK.model_copy(update={"owner_email": "x@acme.example"}), KEY, SETTINGS), vendor)
    assert not vendor.books.tasks


LOOKED_UP = [
    pytest.param(client.create_task, client.find_task, TASK, id="task"),
    pytest.param(client.write_note, client.find_note, NOTE, id="note"),
]


@pytest.mark.parametrize(("make", "find", "action"), LOOKED_UP)
def test_what_was_made_is_found_again(vendor: Vendor, make: Any, find: Any, action: Any) -> None:
    assert converse(find(action, KEY, SETTINGS), vendor) is None, "not even the contact is there"
    joined(vendor)
    assert converse(find(action, KEY, SETTINGS), vendor) is None
    receipt = converse(make(action, KEY, SETTINGS), vendor)
    for other in (f"{KEY}/2", KEY[:-1], KEY.upper()):
        converse(make(action, other, SETTINGS), vendor)
    seen: list[tuple[Call, Reply]] = []
    assert converse(find(action, KEY, SETTINGS), vendor, seen) == receipt
    assert not any(call.writes for call, _ in seen)
    assert not any("search" in call.path for call, _ in seen), "the search lags: it proves no absence"


@pytest.mark.parametrize(("make", "find", "action"), LOOKED_UP)
def test_the_look_up_turns_pages(vendor: Vendor, make: Any, find: Any, action: Any) -> None:
    joined(vendor)
    receipt = converse(make(action, KEY, SETTINGS), vendor)
    for number in range(250):
        converse(make(action, f"j_1/{number}", SETTINGS), vendor)
    seen: list[tuple[Call, Reply]] = []
    assert converse(find(action, KEY, SETTINGS), vendor, seen) == receipt
    assert len(seen) == 1 + 3 + 3, "the contact, three pages of links, three batches"


def test_a_repeat_makes_two_here_as_at_hubspot(vendor: Vendor) -> None:
    for _ in range(2):
        converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    assert len(vendor.books.tasks) == 2
    Portal.model_validate_json(vendor.books.model_dump_json())


def test_a_mark_survives_the_editor() -> None:
    linked = Reply(200, json={"id": "7", "properties": {}, "associations": {"tasks": {"results": [{"id": "9"}]}}})
    body = f"<div><p>done</p><p>[ovation:<span>{KEY}</span>]</p></div>"
    read = Reply(200, json={"results": [{"id": "9", "properties": {"hs_task_body": body}}]})
    assert said(client.find_task(TASK, KEY, SETTINGS), linked, read).reference == "9"


def test_a_task_that_could_not_be_read_leaves_the_doubt(vendor: Vendor) -> None:
    linked = Reply(200, json={"id": "7", "properties": {}, "associations": {"tasks": {"results": [{"id": "9"}]}}})
    lost = {"results": [], "numErrors": 1, "errors": [{"category": "INTERNAL_ERROR", "message": "x"}]}
    with pytest.raises(Unavailable):
        said(client.find_task(TASK, KEY, SETTINGS), linked, Reply(207, json=lost))
    number = joined(vendor)
    vendor.books.tasks_of[number] = ["1"]  # deleted between the two calls
    assert converse(client.find_task(TASK, KEY, SETTINGS), vendor) is None


def test_a_contact_with_too_many_tasks_leaves_the_doubt(vendor: Vendor) -> None:
    number = joined(vendor)
    vendor.books.tasks_of[number] = [str(one) for one in range(engagement.READ_BACK + 1)]
    with pytest.raises(InDoubt, match="more than"):
        converse(client.find_task(TASK, KEY, SETTINGS), vendor)


def test_a_contact_whose_links_went_between_two_calls_has_none() -> None:
    more = {"results": [{"id": "9"}], "paging": {"next": {"after": "9"}}}
    linked = Reply(200, json={"id": "7", "properties": {}, "associations": {"tasks": more}})
    none = {"results": [], "errors": [{"category": "OBJECT_NOT_FOUND"}]}
    assert said(client.find_task(TASK, KEY, SETTINGS), linked, Reply(207, json=none)) is None


@pytest.mark.parametrize("text", ["'" * 20_000, "\n" * 20_000, "a" * 10_001])
def test_a_long_text_fits_and_keeps_its_mark(text: str) -> None:
    written = engagement.marked(text, KEY)
    assert len(written) <= 65_536
    assert written.endswith(f"[ovation:{KEY}]")
    assert not re.search(r"&(?!#x27;)", written)


# Revenue, and the doctor


def test_the_total_is_set_and_not_added(vendor: Vendor) -> None:
    number = joined(vendor)
    for _ in range(2):
        converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor)
    assert vendor.books.contacts[number].properties["ovation_referral_revenue"] == "19500.50"


def test_two_currencies_never_share_a_property(vendor: Vendor) -> None:
    number = joined(vendor)
    converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor)
    euros = REVENUE.model_copy(update={"total": Money(minor=500, currency="EUR")})
    converse(client.attribute_revenue(euros, KEY, SETTINGS), vendor)
    properties = vendor.books.contacts[number].properties
    assert properties["ovation_referral_revenue"] == "19500.50"
    assert properties["ovation_referral_revenue_eur"] == "5.00"
    assert client.revenue_property("EUR", SETTINGS.model_copy(update={"currency": "EUR"})) == "ovation_referral_revenue"


def test_a_property_that_the_portal_lacks_is_named(vendor: Vendor) -> None:
    number = joined(vendor)
    call = Call.patch(
        f"/crm/objects/2026-09/contacts/{number}", json={"properties": {"ovation_referral_revenue_chf": "1"}}
    )
    problem = judge(ask(call, vendor), call)
    assert problem is not None
    assert problem.kind == "rejected"
    assert "ovation_referral_revenue_chf" in problem.message


def test_the_doctor_reads_and_names_what_is_missing(vendor: Vendor) -> None:
    seen: list[tuple[Call, Reply]] = []
    assert converse(client.doctor(SETTINGS), vendor, seen).facts["missing_properties"] == []
    assert not any(call.writes for call, _ in seen)
    answers = Reply(200, json={"results": []}), ABSENT, Reply(200, json={})
    assert said(client.doctor(SETTINGS), *answers).facts["missing_properties"] == ["referral_given"]


def test_the_version_is_a_date() -> None:
    with pytest.raises(ValidationError):
        HubSpotSettings(api_version="v3")
    older = SETTINGS.model_copy(update={"api_version": "2026-03"})
    assert next(client.doctor(older)).path == "/crm/owners/2026-03"


# Errors

WRITE, READ = Call.post("/x"), Call.get("/x")


def problem_of(status: int, body: Any = None, headers: dict[str, str] | None = None, call: Call = WRITE) -> Problem:
    found = judge(Reply(status, body, json.dumps(body), headers or {}), call)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        *[(s, "rejected") for s in (301, 400, 404, 409, 414)],
        *[(s, "unauthorized") for s in (401, 403)],
        *[(s, "rate-limited") for s in (423, 429, 477)],
        *[(s, "in doubt") for s in (500, 502, 503, 504, 521, 523, 524)],
    ],
)
def test_each_status_has_its_kind(status: int, wanted: str) -> None:
    assert problem_of(status, {"status": "error", "message": "x"}).kind == wanted
    assert problem_of(status, None).kind == wanted
    read = problem_of(status, call=READ).kind
    assert read == ("unavailable" if wanted == "in doubt" else wanted)


def test_a_success_that_is_no_object_is_no_answer() -> None:
    assert judge(Reply(200, json={}), WRITE) is None
    assert judge(Reply(207, json={"results": []}), WRITE) is None
    assert judge(Reply(200, text="<html>"), WRITE).kind == "in doubt"  # type: ignore[union-attr]
    assert judge(Reply(200, json=[]), READ).kind == "unavailable"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "policy", "headers", "seconds"),
    [
        (429, "TEN_SECONDLY_ROLLING", {"retry-after": "3"}, 3.0),
        (429, "TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "5000"}, 5.0),
        (429, "TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "soon"}, 10.0),
        (429, "SECONDLY", {}, 10.0),
        (429, "DAILY", {"x-hubspot-ratelimit-interval-milliseconds": "10000"}, 3600.0),
        (423, None, {}, 3.0),
        (477, None, {}, 300.0),
        (477, None, {"retry-after": "86400"}, 86400.0),
    ],
)
def test_each_limit_has_its_wait(status: int, policy: str | None, headers: dict[str, str], seconds: float) -> None:
    assert problem_of(status, {"message": "limit", "policyName": policy}, headers).retry_after == seconds


def test_the_stand_ins_429_is_hubspots() -> None:
    answer = STAND_IN.rate_limited()
    assert answer.json["message"] == "You have reached your ten_secondly_rolling limit."
    assert (answer.json["errorType"], answer.json["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert problem_of(answer.status, answer.json, headers).kind == "rate-limited"
    assert problem_of(STAND_IN.broken().status, STAND_IN.broken().json).kind == "in doubt"


def test_the_message_names_scopes_and_properties() -> None:
    scopes = {"message": "One of these scopes is required.", "context": {"requiredGranularScopes": ["crm.lists.write"]}}
    forbidden = {"status": "error", "message": "Missing scopes", "category": "MISSING_SCOPES", "errors": [scopes]}
    message = problem_of(403, forbidden).message
    assert message == "HTTP 403: Missing scopes; One of these scopes is required. (crm.lists.write)"
    odds: list[Any] = [{"errors": "x"}, {"message": 1}, {"message": "x", "errors": [1, {}, {"context": []}]}, [], None]
    for odd in odds:
        assert problem_of(400, odd).message.startswith("HTTP 400")


# In: who may speak

BODY = (FIXTURES / "property_change__tagged.json").read_bytes()


def incoming(body: bytes, headers: dict[str, str], url: str = URL) -> Incoming:
    given = {"content-type": "application/json", **{k.lower(): v for k, v in headers.items()}}
    return Incoming("POST", url, given, {}, body)


def signed_v3(value: str, timestamp: int) -> dict[str, str]:
    return {"X-HubSpot-Signature-v3": value, "X-HubSpot-Request-Timestamp": str(timestamp)}


@pytest.mark.parametrize(
    ("secret", "url", "body", "timestamp", "expected"),
    [
        ("hs-test-secret", URL, BODY, 1795500000500, "5vvcyQbpGCL/d+Wbs4sxZkM1C8s8Miusdlx2rTFL3CI="),
        (
            "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
            "https://www.example.com/webhook_uri",
            b"{'example_field':'example_value'}",
            1693657560000,
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        ),
        (
            "hs-test-secret",
            f"{URL}?tenant=acme%3Aeu&note=a%20b%2Cc%2F%26",
            b'{"email":"ada@example.com"}',
            1795500000500,
            "vIC01GGHRAdtKi1RGa48pPB4cRqHsuD0l/n61kZTzvE=",
        ),
    ],
    ids=["subscription", "sdk", "decoded"],
)
def test_v3_vectors(secret: str, url: str, body: bytes, timestamp: int, expected: str) -> None:
    settings = HubSpotSettings(client_secret=SecretStr(secret))
    now = datetime.fromtimestamp(timestamp / 1000, UTC)
    signed = signature.sign(body, settings, url, now)
    assert signed["X-HubSpot-Signature-v3"] == expected
    assert signed["X-HubSpot-Request-Timestamp"] == str(timestamp)
    signature.verify(incoming(body, signed_v3(expected, timestamp), url), settings, now)


WORKFLOW = b'{"email":"ada@example.com","hs_object_id":"546500061938","referral_given":"true"}'
WORKFLOW_URL = "https://hooks.example.com/webhooks/hubspot-workflow"
WORKFLOW_SIGNATURE = "7b244a1bc31186be840fa726f0852e706e694c0e3ebdc6eb164e09cd5801a2b1"


def test_v2_vector() -> None:
    assert signature.v2("hs-test-secret", "POST", WORKFLOW_URL, WORKFLOW) == WORKFLOW_SIGNATURE
    signed = {"X-HubSpot-Signature-Version": "v2", "X-HubSpot-Signature": WORKFLOW_SIGNATURE}
    signature.verify(incoming(WORKFLOW, signed, WORKFLOW_URL), SETTINGS, NOW)


def test_v2_is_not_enough_for_a_list_of_events() -> None:
    headers = {
        "X-HubSpot-Signature-Version": "v2",
        "X-HubSpot-Signature": signature.v2("hs-test-secret", "POST", URL, BODY),
    }
    with pytest.raises(BadSignature, match="v3"):
        signature.verify(incoming(BODY, headers), SETTINGS, NOW)


def test_v2_does_not_save_a_wrong_v3() -> None:
    headers = signature.sign(WORKFLOW, SETTINGS, URL, NOW) | {"X-HubSpot-Signature-v3": "wrong"}
    with pytest.raises(BadSignature, match="does not match"):
        signature.verify(incoming(WORKFLOW, headers), SETTINGS, NOW)


def test_v1_is_never_enough() -> None:
    body = (FIXTURES / "creation__contact.json").read_bytes()
    secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
    v1 = hashlib.sha256(secret.encode() + body).hexdigest()
    assert v1 == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de", "HubSpot's own vector"
    for version in ("v1", "v2"):
        headers = {"X-HubSpot-Signature-Version": version, "X-HubSpot-Signature": v1}
        with pytest.raises(BadSignature):
            signature.verify(incoming(body, headers), HubSpotSettings(client_secret=SecretStr(secret)), NOW)


@pytest.mark.parametrize("late", [-301, -300, 0, 300, 301])
def test_the_replay_window_is_five_minutes_both_ways(late: int) -> None:
    request = incoming(BODY, signature.sign(BODY, SETTINGS, URL, NOW))
    if abs(late) <= 300:
        signature.verify(request, SETTINGS, NOW + timedelta(seconds=late))
    else:
        with pytest.raises(BadSignature, match="five minutes"):
            signature.verify(request, SETTINGS, NOW + timedelta(seconds=late))


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1795500000500.0", "1" * 5000, "٣"])
def test_an_odd_timestamp_is_refused(timestamp: str) -> None:
    headers = signature.sign(BODY, SETTINGS, URL, NOW) | {"X-HubSpot-Request-Timestamp": timestamp}
    with pytest.raises(BadSignature, match="milliseconds"):
        signature.verify(incoming(BODY, headers), SETTINGS, NOW)


@pytest.mark.parametrize("url", ["http://hooks.example.com/webhooks/hubspot", f"{URL}/", f"{URL}?x=1"])
def test_another_address_is_refused_and_the_setting_named(url: str) -> None:
    headers = signature.sign(BODY, SETTINGS, URL, NOW)
    with pytest.raises(BadSignature, match="OVATION_PUBLIC_URL"):
        signature.verify(incoming(BODY, headers, url), SETTINGS, NOW)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="CLIENT_SECRET"):
        signature.sign(BODY, HubSpotSettings(), URL, NOW)


# In: what is told


def events_of(body: bytes) -> list[Event]:
    events: list[Event] = []
    for name, item in webhook.unpack(incoming(body, {})):
        read = webhook.INBOUND.events.get(name)
        events += read(item) if callable(read) else []
    return events


def change(**more: Any) -> bytes:
    return json.dumps([{**json.loads(BODY)[0], **more}]).encode()


def name_of(**more: Any) -> str:
    [(name, _)] = webhook.unpack(incoming(change(**more), {}))
    return name


def test_both_names_of_a_change_are_one() -> None:
    assert name_of() == "contact.propertyChange:referral_given"
    assert name_of(subscriptionType="contact.propertyChange", objectTypeId=None) == name_of()
    assert name_of(objectTypeId="0-3", propertyName="dealstage") == "deal.propertyChange:dealstage"
    assert name_of(objectTypeId="2-99") == "object 2-99.propertyChange:referral_given"


def test_an_unheard_of_property_is_a_stray_and_a_stage_is_a_poke() -> None:
    assert name_of(propertyName="shoe_size") not in webhook.INBOUND.events
    assert webhook.INBOUND.events["deal.propertyChange:dealstage"] == Poke("deals")
    assert webhook.INBOUND.events["contact.privacyDeletion"] is IGNORED


@pytest.mark.parametrize("field", ["portalId", "subscriptionId", "objectId", "eventId", "occurredAt"])
def test_each_part_of_the_id_tells_events_apart(field: str) -> None:
    [first], [other], [again] = events_of(BODY), events_of(change(**{field: 17})), events_of(change(attemptNumber=3))
    assert first.source_id != other.source_id
    assert again == first, "a repeat is the same event"


@pytest.mark.parametrize("value", ["false", "", None, "yes", 1])
def test_only_true_is_a_tag(value: Any) -> None:
    assert events_of(change(propertyValue=value)) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"\xff", b"1", b"[" * 100_000, b"{}", b"[1]", b"[{}]", b'[{"subscriptionType": 1}]'),
        *(change(propertyName=None), change(subscriptionType="contact"), change(propertyName="\x00")),
        *(change(objectId=None), change(occurredAt="soon"), change(occurredAt=10**18), change(eventId=True)),
        *(change(objectId=-1), b'{"email": "nobody"}', b'{"email": ["a@b"]}', b'{"vid": 1}'),
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        events_of(body)


def workflow(**more: Any) -> list[Event]:
    return events_of(json.dumps({**json.loads(WORKFLOW), **more}).encode())


def test_a_workflows_contact_is_known_by_both_names() -> None:
    [event] = workflow()
    assert (event.type, event.data) == ("contact.tagged", {"tag": "referral_given"})
    assert event.subject.text == "hubspot:546500061938"
    assert [i.text for i in event.identities] == ["email:ada@example.com"]
    assert workflow(hs_object_id=None)[0].subject.text == "email:ada@example.com"
    assert workflow(email=None)[0].identities == []


def test_a_workflow_is_told_apart_by_the_last_change() -> None:
    [first], [same], [later] = (workflow(lastmodifieddate=at) for at in (
        1795500000000, "2026-11-24T06:00:00Z", "1795500000001"))  # fmt: skip
    assert first.source_id == same.source_id != later.source_id
    assert first.at == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert workflow(lastmodifieddate="2026-11-24T06:00:00")[0] == first, "a time without a zone is UTC"


@pytest.mark.parametrize("at", [None, "soon", True, "9999-12-31T23:59:59-14:00"])
def test_without_a_last_change_the_day_of_arrival_counts(at: Any) -> None:
    before = datetime.now(UTC)
    [event] = workflow(lastmodifieddate=at)
    assert before <= event.at <= datetime.now(UTC)
    assert event.source_id == f"workflow:referral_given:{event.at.date().isoformat()}:hubspot:546500061938"


@pytest.mark.parametrize(("value", "count"), [(True, 1), ("True", 1), ("false", 0), (False, 0), (None, 0)])
def test_a_workflows_checkbox(value: Any, count: int) -> None:
    assert len(workflow(referral_given=value)) == count


def test_fixtures_become_their_events() -> None:
    bodies = sorted(path for path in FIXTURES.glob("*.json") if ".out." not in path.name)
    assert bodies
    for path in bodies:
        expected = json.loads(path.with_suffix(".out.json").read_text())
        found = [
            {**event.model_dump(include={"type", "source", "source_id", "data"}), "subject": event.subject.text,
             "at": event.at} for event in events_of(path.read_bytes())]  # fmt: skip
        assert found == [{**one, "at": datetime.fromisoformat(one["at"])} for one in expected], path.name


# The stand-in's moves


def test_a_tag_is_told_as_hubspot_tells_it(vendor: Vendor) -> None:
    number = joined(vendor)
    [sent] = STAND_IN.moves["tag"]({"email": "ADA@example.com"}, vendor.books).webhooks
    request = incoming(sent.body, signature.sign(sent.body, SETTINGS, URL, NOW))
    signature.verify(request, SETTINGS, NOW)
    [event] = events_of(sent.body)
    assert (event.type, event.subject.text) == ("contact.tagged", f"hubspot:{number}")
    assert json.loads(sent.body)[0].keys() == json.loads(BODY)[0].keys()
    assert vendor.books.contacts[number].properties["referral_given"] == "true"
    [again] = STAND_IN.moves["tag"](
        {"id": number, "property": "referral_given", "value": "true"}, vendor.books
    ).webhooks
    assert events_of(again.body)[0].source_id != event.source_id


def test_an_opt_out_can_be_moved(vendor: Vendor) -> None:
    given = {"email": "ada@example.com", "property": "hs_email_optout", "value": "true"}
    [sent] = STAND_IN.moves["tag"](given, vendor.books).webhooks
    assert [event.type for event in events_of(sent.body)] == ["contact.opted_out"]
    assert converse(client.find_contact(FIND, KEY, SETTINGS), vendor).opted_out


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        ({"id": "1"}, 404),
        ({"email": "a@b.example", "property": "shoe_size"}, 400),
        ({"email": "a@b.example", "value": "yes"}, 400),
        ({"email": "nobody"}, 400),
        ({"mail": "a@b.example"}, 400),
        ([], 400),
    ],
)
def test_a_tag_that_makes_no_sense_changes_nothing(vendor: Vendor, given: Any, status: int) -> None:
    answer = STAND_IN.moves["tag"](given, vendor.books)
    assert (answer.status, list(answer.webhooks)) == (status, [])
    assert not vendor.books.contacts


def test_a_contact_may_change_and_keeps_one_address(vendor: Vendor) -> None:
    number = joined(vendor, properties={"firstname": "Ada"})
    assert joined(vendor, "ADA@example.com", properties={"company": "Engines"}) == number
    assert vendor.books.contacts[number].properties["firstname"] == "Ada"
    other = joined(vendor, "grace@example.com")
    call = Call.patch(f"/crm/objects/2026-09/contacts/{other}", json={"properties": {"email": "ada@example.com"}})
    assert ask(call, vendor).json["message"] == f"Contact already exists. Existing ID: {number}"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("contacts", {"properties": {"email": "x"}, "associations": []}, "INVALID_EMAIL"),
        ("contacts", {"properties": {"shoe_size": "9"}, "associations": []}, "PROPERTY_DOESNT_EXIST"),
        ("contacts", {"properties": {"hs_email_optout": "false"}, "associations": []}, "READ_ONLY_VALUE"),
        ("contacts", {"properties": {"referral_given": "yes"}, "associations": []}, "INVALID_OPTION"),
        ("contacts", {"properties": {"hubspot_owner_id": "1"}, "associations": []}, "INVALID_OWNER_ID"),
        ("contacts", {"properties": {"ovation_referral_revenue": "many"}, "associations": []}, "INVALID_DOUBLE"),
        ("contacts", {"properties": {}}, "associations"),
        ("contacts", {"properties": {"firstname": None}, "associations": []}, "firstname"),
        ("tasks", {"properties": {"hs_task_body": "x"}, "associations": []}, "required"),
        ("tasks", {"properties": {"hs_timestamp": "0", "hs_task_type": "VISIT"}, "associations": []}, "INVALID_OPTION"),
        ("notes", {"properties": {"hs_timestamp": "0", "hs_note_body": "x", "x": "y"}, "associations": []}, "exist"),
        ("notes", [], "Invalid input JSON"),
        (
            "notes",
            {
                "properties": {"hs_timestamp": "0"},
                "associations": [
                    {"to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]}
                ],
            },
            "association",
        ),
    ],
)
def test_the_stand_in_refuses_what_hubspot_refuses(vendor: Vendor, path: str, body: Any, words: str) -> None:
    reply = ask(Call.post(f"/crm/objects/2026-09/{path}", json=body), vendor)
    assert reply.status == 400
    assert words in reply.text
    assert reply.json["category"] == "VALIDATION_ERROR"


def test_the_stand_in_knows_its_token_and_its_versions(vendor: Vendor) -> None:
    request = heard(Call.get("/crm/owners/2026-09"), {"version": "2026-09"})
    assert STAND_IN.guard(request) is None
    for headers in ({}, {"authorization": "Bearer pat-2"}):
        refused = STAND_IN.guard(Heard(**{**vars(request), "headers": headers}))
        assert refused is not None
        assert (refused.status, refused.json["category"]) == (401, "INVALID_AUTHENTICATION")
    assert ask(Call.get("/crm/owners/v3"), vendor).status == 404


# HubSpot's documents


def spec(part: str) -> dict[str, Any]:
    path = SPECS / f"hubspot-{part}.json"
    if not path.exists():
        pytest.skip("HubSpot's documents are not beside this checkout")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def specs() -> list[dict[str, Any]]:
    return [spec(part) for part in ("objects", "lists", "associations", "setup")]


def operation(call: Call, specs: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document and the operation in it; the documents have the date of the version before."""
    path = call.path.replace("/2026-09", "/2026-03")
    for document in specs:
        for template, operations in document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and call.method.lower() in operations:
                return document, operations[call.method.lower()]
    raise AssertionError(f"no document has {call.method} {path}")


def fits(value: Any, holder: dict[str, Any], document: dict[str, Any]) -> None:
    schema = {**holder["content"]["application/json"]["schema"], "components": document["components"]}
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)


def everything(vendor: Vendor) -> list[tuple[Call, Reply]]:
    """Every talk there is, with absent and with present contacts, and errors among the answers."""
    seen: list[tuple[Call, Reply]] = []
    for _ in range(2):
        converse(client.doctor(SETTINGS), vendor, seen)
        converse(client.find_contact(FIND, KEY, SETTINGS), vendor, seen)
        converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor, seen)
        converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor, seen)
        converse(client.create_task(TASK, KEY, SETTINGS), vendor, seen)
        converse(client.find_task(TASK, "other", SETTINGS), vendor, seen)
        converse(client.write_note(NOTE, KEY, SETTINGS), vendor, seen)
        converse(client.find_note(NOTE, "other", SETTINGS), vendor, seen)
        joined(vendor)
    for number in range(101):
        converse(client.write_note(NOTE, f"j_1/{number}", SETTINGS), vendor)
    converse(client.find_note(NOTE, "other", SETTINGS), vendor, seen)
    vendor.books.notes.popitem()
    converse(client.find_note(NOTE, "other", SETTINGS), vendor, seen)
    everything_of_deals(vendor, seen)
    return seen


def everything_of_deals(vendor: Vendor, seen: list[tuple[Call, Reply]]) -> None:
    """A lead told twice, moved and noted anew, linked where the link is gone, looked up, and its news read."""
    staged = SETTINGS.model_copy(update={"stages": {"submitted": "appointmentscheduled", "won": "closedwon"}})
    lead = PutLead(referral="r_7", advocate=ADA, person=ADA, stage="submitted", notes="met", submitted_at=NOW, at=NOW)
    converse(deal.put_lead(lead, KEY, staged), vendor, seen)
    vendor.books.people_of.clear()
    won = lead.model_copy(update={"stage": "won", "notes": "won", "amount": Money(minor=1, currency="USD")})
    converse(deal.put_lead(won, KEY, staged), vendor, seen)
    converse(deal.find_lead(won, KEY, staged), vendor, seen)
    converse(client.doctor(staged), vendor, seen)
    converse(news.deals(Round(mark={"since": 0, "after": 0}, webhook_url=URL, now=NOW), staged), vendor, seen)


def test_every_call_and_answer_fits_the_documents(vendor: Vendor, specs: list[dict[str, Any]]) -> None:
    used, statuses = set(), set()
    for call, reply in everything(vendor):
        document, described = operation(call, specs)
        arguments = {p["name"] for p in described.get("parameters", []) if p["in"] == "query"}
        assert set(call.query or {}) <= arguments
        assert (call.json is not None) == ("requestBody" in described)
        if call.json is not None:
            fits(call.json, described["requestBody"], document)
        responses = described["responses"]
        assert not reply.ok or str(reply.status) in responses
        fits(reply.json, responses.get(str(reply.status), responses["default"]), document)
        found = vendor.find(call.method, call.path)
        assert found is not None
        used.add(found[0])
        statuses.add(reply.status)
    assert used == {route.handler for route in STAND_IN.routes}, "every route is used by a talk"
    assert {200, 201, 207, 404} <= statuses


@pytest.mark.parametrize(
    ("model", "part", "schema", "unused"),
    [
        (CreateBody, "objects", "ObjectCreateRequest", set()),
        (UpdateBody, "objects", "ObjectUpdateRequest", set()),
        (ReadBody, "objects", "BatchReadRequest", set()),
        (SearchBody, "objects", "ObjectSearchRequest", set()),
        (ReadLinksBody, "associations", "BatchReadAssociationsRequest", set()),
        (
            ListBody,
            "lists",
            "ListCreateRequest",
            {"customProperties", "filterBranch", "listFolderId", "listPermissions", "membershipSettings"},
        ),
    ],
)
def test_the_stand_in_takes_what_the_documents_take(
    model: type[Strict], part: str, schema: str, unused: set[str]
) -> None:
    published = spec(part)["components"]["schemas"][schema]
    ours = model.model_json_schema()
    assert set(ours["required"]) == set(published["required"])
    assert set(ours["properties"]) == set(published["properties"]) - unused


def test_link_types_and_errors_are_the_documents(vendor: Vendor) -> None:
    document = spec("objects")
    holder = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for answer in (STAND_IN.rate_limited(), STAND_IN.broken()):
        fits(answer.json, holder, document)
    link = CreateBody.model_json_schema()["$defs"]["LinkType"]
    published = document["components"]["schemas"]["AssociationSpec"]
    assert set(link["properties"]["associationCategory"]["enum"]) == set(
        published["properties"]["associationCategory"]["enum"]
    )
