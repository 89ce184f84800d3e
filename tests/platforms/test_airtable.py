"""Prevents: two rows for one referral, a cell of somebody's emptied, a webhook that expired unnoticed, a status that
people changed and nobody heard of, and our own write heard as news."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from models.event import Event
from models.money import Money
from platforms.airtable import PLATFORM, AirtableSettings, client, upkeep, webhook
from platforms.airtable.stand_in import STAND_IN
from platforms.airtable.stand_in_books import Base
from platforms.base import Call, Idempotent, Incoming, Poke, Problem, Reply, Round, Upkept
from platforms.capabilities import PutRow, Receipt, Who
from platforms.errors import BadSignature, Malformed, Unauthorized
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, AirtableSettings)
KEY = "j_1a2b/tell/put_row"
URL = "https://hooks.example.com/webhooks/airtable?proof=7"
ROW = PutRow(
    referral="r_0192",
    advocate=Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace"),
    person=Who(contact="c_2", email="bo@new.example", company="New Ltd"),
    stage="qualified",
    owner_email="csm@acme.example",
    link="https://ovation.example.com/r/0192",
    notes="Introduced on 15 January.",
    submitted_at=datetime(2026, 1, 15, 10, tzinfo=UTC),
    at=datetime(2026, 1, 16, 9, tzinfo=UTC),
)
WON = ROW.model_copy(update={"stage": "won", "amount": Money(minor=1_200_050, currency="EUR")})
VECTOR_SECRET = "b3ZhdGlvbi1haXJ0YWJsZS1tYWMtc2VjcmV0LTAwMDE="
VECTOR = (
    b'{"base":{"id":"appOvation0000001"},"webhook":{"id":"achOvation0000001"},"timestamp":"2026-01-15T10:00:00.000Z"}'
)
VECTOR_MAC = "hmac-sha256=205828f244d02bb23c608f9daf88d4bfe0d6213362e06bfbbea465d89b695cd8"
NOW = datetime(2026, 1, 15, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def ask(call: Call, vendor: Vendor, settings: AirtableSettings = SETTINGS) -> Reply:
    """The stand-in's answer to a call."""
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    request = Heard(
        method=call.method,
        path=call.path,
        params=dict(params),
        query=call.query or {},
        headers={k.lower(): v for k, v in client.headers(settings, None).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = "" if answer.json is None else json.dumps(answer.json)
    return Reply(answer.status, json.loads(text or "null"), text, {})


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, seen: list[Call] | None = None) -> Any:
    """Plays a talk against the stand-in; what it does not accept must be judged good."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        if seen is not None:
            seen.append(call)
        reply = ask(call, vendor)
        if reply.status not in call.accepts:
            assert client.judge(reply, call) is None, reply.text


def put(action: PutRow, vendor: Vendor, settings: AirtableSettings = SETTINGS) -> Receipt:
    receipt = converse(client.put_row(action, KEY, settings), vendor)
    assert isinstance(receipt, Receipt)
    return receipt


def kept(vendor: Vendor, mark: dict[str, object] | None = None, url: str = URL, **more: Any) -> Upkept:
    """A round of the upkeep."""
    told = Round(mark=mark or {}, webhook_url=url, now=datetime.now(UTC))
    upkept = converse(upkeep.changes(told, SETTINGS), vendor, **more)
    assert isinstance(upkept, Upkept)
    return upkept


def move(vendor: Vendor, name: str, **given: Any) -> Any:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


def told(events: list[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.type, event.subject.text, event.data) for event in events]


def problem(status: int, body: Any = None, text: str | None = None, method: str = "PATCH") -> Problem:
    reply = Reply(status, body, json.dumps(body) if text is None else text)
    found = client.judge(reply, Call(method, "/v0/app/tbl", writes=method != "GET"))
    assert found is not None
    return found


# Out


def test_an_upsert_is_built_field_by_field() -> None:
    call = next(client.put_row(ROW, KEY, SETTINGS))
    assert (call.method, call.path, call.writes) == ("PATCH", "/v0/appOvation0000001/tblReferrals00000", True)
    assert call.json == {
        "performUpsert": {"fieldsToMergeOn": ["Ovation ref"]},
        "returnFieldsByFieldId": True,
        "records": [
            {
                "fields": {
                    "Ovation ref": "r_0192",
                    "Status": "Qualified",
                    "Advocate": "Ada Lovelace",
                    "Referred": "bo@new.example",
                    "Referred email": "bo@new.example",
                    "Company": "New Ltd",
                    "Owner": "csm@acme.example",
                    "Link": "https://ovation.example.com/r/0192",
                    "Notes": "Introduced on 15 January.",
                    "Submitted": "2026-01-15T10:00:00.000Z",
                }
            }
        ],
    }


def test_a_table_whose_name_needs_quoting() -> None:
    named = SETTINGS.model_copy(update={"table": "Referrals / 2026"})
    assert next(client.put_row(ROW, KEY, named)).path == "/v0/appOvation0000001/Referrals%20%2F%202026"


@pytest.mark.parametrize(
    ("minor", "currency", "sent"),
    [(1_200_050, "EUR", "12000.5"), (1_200_000, "EUR", "12000.0"), (500, "JPY", "500"), (1, "EUR", "0.01"),
     (123_456_789_012_345, "EUR", "1234567890123.45")],
)  # fmt: skip
def test_an_amount_is_a_number_with_the_decimals_own_digits(minor: int, currency: str, sent: str) -> None:
    action = ROW.model_copy(update={"amount": Money(minor=minor, currency=currency)})
    cells = client.cells(action, SETTINGS)
    assert (json.dumps(cells["Amount"]), cells["Currency"]) == (sent, currency)


def test_without_a_column_for_the_currency_a_foreign_amount_is_not_written() -> None:
    some = SETTINGS.model_copy(
        update={"columns": {"referral": "Ref", "status": "fldStatus00000000", "amount": "Worth"}}
    )
    assert client.cells(WON, some) == {"Ref": "r_0192", "fldStatus00000000": "Won"}
    in_euros = some.model_copy(update={"currency": "EUR"})
    assert client.cells(WON, in_euros)["Worth"] == 12000.5


def test_a_stage_without_a_word_leaves_the_status_as_it_is(vendor: Vendor) -> None:
    put(ROW, vendor)
    few = SETTINGS.model_copy(update={"stages": {"qualified": "Qualified"}})
    put(WON, vendor, few)
    [row] = vendor.books.rows.values()
    assert (row.cells["fldStatus00000000"], row.cells["fldAmount00000000"]) == ("Qualified", 12000.5)


def test_columns_need_what_rows_are_found_by() -> None:
    with pytest.raises(ValidationError, match="name a column for referral"):
        AirtableSettings(columns={"status": "Status"})
    with pytest.raises(ValidationError):
        AirtableSettings(stages={"sold": "Won"})  # type: ignore[dict-item]


def test_twice_is_one_row_and_people_s_cells_stay(vendor: Vendor) -> None:
    first, again = put(ROW, vendor), put(ROW, vendor)
    [row] = vendor.books.rows.values()
    assert (first.reference, first.facts["created"]) == (row.id, True)
    assert (again.reference, again.facts["created"]) == (row.id, False)
    assert first.url == f"https://airtable.com/appOvation0000001/tblReferrals00000/{row.id}"
    row.cells["fldCompany0000000"] = "New Limited"
    put(WON.model_copy(update={"person": Who(contact="c_2"), "notes": ""}), vendor)
    assert row.cells["fldCompany0000000"] == "New Limited"
    assert row.cells["fldNotes000000000"] == "Introduced on 15 January."
    assert (row.cells["fldStatus00000000"], row.cells["fldCurrency000000"]) == ("Won", "EUR")
    repeat = PLATFORM.actions[0].repeat
    assert isinstance(repeat, Idempotent)
    assert repeat.within is None
    Base.model_validate_json(vendor.books.model_dump_json())


def test_receipts_hold_no_person(vendor: Vendor) -> None:
    told = put(WON, vendor).model_dump_json().lower()
    assert [word for word in ("ada@", "lovelace", "bo@", "new ltd", "12000", "csm@") if word in told] == []


def test_words_of_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_AIRTABLE__COLUMNS", '{"referral": "fldRef", "status": "fldStatus"}')
    monkeypatch.setenv("OVATION_AIRTABLE__STAGES", '{"won": "Sold"}')
    assert client.cells(WON, AirtableSettings()) == {"fldRef": "r_0192", "fldStatus": "Sold"}


# What is wrong


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}, "unauthorized",
         "HTTP 401: AUTHENTICATION_REQUIRED: Authentication required"),
        (403, {"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "Invalid permissions"}},
         "unauthorized", "HTTP 403: INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND: Invalid permissions"),
        (404, {"error": "NOT_FOUND"}, "unauthorized", "HTTP 404: NOT_FOUND"),
        (422, {"error": {"type": "UNKNOWN_FIELD_NAME", "message": 'Unknown field name: "X"'}}, "rejected",
         'HTTP 422: UNKNOWN_FIELD_NAME: Unknown field name: "X"'),
        (400, {"error": {"type": "INVALID_REQUEST_UNKNOWN"}}, "rejected", "HTTP 400: INVALID_REQUEST_UNKNOWN"),
        (413, {"error": {"type": "REQUEST_TOO_LARGE"}}, "rejected", "HTTP 413: REQUEST_TOO_LARGE"),
        (500, {"error": {"type": "SERVER_ERROR", "message": "oh"}}, "in doubt", "HTTP 500: SERVER_ERROR: oh"),
        (502, None, "unavailable", "HTTP 502: null"),
        (503, None, "unavailable", "HTTP 503: null"),
        (200, None, "in doubt", "HTTP 200: null"),
        (429, {"errors": [{"error": "RATE_LIMIT_REACHED", "message": "slow"}]}, "rate-limited",
         "HTTP 429: RATE_LIMIT_REACHED: slow"),
        (429, {"error": {"type": "PUBLIC_API_BILLING_LIMIT_EXCEEDED"}}, "unauthorized",
         "HTTP 429: PUBLIC_API_BILLING_LIMIT_EXCEEDED: the workspace has used up its calls of this month"),
    ],
)  # fmt: skip
def test_each_error_has_its_kind_and_airtable_s_words(status: int, body: Any, kind: str, words: str) -> None:
    found = problem(status, body)
    assert (found.kind, found.message) == (kind, words)


def test_a_limit_waits_out_the_thirty_seconds() -> None:
    assert problem(429, {}).retry_after == 31.0


def test_a_fault_while_reading_is_no_doubt() -> None:
    assert problem(500, {}, method="GET").kind == "unavailable"


@pytest.mark.parametrize("body", [[], {"error": 1}, {"errors": []}, {"error": {"type": 1}}, "x"])
def test_an_odd_error_body_is_still_judged(body: Any) -> None:
    assert problem(422, body).kind == "rejected"


def test_a_duplicated_row_is_refused_and_not_guessed_at(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "duplicate", referral="r_0192")
    reply = ask(next(client.put_row(WON, KEY, SETTINGS)), vendor)
    assert (reply.status, problem(reply.status, reply.json).kind) == (422, "rejected")


def test_the_doctor_names_what_does_not_fit(vendor: Vendor) -> None:
    seen: list[Call] = []
    receipt = converse(client.doctor(SETTINGS), vendor, seen)
    assert receipt.facts == {"base": "appOvation0000001", "table": "tblReferrals00000", "columns": 12}
    assert [call.path for call in seen] == ["/v0/meta/whoami", "/v0/meta/bases/appOvation0000001/tables"]
    wrong = {"columns": {"referral": "Changed", "status": "Status", "link": "URL"}, "stages": {"won": "Sold"}}
    with pytest.raises(Unauthorized, match="'Changed' is computed; no option 'Sold' of 'Status'; no column 'URL'"):
        converse(client.doctor(SETTINGS.model_copy(update=wrong)), vendor)
    with pytest.raises(Unauthorized, match="no table 'tblGone'"):
        converse(client.doctor(SETTINGS.model_copy(update={"table": "tblGone"})), vendor)


# In


def ping(body: bytes, mac: str | None) -> Incoming:
    headers = {"content-type": "application/json"} | ({} if mac is None else {webhook.MAC.lower(): mac})
    return Incoming("POST", URL, headers, {}, body)


def test_the_documented_mac_is_believed_and_ours_is_the_same() -> None:
    settings = SETTINGS.model_copy(update={"webhook_secret": SecretStr(VECTOR_SECRET)})
    webhook.verify(ping(VECTOR, VECTOR_MAC), settings, NOW)
    assert webhook.sign(VECTOR, settings, URL, NOW) == {"X-Airtable-Content-MAC": VECTOR_MAC}


@pytest.mark.parametrize(
    ("mac", "secret"),
    [(None, VECTOR_SECRET), ("", VECTOR_SECRET), (VECTOR_MAC.upper(), VECTOR_SECRET), (VECTOR_MAC[:-1], VECTOR_SECRET),
     (VECTOR_MAC, "b3RoZXI="), (VECTOR_MAC, ""), (VECTOR_MAC, None), (VECTOR_MAC, "not base64!"), ("é", VECTOR_SECRET)],
)  # fmt: skip
def test_a_forged_ping_is_refused(mac: str | None, secret: str | None) -> None:
    held = None if secret is None else SecretStr(secret)
    with pytest.raises(BadSignature):
        webhook.verify(ping(VECTOR, mac), SETTINGS.model_copy(update={"webhook_secret": held}), NOW)


def test_a_ping_wakes_the_upkeep_that_is_declared() -> None:
    [(name, item)] = webhook.unpack(ping(VECTOR, None))
    read = webhook.INBOUND.read(name, item, SETTINGS)
    assert read == Poke("changes")
    assert [job.name for job in PLATFORM.upkeep] == ["changes"]
    assert PLATFORM.upkeep[0].every <= timedelta(days=1), "less often, and a webhook may expire in between"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"webhook":1}', b"\xff", b"[" * 100_000])
def test_what_is_no_ping_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(ping(body, None))


WATCHED = webhook.Watched(
    table="tblReferrals00000",
    columns={"referral": "fldRef0000000000", "status": "fldStatus00000000", "amount": "fldAmt", "currency": "fldCur"},
)


def payload(**change: Any) -> dict[str, Any]:
    """The documented one, with other cells."""
    cells = {"fldStatus00000000": {"id": "selWon0000000000", "name": "Won", "color": "greenLight2"}}
    before = {"fldStatus00000000": {"id": "selQual000000000", "name": "Qualified", "color": "blueLight2"}}
    parts = {"current": cells, "previous": before, "unchanged": {"fldRef0000000000": "ref_0192"}} | change
    record = {part: {"cellValuesByFieldId": values} for part, values in parts.items()}
    source = {"source": "client", "sourceMetadata": {"user": {"id": "usr00000000000000", "email": "bo@example.com"}}}
    return {
        "timestamp": "2026-01-15T10:00:00.663Z",
        "baseTransactionNumber": 4,
        "payloadFormat": "v0",
        "actionMetadata": source,
        "changedTablesById": {"tblReferrals00000": {"changedRecordsById": {"rec560UJdUtocSouk": record}}},
    }


def test_the_documented_payload_is_one_event() -> None:
    [event] = webhook.events_of(payload(), WATCHED, SETTINGS)
    assert event.model_dump(exclude={"identities", "person"}) == {
        "type": "referral.closed",
        "source": "airtable",
        "source_id": "appOvation0000001:4:rec560UJdUtocSouk",
        "subject": {"kind": "ovation_referral", "value": "ref_0192"},
        "at": datetime(2026, 1, 15, 10, 0, 0, 663000, tzinfo=UTC),
        "data": {"referral": "ref_0192"},
    }


@pytest.mark.parametrize(
    ("beside", "amount"),
    [
        ({"fldAmt": 12000.5, "fldCur": "EUR"}, {"minor": 1_200_050, "currency": "EUR"}),
        ({"fldAmt": 12000}, {"minor": 1_200_000, "currency": "USD"}),
        ({"fldAmt": 12000, "fldCur": "euros"}, None),
        ({"fldAmt": 1e300}, None),
        ({"fldAmt": True}, None),
        ({"fldAmt": "12000"}, None),
    ],
)
def test_the_amount_beside_the_status(beside: dict[str, Any], amount: Any) -> None:
    [event] = webhook.events_of(payload(unchanged={"fldRef0000000000": "r_1", **beside}), WATCHED, SETTINGS)
    assert event.data.get("amount") == amount


@pytest.mark.parametrize(
    "change",
    [
        {"previous": {"fldStatus00000000": {"name": "Won"}}},
        {"current": {"fldStatus00000000": {"name": "On hold"}}},
        {"current": {"fldStatus00000000": {"name": "Submitted"}}},
        {"current": {}},
        {"current": {"fldStatus00000000": 1}},
        {"unchanged": {}},
        {"unchanged": {"fldRef0000000000": "typed over by hand"}},
        {"unchanged": {"fldRef0000000000": "x" * 129}},
        {"current": "x"},
    ],
)
def test_what_tells_nothing_is_no_event(change: dict[str, Any]) -> None:
    assert webhook.events_of(payload(**change), WATCHED, SETTINGS) == []


@pytest.mark.parametrize("junk", [{}, {"changedTablesById": 1}, {"changedTablesById": {"tblReferrals00000": []}}])
def test_a_payload_of_another_kind_is_no_event(junk: dict[str, Any]) -> None:
    assert webhook.events_of(junk, WATCHED, SETTINGS) == []


# The upkeep


def test_the_first_round_registers_once_and_keeps_the_secret(vendor: Vendor) -> None:
    seen: list[Call] = []
    upkept = kept(vendor, seen=seen)
    [hook] = vendor.books.hooks.values()
    assert upkept.mark == {"webhook": hook.id, "cursor": 1}
    assert upkept.secret == "b3ZhdGlvbi1haXJ0YWJsZS1zYW5kYm94LXNlY3JldA=="
    assert upkept.secret not in repr(upkept)
    assert (seen[-1].method, seen[-1].path) == ("POST", "/v0/bases/appOvation0000001/webhooks")
    assert seen[-1].json == {
        "notificationUrl": URL,
        "specification": {
            "options": {
                "filters": {
                    "dataTypes": ["tableData"],
                    "recordChangeScope": "tblReferrals00000",
                    "changeTypes": ["update"],
                    "watchDataInFieldIds": ["fldStatus00000000"],
                    "fromSources": ["client", "automation", "formSubmission", "formPageSubmission", "sync"],
                },
                "includes": {
                    "includeCellValuesInFieldIds": [
                        *("fldRef0000000000", "fldStatus00000000", "fldAmount00000000", "fldCurrency000000")
                    ],
                    "includePreviousCellValues": True,
                },
            }
        },
    }
    again = kept(vendor, upkept.mark)
    assert (again.mark, again.secret, len(vendor.books.hooks)) == (upkept.mark, None, 1)


def test_a_status_set_by_a_person_comes_back_and_ours_does_not(vendor: Vendor) -> None:
    mark = kept(vendor).mark
    put(ROW, vendor)
    put(ROW.model_copy(update={"stage": "accepted"}), vendor)
    assert kept(vendor, mark).events == []
    answer = move(vendor, "status", referral="r_0192", status="Won", amount=1200.5, currency="EUR")
    [sent] = answer.webhooks
    assert sent.url == URL
    webhook.verify(ping(sent.body, webhook.sign(sent.body, SETTINGS, URL, NOW)[webhook.MAC]), SETTINGS, NOW)
    move(vendor, "status", referral="r_0192", status="Disqualified")
    upkept = kept(vendor, mark)
    worth = {"minor": 120_050, "currency": "EUR"}
    assert told(upkept.events) == [
        ("referral.closed", "ovation_referral:r_0192", {"referral": "r_0192", "amount": worth}),
        ("referral.lost", "ovation_referral:r_0192", {"referral": "r_0192", "reason": "Disqualified"}),
    ]
    assert upkept.mark["cursor"] == 3
    repeated = kept(vendor, mark).events
    assert [event.source_id for event in repeated] == [event.source_id for event in upkept.events]
    assert kept(vendor, upkept.mark).events == []


def test_a_round_is_bounded_and_asks_for_another(vendor: Vendor) -> None:
    mark = kept(vendor).mark
    [hook] = vendor.books.hooks.values()
    hook.payloads = [payload() for _ in range(501)]
    upkept = kept(vendor, mark)
    assert (upkept.mark["cursor"], len(upkept.events)) == (501, 500)
    assert upkept.again_at is not None
    last = kept(vendor, upkept.mark)
    assert (last.mark["cursor"], len(last.events), last.again_at) == (502, 1, None)


def test_reading_renews_the_week(vendor: Vendor) -> None:
    mark = kept(vendor).mark
    [hook] = vendor.books.hooks.values()
    hook.expires = datetime.now(UTC) + timedelta(hours=1)
    kept(vendor, mark)
    assert hook.expires > datetime.now(UTC) + timedelta(days=6)


def test_an_expired_webhook_is_read_to_its_end_and_replaced(vendor: Vendor) -> None:
    first = kept(vendor)
    put(ROW, vendor)
    move(vendor, "status", referral="r_0192", status="Lost")
    move(vendor, "expire")
    seen: list[Call] = []
    upkept = kept(vendor, first.mark, seen=seen)
    assert [event.type for event in upkept.events] == ["referral.lost"]
    assert [call.method for call in seen] == ["GET", "GET", "GET", "POST", "DELETE"]
    [hook] = vendor.books.hooks.values()
    assert upkept.mark == {"webhook": hook.id, "cursor": 1} != first.mark
    assert upkept.secret


def test_a_broken_webhook_is_replaced(vendor: Vendor) -> None:
    first = kept(vendor)
    move(vendor, "spoil")
    upkept = kept(vendor, first.mark)
    assert list(vendor.books.hooks) == [upkept.mark["webhook"]] != [first.mark["webhook"]]


def test_a_webhook_at_an_old_address_or_gone_is_replaced(vendor: Vendor) -> None:
    first = kept(vendor, url="https://old.example/webhooks/airtable")
    second = kept(vendor, first.mark)
    assert [hook.url for hook in vendor.books.hooks.values()] == [URL]
    vendor.books.hooks.clear()
    third = kept(vendor, second.mark)
    assert list(vendor.books.hooks) == [third.mark["webhook"]]


def test_a_webhook_whose_secret_was_lost_is_deleted_and_others_are_left(vendor: Vendor) -> None:
    lost = kept(vendor).mark["webhook"]
    kept(vendor, url="https://other.example/hook")
    upkept = kept(vendor, {})
    assert lost not in vendor.books.hooks
    assert {hook.url for hook in vendor.books.hooks.values()} == {URL, "https://other.example/hook"}
    assert upkept.secret


def test_pings_that_airtable_gave_up_are_switched_on(vendor: Vendor) -> None:
    mark = kept(vendor).mark
    [hook] = vendor.books.hooks.values()
    hook.notifies = False
    seen: list[Call] = []
    kept(vendor, mark, seen=seen)
    assert hook.notifies
    assert (seen[-1].json, 422 in seen[-1].accepts) == ({"enable": True}, True)


def test_a_column_that_is_gone_is_named(vendor: Vendor) -> None:
    columns = {"referral": "Ovation ref", "status": "State"}
    talk = upkeep.changes(Round(webhook_url=URL, now=NOW), SETTINGS.model_copy(update={"columns": columns}))
    with pytest.raises(Unauthorized, match="no column 'State' any more"):
        converse(talk, vendor)


# The stand-in is as strict as Airtable


def upsert(**change: Any) -> dict[str, Any]:
    return {**next(client.put_row(ROW, KEY, SETTINGS)).json, **change}


WRONG = {
    "an unknown column": (upsert(records=[{"fields": {"Nothing": "x"}}]), "UNKNOWN_FIELD_NAME"),
    "a text for a number": (upsert(records=[{"fields": {"Amount": "1"}}]), "INVALID_VALUE_FOR_COLUMN"),
    "a number for a text": (upsert(records=[{"fields": {"Notes": 1}}]), "INVALID_VALUE_FOR_COLUMN"),
    "a computed column": (upsert(records=[{"fields": {"Changed": "x"}}]), "INVALID_VALUE_FOR_COLUMN"),
    "no date": (upsert(records=[{"fields": {"Submitted": "soon"}}]), "INVALID_VALUE_FOR_COLUMN"),
    "a new option": (upsert(records=[{"fields": {"Status": "Sold"}}]), "INVALID_MULTIPLE_CHOICE_OPTIONS"),
    "too many": (upsert(records=[{"fields": {}}] * 11), "INVALID_REQUEST_UNKNOWN"),
    "no merge field": (upsert(performUpsert={"fieldsToMergeOn": []}), "INVALID_REQUEST_UNKNOWN"),
    "an unknown row": (upsert(records=[{"id": "rec1", "fields": {}}]), "ROW_DOES_NOT_EXIST"),
    "one bad of two": (
        upsert(records=[{"fields": {"Notes": "x"}}, {"fields": {"Notes": 1}}]),
        "INVALID_VALUE_FOR_COLUMN",
    ),
    "an unknown key": (upsert(idempotencyKey="x"), "INVALID_REQUEST_UNKNOWN"),
}


@pytest.mark.parametrize(("body", "kind"), WRONG.values(), ids=WRONG)
def test_a_wrong_upsert_is_refused_and_writes_nothing(body: Any, kind: str, vendor: Vendor) -> None:
    reply = ask(Call.patch("/v0/appOvation0000001/tblReferrals00000", json=body), vendor)
    assert (reply.status, reply.json["error"]["type"], vendor.books.rows) == (422, kind, {})


def test_the_stand_in_knows_its_token_base_table_and_webhooks(vendor: Vendor) -> None:
    stranger = SETTINGS.model_copy(update={"token": SecretStr("patOther")})
    assert ask(Call.get("/v0/meta/whoami"), vendor, stranger).status == 401
    assert ask(Call.get("/v0/meta/bases/appOther/tables"), vendor).status == 403
    assert ask(Call.patch("/v0/appOvation0000001/tblOther", json=upsert()), vendor).status == 403
    gone = ask(Call.get("/v0/bases/appOvation0000001/webhooks/achGone/payloads"), vendor)
    assert (gone.status, gone.json) == (404, {"error": "NOT_FOUND"})


@pytest.mark.parametrize(("name", "given"), [("status", {}), ("status", {"referral": "r_1", "status": "Won"}),
                                             ("duplicate", {"referral": "r_1"})])  # fmt: skip
def test_a_move_that_cannot_be_made_says_so(name: str, given: Any, vendor: Vendor) -> None:
    assert STAND_IN.moves[name](given, vendor.books).status in (404, 422)
