"""Prevents: a call task that a colleague finds twice, a salesperson's work undone, a won deal that nobody hears of."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID
from xml.etree import ElementTree

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Address, Identity, Person
from models.money import Money
from platforms.base import Call, Incoming, Poke, Reply, Round, Upkept
from platforms.capabilities import (
    AddToList,
    AttributeRevenue,
    CreateTask,
    FindContact,
    PutLead,
    PutRow,
    Receipt,
    Who,
    WriteNote,
)
from platforms.dynamics import (
    PLATFORM,
    DynamicsSettings,
    client,
    contact,
    poll,
    referral,
    register,
    rows,
    sign_in,
    webhook,
)
from platforms.dynamics.problem import judge
from platforms.dynamics.stand_in import STAND_IN
from platforms.dynamics.stand_in_answers import token_of
from platforms.dynamics.stand_in_books import ORG_ID, ROBOT, Environment
from platforms.errors import BadSignature, Malformed, Rejected, Unauthorized
from platforms.runner import Runner
from platforms.stand_in import Answer, Heard
from sandbox.answering import Sandbox
from sandbox.vendors import Vendor

SETTINGS = STAND_IN.settings()
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
API = "https://acme.crm4.dynamics.com/api/data/v9.2"
KEY = "j_5afm9g0mjvkyzrhj/second_gift:r_0123456789abcdef/personal_call"
ADA = Who(contact="c_1", email="Ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines")
BO = Who(contact="c_2", email="bo@new.example", first_name="Bo", last_name="Chen", company="New Ltd")
TASK = CreateTask(
    who=ADA,
    title="Call Ada: thank her in person",
    notes="She wrote: great",
    owner_email="CSM@acme.example",
    due=datetime(2026, 11, 27, 9, tzinfo=UTC),
    call=True,
)
NOTE = WriteNote(who=ADA, text="Said yes to a story", at=NOW)
JOIN = AddToList(who=ADA, list="O'Hara's Advisory Board")
REVENUE = AttributeRevenue(
    who=ADA,
    referral="r_7",
    amount=Money(minor=1_200_050, currency="USD"),
    total=Money(minor=1_950_000, currency="USD"),
    closed_at=NOW,
)
LEAD = PutLead(
    referral="r_7",
    advocate=ADA,
    person=BO,
    stage="submitted",
    owner_email="csm@acme.example",
    link="https://ovation.example/r/r_7",
    notes="They met in London.",
    submitted_at=NOW,
    at=NOW,
)
ROW = PutRow.model_validate(LEAD.model_dump())


# Talks with the stand-in


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def ask(call: Call, vendor: Vendor) -> tuple[Reply, Answer]:
    """The stand-in's answer to a call, as the runner would hand it on."""
    address = urlsplit(call.path)
    found = vendor.find(call.method, address.path)
    assert found is not None, f"the stand-in has no {call.method} {address.path}"
    handler, params = found
    token = sign_in.read(Reply(200, {"access_token": token_of(SETTINGS), "expires_in": 3599}), NOW)
    heard = Heard(
        method=call.method,
        path=address.path,
        params=dict(params),
        query=call.query or dict(parse_qsl(address.query)),
        headers={k.lower(): v for k, v in {**sign_in.headers(SETTINGS, token), **call.headers}.items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={k: str(v) for k, v in (call.form or {}).items()},
        settings=vendor.settings,
    )
    answer = STAND_IN.guard(heard) or handler(heard, vendor.books)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text, {k.lower(): v for k, v in answer.headers.items()}), answer


