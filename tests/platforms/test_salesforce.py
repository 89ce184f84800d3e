"""Prevents: a call task that a colleague finds twice, a salesperson's work undone, a won deal that nobody hears of."""

import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr, ValidationError

from models.contact import Address, Identity, Person
from models.event import Event
from models.money import Money
from platforms.base import Call, Incoming, Reply, Round, Token, Upkept
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
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized, Unavailable
from platforms.runner import Runner
from platforms.salesforce import (
    PLATFORM,
    SalesforceSettings,
    client,
    contact,
    poll,
    records,
    referral,
    sign_in,
    stand_in_session,
    webhook,
)
from platforms.salesforce.problem import judge
from platforms.salesforce.stand_in import STAND_IN
from platforms.salesforce.stand_in_books import ORG_ID, Org
from platforms.stand_in import Answer, Heard
from sandbox.answering import Sandbox
from sandbox.vendors import Vendor

SETTINGS = STAND_IN.settings()
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
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
NOTE = WriteNote(who=ADA, text="Said yes to a story\nand to a call", at=NOW)
JOIN = AddToList(who=ADA, list="O'Hara's \\ Customer Advisory Board")
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
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    token = Token(stand_in_session.of(vendor.settings, vendor.books))
    heard = Heard(
        method=call.method,
        path=call.path,
        params=dict(params),
        query=call.query or {},
        headers={k.lower(): v for k, v in {**call.headers, **sign_in.headers(SETTINGS, token)}.items()},
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


def found(*there: dict[str, Any]) -> Reply:
    return Reply(200, {"totalSize": len(there), "done": True, "records": list(there)})


def moved(vendor: Vendor, name: str, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


def joined(vendor: Vendor, email: str = "ada@example.com", **values: Any) -> str:
    csm = next(u["Id"] for u in vendor.books.records["User"].values() if u["Email"] == "csm@acme.example")
    return str(moved(vendor, "contact", email=email, values={"OwnerId": csm, **values}).json["Id"])


def all_of(vendor: Vendor, kind: str) -> list[dict[str, Any]]:
    return list(vendor.books.records[kind].values())


def events_of(body: bytes, settings: SalesforceSettings = SETTINGS) -> list[Event]:
    incoming = Incoming("POST", "https://ovation.example/webhooks/salesforce", {}, {}, body)
    events: list[Event] = []
    for name, item in webhook.unpack(incoming):
        read = webhook.INBOUND.read(name, item, settings)
        assert isinstance(read, list), name
        events += read
    return events


# Sign-in


def test_the_jwts_signing_input_is_the_documented_one() -> None:
    settings = SalesforceSettings(client_id="3MVG9test", username="ovation@acme.example")
    assert sign_in.signing_input(settings, 1795500180) == (
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiIzTVZHOXRlc3QiLCJzdWIiOiJvdmF0aW9uQGFjbWUuZXhhbXBsZSIsImF1ZCI6Imh"
        "0dHBzOi8vbG9naW4uc2FsZXNmb3JjZS5jb20iLCJleHAiOjE3OTU1MDAxODB9"
    )


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, plain).decode()


def test_a_jwt_signs_in_with_its_key_on_one_line_and_no_other(pem: str) -> None:
    settings = SETTINGS.model_copy(update={"private_key": SecretStr(pem), "username": "ovation@acme.example"})
    ours = settings.model_copy(update={"private_key": SecretStr(pem.replace("\n", "\\n"))})
    vendor = Vendor(STAND_IN, settings, PLATFORM.inbound)
    call = sign_in.call(ours, datetime.now(UTC))
    assert (call.method, call.path, call.signed_in) == ("POST", "/services/oauth2/token", False)
    assert set(call.form or {}) == {"grant_type", "assertion"}
    reply, _ = ask(call, vendor)
    assert sign_in.read(reply, NOW).expires_at is None
    for other in ({"username": "eve@acme.example"}, {"client_id": "3MVG9other"}, {"audience": "https://test.example"}):
        refused, _ = ask(sign_in.call(ours.model_copy(update=other), datetime.now(UTC)), vendor)
        assert refused.status == 400
    late, _ = ask(sign_in.call(ours, datetime.now(UTC) - timedelta(minutes=4)), vendor)
    assert late.json == {"error": "invalid_grant", "error_description": "expired authorization code"}


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_key_that_cannot_be_read_is_said(key: str) -> None:
    with pytest.raises(Unauthorized, match="PRIVATE_KEY"):
        sign_in.call(SETTINGS.model_copy(update={"private_key": SecretStr(key)}), NOW)


def test_what_is_missing_depends_on_the_flow() -> None:
    assert SalesforceSettings().missing() == [
        *("OVATION_SALESFORCE__BASE_URL", "OVATION_SALESFORCE__CLIENT_ID", "OVATION_SALESFORCE__CLIENT_SECRET"),
    ]
    by_jwt = SalesforceSettings(base_url="https://acme.my.salesforce.com", private_key=SecretStr("x"), client_id="c")
    assert by_jwt.missing() == ["OVATION_SALESFORCE__USERNAME"]
    assert SalesforceSettings().missing(SalesforceSettings.required_in) == ["OVATION_SALESFORCE__WEBHOOK_SECRET"]


async def test_a_session_that_ended_before_its_time_is_renewed_once() -> None:
    settings = SETTINGS.model_copy(update={"base_url": "http://sandbox/salesforce"})
    sandbox = Sandbox([Vendor(STAND_IN, settings, PLATFORM.inbound)], "http://gateway")
    runner = Runner(httpx.AsyncClient(transport=httpx.ASGITransport(sandbox)))
    for _ in range(2):
        receipt = await runner.hold(PLATFORM, settings, client.find_contact(FindContact(who=ADA), KEY, settings))
        assert receipt == Receipt()
        sandbox.move(sandbox.vendors["salesforce"], "end_session", {})
    sent = [(entry.path.rpartition("/")[2], entry.status) for entry in sandbox.outbox.entries("salesforce")]
    assert sent == [("token", 200), ("query", 200), ("query", 401), ("token", 200), ("query", 200)]
    wrong = settings.model_copy(update={"client_secret": SecretStr("other")})
    with pytest.raises(Unauthorized, match="invalid_client"):
        await Runner(httpx.AsyncClient(transport=httpx.ASGITransport(sandbox))).hold(
            PLATFORM, wrong, client.find_contact(FindContact(who=ADA), KEY, wrong)
        )
    await runner.close()
    await sandbox.webhooks.close()


# Names, ids, queries


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("0035g00000XyZab", "0035g00000XyZabAAF"),
        ("0035g00000XyZabAAF", "0035g00000XyZabAAF"),
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("", None),
        ("0035g00000XyZa", None),
        ("0035g00000XyZab' OR", None),
    ],
)
def test_ids_are_compared_in_eighteen_characters(given: str, whole: str | None) -> None:
    assert records.whole_id(given) == whole


