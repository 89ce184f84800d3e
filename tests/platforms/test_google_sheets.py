"""Prevents: a second row because an answer was lost, a value in somebody else's row after people sorted or cut, a
formula made of a name, and a sign-in that fails with a riddle."""

import base64
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr, ValidationError

from models.money import Money
from platforms.base import Call, Idempotent, Problem, Reply, Token
from platforms.capabilities import PutRow, Receipt, Who
from platforms.errors import Rejected, Unauthorized, Unavailable
from platforms.google_sheets import PLATFORM, GoogleSheetsSettings, client, sheet, sign_in
from platforms.google_sheets.stand_in import SPREADSHEET, STAND_IN, _token_of
from platforms.google_sheets.stand_in_books import Spreadsheet
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/google_sheets-values.json"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, GoogleSheetsSettings)
ACCOUNT = sign_in.account_of(SETTINGS)
TOKEN = Token(_token_of(ACCOUNT))
KEY = "j_1a2b/tell/put_row"
ROW = PutRow(
    referral="r_0192",
    advocate=Who(contact="c_1", email="ada@example.com", first_name="=Ada", last_name="Lovelace"),
    person=Who(contact="c_2", email="bo@new.example", company="New Ltd"),
    stage="submitted",
    owner_email="csm@acme.example",
    link="https://ovation.example.com/r/0192",
    notes="Introduced on 15 January.",
    submitted_at=datetime(2026, 1, 15, 10, tzinfo=UTC),
    at=datetime(2026, 1, 15, 10, tzinfo=UTC),
)
WON = ROW.model_copy(update={"stage": "won", "amount": Money(minor=1_200_050, currency="EUR")})
OTHER = ROW.model_copy(update={"referral": "r_0001"})
HEADER = [
    "Ovation ref",
    "Submitted",
    "Advocate",
    "Referred",
    "Referred email",
    "Company",
    "Status",
    "Amount",
    "Currency",
]
TIE = 1953311066
"""From `printf '0\\037r_0192' | sha256sum`: the first sixteen digits, modulo 2147483644, and one."""
BASE = f"/v4/spreadsheets/{SPREADSHEET}"


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS)


def ask(call: Call, vendor: Vendor, token: Token | None = TOKEN) -> Reply:
    """The stand-in's answer to a call."""
    path = call.path.removeprefix("https://oauth2.googleapis.com")
    found = vendor.find(call.method, path)
    assert found is not None, f"the stand-in has no {call.method} {path}"
    handler, params = found
    request = Heard(
        method=call.method,
        path=path,
        params=dict(params),
        query=call.query or {},
        headers={k.lower(): v for k, v in client.headers(SETTINGS, token).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form=dict(call.form or {}),
        settings=SETTINGS,
    )
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text)


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


def put(action: PutRow, vendor: Vendor, settings: GoogleSheetsSettings = SETTINGS, **more: Any) -> Receipt:
    receipt = converse(client.put_row(action, KEY, settings), vendor, **more)
    assert isinstance(receipt, Receipt)
    return receipt


def move(vendor: Vendor, name: str, **given: Any) -> None:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json


def shown(vendor: Vendor) -> list[dict[str, Any]]:
    """The rows by header, empty cells left out."""
    header, *rows = vendor.books.tabs[0].rows
    named = [dict(zip(header, row, strict=False)) for row in rows]
    return [{title: value for title, value in row.items() if title and value != ""} for row in named]


def statuses(vendor: Vendor) -> dict[str, str]:
    return {row["Ovation ref"]: row["Status"] for row in shown(vendor) if "Ovation ref" in row}


def operations(seen: list[Call]) -> list[str]:
    return [call.path.removeprefix(BASE) for call in seen]


# Signing in


def test_the_jwt_says_what_google_asks_for(vendor: Vendor) -> None:
    now = datetime.fromtimestamp(1768471200, UTC)
    call = sign_in.call(SETTINGS, now)
    assert (call.method, call.path, call.signed_in) == ("POST", "https://oauth2.googleapis.com/token", False)
    assert call.form is not None
    assert call.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{p}==")) for p in call.form["assertion"].split(".")[:2])
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "5a4d0b0c"}
    assert claims == {
        "iss": "ovation@sandbox-project.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/spreadsheets",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1768471200,
        "exp": 1768474800,
    }