def converse(
    talk: Generator[Call, Reply, Any],
    vendor: Vendor,
    seen: list[Call] | None = None,
    webhooks: list[bytes] | None = None,
) -> Any:
    """Plays a talk against the stand-in; what the talk does not accept must be judged good."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        reply, answer = ask(call, vendor)
        if seen is not None:
            seen.append(call)
        if webhooks is not None:
            webhooks += [one.body for one in answer.webhooks]
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


def found(*there: dict[str, Any], **more: Any) -> Reply:
    return Reply(200, {"value": list(there), **more})


def refusal(status: int, code: str = "0x80048d19", message: str = "no") -> Reply:
    body = {"error": {"code": code, "message": message}}
    return Reply(status, body, json.dumps(body))


def moved(vendor: Vendor, name: str, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


def joined(vendor: Vendor, email: str = "ada@example.com", **values: Any) -> str:
    return str(moved(vendor, "contact", email=email, values=values).json["contactid"])


def all_of(vendor: Vendor, table: str) -> list[dict[str, Any]]:
    return list(vendor.books.rows[table].values())


def writes(seen: list[Call]) -> list[tuple[str, str, Any]]:
    return [(call.method, call.path.removeprefix(API), call.json) for call in seen if call.writes]


def csm(vendor: Vendor) -> str:
    return next(
        str(u["systemuserid"]) for u in all_of(vendor, "systemusers") if u["internalemailaddress"] == "csm@acme.example"
    )


# Sign-in


def test_the_token_is_for_this_environment_and_asked_for_at_microsofts_login() -> None:
    call = sign_in.call(SETTINGS.model_copy(update={"environment_url": "https://acme.crm4.dynamics.com/"}), NOW)
    assert call.path == "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token"
    assert call.form == {
        "grant_type": "client_credentials",
        "client_id": "7d5f9b0e-3b59-4c3d-9d57-5f3b8a1c2d4e",
        "client_secret": "dynamics-sandbox-client-secret",
        "scope": "https://acme.crm4.dynamics.com/.default",
    }
    assert not call.signed_in
    token = sign_in.read(Reply(200, {"access_token": "ey", "expires_in": 3599}), NOW)
    assert token.expires_at == NOW + timedelta(seconds=3599)
    assert sign_in.headers(SETTINGS, token)["Authorization"] == "Bearer ey"


async def test_the_runner_signs_in_once_and_a_wrong_secret_is_a_matter_of_configuration() -> None:
    settings = SETTINGS.model_copy(update={"base_url": "http://sandbox/dynamics"})
    sandbox = Sandbox([Vendor(STAND_IN, settings, PLATFORM.inbound)], "http://gateway")
    runner = Runner(httpx.AsyncClient(transport=httpx.ASGITransport(sandbox)))
    for _ in range(2):
        receipt = await runner.hold(PLATFORM, settings, client.find_contact(FindContact(who=ADA), KEY, settings))
        assert receipt == Receipt()
    sent = [(e.path.rpartition("/")[2], e.status) for e in sandbox.outbox.entries("dynamics")]
    assert sent == [("token", 200), ("contacts", 200), ("contacts", 200)]
    wrong = settings.model_copy(update={"client_secret": SecretStr("other")})
    with pytest.raises(Unauthorized, match="AADSTS7000215"):
        await Runner(httpx.AsyncClient(transport=httpx.ASGITransport(sandbox))).hold(
            PLATFORM, wrong, client.find_contact(FindContact(who=ADA), KEY, wrong)
        )
    await runner.close()
    await sandbox.webhooks.close()


def test_what_is_missing_and_what_is_no_environment() -> None:
    assert DynamicsSettings().missing() == [
        f"OVATION_DYNAMICS__{name}" for name in ("ENVIRONMENT_URL", "TENANT", "CLIENT_ID", "CLIENT_SECRET")
    ]
    for wrong in ("http://acme.crm4.dynamics.com", "https://acme.crm4.dynamics.com/api"):
        with pytest.raises(ValidationError):
            DynamicsSettings(environment_url=wrong)


# Rows


def test_an_id_made_from_ours_is_always_the_same() -> None:
    assert rows.own_id("lead", "r_7") == "2ebc5b66-2694-5c61-be4c-01464a9aa479", (
        "another name space makes everything once more"
    )
    assert UUID(rows.own_id("task", KEY)).version == 5
    assert len({rows.own_id("task", KEY), rows.own_id("note", KEY), rows.own_id("task", f"{KEY}/2")}) == 3


def test_a_quotation_mark_inside_a_text_is_doubled() -> None:
    assert rows.literal("O'Hara' or 1 eq 1") == "'O''Hara'' or 1 eq 1'"


@pytest.mark.parametrize(("given", "number"), [("75C2DD85-E89E-E711-8122-000D3AA2331C", ROBOT), ("7", None)])
def test_ids_are_compared_in_lower_case(given: str, number: str | None) -> None:
    assert rows.guid(given) == number


# Who is it?


def test_a_contact_is_read_with_who_looks_after_them(vendor: Vendor) -> None:
    account = vendor.books.add("accounts", {"name": "Engines"})["accountid"]
    number = joined(
        vendor,
        firstname="Ada",
        lastname="Lovelace",
        mobilephone="+44 20 7946 0000",
        address1_line1="12 St James's Square",
        address1_city="London",
        address1_postalcode="SW1Y 4JH",
        address1_country="gb",
    )
    vendor.books.rows["contacts"][number]["_parentcustomerid_value"] = account
    seen: list[Call] = []
    receipt = converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor, seen)
    assert receipt.person == Person(
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        company="Engines",
        phone="+44 20 7946 0000",
        address=Address(line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"),
        csm_email="csm@acme.example",
    )
    assert receipt.identities == [Identity(kind="dynamics", value=number)]
    assert not receipt.opted_out
    [call] = seen
    assert (call.method, call.path, call.writes) == ("GET", f"{API}/contacts", False)
    assert call.headers == {"If-None-Match": "null"}
    assert call.query is not None
    mine = rows.own_id("contact", "c_1")
    assert call.query["$filter"] == (f"contactid eq {mine} or (emailaddress1 eq 'Ada@example.com' and statecode eq 0)")


def test_a_stranger_is_nobody_and_no_error(vendor: Vendor) -> None:
    assert converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor) == Receipt()


def test_the_row_that_is_surely_theirs_is_taken_and_an_opt_out_on_any_counts(vendor: Vendor) -> None:
    oldest = joined(vendor)
    books: Environment = vendor.books
    books.add("contacts", {"emailaddress1": "ada@example.com", "donotemail": True})
    ours = books.add("contacts", {"emailaddress1": "ada@old.example"}, rows.own_id("contact", "c_1"))["contactid"]
    named = books.add("contacts", {"emailaddress1": "ada@home.example"})["contactid"]
    known = ADA.model_copy(update={"identities": [Identity(kind="dynamics", value=named.upper())]})
    stranger = ADA.model_copy(update={"contact": "c_9"})
    for who, number in ((known, named), (ADA, ours), (stranger, oldest)):
        receipt = converse(client.find_contact(FindContact(who=who), KEY, SETTINGS), vendor)
        assert (receipt.reference, receipt.opted_out) == (number, True)


def test_an_inactive_row_of_the_address_is_nobody(vendor: Vendor) -> None:
    vendor.books.rows["contacts"][joined(vendor)]["statecode"] = 1
    assert converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor) == Receipt()


def test_the_owner_who_left_is_no_success_manager_and_owns_no_task(vendor: Vendor) -> None:
    joined(vendor)
    for user in all_of(vendor, "systemusers"):
        user["isdisabled"] = True
    assert converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor).person.csm_email is None
    converse(client.create_task(TASK.model_copy(update={"owner_email": None}), KEY, SETTINGS), vendor)
    assert all_of(vendor, "tasks")[0]["_ownerid_value"] == ROBOT


def test_who_is_made_belongs_to_their_success_manager_if_a_user(vendor: Vendor) -> None:
    owned = ADA.model_copy(update={"csm_email": "csm@acme.example"})
    seen: list[Call] = []
    converse(contact.known_or_made(owned, SETTINGS), vendor, seen)
    [call] = [c for c in seen if c.writes]
    number = rows.own_id("contact", "c_1")
    assert (call.method, call.path, call.headers) == ("PATCH", f"{API}/contacts({number})", {"If-None-Match": "*"})
    assert call.json == {
        "firstname": "Ada",
        "lastname": "Lovelace",
        "emailaddress1": "Ada@example.com",
        "ownerid@odata.bind": f"/systemusers({csm(vendor)})",
    }
    with pytest.raises(Rejected, match="without an e-mail address"):
        converse(contact.known_or_made(Who(contact="c_5"), SETTINGS), vendor)


# Lists


def test_a_list_and_a_contact_are_made_once(vendor: Vendor) -> None:
    seen: list[Call] = []
    first = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor, seen)
    [person], [made] = all_of(vendor, "contacts"), all_of(vendor, "lists")
    assert writes(seen)[1:] == [
        ("PATCH", f"/lists({made['listid']})", {"listname": JOIN.list, "type": False, "createdfromcode": 2}),
        (
            "POST",
            f"/lists({made['listid']})/Microsoft.Dynamics.CRM.AddMemberList",
            {"EntityId": person["contactid"]},
        ),
    ]
    assert first.facts == {"list": made["listid"], "contact": person["contactid"]}
    again: list[Call] = []
    assert converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor, again) == first
    assert writes(again) == []
    assert len(all_of(vendor, "listmembers")) == 1


def test_a_list_that_a_query_fills_is_refused_and_a_static_one_beside_it_is_taken(vendor: Vendor) -> None:
    vendor.books.add("lists", {"listname": JOIN.list, "type": True, "createdfromcode": 2})
    with pytest.raises(Rejected, match="by a query"):
        converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)
    static = vendor.books.add("lists", {"listname": JOIN.list, "createdfromcode": 2})["listid"]
    assert converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor).reference == static


def test_who_opted_out_is_put_on_no_list(vendor: Vendor) -> None:
    number = joined(vendor, donotbulkemail=True)
    receipt = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)
    assert receipt == Receipt(facts={"contact": number}, opted_out=True)
    assert not all_of(vendor, "lists")


# Tasks and notes


def test_a_task_is_owned_dated_and_made_under_an_id_of_our_key(vendor: Vendor) -> None:
    number = joined(vendor)
    seen: list[Call] = []
    receipt = converse(client.create_task(TASK, KEY, SETTINGS), vendor, seen)
    [(method, path, body)] = writes(seen)
    assert (method, path) == ("PATCH", f"/tasks({rows.own_id('task', KEY)})")
    assert body == {
        "subject": "Call Ada: thank her in person",
        "description": "She wrote: great",
        "scheduledend": "2026-11-27T09:00:00Z",
        "prioritycode": 2,
        "category": "Ovation",
        "subcategory": KEY,
        "regardingobjectid_contact_task@odata.bind": f"/contacts({number})",
        "ownerid@odata.bind": f"/systemusers({csm(vendor)})",
    }
    assert [t["activityid"] for t in all_of(vendor, "tasks")] == [receipt.reference]


def test_a_repeat_is_the_same_task_and_undoes_nothing(vendor: Vendor) -> None:
    joined(vendor)
    first = converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    moved(vendor, "complete", key=KEY)
    renamed = TASK.model_copy(update={"title": "Call Ada"})
    assert converse(client.create_task(renamed, KEY, SETTINGS), vendor) == first
    [task] = all_of(vendor, "tasks")
    assert (task["statecode"], task["subject"]) == (1, TASK.title)
    converse(client.create_task(TASK, f"{KEY}/2", SETTINGS), vendor)
    assert len(all_of(vendor, "tasks")) == 2


def test_whoever_wants_no_call_gets_none(vendor: Vendor) -> None:
    joined(vendor, donotphone=True)
    converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    [task] = all_of(vendor, "tasks")
    assert task["prioritycode"] == 1
    assert task["description"] == "Dynamics says of them: no phone calls.\n\nShe wrote: great"


def test_a_task_for_a_stranger_is_refused_not_lost(vendor: Vendor) -> None:
    joined(vendor)
    with pytest.raises(Rejected, match="owner"):
        converse(client.create_task(TASK.model_copy(update={"owner_email": "x@acme.example"}), KEY, SETTINGS), vendor)
    assert not all_of(vendor, "tasks")


def test_a_note_is_made_once_on_the_contact(vendor: Vendor) -> None:
    number = joined(vendor)
    first = converse(client.write_note(NOTE, KEY, SETTINGS), vendor)
    assert converse(client.write_note(NOTE, KEY, SETTINGS), vendor) == first
    [note] = all_of(vendor, "annotations")
    assert (note["notetext"], note["_objectid_value"]) == ("Said yes to a story", number)


def test_the_guarantees_say_so() -> None:
    assert {type(action.repeat).__name__ for action in PLATFORM.actions} == {"Idempotent"}
    assert all(getattr(action.repeat, "within", None) is None for action in PLATFORM.actions)


# Revenue


def test_sums_are_set_and_not_added_on_the_advocate_and_the_opportunity(vendor: Vendor) -> None:
    number = joined(vendor)
    put(vendor, "submitted")
    moved(vendor, "qualify", referral="r_7")
    [deal] = all_of(vendor, "opportunities")
    seen: list[Call] = []
    receipt = converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor, seen)
    assert writes(seen) == [
        ("PATCH", f"/contacts({number})", {"new_ovationrevenue": 19500}),
        ("PATCH", f"/opportunities({deal['opportunityid']})", {"new_ovationrevenue": 12000.5}),
    ]
    assert [c.headers for c in seen if c.writes] == [{"If-Match": "*"}] * 2
    again: list[Call] = []
    assert converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor, again) == receipt
    assert writes(again) == [], "what stands there already is not written: plug-ins would run again"


def test_another_currency_has_a_column_of_its_own(vendor: Vendor) -> None:
    joined(vendor)
    euros = REVENUE.model_copy(update={"total": Money(minor=50, currency="EUR")})
    converse(client.attribute_revenue(euros, KEY, SETTINGS), vendor)
    [person] = all_of(vendor, "contacts")
    assert (person["new_ovationrevenue"], person["new_ovationrevenueeur"]) == (None, 0.5)


# Referrals


def put(vendor: Vendor, stage: str, settings: DynamicsSettings = SETTINGS, **more: Any) -> list[tuple[str, str, Any]]:
    seen: list[Call] = []
    converse(referral.put_lead(LEAD.model_copy(update={"stage": stage, **more}), KEY, settings), vendor, seen)
    return writes(seen)


def lead_of(vendor: Vendor) -> dict[str, Any]:
    [lead] = all_of(vendor, "leads")
    return lead


def test_a_lead_is_made_once_with_all_that_we_know(vendor: Vendor) -> None:
    [(method, path, body)] = put(vendor, "submitted")
    assert (method, path) == ("PATCH", f"/leads({rows.own_id('lead', 'r_7')})")
    assert body == {
        "subject": "Referral: Bo Chen, referred by Ada Lovelace",
        "firstname": "Bo",
        "lastname": "Chen",
        "companyname": "New Ltd",
        "emailaddress1": "bo@new.example",
        "leadsourcecode": 9,
        "new_ovationref": "r_7",
        "new_ovationnotes": "They met in London.\n\nhttps://ovation.example/r/r_7",
        "new_ovationstage": "submitted",
        "statuscode": 1,
        "statecode": 0,
        "ownerid@odata.bind": f"/systemusers({csm(vendor)})",
    }
    assert put(vendor, "submitted") == []
    assert len(all_of(vendor, "leads")) == 1


def test_each_stage_has_its_number_and_one_without_leaves_the_status(vendor: Vendor) -> None:
    put(vendor, "submitted")
    for stage, state in (("accepted", (0, 2)), ("qualified", (0, 2)), ("won", (0, 2)), ("disqualified", (2, 7))):
        put(vendor, stage)
        lead = lead_of(vendor)
        assert (lead["statecode"], lead["statuscode"], lead["new_ovationstage"]) == (*state, stage)


def test_a_repeat_does_not_undo_what_people_did_since(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "change", referral="r_7", values={"statuscode": 2})
    [(_, _, body)] = put(vendor, "submitted", notes="More is known.")
    assert body == {"new_ovationnotes": "More is known.\n\nhttps://ovation.example/r/r_7"}
    assert lead_of(vendor)["statuscode"] == 2


def test_what_people_closed_is_not_opened_and_keeps_their_reason(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "change", referral="r_7", values={"statecode": 2, "statuscode": 5})
    assert put(vendor, "accepted") == []
    [(_, _, body)] = put(vendor, "lost")
    assert body == {"new_ovationstage": "lost"}


def test_a_qualified_lead_is_left_and_its_opportunity_kept_in_step(vendor: Vendor) -> None:
    put(vendor, "submitted")
    assert put(vendor, "submitted") == []
    moved(vendor, "qualify", referral="r_7")
    [deal] = all_of(vendor, "opportunities")
    there = f"/opportunities({deal['opportunityid']})"
    assert put(vendor, "qualified") == [("PATCH", there, {"new_ovationstage": "qualified"})]
    assert put(vendor, "won") == [("PATCH", there, {"new_ovationstage": "won"})]
    assert deal["statecode"] == 0, "opportunities are people's, unless the settings say otherwise"
    closing = SETTINGS.model_copy(update={"close_opportunities": True})
    close = {
        "subject": "Won: Bo Chen, referred by Ada Lovelace",
        "opportunityid@odata.bind": there,
        "actualend": "2026-11-24T09:00:00Z",
        "actualrevenue": 12000,
    }
    won = put(vendor, "won", closing, amount=Money(minor=1_200_000, currency="USD"))
    assert won == [("POST", "/WinOpportunity", {"Status": 3, "OpportunityClose": close})]
    assert (deal["statecode"], deal["actualvalue"]) == (1, 12000)
    assert put(vendor, "won", closing) == [], "a closed one is not closed again"
    assert put(vendor, "qualified", closing) == [], "a closed one is not opened"


def test_a_lost_referral_loses_its_opportunity_where_the_settings_say_so(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "qualify", referral="r_7")
    [first, _] = put(vendor, "lost", SETTINGS.model_copy(update={"close_opportunities": True}))
    assert first[1] == "/LoseOpportunity"
    assert first[2]["Status"] == 4
    [deal] = all_of(vendor, "opportunities")
    assert (deal["statecode"], deal["new_ovationstage"]) == (2, "lost")


def test_a_row_shows_a_referral(vendor: Vendor) -> None:
    seen: list[Call] = []
    receipt = converse(referral.put_row(ROW, KEY, SETTINGS), vendor, seen)
    [(_, path, body)] = writes(seen)
    assert path == f"/new_ovationreferrals({rows.own_id('row', 'r_7')})"
    assert body == {
        "new_ovationnotes": "They met in London.",
        "new_link": "https://ovation.example/r/r_7",
        "new_ovationstage": "submitted",
        "new_status": "Submitted",
        "new_name": "Bo Chen, referred by Ada Lovelace",
        "new_ovationref": "r_7",
        "new_submittedon": "2026-11-24T09:00:00Z",
    }
    won = ROW.model_copy(update={"stage": "won", "amount": Money(minor=1_200_050, currency="EUR")})
    second: list[Call] = []
    assert converse(referral.put_row(won, KEY, SETTINGS), vendor, second) == receipt
    [(_, _, body)] = writes(second)
    assert body == {
        "new_amount": 12000.5,
        "new_currency": "EUR",
        "new_status": "Won",
        "new_ovationstage": "won",
    }
    third: list[Call] = []
    converse(referral.put_row(won, KEY, SETTINGS), vendor, third)
    assert writes(third) == []


def test_another_publishers_prefix_stands_before_all_that_is_ours() -> None:
    own = SETTINGS.model_copy(update={"prefix": "acme"})
    talk = referral.put_row(ROW, KEY, own)
    read = next(talk)
    assert read.path.startswith(f"{API}/acme_ovationreferrals(")
    made = talk.send(refusal(404, "0x80040217"))
    assert all(name.startswith("acme_") for name in made.json)
    round = Round(webhook_url="https://ovation.example/webhooks/dynamics", now=NOW)
    first = next(poll.changes(round, own))
    assert first.query is not None
    assert "acme_referralgivenon" in first.query["$select"]
    assert not any("{" in value for value in first.query.values())


# Errors

POST, GET = Call.post("/x"), Call.get("/x")


@pytest.mark.parametrize(
    ("reply", "call", "kind"),
    [
        (refusal(400), POST, "rejected"),
        (refusal(400, "0x80040265", "InvalidPluginExecutionException: no"), POST, "rejected"),
        (refusal(404, "0x80040217"), POST, "rejected"),
        (refusal(412, "0x80060882", "ConcurrencyVersionMismatch"), POST, "rejected"),
        (refusal(412, "0x80040333", "duplicate"), POST, "rejected"),
        (refusal(500, "0x80040333", "duplicate"), POST, "rejected"),
        (refusal(400, "0x80060888", "Could not find a property named 'new_x' on type"), GET, "unauthorized"),
        (refusal(404, "0x80060888", "Resource not found for the segment 'new_x'"), GET, "unauthorized"),
        (refusal(401, ""), GET, "unauthorized"),
        (refusal(403, "0x80072560", "The user is not a member of the organization."), POST, "unauthorized"),
        (refusal(429, "0x80072322"), POST, "rate-limited"),
        (refusal(500, "0x80040216"), POST, "in doubt"),
        (Reply(503, None, "<html>"), POST, "in doubt"),
        (Reply(502, None, "<html>"), GET, "unavailable"),
        (Reply(200, None, "<html>"), GET, "unavailable"),
        (Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215"}), POST, "unauthorized"),
    ],
)
def test_each_answer_that_is_none_has_its_kind(reply: Reply, call: Call, kind: str) -> None:
    problem = judge(reply, call)
    assert problem is not None
    assert problem.kind == kind


def test_the_wait_is_the_vendors_and_a_success_is_no_problem() -> None:
    answer = STAND_IN.rate_limited()
    headers = {k.lower(): v for k, v in answer.headers.items()}
    problem = judge(Reply(answer.status, answer.json, headers=headers), POST)
    assert problem is not None
    assert (problem.kind, problem.retry_after) == ("rate-limited", 2.0)
    assert judge(Reply(204), POST) is None
    assert judge(Reply(200, {"value": []}), GET) is None


def test_a_rule_that_holds_a_new_row_back_is_no_row_that_is_there() -> None:
    with pytest.raises(Rejected, match="duplicate detection"):
        said(rows.made_once("leads", rows.own_id("lead", "r_7"), {}, SETTINGS), refusal(412, "0x80040333", "twice"))
    there = said(rows.made_once("leads", rows.own_id("lead", "r_7"), {}, SETTINGS), refusal(412, "0x80060892"))
    assert there is False


def test_a_table_that_lacks_is_no_row_that_lacks() -> None:
    with pytest.raises(Unauthorized, match="Resource not found"):
        said(
            rows.one("new_x", ORG_ID, ("a",), SETTINGS),
            refusal(404, "0x80060888", "Resource not found for the segment"),
        )
    assert said(rows.one("leads", ORG_ID, ("a",), SETTINGS), refusal(404, "0x80040217")) is None


def test_the_doctor_names_us_and_what_lacks(vendor: Vendor) -> None:
    seen: list[Call] = []
    facts = converse(client.doctor(SETTINGS), vendor, seen).facts
    assert facts == {"organization": ORG_ID, "user": ROBOT, "tables_that_lack_columns": []}
    assert seen[0].path == f"{API}/WhoAmI"
    lacking = refusal(404, "0x80060888", "Resource not found for the segment 'new_ovationreferrals'.")
    me = Reply(200, {"OrganizationId": ORG_ID, "UserId": ROBOT})
    facts = said(client.doctor(SETTINGS), me, found(), found(), found(), lacking).facts
    assert facts["tables_that_lack_columns"] == ["new_ovationreferrals"]


# In


def incoming(body: bytes, headers: dict[str, str] | None = None) -> Incoming:
    return Incoming("POST", "https://ovation.example/webhooks/dynamics", headers or {}, {}, body)


def test_only_the_secret_header_proves_the_sender() -> None:
    assert webhook.sign(b"{}", SETTINGS, "", NOW) == {"X-Ovation-Key": "dynamics-sandbox-webhook-key"}
    webhook.verify(incoming(b"{}", {"x-ovation-key": "dynamics-sandbox-webhook-key"}), SETTINGS, NOW)
    for headers in ({}, {"x-ovation-key": ""}, {"x-ovation-key": "dynamics-sandbox-webhook-kex"}):
        with pytest.raises(BadSignature, match="X-Ovation-Key"):
            webhook.verify(incoming(b"{}", headers), SETTINGS, NOW)
    with pytest.raises(BadSignature, match="not set"):
        webhook.verify(incoming(b"{}", {"x-ovation-key": ""}), DynamicsSettings(), NOW)


def test_every_request_only_makes_us_look(vendor: Vendor) -> None:
    put(vendor, "submitted")
    [sent] = moved(vendor, "qualify", referral="r_7").webhooks
    [(name, item)] = webhook.unpack(incoming(sent.body))
    assert (name, item["PrimaryEntityId"]) == ("lead", lead_of(vendor)["leadid"])
    assert webhook.INBOUND.read(name, item, SETTINGS) == Poke("changes")
    assert {upkeep.name for upkeep in PLATFORM.upkeep} >= {"changes"}
    assert webhook.INBOUND.read("account", item, SETTINGS) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'"[]"', b"{}", b'{"PrimaryEntityName": 7}', b"[" * 100_000])
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


# The look for changes

ROUND = Round(webhook_url="https://ovation.example/webhooks/dynamics?token=x", now=NOW)


def polled(vendor: Vendor, mark: dict[str, Any] | None = None, now: datetime | None = None) -> Upkept:
    round = Round(webhook_url=ROUND.webhook_url, now=now or datetime.now(UTC), mark=mark or {})
    upkept: Upkept = converse(poll.changes(round, SETTINGS), vendor)
    return upkept


def test_what_people_do_becomes_our_events_and_what_we_wrote_does_not(vendor: Vendor) -> None:
    number = joined(vendor)
    webhooks: list[bytes] = []
    for stage in ("submitted", "accepted"):
        converse(referral.put_lead(LEAD.model_copy(update={"stage": stage}), KEY, SETTINGS), vendor, None, webhooks)
        converse(referral.put_row(ROW.model_copy(update={"stage": stage}), KEY, SETTINGS), vendor, None, webhooks)
    converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    assert len(webhooks) == 2, "the environment tells of our writes too"
    assert polled(vendor).events == []
    moved(vendor, "tag", email="ada@example.com")
    moved(vendor, "opt_out", email="ada@example.com")
    moved(vendor, "qualify", referral="r_7")
    moved(vendor, "win", referral="r_7", amount=12000.5)
    moved(vendor, "change", table="new_ovationreferrals", referral="r_7", values={"new_status": "Lost"})
    moved(vendor, "complete", key=KEY)
    upkept = polled(vendor)
    told = {e.type: e for e in upkept.events}
    assert {kind: event.subject.text for kind, event in told.items()} == {
        "contact.tagged": f"dynamics:{number}",
        "contact.opted_out": f"dynamics:{number}",
        "referral.qualified": "ovation_referral:r_7",
        "referral.closed": "ovation_referral:r_7",
        "referral.lost": "ovation_referral:r_7",
        "task.completed": f"effect:{KEY}",
    }
    assert told["referral.closed"].data == {"referral": "r_7", "amount": {"minor": 1_200_050, "currency": "USD"}}
    assert told["task.completed"].data == {"task": KEY}
    [deal] = all_of(vendor, "opportunities")
    assert told["referral.closed"].source_id == f"opportunity:{deal['opportunityid']}:referral.closed"
    assert [e.source_id for e in polled(vendor).events] == [e.source_id for e in upkept.events]


def test_our_own_close_is_no_news(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "qualify", referral="r_7")
    put(vendor, "won", SETTINGS.model_copy(update={"close_opportunities": True}))
    assert [e.type for e in polled(vendor).events] == ["referral.qualified"]


def test_a_status_reason_means_what_the_settings_say(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "change", referral="r_7", values={"statecode": 2, "statuscode": 6})
    assert [e.type for e in polled(vendor).events] == ["referral.lost"]
    own = SETTINGS.model_copy(update={"stages": {"qualified": 6}})
    round = Round(webhook_url=ROUND.webhook_url, now=datetime.now(UTC))
    assert [e.type for e in converse(poll.changes(round, own), vendor).events] == ["referral.qualified"]


def test_a_later_edit_is_no_second_tag_and_an_old_tag_is_history(vendor: Vendor) -> None:
    moved(vendor, "tag", email="ada@example.com")
    first = polled(vendor).events
    moved(vendor, "contact", email="ada@example.com", values={"telephone1": "1"})
    assert [e.source_id for e in polled(vendor).events] == [e.source_id for e in first]
    [person] = all_of(vendor, "contacts")
    person["new_referralgivenon"] = "2020-01-01T00:00:00Z"
    assert polled(vendor).events == []


def page(*there: dict[str, Any], **more: Any) -> Reply:
    return found(*[{"modifiedon": "2026-11-24T08:00:00Z", "statecode": 1, **one} for one in there], **more)


def test_the_mark_moves_with_what_was_read_but_ten_minutes_are_read_again(vendor: Vendor) -> None:
    moved(vendor, "tag", email="ada@example.com")
    [person] = all_of(vendor, "contacts")
    person.update(modifiedon="2026-11-24T08:00:00Z", new_referralgivenon="2026-11-24T08:00:00Z")
    assert polled(vendor, now=NOW).events == [], "history is no news"
    mark: dict[str, Any] = {"contacts": {"at": "2026-11-24T07:00:00Z"}}
    upkept = polled(vendor, mark, NOW)
    assert [e.type for e in upkept.events] == ["contact.tagged"]
    assert upkept.mark["contacts"] == {"at": "2026-11-24T08:00:00Z"}
    assert polled(vendor, upkept.mark, NOW).events == []
    person["modifiedon"] = "2026-11-24T08:58:00Z"
    assert polled(vendor, upkept.mark, NOW).mark["contacts"] == {"at": "2026-11-24T08:50:00Z"}


def test_a_thousand_of_one_second_are_read_to_the_end(vendor: Vendor) -> None:
    for number in range(1100):
        row = vendor.books.add("contacts", {"emailaddress1": f"p{number}@example.com", "donotemail": True})
        row["modifiedon"] = "2026-11-24T08:00:00Z"
    mark: dict[str, Any] = {"contacts": {"at": "2026-11-24T07:00:00Z"}}
    first = polled(vendor, mark, NOW)
    assert len(first.events) == poll.PAGE * poll.PAGES
    assert first.again_at == NOW + timedelta(minutes=1)
    second = polled(vendor, first.mark, NOW)
    assert len({e.source_id for e in [*first.events, *second.events]}) == 1100
    assert second.again_at is None
    assert polled(vendor, second.mark, NOW).events == []


def test_the_next_page_is_asked_of_no_other_host() -> None:
    talk = poll.changes(ROUND, SETTINGS)
    next(talk)
    following = "https://evil.example/api/data/v9.2/contacts?$skiptoken=%3Ccookie%3E"
    call = talk.send(page(**{"@odata.nextLink": following}))
    assert call.path == f"{API}/contacts?$skiptoken=%3Ccookie%3E"
    assert call.headers["Prefer"] == "odata.maxpagesize=200"


def test_an_environment_without_leads_or_our_table_is_read_for_the_rest() -> None:
    column = refusal(400, "0x80060888", "Could not find a property named 'new_ovationref' on type 'lead'.")
    table = refusal(404, "0x80060888", "Resource not found for the segment 'new_ovationreferrals'.")
    assert said(poll.changes(ROUND, SETTINGS), found(), column, column, table, found()).events == []
    with pytest.raises(Unauthorized):
        said(poll.changes(ROUND, SETTINGS), column)
    with pytest.raises(Rejected):
        said(poll.changes(ROUND, SETTINGS), found(), refusal(400))


def test_a_row_that_makes_no_sense_stops_nothing() -> None:
    odd = {"contactid": "7", "donotemail": True}
    fit = {"contactid": ROBOT, "donotemail": True, "emailaddress1": "ada@example.com"}
    events = said(poll.changes(ROUND, SETTINGS), page(odd, fit), *[found()] * 4).events
    assert [e.subject.text for e in events] == [f"dynamics:{ROBOT}"]
    assert [e.identities[0].text for e in events] == ["email:ada@example.com"]


# The registration


def registered(vendor: Vendor, url: str = ROUND.webhook_url) -> list[Call]:
    seen: list[Call] = []
    upkept = converse(register.webhook(Round(webhook_url=url, now=NOW), SETTINGS), vendor, seen)
    assert upkept.mark == {"endpoint": all_of(vendor, "serviceendpoints")[0]["serviceendpointid"]}
    return seen


def test_a_webhook_is_registered_once_with_a_step_for_each_table(vendor: Vendor) -> None:
    registered(vendor)
    [endpoint] = all_of(vendor, "serviceendpoints")
    assert {k: endpoint[k] for k in ("name", "url", "contract", "authtype")} == {
        **{"name": "Ovation", "url": ROUND.webhook_url, "contract": 8, "authtype": 5},
    }
    secret = ElementTree.fromstring(endpoint["authvalue"]).find("setting")
    assert secret is not None
    assert secret.attrib == {"name": "x-ovation-key", "value": "dynamics-sandbox-webhook-key"}
    steps = {step["name"]: step for step in all_of(vendor, "sdkmessageprocessingsteps")}
    assert set(steps) == {
        f"Ovation: update of {table}" for table in ("contact", "lead", "opportunity", "task", "new_ovationreferral")
    }
    lead = steps["Ovation: update of lead"]
    assert (lead["stage"], lead["mode"], lead["filteringattributes"]) == (40, 1, "statecode,statuscode")
    assert lead["_eventhandler_value"] == endpoint["serviceendpointid"]


def test_a_registration_that_is_there_is_mended_and_not_made_again(vendor: Vendor) -> None:
    registered(vendor)
    moved_to = "https://new.example/webhooks/dynamics?token=y"
    written = writes(registered(vendor, moved_to))
    [endpoint] = all_of(vendor, "serviceendpoints")
    assert endpoint["url"] == moved_to
    assert [path for _, path, _ in written] == [f"/serviceendpoints({endpoint['serviceendpointid']})"]
    assert len(all_of(vendor, "sdkmessageprocessingsteps")) == 5


def test_a_table_that_cannot_be_watched_gets_no_step(vendor: Vendor) -> None:
    filters = vendor.books.rows["sdkmessagefilters"]
    for number in [n for n, row in filters.items() if row["primaryobjecttypecode"] == "new_ovationreferral"]:
        del filters[number]
    registered(vendor)
    assert len(all_of(vendor, "sdkmessageprocessingsteps")) == 4


def test_the_registration_rests_without_a_name_or_a_secret() -> None:
    [upkeep] = [one for one in PLATFORM.upkeep if one.name == "webhook"]
    assert upkeep.needs(DynamicsSettings()) == ("webhook_secret", "webhook_name")
    assert DynamicsSettings().missing(upkeep.needs(DynamicsSettings())) == [
        *("OVATION_DYNAMICS__WEBHOOK_SECRET", "OVATION_DYNAMICS__WEBHOOK_NAME"),
    ]


# The stand-in


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"shoesize": 42}, 400, "0x80048d19"),
        ({"modifiedon": "2026-11-24T09:00:00Z"}, 400, "0x80048d19"),
        ({"subject": 7}, 400, "0x80048d19"),
        ({"firstname": "x" * 51}, 400, "0x80044331"),
        ({"leadsourcecode": 99}, 400, "0x80048408"),
        ({"ownerid@odata.bind": f"/systemusers({ORG_ID})"}, 404, "0x80040217"),
        ({"Owner@odata.bind": f"/systemusers({ROBOT})"}, 400, "0x80048d19"),
    ],
)
def test_the_stand_in_refuses_what_dataverse_would(
    vendor: Vendor, change: dict[str, Any], status: int, code: str
) -> None:
    reply, _ = ask(Call.patch(f"{API}/leads({ORG_ID})", json=change), vendor)
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert not all_of(vendor, "leads")


@pytest.mark.parametrize(
    ("table", "query", "status"),
    [
        ("nothing", {}, 404),
        ("leads", {"$select": "shoesize"}, 400),
        ("leads", {"$filter": "shoesize eq 1"}, 400),
        ("leads", {"$filter": "firstname eq 'it's'"}, 400),
        ("leads", {"$filter": "firstname eq Ada"}, 400),
        ("leads", {"$filter": "(statecode eq 0"}, 400),
        ("leads", {"$filter": "statecode like 0"}, 400),
        ("leads", {"$expand": "originatingleadid($select=leadid)"}, 400),
        ("leads", {"$where": "1"}, 400),
    ],
)
def test_the_stand_in_reads_queries_as_strictly(vendor: Vendor, table: str, query: dict[str, str], status: int) -> None:
    reply, _ = ask(Call.get(f"{API}/{table}", query=query), vendor)
    assert (reply.status, reply.json["error"]["code"]) == (status, "0x80060888")


def test_conditions_hold_and_without_one_a_patch_makes_or_changes(vendor: Vendor) -> None:
    where = f"{API}/leads({ORG_ID})"
    changed, _ = ask(Call.patch(where, json={"firstname": "B"}, headers={"If-Match": "*"}), vendor)
    assert (changed.status, changed.json["error"]["code"]) == (404, "0x80040217")
    made, _ = ask(Call.patch(where, json={"firstname": "B"}, headers={"If-None-Match": "*"}), vendor)
    assert (made.status, made.headers["odata-entityid"]) == (204, where)
    again, _ = ask(Call.patch(where, json={"firstname": "C"}, headers={"If-None-Match": "*"}), vendor)
    assert (again.status, again.json["error"]["code"]) == (412, "0x80060892")
    assert lead_of(vendor)["firstname"] == "B"
    ask(Call.patch(where, json={"firstname": "C"}), vendor)
    assert lead_of(vendor)["firstname"] == "C"


def test_a_closed_opportunity_refuses_to_be_closed_and_none_is_won_by_a_patch(vendor: Vendor) -> None:
    deal = vendor.books.add("opportunities", {"name": "New"})["opportunityid"]
    won, _ = ask(Call.patch(f"{API}/opportunities({deal})", json={"statecode": 1, "statuscode": 3}), vendor)
    assert won.status == 400
    close = {"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"/opportunities({deal})"}}
    statuses = [ask(Call.post(f"{API}/WinOpportunity", json=close), vendor)[0].status for _ in range(2)]
    assert statuses == [204, 400]


def test_the_books_are_json_and_can_be_read_back(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "qualify", referral="r_7")
    assert Environment.model_validate_json(vendor.books.model_dump_json()) == vendor.books
    assert STAND_IN.moves["tag"]({"who": "Ada"}, vendor.books).status == 422
    assert STAND_IN.moves["win"]({"referral": "r_8"}, vendor.books).status == 404