def test_nothing_in_a_text_ends_the_quotation() -> None:
    assert records.literal("O'Hara \\ x\n") == "'O\\'Hara \\\\ x\\n'"


def test_a_packages_namespace_stands_before_custom_names_only() -> None:
    own = SETTINGS.model_copy(update={"namespace": "ovation"})
    query = "SELECT Id, ConvertedOpportunity.Ovation_Ref__c FROM Lead WHERE Ovation_Ref__c = 'x Referral__c \\' y__c'"
    assert records.namespaced(query, own) == (
        "SELECT Id, ConvertedOpportunity.ovation__Ovation_Ref__c FROM Lead "
        "WHERE ovation__Ovation_Ref__c = 'x Referral__c \\' y__c'"
    )
    talk = referral.put_row(ROW, KEY, own)
    assert "FROM ovation__Referral__c WHERE ovation__Ovation_Ref__c = 'r_7'" in str(next(talk).query)
    for reply in (found(), found(), found()):
        call = talk.send(reply)
    call = talk.send(found())
    assert call.path == "/services/data/v68.0/sobjects/ovation__Referral__c/ovation__Ovation_Ref__c/r_7"
    assert call.json["ovation__Status__c"] == "Submitted"
    assert call.json["Name"] == "Bo Chen, referred by Ada Lovelace"


# Who is it?


def test_a_contact_is_read_with_who_looks_after_them(vendor: Vendor) -> None:
    address = {"MailingStreet": "12 St James's\r\nSquare", "MailingCity": "London", "MailingPostalCode": "SW1Y 4JH"}
    account = vendor.books.add("Account", {"Name": "Engines"})["Id"]
    number = joined(
        vendor,
        FirstName="Ada",
        LastName="Lovelace",
        MobilePhone="+44 20 7946 0000",
        AccountId=account,
        MailingCountry="GB",
        **address,
    )
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
    assert receipt.identities == [Identity(kind="salesforce", value=number)]
    assert receipt.url == f"https://acme.my.salesforce.com/{number}"
    assert not receipt.opted_out
    [call] = seen
    assert (call.method, call.path, call.writes) == ("GET", "/services/data/v68.0/query", False)
    assert "WHERE Ovation_Ref__c = 'c_1' OR Email = 'Ada@example.com' ORDER BY CreatedDate" in str(call.query)


def test_a_stranger_is_nobody_and_no_error(vendor: Vendor) -> None:
    assert converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor) == Receipt()


def test_the_record_that_is_surely_theirs_is_taken_and_an_opt_out_on_any_counts(vendor: Vendor) -> None:
    oldest = joined(vendor)
    books: Org = vendor.books
    books.add("Contact", {"LastName": "L", "Email": "ada@example.com", "HasOptedOutOfEmail": True})
    ours = books.add("Contact", {"LastName": "L", "Email": "ada@old.example", "Ovation_Ref__c": "c_1"})["Id"]
    named = books.add("Contact", {"LastName": "L", "Email": "ada@home.example"})["Id"]
    known = ADA.model_copy(update={"identities": [Identity(kind="salesforce", value=named[:15])]})
    stranger = ADA.model_copy(update={"contact": "c_9"})
    for who, number in ((known, named), (ADA, ours), (stranger, oldest)):
        receipt = converse(client.find_contact(FindContact(who=who), KEY, SETTINGS), vendor)
        assert (receipt.reference, receipt.opted_out) == (number, True)


def test_the_owner_who_left_is_no_success_manager_and_owns_no_task(vendor: Vendor) -> None:
    joined(vendor)
    for user in all_of(vendor, "User"):
        user["IsActive"] = False
    assert converse(client.find_contact(FindContact(who=ADA), KEY, SETTINGS), vendor).person.csm_email is None
    converse(client.create_task(TASK.model_copy(update={"owner_email": None}), KEY, SETTINGS), vendor)
    assert all_of(vendor, "Task")[0]["OwnerId"] == vendor.books.robot


def test_half_an_address_is_none_and_a_code_makes_it_whole() -> None:
    there = {"MailingStreet": "1 Main St", "MailingCity": "Boston", "MailingState": "MA", "MailingPostalCode": "02110"}
    assert contact.person({**there, "MailingCountry": "United States"}).address is None
    whole = contact.person({**there, "MailingCountry": "United States", "MailingCountryCode": "US"}).address
    assert whole == Address(line1="1 Main St", city="Boston", region="MA", postal_code="02110", country="US")
    assert contact.person({"LastName": "[not provided]"}) == Person()


# Campaigns


def test_a_campaign_and_a_contact_are_made_once(vendor: Vendor) -> None:
    seen: list[Call] = []
    first = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor, seen)
    [person] = all_of(vendor, "Contact")
    [campaign] = all_of(vendor, "Campaign")
    assert (campaign["Name"], campaign["IsActive"]) == (JOIN.list, True)
    made = next(c for c in seen if c.path.startswith("/services/data/v68.0/sobjects/Contact/"))
    assert (made.method, made.path) == ("PATCH", "/services/data/v68.0/sobjects/Contact/Ovation_Ref__c/c_1")
    assert made.json == {"FirstName": "Ada", "LastName": "Lovelace", "Email": "Ada@example.com"}
    assert seen[-1].json == {"CampaignId": campaign["Id"], "ContactId": person["Id"], "Status": "Sent"}
    assert first.facts == {"campaign": campaign["Id"], "contact": person["Id"]}
    assert converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor) == first
    assert len(all_of(vendor, "CampaignMember")) == len(all_of(vendor, "Campaign")) == 1