def test_another_library_believes_the_jwt() -> None:
    jwt = pytest.importorskip("jwt")
    private = serialization.load_pem_private_key(ACCOUNT["private_key"].encode(), None)
    signed = sign_in.assertion(ACCOUNT, datetime.now(UTC))
    audience = "https://oauth2.googleapis.com/token"
    assert (
        jwt.decode(signed, private.public_key(), algorithms=["RS256"], audience=audience)["iss"]
        == ACCOUNT["client_email"]
    )


def test_the_token_is_used_until_its_end(vendor: Vendor) -> None:
    now = datetime.now(UTC)
    token = sign_in.read(ask(sign_in.call(SETTINGS, now), vendor, None), now)
    assert token.expires_at == now + timedelta(seconds=3599)
    assert client.headers(SETTINGS, token) == {"Authorization": f"Bearer {token.value}"}
    assert ask(Call.get(BASE), vendor, token).status != 401
    assert ask(Call.get(BASE), vendor, Token("ya29.other")).status == 401
    with pytest.raises(Unavailable):
        sign_in.read(Reply(200, {}), now)


def test_a_clock_that_is_off_is_an_invalid_grant(vendor: Vendor) -> None:
    call = sign_in.call(SETTINGS, datetime.now(UTC) - timedelta(hours=2))
    reply = ask(call, vendor, None)
    found = client.judge(reply, call)
    assert (reply.status, found and found.kind) == (400, "rejected")
    assert found is not None
    assert found.message.startswith("HTTP 400: invalid_grant: Invalid JWT")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not the JSON"),
        ("/etc/key.json", "not the JSON"),
        ("[]", "lacks client_email, private_key, private_key_id, token_uri"),
        (json.dumps({**ACCOUNT, "private_key": "no PEM"}), "not a PEM key"),
        (json.dumps({k: v for k, v in ACCOUNT.items() if k != "token_uri"}), "lacks token_uri"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_and_not_quoted(text: str, words: str) -> None:
    settings = SETTINGS.model_copy(update={"service_account": SecretStr(text)})
    with pytest.raises(Unauthorized, match=words) as refused:
        sign_in.call(settings, datetime.now(UTC))
    assert "OVATION_GOOGLE_SHEETS__SERVICE_ACCOUNT" in str(refused.value)
    assert "no PEM" not in str(refused.value)
    assert "/etc" not in str(refused.value)


def test_line_ends_that_an_environment_file_escaped() -> None:
    escaped = {**ACCOUNT, "private_key": ACCOUNT["private_key"].replace("\n", "\\n")}
    now = datetime.now(UTC)
    assert sign_in.assertion(escaped, now) == sign_in.assertion(ACCOUNT, now)


# A new row


def test_a_new_row_is_one_batch_field_by_field(vendor: Vendor) -> None:
    seen: list[Call] = []
    receipt = put(ROW, vendor, seen=seen)
    look, column, batch = seen
    ids = sheet.metadata_ids("r_0192", 0)
    assert len(set(ids)) == 3
    assert (look.method, look.path, look.writes) == ("POST", f"{BASE}/values:batchGetByDataFilter", False)
    assert look.json == {
        "dataFilters": [
            {"gridRange": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1}},
            *({"developerMetadataLookup": {"metadataId": one}} for one in ids),
        ],
        "majorDimension": "ROWS",
    }
    assert column.json == {
        "dataFilters": [{"gridRange": {"sheetId": 0, "startColumnIndex": 0, "endColumnIndex": 1}}],
        "majorDimension": "COLUMNS",
    }
    second = {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
    texts = [
        "r_0192",
        "2026-01-15T10:00:00Z",
        "=Ada Lovelace",
        "bo@new.example",
        "bo@new.example",
        "New Ltd",
        "Submitted",
    ]
    rest = ["csm@acme.example", "https://ovation.example.com/r/0192", "Introduced on 15 January."]
    assert (batch.method, batch.path, batch.writes) == ("POST", f"{BASE}:batchUpdate", True)
    assert batch.json == {
        "requests": [
            {"insertDimension": {"range": second, "inheritFromBefore": False}},
            {
                "updateCells": {
                    "start": {"sheetId": 0, "rowIndex": 1, "columnIndex": 0},
                    "rows": [
                        {
                            "values": [
                                *({"userEnteredValue": {"stringValue": text}} for text in texts),
                                {},
                                {},
                                *({"userEnteredValue": {"stringValue": text}} for text in rest),
                            ]
                        }
                    ],
                    "fields": "userEnteredValue",
                }
            },
            {
                "createDeveloperMetadata": {
                    "developerMetadata": {
                        "metadataId": ids[0],
                        "metadataKey": "o",
                        "visibility": "DOCUMENT",
                        "location": {"dimensionRange": second},
                    }
                }
            },
        ]
    }
    assert receipt.reference == str(ids[0])
    assert receipt.facts == {"row": ids[0], "created": True}
    assert receipt.url == f"https://docs.google.com/spreadsheets/d/{SPREADSHEET}/edit#gid=0"
    assert not [word for word in ("ada@", "lovelace", "bo@", "new ltd") if word in receipt.model_dump_json().lower()]


def test_ids_are_the_same_in_every_process_positive_and_of_their_tab() -> None:
    assert sheet.metadata_ids("r_0192", 0) == [TIE, TIE + 1, TIE + 2]
    assert sheet.metadata_ids("r_0192", 77)[0] != TIE
    assert all(0 < one < 2**31 for n in range(500) for one in sheet.metadata_ids(f"r_{n}", 0))


def test_twice_is_one_row_and_the_newest_is_on_top(vendor: Vendor) -> None:
    put(OTHER, vendor)
    first, again = put(ROW, vendor), put(ROW, vendor)
    assert (first.facts["created"], again.facts["created"], first.reference) == (True, False, again.reference)
    assert list(statuses(vendor)) == ["r_0192", "r_0001"]
    repeat = PLATFORM.actions[0].repeat
    assert isinstance(repeat, Idempotent)
    assert repeat.within is None
    Spreadsheet.model_validate_json(vendor.books.model_dump_json())


def test_a_second_insert_at_the_same_moment_is_refused_and_becomes_an_update(vendor: Vendor) -> None:
    late = client.put_row(WON, KEY, SETTINGS)
    call = late.send(ask(next(late), vendor))
    column = ask(call, vendor)
    put(ROW, vendor)
    batch = late.send(column)
    refused = ask(batch, vendor)
    assert (refused.status, refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert refused.json["error"]["message"].startswith("Invalid requests[2].createDeveloperMetadata:")
    write = late.send(ask(late.send(refused), vendor))
    with pytest.raises(StopIteration) as end:
        late.send(ask(write, vendor))
    assert end.value.value.facts["created"] is False
    assert statuses(vendor) == {"r_0192": "Won"}


def test_a_refusal_for_another_reason_is_told_in_googles_words(vendor: Vendor) -> None:
    vendor.books.tabs[0].columns = 9
    vendor.books.tabs[0].rows = [[*HEADER, "Notes"]]
    with pytest.raises(Rejected, match=r"HTTP 400: INVALID_ARGUMENT: Invalid requests\[1\].updateCells: Attempting"):
        put(ROW, vendor)
    assert (shown(vendor), vendor.books.ties) == ([], {})


# A row that is there


def test_an_update_is_one_read_and_one_write_of_absolute_values(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "edit", referral="r_0192", column="Checked by", value="Cy")
    move(vendor, "edit", referral="r_0192", column="Company", value="New Limited")
    seen: list[Call] = []
    put(WON.model_copy(update={"person": Who(contact="c_2", email="bo@new.example"), "notes": ""}), vendor, seen=seen)
    assert operations(seen) == ["/values:batchGetByDataFilter", "/values:batchUpdateByDataFilter"]
    values = [
        *("r_0192", "2026-01-15T10:00:00Z", "=Ada Lovelace", "bo@new.example", "bo@new.example", None, "Won"),
        *(12000.5, "EUR", "csm@acme.example", "https://ovation.example.com/r/0192", None),
    ]
    assert seen[1].json == {
        "valueInputOption": "RAW",
        "data": [
            {
                "dataFilter": {"developerMetadataLookup": {"metadataId": TIE}},
                "majorDimension": "ROWS",
                "values": [values],
            }
        ],
    }
    [row] = shown(vendor)
    assert (row["Checked by"], row["Company"], row["Status"]) == ("Cy", "New Limited", "Won")
    assert (row["Amount"], row["Notes"]) == (12000.5, "Introduced on 15 January.")


@pytest.mark.parametrize(
    ("minor", "currency", "sent"),
    [(1_200_050, "EUR", "12000.5"), (1_200_000, "EUR", "12000.0"), (500, "JPY", "500"), (1, "EUR", "0.01")],
)
def test_an_amount_is_a_number_with_the_decimals_own_digits(minor: int, currency: str, sent: str) -> None:
    tab = sheet.Tab({"referral": 0, "status": 1, "amount": 2, "currency": 3}, {})
    action = ROW.model_copy(update={"amount": Money(minor=minor, currency=currency)})
    values = client._values(action, tab, SETTINGS)
    assert (json.dumps(values[2]), values[3]) == (sent, currency)


def test_without_a_currency_column_the_amount_is_a_text_of_both(vendor: Vendor) -> None:
    vendor.books.tabs[0].rows = [["", "status", " OVATION REF ", "Amount"]]
    put(WON, vendor)
    assert vendor.books.tabs[0].rows[1][:5] == ["", "Won", "r_0192", "12000.50 EUR", ""]


def test_a_stage_without_a_word_leaves_the_status_as_it_is(vendor: Vendor) -> None:
    put(ROW, vendor)
    put(WON, vendor, SETTINGS.model_copy(update={"stages": {"submitted": "Submitted"}}))
    [row] = shown(vendor)
    assert (row["Status"], row["Amount"]) == ("Submitted", 12000.5)


@pytest.mark.parametrize("descending", [True, False])
def test_after_sorting_each_row_is_found_again_and_no_other_is_touched(vendor: Vendor, descending: bool) -> None:
    for action in (OTHER, ROW, ROW.model_copy(update={"referral": "r_0500"})):
        put(action, vendor)
    for _ in range(5):
        move(vendor, "sort", descending=descending)
        descending = not descending
        put(WON, vendor)
        assert statuses(vendor) == {"r_0192": "Won", "r_0001": "Submitted", "r_0500": "Submitted"}
    put(OTHER.model_copy(update={"stage": "lost"}), vendor)
    assert statuses(vendor) == {"r_0192": "Won", "r_0001": "Lost", "r_0500": "Submitted"}
    assert len(shown(vendor)) == 3


def test_cells_that_were_cut_and_pasted_are_tied_anew(vendor: Vendor) -> None:
    put(ROW, vendor)
    put(OTHER, vendor)
    move(vendor, "cut", referral="r_0192")
    seen: list[Call] = []
    put(WON, vendor, seen=seen)
    assert [next(iter(one)) for one in seen[2].json["requests"]] == [
        "deleteDeveloperMetadata",
        "createDeveloperMetadata",
    ]
    assert statuses(vendor) == {"r_0001": "Submitted", "r_0192": "Won"}
    assert vendor.books.ties[TIE].row == 3


def test_a_row_whose_metadata_is_gone_is_found_by_its_column(vendor: Vendor) -> None:
    put(ROW, vendor)
    vendor.books.ties.clear()
    assert put(WON, vendor).facts == {"row": TIE, "created": False}
    assert statuses(vendor) == {"r_0192": "Won"}


def test_a_deleted_row_is_made_again(vendor: Vendor) -> None:
    put(ROW, vendor)
    put(OTHER, vendor)
    move(vendor, "delete", referral="r_0192")
    assert put(WON, vendor).facts["created"] is True
    assert statuses(vendor) == {"r_0192": "Won", "r_0001": "Submitted"}


def test_a_row_that_is_deleted_in_between_is_no_success(vendor: Vendor) -> None:
    put(ROW, vendor)
    talk = client.put_row(WON, KEY, SETTINGS)
    write = talk.send(ask(next(talk), vendor))
    move(vendor, "delete", referral="r_0192")
    with pytest.raises(Unavailable, match="deleted"):
        talk.send(ask(write, vendor))


def test_an_id_that_is_another_referrals_by_right_is_left_to_it(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def colliding(referral: str, tab: int) -> list[int]:
        return {"": [], "r_0001": [5, 6, 7], "r_0192": [5, 8, 9]}[referral]

    monkeypatch.setattr(sheet, "metadata_ids", colliding)
    assert put(OTHER, vendor).facts["row"] == 5
    assert put(ROW, vendor).facts["row"] == 8
    put(WON, vendor)
    assert statuses(vendor) == {"r_0192": "Won", "r_0001": "Submitted"}
    assert sheet.Tab({}, {5: "r_0001", 8: "r_0001", 9: "r_0001"}).tie_for("r_0192", 0) == 8


# What is wrong


@pytest.mark.parametrize("header", [[], ["Ovation ref"], ["Status", "Reference"]])
def test_a_tab_without_the_columns_that_rows_are_found_by(header: list[str], vendor: Vendor) -> None:
    vendor.books.tabs[0].rows = [header] if header else []
    with pytest.raises(Unauthorized, match="has no column"):
        put(ROW, vendor)


def test_the_doctor_reads_the_tab_and_names_missing_columns(vendor: Vendor) -> None:
    vendor.books.tabs[0].rows = [[*HEADER]]
    assert converse(client.doctor(SETTINGS), vendor).facts == {
        "tab": "Referrals",
        "missing_columns": ["Owner", "Link", "Notes"],
    }
    with pytest.raises(Unauthorized, match="no tab 5: set OVATION_GOOGLE_SHEETS__TAB"):
        converse(client.doctor(SETTINGS.model_copy(update={"tab": 5})), vendor)


def problem(status: int, body: Any, writes: bool = True) -> Problem:
    call = Call("POST", BASE, writes=writes)
    found = client.judge(Reply(status, body, json.dumps(body)), call)
    assert found is not None
    return found


def error(code: int, status: str, message: str, **more: Any) -> Any:
    return {"error": {"code": code, "message": message, "status": status, **more}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, error(400, "INVALID_ARGUMENT", "Invalid requests[2]: no"), "rejected",
         "HTTP 400: INVALID_ARGUMENT: Invalid requests[2]: no"),
        (401, error(401, "UNAUTHENTICATED", "no"), "unauthorized", "HTTP 401: UNAUTHENTICATED: no"),
        (403, error(403, "PERMISSION_DENIED", "off", details=[{"reason": "SERVICE_DISABLED"}]), "unauthorized",
         "HTTP 403: PERMISSION_DENIED: SERVICE_DISABLED: off"),
        (404, error(404, "NOT_FOUND", "no"), "unauthorized", "HTTP 404: NOT_FOUND: no"),
        (409, error(409, "ABORTED", "no"), "unavailable", "HTTP 409: ABORTED: no"),
        (500, error(500, "INTERNAL", "no"), "in doubt", "HTTP 500: INTERNAL: no"),
        (503, error(503, "UNAVAILABLE", "no"), "in doubt", "HTTP 503: UNAVAILABLE: no"),
        (502, None, "in doubt", "HTTP 502: null"),
        (200, None, "in doubt", "HTTP 200: null"),
        (413, {"error": {"details": [1]}}, "rejected", "HTTP 413: "),
    ],
)  # fmt: skip
def test_each_error_has_its_kind_and_googles_words(status: int, body: Any, kind: str, words: str) -> None:
    found = problem(status, body)
    assert (found.kind, found.message) == (kind, words)


def test_a_limit_waits_a_minute_and_a_fault_while_reading_is_no_doubt() -> None:
    limited = STAND_IN.rate_limited()
    found = problem(limited.status, limited.json)
    assert (found.kind, found.retry_after) == ("rate-limited", 60.0)
    assert "RATE_LIMIT_EXCEEDED" in found.message
    assert problem(503, None, writes=False).kind == "unavailable"


def test_columns_need_what_rows_are_found_by() -> None:
    with pytest.raises(ValidationError, match="name a column for status"):
        GoogleSheetsSettings(columns={"referral": "Ref"})


# Google's own document, and the stand-in


def document() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Google's document is not beside this checkout")
    return json.loads(SPEC.read_text())


def as_json_schema(node: Any) -> Any:
    """A discovery document's schema as JSON Schema, closed: what it does not name is refused."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    if node.get("type") == "any":
        return {}
    kept = {k: as_json_schema(v) for k, v in node.items() if k in ("type", "items", "enum")}
    if "properties" in node:
        kept["properties"] = {name: as_json_schema(one) for name, one in node["properties"].items()}
        kept["additionalProperties"] = False
    return kept


METHODS = {
    ":batchUpdate": ("BatchUpdateSpreadsheetRequest", "BatchUpdateSpreadsheetResponse"),
    "/values:batchGetByDataFilter": ("BatchGetValuesByDataFilterRequest", "BatchGetValuesByDataFilterResponse"),
    "/values:batchUpdateByDataFilter": (
        "BatchUpdateValuesByDataFilterRequest",
        "BatchUpdateValuesByDataFilterResponse",
    ),
    "": (None, "Spreadsheet"),
}


def test_requests_and_the_stand_ins_answers_fit_googles_document(vendor: Vendor) -> None:
    defs = {name: as_json_schema(one) for name, one in document()["schemas"].items()}
    checked = set()

    def hold(talk: Generator[Call, Reply, Any]) -> None:
        reply = None
        while True:
            try:
                call = next(talk) if reply is None else talk.send(reply)
            except StopIteration:
                return
            asked, answered = METHODS[call.path.removeprefix(BASE)]
            reply = ask(call, vendor)
            for name, value in ((asked, call.json), (answered, reply.json)):
                if name is not None:
                    jsonschema.validate(value, {"$ref": f"#/$defs/{name}", "$defs": defs})
                    checked.add(name)

    hold(client.doctor(SETTINGS))
    hold(client.put_row(ROW, KEY, SETTINGS))
    hold(client.put_row(WON, KEY, SETTINGS))
    move(vendor, "cut", referral="r_0192")
    hold(client.put_row(WON, KEY, SETTINGS))
    assert checked == {name for pair in METHODS.values() for name in pair if name}


def batch(*requests: dict[str, Any]) -> Call:
    return Call.post(f"{BASE}:batchUpdate", json={"requests": list(requests)})


SECOND = {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
MADE = {"metadataId": 5, "metadataKey": "o", "visibility": "DOCUMENT", "location": {"dimensionRange": SECOND}}
WRONG = {
    "no request": batch(),
    "two kinds in one": batch({"insertDimension": {"range": SECOND}, "deleteDimension": {"range": SECOND}}),
    "an unknown tab": batch({"insertDimension": {"range": {**SECOND, "sheetId": 4}}}),
    "no visibility": batch({"createDeveloperMetadata": {"developerMetadata": {**MADE, "visibility": None}}}),
    "an id that is no int32": batch({"createDeveloperMetadata": {"developerMetadata": {**MADE, "metadataId": 2**31}}}),
    "two rows": batch({"createDeveloperMetadata": {"developerMetadata": {
        **MADE, "location": {"dimensionRange": {**SECOND, "endIndex": 3}}}}}),
    "the same id twice": batch(*[{"createDeveloperMetadata": {"developerMetadata": MADE}}] * 2),
    "too much metadata": batch({"createDeveloperMetadata": {"developerMetadata": {
        **MADE, "metadataValue": "x" * 30_000}}}),
    "no fields": batch({"updateCells": {"start": {"rowIndex": 1}, "rows": []}}),
    "no input option": Call.post(f"{BASE}/values:batchUpdateByDataFilter", json={"data": []}),
    "no filter": Call.post(f"{BASE}/values:batchGetByDataFilter", json={"dataFilters": [{}]}),
    "everything, without fields": Call.get(BASE),
}  # fmt: skip


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_refused_and_changes_nothing(call: Call, vendor: Vendor) -> None:
    before = vendor.books.model_dump()
    reply = ask(call, vendor)
    assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert vendor.books.model_dump() == before


def test_a_spreadsheet_that_is_not_shared_is_not_there(vendor: Vendor) -> None:
    reply = ask(next(client.put_row(ROW, KEY, SETTINGS.model_copy(update={"spreadsheet": "other"}))), vendor)
    assert (reply.status, problem(404, reply.json).kind) == (404, "unauthorized")


@pytest.mark.parametrize("name", ["edit", "delete", "cut"])
def test_a_move_that_cannot_be_made_says_so(name: str, vendor: Vendor) -> None:
    given = {"referral": "r_1"} | ({"column": "Status", "value": "x"} if name == "edit" else {})
    assert STAND_IN.moves[name](given, vendor.books).status == 404
    assert STAND_IN.moves[name]({}, vendor.books).status == 404