def test_an_active_campaign_of_this_name_comes_first(vendor: Vendor) -> None:
    last_year = vendor.books.add("Campaign", {"Name": JOIN.list, "IsActive": False})["Id"]
    assert converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor).reference == last_year
    this_year = vendor.books.add("Campaign", {"Name": JOIN.list, "IsActive": True})["Id"]
    assert converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor).reference == this_year


def test_who_opted_out_is_put_on_no_campaign(vendor: Vendor) -> None:
    number = joined(vendor, HasOptedOutOfEmail=True)
    receipt = converse(client.add_to_list(JOIN, KEY, SETTINGS), vendor)
    assert receipt == Receipt(facts={"contact": number}, opted_out=True)
    assert not all_of(vendor, "Campaign")


PERSON = {"Id": "0035g00000XyZabAAF", "Ovation_Ref__c": "c_1", "HasOptedOutOfEmail": False, "DoNotCall": False}
CAMPAIGN = {"Id": "7015g00000CaAbcEAF", "Name": JOIN.list, "IsActive": True}


def refusal(code: str, message: str = "no", status: int = 400, **more: Any) -> Reply:
    body = [{"message": message, "errorCode": code, "fields": [], **more}]
    return Reply(status, body, json.dumps(body))


def test_a_member_who_is_one_already_is_no_error_and_any_other_refusal_is() -> None:
    again = refusal("DUPLICATE_VALUE", "Already a campaign member.")
    assert said(client.add_to_list(JOIN, KEY, SETTINGS), found(PERSON), found(CAMPAIGN), again).reference
    with pytest.raises(Rejected, match="CUSTOM_VALIDATION"):
        said(
            client.add_to_list(JOIN, KEY, SETTINGS),
            *(found(PERSON), found(CAMPAIGN), refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION")),
        )


# A contact that is absent


def twins(*matches: tuple[str, str]) -> Reply:
    there = [{"record": {"attributes": {"type": kind}, "Id": number}} for kind, number in matches]
    duplicate = {"allowSave": True, "matchResults": [{"matchRecords": there}]}
    return refusal("DUPLICATES_DETECTED", "Use one of these records?", duplicateResult=duplicate)


def test_a_contact_that_a_duplicate_rule_points_at_is_taken_and_marked() -> None:
    talk = contact.known_or_made(ADA, SETTINGS)
    next(talk)
    assert talk.send(found()).method == "PATCH"
    read = talk.send(twins(("Contact", "0035g00000XyZabAAF")))
    assert "WHERE Id = '0035g00000XyZabAAF'" in str(read.query)
    mark = talk.send(found({**PERSON, "Ovation_Ref__c": None}))
    assert (mark.path, mark.json) == (
        "/services/data/v68.0/sobjects/Contact/0035g00000XyZabAAF",
        {"Ovation_Ref__c": "c_1"},
    )
    with pytest.raises(StopIteration) as end:
        talk.send(Reply(204))
    assert end.value.value["Id"] == "0035g00000XyZabAAF"


@pytest.mark.parametrize("matches", [[], [("Lead", "00Q1")], [("Contact", "0031"), ("Contact", "0032")]])
def test_a_duplicate_rule_that_does_not_say_whom_is_a_refusal(matches: list[tuple[str, str]]) -> None:
    with pytest.raises(Rejected, match="duplicate rule"):
        said(contact.known_or_made(ADA, SETTINGS), found(), twins(*matches))


def test_who_is_made_belongs_to_their_success_manager_if_a_user(vendor: Vendor) -> None:
    owned = ADA.model_copy(update={"csm_email": "csm@acme.example", "last_name": None})
    converse(contact.known_or_made(owned, SETTINGS), vendor)
    [person] = all_of(vendor, "Contact")
    assert person["OwnerId"] != vendor.books.robot
    assert (person["LastName"], person["Ovation_Ref__c"]) == ("[not provided]", "c_1")
    with pytest.raises(Rejected, match="without an e-mail address"):
        converse(contact.known_or_made(Who(contact="c_5"), SETTINGS), vendor)


# Tasks and notes


def test_a_task_is_owned_dated_and_carries_our_key(vendor: Vendor) -> None:
    number = joined(vendor)
    seen: list[Call] = []
    receipt = converse(client.create_task(TASK, KEY, SETTINGS), vendor, seen)
    [csm] = [u["Id"] for u in all_of(vendor, "User") if u["Email"] == "csm@acme.example"]
    assert (seen[-1].method, seen[-1].path) == ("POST", "/services/data/v68.0/sobjects/Task")
    assert seen[-1].json == {
        "Subject": "Call Ada: thank her in person",
        "Description": "She wrote: great",
        "WhoId": number,
        "ActivityDate": "2026-11-27",
        "Status": "Not Started",
        "Priority": "High",
        "TaskSubtype": "Call",
        "Ovation_Key__c": KEY,
        "OwnerId": csm,
    }
    assert [receipt.reference] == [t["Id"] for t in all_of(vendor, "Task")]


def test_whoever_wants_no_call_gets_none(vendor: Vendor) -> None:
    joined(vendor, DoNotCall=True)
    converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    [task] = all_of(vendor, "Task")
    assert (task["TaskSubtype"], task["Priority"]) == ("Task", "Normal")
    assert task["Description"] == "Salesforce says of them: do not call.\n\nShe wrote: great"


def test_a_task_for_a_stranger_is_refused_not_lost(vendor: Vendor) -> None:
    joined(vendor)
    with pytest.raises(Rejected, match="owner"):
        converse(client.create_task(TASK.model_copy(update={"owner_email": "x@acme.example"}), KEY, SETTINGS), vendor)
    assert not all_of(vendor, "Task")


@pytest.mark.parametrize(
    ("make", "find", "action"),
    [
        pytest.param(client.create_task, client.find_task, TASK, id="task"),
        pytest.param(client.write_note, client.find_note, NOTE, id="note"),
    ],
)
def test_what_was_made_is_found_again_also_when_it_was_thrown_away(
    vendor: Vendor, make: Callable[..., Any], find: Callable[..., Any], action: Any
) -> None:
    joined(vendor)
    assert converse(find(action, KEY, SETTINGS), vendor) is None
    receipt = converse(make(action, KEY, SETTINGS), vendor)
    for other in (f"{KEY}/2", KEY[:-1], KEY.upper()):
        converse(make(action, other, SETTINGS), vendor)
    vendor.books.thrown_away.append(receipt.reference)
    seen: list[Call] = []
    assert converse(find(action, KEY, SETTINGS), vendor, seen) == receipt
    assert [(c.method, c.path) for c in seen] == [("GET", "/services/data/v68.0/queryAll")]


def test_a_repeat_makes_two_here_as_at_salesforce(vendor: Vendor) -> None:
    for _ in range(2):
        converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    assert len(all_of(vendor, "Task")) == 2


def test_a_note_stands_in_the_timeline_and_is_nobodys_finished_task(vendor: Vendor) -> None:
    webhooks: list[bytes] = []
    converse(client.write_note(NOTE, KEY, SETTINGS), vendor, webhooks=webhooks)
    [note] = all_of(vendor, "Task")
    assert (note["Subject"], note["Status"], note["IsClosed"]) == ("Said yes to a story", "Completed", True)
    assert note["Description"] == NOTE.text
    assert [json.loads(body)["event"] for body in webhooks] == ["task_completed"]
    assert [event for body in webhooks for event in events_of(body)] == []


# Revenue


def test_sums_are_set_and_not_added_on_the_advocate_and_the_deal(vendor: Vendor) -> None:
    number = joined(vendor)
    converse(referral.put_lead(LEAD, KEY, SETTINGS), vendor)
    deal = moved(vendor, "convert", referral="r_7").json["ConvertedOpportunityId"]
    vendor.books.records["Opportunity"][deal].update(Ovation_Ref__c=None, Referred_By__c=None)
    seen: list[Call] = []
    receipt = converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor, seen)
    assert receipt.facts == {"contact": number, "opportunity": deal}
    writes = [(c.path.rpartition("/sobjects/")[2], c.json) for c in seen if c.writes]
    assert writes == [
        (f"Contact/{number}", {"Ovation_Revenue__c": 19500}),
        (f"Opportunity/{deal}", {"Ovation_Revenue__c": 12000.5, "Ovation_Ref__c": "r_7", "Referred_By__c": number}),
    ]
    again: list[Call] = []
    assert converse(client.attribute_revenue(REVENUE, KEY, SETTINGS), vendor, again) == receipt
    assert not any(c.writes for c in again), "what stands there already is not written: flows would run again"


def test_another_currency_has_a_field_of_its_own(vendor: Vendor) -> None:
    joined(vendor)
    euros = REVENUE.model_copy(update={"total": Money(minor=50, currency="EUR")})
    converse(client.attribute_revenue(euros, KEY, SETTINGS), vendor)
    [person] = all_of(vendor, "Contact")
    assert (person["Ovation_Revenue__c"], person["Ovation_Revenue_EUR__c"]) == (None, 0.5)
    assert json.dumps(records.number(Money(minor=123_456_789_012_345, currency="USD"))) == "1234567890123.45"


# Referrals


def test_a_lead_is_made_once_with_all_that_we_know(vendor: Vendor) -> None:
    advocate = joined(vendor)
    seen: list[Call] = []
    receipt = converse(referral.put_lead(LEAD, KEY, SETTINGS), vendor, seen)
    call = seen[-1]
    assert (call.method, call.path) == ("PATCH", "/services/data/v68.0/sobjects/Lead/Ovation_Ref__c/r_7")
    [csm] = [u["Id"] for u in all_of(vendor, "User") if u["Email"] == "csm@acme.example"]
    assert call.json == {
        "FirstName": "Bo",
        "LastName": "Chen",
        "Company": "New Ltd",
        "Email": "bo@new.example",
        "LeadSource": "Customer Referral",
        "Status": "Open - Not Contacted",
        "OwnerId": csm,
        "Ovation_Stage__c": "submitted",
        "Ovation_Notes__c": "They met in London.\n\nhttps://ovation.example/r/r_7",
        "Referred_By__c": advocate,
    }
    assert call.headers == {"Sforce-Auto-Assign": "FALSE"}
    again: list[Call] = []
    assert converse(referral.put_lead(LEAD, KEY, SETTINGS), vendor, again) == receipt
    assert not any(c.writes for c in again)
    assert len(all_of(vendor, "Lead")) == 1


def test_without_an_owner_of_ours_the_assignment_rules_choose(vendor: Vendor) -> None:
    seen: list[Call] = []
    converse(referral.put_lead(LEAD.model_copy(update={"owner_email": None}), KEY, SETTINGS), vendor, seen)
    assert seen[-1].headers == {}
    assert not {"OwnerId", "Referred_By__c"} & set(seen[-1].json), "an advocate who is unknown there is left out"


def lead_of(vendor: Vendor) -> dict[str, Any]:
    [lead] = all_of(vendor, "Lead")
    return lead


def put(vendor: Vendor, stage: str, settings: SalesforceSettings = SETTINGS, **more: Any) -> list[Call]:
    seen: list[Call] = []
    action = LEAD.model_copy(update={"stage": stage, **more})
    converse(referral.put_lead(action, KEY, settings), vendor, seen)
    return [call for call in seen if call.writes]


def test_each_stage_has_its_word_and_one_without_leaves_the_status(vendor: Vendor) -> None:
    put(vendor, "submitted")
    for stage, status in (
        ("accepted", "Working - Contacted"),
        ("qualified", "Working - Contacted"),
        ("won", "Working - Contacted"),
        ("lost", "Closed - Not Converted"),
        ("disqualified", "Closed - Not Converted"),
    ):
        put(vendor, stage)
        assert (lead_of(vendor)["Status"], lead_of(vendor)["Ovation_Stage__c"]) == (status, stage)
    with pytest.raises(ValidationError):
        SalesforceSettings.model_validate({"stages": {"victorious": "x"}})


def test_a_repeat_does_not_undo_what_people_did_since(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "stage", referral="r_7", status="Working - Contacted")
    assert put(vendor, "submitted", notes="More is known.")[0].json == {
        "Ovation_Notes__c": "More is known.\n\nhttps://ovation.example/r/r_7"
    }
    assert lead_of(vendor)["Status"] == "Working - Contacted"


def test_what_people_closed_is_not_opened_and_an_end_is_told(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "stage", referral="r_7", status="Closed - Not Converted")
    assert put(vendor, "accepted") == []
    assert lead_of(vendor)["Status"] == "Closed - Not Converted"
    assert [call.json for call in put(vendor, "lost")] == [{"Ovation_Stage__c": "lost"}], "the status says it already"


def test_line_ends_of_salesforces_are_no_difference(vendor: Vendor) -> None:
    put(vendor, "submitted")
    lead_of(vendor)["Ovation_Notes__c"] = "They met in London.\r\n\r\nhttps://ovation.example/r/r_7"
    assert put(vendor, "submitted") == []


def test_a_converted_lead_is_left_and_its_deal_carries_our_reference(vendor: Vendor) -> None:
    joined(vendor)
    put(vendor, "submitted")
    deal = vendor.books.records["Opportunity"][moved(vendor, "convert", referral="r_7").json["ConvertedOpportunityId"]]
    deal.update(Ovation_Ref__c=None, Referred_By__c=None, Ovation_Stage__c=None)
    [call] = put(vendor, "qualified")
    assert call.path.endswith(f"/sobjects/Opportunity/{deal['Id']}")
    assert call.json == {
        "Ovation_Ref__c": "r_7",
        "Referred_By__c": lead_of(vendor)["Referred_By__c"],
        "Ovation_Stage__c": "qualified",
    }
    assert deal["StageName"] == "Prospecting", "deals are people's, unless the settings say otherwise"
    moving = SETTINGS.model_copy(update={"opportunity_stages": {"won": "Closed Won", "lost": "Closed Lost"}})
    put(vendor, "won", moving)
    assert (deal["StageName"], deal["Ovation_Stage__c"]) == ("Closed Won", "won")
    assert put(vendor, "qualified", moving) == [], "a closed deal is not opened"


def test_a_deal_that_people_won_keeps_their_word_for_it(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "convert", referral="r_7")
    moved(vendor, "win", referral="r_7", amount=12000)
    moving = SETTINGS.model_copy(update={"opportunity_stages": {"won": "Negotiation/Review"}})
    assert [c.json for c in put(vendor, "won", moving)] == [{"Ovation_Stage__c": "won"}]


def test_a_lead_converted_without_a_deal_is_left() -> None:
    lead = {"Id": "00Q5g00000LdAbcEAF", "IsConverted": True, "ConvertedOpportunityId": None}
    receipt = said(referral.put_lead(LEAD, KEY, SETTINGS), found(lead))
    assert receipt.facts == {"lead": "00Q5g00000LdAbcEAF"}


def test_marketings_lead_becomes_the_referrals_but_not_another_referrals(vendor: Vendor) -> None:
    there = vendor.books.add("Lead", {"LastName": "Chen", "Company": "New", "Email": "bo@new.example"})
    receipt = converse(referral.put_lead(LEAD, KEY, SETTINGS), vendor)
    assert receipt.reference == there["Id"]
    assert (there["Ovation_Ref__c"], there["Ovation_Stage__c"], there["Company"]) == ("r_7", "submitted", "New")
    with pytest.raises(Rejected, match="of another referral"):
        converse(referral.put_lead(LEAD.model_copy(update={"referral": "r_8"}), KEY, SETTINGS), vendor)


def test_a_row_shows_the_whole_of_a_referral(vendor: Vendor) -> None:
    advocate = joined(vendor)
    lead = converse(referral.put_lead(LEAD, KEY, SETTINGS), vendor).reference
    receipt = converse(referral.put_row(ROW, KEY, SETTINGS), vendor)
    [row] = all_of(vendor, "Referral__c")
    assert receipt.reference == row["Id"]
    expected = {
        "Ovation_Ref__c": "r_7",
        "Name": "Bo Chen, referred by Ada Lovelace",
        "Advocate__c": advocate,
        "Referred_Lead__c": lead,
        "Referred_Contact__c": None,
        "Status__c": "Submitted",
        "Ovation_Stage__c": "submitted",
        "Submitted_At__c": "2026-11-24T09:00:00.000Z",
        "Link__c": "https://ovation.example/r/r_7",
        "Revenue__c": None,
    }
    assert {name: row[name] for name in expected} == expected
    turned = moved(vendor, "convert", referral="r_7").json
    won = ROW.model_copy(update={"stage": "won", "amount": Money(minor=1_200_000, currency="USD")})
    converse(referral.put_row(won, KEY, SETTINGS), vendor)
    assert (row["Status__c"], row["Revenue__c"]) == ("Won", 12000)
    assert (row["Referred_Contact__c"], row["Opportunity__c"]) == (
        turned["ConvertedContactId"],
        turned["ConvertedOpportunityId"],
    )
    seen: list[Call] = []
    assert converse(referral.put_row(won, KEY, SETTINGS), vendor, seen) == receipt
    assert not any(c.writes for c in seen)


def test_a_sum_in_another_currency_is_written_only_where_the_org_keeps_several() -> None:
    euros = ROW.model_copy(update={"amount": Money(minor=1_200_000, currency="EUR")})
    for several, expected in ((False, {}), (True, {"Revenue__c": 12000.0, "CurrencyIsoCode": "EUR"})):
        talk = referral.put_row(euros, KEY, SETTINGS.model_copy(update={"multi_currency": several}))
        next(talk)
        for _ in range(3):
            talk.send(found())
        written = talk.send(found()).json
        assert {k: v for k, v in written.items() if k in ("Revenue__c", "CurrencyIsoCode")} == expected


# Upserts


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(300, ["/services/data/v68.0/sobjects/Lead/00Q1"]), Rejected, "unique"),
        (refusal("DUPLICATE_VALUE", "duplicate value found: Ovation_Ref__c duplicates value"), Unavailable, "another"),
        (refusal("DUPLICATE_VALUE", "duplicate value found: Email duplicates value"), Rejected, "Email"),
        (refusal("REQUIRED_FIELD_MISSING"), Rejected, "REQUIRED"),
        (refusal("INVALID_FIELD"), Unauthorized, "INVALID_FIELD"),
        (refusal("UNABLE_TO_LOCK_ROW"), Unavailable, "LOCK"),
        (Reply(200, {"success": True}), InDoubt, "did not say"),
    ],
)
def test_an_upsert_that_ends_otherwise(reply: Reply, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        said(records.upsert("Lead", "r_7", {}, SETTINGS), reply)


def test_our_reference_is_one_part_of_the_path() -> None:
    assert next(records.upsert("Lead", "a/b c", {}, SETTINGS)).path.endswith("/sobjects/Lead/Ovation_Ref__c/a%2Fb%20c")


# Errors

POST, GET = Call.post("/x"), Call.get("/x")


@pytest.mark.parametrize(
    ("reply", "call", "kind"),
    [
        (refusal("REQUIRED_FIELD_MISSING"), POST, "rejected"),
        (refusal("MALFORMED_QUERY"), GET, "rejected"),
        (refusal("ENTITY_IS_DELETED", status=404), POST, "rejected"),
        (refusal("INVALID_FIELD"), POST, "unauthorized"),
        (refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), POST, "unauthorized"),
        (refusal("INVALID_SESSION_ID", status=401), GET, "unauthorized"),
        (refusal("INSUFFICIENT_ACCESS_OR_READONLY", status=403), POST, "unauthorized"),
        (refusal("API_DISABLED_FOR_ORG", status=403), POST, "unauthorized"),
        (refusal("REQUEST_LIMIT_EXCEEDED", status=403), POST, "rate-limited"),
        (refusal("UNABLE_TO_LOCK_ROW"), POST, "unavailable"),
        (refusal("SERVER_UNAVAILABLE", status=503), POST, "unavailable"),
        (Reply(503, None, "<html>"), POST, "in doubt"),
        (refusal("UNKNOWN_EXCEPTION", status=500), POST, "in doubt"),
        (refusal("UNKNOWN_EXCEPTION", status=500), GET, "unavailable"),
        (Reply(200, None, "<html>"), GET, "unavailable"),
        (Reply(400, {"error": "invalid_grant", "error_description": "user hasn't approved"}), POST, "unauthorized"),
    ],
)
def test_each_answer_that_is_none_has_its_kind(reply: Reply, call: Call, kind: str) -> None:
    problem = judge(reply, call)
    assert problem is not None
    assert problem.kind == kind


def test_successes_are_none() -> None:
    assert judge(Reply(204), POST) is None
    assert judge(Reply(201, {"id": "1", "success": True}), POST) is None


def test_how_long_to_wait_depends_on_which_limit() -> None:
    day = judge(refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403), POST)
    busy = judge(refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", 403), POST)
    assert day is not None
    assert busy is not None
    assert (day.retry_after, busy.retry_after) == (900.0, 5.0)
    for answer, kind in ((STAND_IN.rate_limited(), "rate-limited"), (STAND_IN.broken(), "in doubt")):
        problem = judge(Reply(answer.status, answer.json, json.dumps(answer.json)), POST)
        assert problem is not None
        assert problem.kind == kind


def test_the_words_name_the_fields() -> None:
    body = [{"message": "Required fields are missing", "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName"]}]
    problem = judge(Reply(400, body), POST)
    assert problem is not None
    assert problem.message == "HTTP 400: REQUIRED_FIELD_MISSING: Required fields are missing (LastName)"


def test_the_doctor_names_what_an_org_lacks(vendor: Vendor) -> None:
    facts = converse(client.doctor(SETTINGS), vendor).facts
    assert facts == {
        **{"org": ORG_ID, "sandbox": True, "calls_left_today": 99_998},
        **{"missing_fields": [], "fields_not_unique": []},
    }
    bare = Reply(200, {"fields": [{"name": "Ovation_Ref__c", "unique": False, "externalId": True}]})
    replies = [found({"Id": ORG_ID}), Reply(200, {}), bare, *[Reply(404)] * 5]
    facts = said(client.doctor(SETTINGS), *replies).facts
    assert facts["fields_not_unique"] == ["Contact.Ovation_Ref__c"]
    assert "Referral__c.Status__c" in facts["missing_fields"]


# In


def test_only_the_secret_header_proves_the_sender() -> None:
    url = "https://ovation.example/webhooks/salesforce"
    signed = webhook.sign(b"{}", SETTINGS, url, NOW)
    assert signed == {"X-Ovation-Key": "salesforce-sandbox-flow-key"}
    webhook.verify(Incoming("POST", url, {"x-ovation-key": "salesforce-sandbox-flow-key"}, {}, b"{}"), SETTINGS, NOW)
    for headers in ({}, {"x-ovation-key": ""}, {"x-ovation-key": "salesforce-sandbox-flow-kez"}):
        with pytest.raises(BadSignature, match="X-Ovation-Key"):
            webhook.verify(Incoming("POST", url, headers, {}, b"{}"), SETTINGS, NOW)
    with pytest.raises(BadSignature, match="not set"):
        webhook.verify(Incoming("POST", url, {"x-ovation-key": ""}, {}, b"{}"), SalesforceSettings(), NOW)


def callout(**change: Any) -> bytes:
    body = {
        **{"orgId": ORG_ID, "object": "Contact", "recordId": "0035g00000XyZab", "event": "referral_given"},
        **{"changedAt": "2026-11-24T09:12:33.000Z", "fields": {"Email": "ada@example.com"}},
    }
    return json.dumps({**body, **change}).encode()


def test_a_callout_of_another_org_is_refused_where_the_org_is_set() -> None:
    assert len(events_of(callout(orgId=ORG_ID[:15]))) == 1
    with pytest.raises(Malformed, match="another org"):
        events_of(callout(orgId="00D5g000004ABCEEA2"))
    with pytest.raises(Malformed, match="another org"):
        events_of(callout(orgId=None))
    assert events_of(callout(orgId=None), SETTINGS.model_copy(update={"org_id": None}))


@pytest.mark.parametrize(
    "change",
    [
        *({"object": "Account"}, {"recordId": "7"}, {"fields": None}, {"changedAt": "2026-11-24"}),
        *({"event": "tagged"}, {"event": "opted_out", "object": "Lead", "fields": {"HasOptedOutOfEmail": True}}),
    ],
)
def test_a_callout_that_lacks_what_it_must_say_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        events_of(callout(**change))


def test_a_namespaced_callout_is_read_like_a_plain_one() -> None:
    own = SETTINGS.model_copy(update={"namespace": "ovation"})
    fields = {"ovation__Ovation_Ref__c": "r_7", "ovation__Status__c": "Lost"}
    body = callout(object="ovation__Referral__c", recordId="a015g00000RfAbc", event="stage_changed", fields=fields)
    [event] = events_of(body, own)
    assert (event.type, event.subject.text) == ("referral.lost", "ovation_referral:r_7")


def test_what_we_wrote_ourselves_is_no_news_and_what_people_did_is(vendor: Vendor) -> None:
    webhooks: list[bytes] = []
    for stage in ("submitted", "accepted", "qualified", "lost"):
        action = LEAD.model_copy(update={"stage": stage})
        converse(referral.put_lead(action, KEY, SETTINGS), vendor, webhooks=webhooks)
        converse(referral.put_row(ROW.model_copy(update={"stage": stage}), KEY, SETTINGS), vendor, webhooks=webhooks)
    assert len(webhooks) == 7, "the org's flows tell of our writes too"
    assert [event for body in webhooks for event in events_of(body)] == []
    put(vendor, "accepted")
    answer = moved(vendor, "stage", object="Referral__c", referral="r_7", status="Won")
    [event] = events_of(answer.webhooks[0].body)
    assert (event.type, event.subject.text) == ("referral.closed", "ovation_referral:r_7")


def test_a_lead_is_converted_and_its_deal_won(vendor: Vendor) -> None:
    put(vendor, "submitted")
    [qualified] = events_of(moved(vendor, "convert", referral="r_7").webhooks[0].body)
    [closed] = events_of(moved(vendor, "win", referral="r_7", amount=12000.5).webhooks[0].body)
    assert (qualified.type, closed.type) == ("referral.qualified", "referral.closed")
    assert closed.data == {"referral": "r_7", "amount": {"minor": 1_200_050, "currency": "USD"}}


def test_a_deals_stage_means_qualified_where_the_settings_say_so() -> None:
    fields = {"Ovation_Ref__c": "r_7", "StageName": "Qualification", "IsClosed": False, "IsWon": False}
    body = callout(object="Opportunity", recordId="0065g00000OpAbc", event="stage_changed", fields=fields)
    assert events_of(body) == []
    own = SETTINGS.model_copy(update={"opportunity_stages": {"qualified": "Qualification"}})
    assert [event.type for event in events_of(body, own)] == ["referral.qualified"]


# The poll

ROUND = Round(webhook_url="https://ovation.example/webhooks/salesforce", now=NOW)


def polled(vendor: Vendor, mark: dict[str, Any] | None = None, now: datetime | None = None) -> Upkept:
    round = Round(webhook_url=ROUND.webhook_url, now=now or datetime.now(UTC), mark=mark or {})
    upkept: Upkept = converse(poll.changes(round, SETTINGS), vendor)
    return upkept


def test_the_poll_finds_what_flows_told_under_the_same_id(vendor: Vendor) -> None:
    number = joined(vendor)
    put(vendor, "submitted")
    converse(referral.put_row(ROW, KEY, SETTINGS), vendor)
    converse(client.create_task(TASK, KEY, SETTINGS), vendor)
    converse(client.write_note(NOTE, KEY, SETTINGS), vendor)
    told = [
        moved(vendor, "tag", email="ada@example.com"),
        moved(vendor, "opt_out", email="ada@example.com"),
        moved(vendor, "convert", referral="r_7"),
        moved(vendor, "win", referral="r_7", amount=10),
        moved(vendor, "stage", object="Referral__c", referral="r_7", status="Lost"),
        moved(vendor, "complete", key=KEY),
    ]
    events = [event for answer in told for one in answer.webhooks for event in events_of(one.body)]
    upkept = polled(vendor)
    assert {(e.type, e.source_id) for e in upkept.events} == {(e.type, e.source_id) for e in events}
    assert {e.type for e in events} == {
        *("contact.tagged", "contact.opted_out", "referral.qualified", "referral.closed", "referral.lost"),
        "task.completed",
    }
    assert next(e for e in upkept.events if e.type == "contact.tagged").subject.text == f"salesforce:{number}"
    assert upkept.again_at is None


def test_a_later_edit_of_a_tagged_contact_is_no_second_tag(vendor: Vendor) -> None:
    moved(vendor, "tag", email="ada@example.com")
    [person] = all_of(vendor, "Contact")
    person["SystemModstamp"] = "2099-01-01T00:00:00.000+0000"
    first, second = polled(vendor), polled(vendor)
    assert [e.source_id for e in first.events] == [e.source_id for e in second.events]
    assert len(first.events) == 1


def test_history_is_no_news_and_the_mark_moves_with_what_was_read(vendor: Vendor) -> None:
    moved(vendor, "tag", email="ada@example.com")
    [person] = all_of(vendor, "Contact")
    person["Referral_Given_At__c"] = "2026-11-24T08:00:00.000+0000"
    assert polled(vendor, now=NOW).events == []
    mark = {"tagged": {"at": "2026-11-24T07:00:00.000Z", "id": ""}}
    upkept = polled(vendor, mark, NOW)
    assert [e.type for e in upkept.events] == ["contact.tagged"]
    assert upkept.mark["tagged"] == {"at": "2026-11-24T08:00:00.000Z", "id": person["Id"]}
    assert polled(vendor, upkept.mark, NOW).events == []
    person["Referral_Given_At__c"] = "2026-11-24T08:58:00.000+0000"
    assert polled(vendor, upkept.mark, NOW).mark["tagged"] == {"at": "2026-11-24T08:50:00.000Z", "id": ""}


def test_a_thousand_of_one_second_are_read_to_the_end(vendor: Vendor) -> None:
    for number in range(1100):
        person = vendor.books.add("Contact", {"LastName": "L", "Email": f"p{number}@example.com"})
        person.update(Referral_Given__c=True, Referral_Given_At__c="2026-11-24T08:00:00.000+0000")
    mark: dict[str, Any] = {"tagged": {"at": "2026-11-24T07:00:00.000Z", "id": ""}}
    first = polled(vendor, mark, NOW)
    assert len(first.events) == poll.PAGE * poll.PAGES
    assert first.again_at == NOW + timedelta(minutes=1)
    second = polled(vendor, first.mark, NOW)
    assert len({e.source_id for e in [*first.events, *second.events]}) == 1100
    assert second.again_at is None
    assert polled(vendor, second.mark, NOW).events == []


def test_a_deal_of_a_converted_lead_gets_our_reference_where_it_was_not_mapped(vendor: Vendor) -> None:
    put(vendor, "submitted")
    deal = vendor.books.records["Opportunity"][moved(vendor, "convert", referral="r_7").json["ConvertedOpportunityId"]]
    deal["Ovation_Ref__c"] = None
    polled(vendor)
    assert deal["Ovation_Ref__c"] == "r_7"


def test_an_org_without_leads_or_rows_is_polled_for_the_rest() -> None:
    absent = refusal("INVALID_TYPE", "sObject type 'Referral__c' is not supported.")
    replies = [found(), found(), refusal("INVALID_FIELD"), found(), absent, found()]
    assert said(poll.changes(ROUND, SETTINGS), *replies).events == []
    with pytest.raises(Unauthorized):
        said(poll.changes(ROUND, SETTINGS), refusal("INVALID_FIELD"))
    with pytest.raises(Rejected):
        said(poll.changes(ROUND, SETTINGS), found(), found(), refusal("MALFORMED_QUERY"))


def test_a_record_that_makes_no_sense_stops_nothing() -> None:
    odd = {"Id": "0035g00000XyZabAAF", "Email": "no address", "Referral_Given_At__c": "2026-11-24T08:00:00.000+0000"}
    fit = {**odd, "Id": "0035g00000XyZacAAF", "Email": None}
    replies = [found(odd, fit), *[found()] * 5]
    assert [e.subject.value for e in said(poll.changes(ROUND, SETTINGS), *replies).events] == ["0035g00000XyZacAAF"]


def test_the_upkeep_is_declared() -> None:
    [upkeep] = PLATFORM.upkeep
    assert (upkeep.name, upkeep.every, upkeep.talk) == ("changes", timedelta(minutes=15), poll.changes)


# The stand-in


def answered(vendor: Vendor, call: Call) -> Reply:
    return ask(call, vendor)[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Shoe_Size__c": 42}, "INVALID_FIELD"),
        ({"IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Status": "Hot"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"Email": "nobody"}, "JSON_PARSER_ERROR"),
        ({"HasOptedOutOfEmail": "yes"}, "JSON_PARSER_ERROR"),
        ({"Referred_By__c": "0035g00000NobodyAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"Ovation_Ref__c": "r_1"}, "INVALID_FIELD"),
    ],
)
def test_the_stand_in_refuses_what_salesforce_would(vendor: Vendor, change: dict[str, Any], code: str) -> None:
    body = {"LastName": "Chen", "Company": "New", **change}
    reply = answered(vendor, Call.patch("/services/data/v68.0/sobjects/Lead/Ovation_Ref__c/r_1", json=body))
    assert (reply.status, reply.json[0]["errorCode"]) == (400, code)
    assert not all_of(vendor, "Lead")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Shoe__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Owner.Shoe FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Email = ada", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Email = 'it's'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Email = 'a' OR Email = 'b' AND Phone = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id Email FROM Contact", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_the_stand_in_reads_queries_as_strictly(vendor: Vendor, query: str, code: str) -> None:
    reply = answered(vendor, Call.get("/services/data/v68.0/query", query={"q": query}))
    assert (reply.status, reply.json[0]["errorCode"]) == (400, code)


def test_the_stand_ins_org_has_a_day_that_can_be_spent_and_versions(vendor: Vendor) -> None:
    limits = Call.get("/services/data/v68.0/limits")
    assert answered(vendor, limits).headers == {"sforce-limit-info": "api-usage=1/100000"}
    assert answered(vendor, Call.get("/services/data/v99.0/limits")).status == 404
    moved(vendor, "spend_the_day")
    reply = answered(vendor, limits)
    problem = judge(reply, limits)
    assert problem is not None
    assert (reply.status, problem.kind) == (403, "rate-limited")


def test_the_books_are_json_and_can_be_read_back(vendor: Vendor) -> None:
    put(vendor, "submitted")
    moved(vendor, "convert", referral="r_7")
    assert Org.model_validate_json(vendor.books.model_dump_json()) == vendor.books
    assert STAND_IN.moves["tag"]({"who": "Ada"}, vendor.books).status == 422
    assert STAND_IN.moves["win"]({"referral": "r_8"}, vendor.books).status == 404
