"""Google's double: the token endpoint and one spreadsheet that is shared with the service account.

A JWT must be signed with the account's key, meant for this endpoint and fresh; the token is checked on every call. The
key pair is made anew in each process: there is none in the code that could be taken for a real one.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.google_sheets import GoogleSheetsSettings
from platforms.google_sheets.sign_in import GRANT, SCOPE
from platforms.google_sheets.stand_in_books import Refused, Spreadsheet, Tab, quoted
from platforms.google_sheets.stand_in_moves import MOVES
from platforms.google_sheets.stand_in_requests import BatchRequest, Filter, ReadRequest, WriteRequest, read
from platforms.stand_in import Answer, Heard, Route, StandIn

SIGN_IN_PATH = "/token"
EMAIL = "ovation@sandbox-project.iam.gserviceaccount.com"
SPREADSHEET = "1sandboxOvationReferrals00000000000000000000"


def _operation(handle: Callable[[Heard, Spreadsheet], Body]) -> Callable[[Heard, Spreadsheet], Answer]:
    """Answers, or refuses; 404 for another spreadsheet."""

    def answer(heard: Heard, books: Spreadsheet) -> Answer:
        try:
            if heard.params["id"] != heard.settings.spreadsheet:
                raise Refused(404, "NOT_FOUND", "Requested entity was not found.")
            return Answer(200, json={"spreadsheetId": heard.params["id"], **handle(heard, books)})
        except Refused as refused:
            return refused.answer
        except ValueError as error:
            return Refused(400, "INVALID_ARGUMENT", str(error)).answer

    return answer


def token(heard: Heard, books: Spreadsheet) -> Answer:
    """POST of a form; every mistake is `invalid_grant`, with a word of why."""
    account = json.loads(reveal(heard.settings.service_account))
    if heard.form.get("grant_type") != GRANT:
        return Answer(400, json={"error": "unsupported_grant_type", "error_description": "Invalid grant_type"})
    if wrong := _wrong(heard.form.get("assertion", ""), account):
        return Answer(400, json={"error": "invalid_grant", "error_description": wrong})
    granted = {"access_token": _token_of(account), "expires_in": 3599, "token_type": "Bearer"}
    return Answer(200, json=granted)


def _wrong(jwt: str, account: Body) -> str | None:
    """What is wrong with a JWT."""
    try:
        signed, _, signature = jwt.rpartition(".")
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        public = serialization.load_pem_private_key(account["private_key"].encode(), None).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return "Invalid JWT Signature."
    if header != {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}:
        return "Invalid JWT: unknown key"
    expected = {"iss": account["client_email"], "scope": SCOPE, "aud": account["token_uri"]}
    if any(claims.get(name) != value for name, value in expected.items()):
        return "Invalid JWT: iss, scope or aud"
    issued, ends = claims.get("iat", 0), claims.get("exp", 0)
    if not (abs(time.time() - issued) < 300 and 0 < ends - issued <= 3600):
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    return None


def get(heard: Heard, books: Spreadsheet) -> Body:
    """The spreadsheet's properties, as the doctor asks for them."""
    if heard.query.get("fields") != "properties(title,timeZone,locale),sheets.properties":
        raise ValueError("Request contains an invalid argument: name the fields")
    about = {"title": books.title, "locale": "en_GB", "timeZone": "Europe/London"}
    sheets = [{"properties": _properties(one, index, tab)} for index, (one, tab) in enumerate(books.tabs.items())]
    return {"properties": about, "sheets": sheets}


def _properties(sheet: int, index: int, tab: Tab) -> Body:
    grid = {"rowCount": tab.grid(), "columnCount": tab.columns}
    return {"sheetId": sheet, "title": tab.title, "index": index, "sheetType": "GRID", "gridProperties": grid}


def batch_update(heard: Heard, books: Spreadsheet) -> Body:
    return {"replies": books.apply(read(BatchRequest, heard.json))}


def read_by_filter(heard: Heard, books: Spreadsheet) -> Body:
    """A filter that matches nothing is left out."""
    asked = read(ReadRequest, heard.json)
    found = [(one, values) for one in asked.dataFilters for values in _values(one, asked.majorDimension, books)]
    ranges = [{"valueRange": v, "dataFilters": [one.model_dump(exclude_none=True)]} for one, v in found]
    return {"valueRanges": ranges} if ranges else {}


def _values(one: Filter, dimension: str, books: Spreadsheet) -> list[Body]:
    if one.gridRange is not None:
        grid = one.gridRange
        rows = slice(grid.startRowIndex, grid.endRowIndex)
        return [books.values(grid.sheetId, rows, slice(grid.startColumnIndex, grid.endColumnIndex), dimension)]
    ties = books.tied(one.developerMetadataLookup) if one.developerMetadataLookup else []
    return [books.values(tie.sheet, slice(tie.row, tie.row + 1), slice(None), dimension) for tie in ties]


def write_by_filter(heard: Heard, books: Spreadsheet) -> Body:
    """Null leaves a cell alone, an empty text empties it. Nothing matched: an answer without `responses`."""
    asked = read(WriteRequest, heard.json)
    responses: list[Body] = []
    for one in asked.data:
        if one.dataFilter.developerMetadataLookup is None:
            raise ValueError("Invalid data[0].dataFilter: only look-ups are known here")
        for tie in books.tied(one.dataFilter.developerMetadataLookup):
            written = _written(books.tabs[tie.sheet], tie.row, one.values)
            told = {"updatedRange": f"{quoted(books.tabs[tie.sheet].title)}!A{tie.row + 1}", "updatedRows": 1}
            counted = {"updatedCells": written, "updatedColumns": written}
            responses.append({**told, **counted, "dataFilter": one.dataFilter.model_dump(exclude_none=True)})
    totals = {"totalUpdatedRows": len(responses), "totalUpdatedSheets": 1}
    return {**totals, "responses": responses} if responses else {}


def _written(tab: Tab, row: int, values: list[list[Any]]) -> int:
    if len(values) != 1 or len(values[0]) > tab.columns:
        raise ValueError("Invalid data[0]: Requested writing beyond the matched range")
    line = tab.line(row)
    given = [(index, value) for index, value in enumerate(values[0]) if value is not None]
    for index, value in given:
        line[index] = value
    return len(given)


def guard(heard: Heard) -> Answer | None:
    if heard.path == SIGN_IN_PATH:
        return None
    account = json.loads(reveal(heard.settings.service_account))
    if heard.headers.get("authorization") == f"Bearer {_token_of(account)}":
        return None
    words = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    return Refused(401, "UNAUTHENTICATED", words).answer


def _token_of(account: Body) -> str:
    return f"ya29.{hashlib.sha256(account['private_key_id'].encode()).hexdigest()}"


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def rate_limited() -> Answer:
    words = (
        "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user' of service "
        "'sheets.googleapis.com' for consumer 'project_number:1'."
    )
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
    limit = {"quota_limit": "WriteRequestsPerMinutePerUser", "quota_limit_value": "60"}
    details = [{**info, "domain": "googleapis.com", "metadata": {**limit, "service": "sheets.googleapis.com"}}]
    return Refused(429, "RESOURCE_EXHAUSTED", words, details=details).answer


def broken() -> Answer:
    return Refused(500, "INTERNAL", "Internal error encountered.").answer


@lru_cache(maxsize=1)
def _key_file() -> str:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"type": "service_account", "project_id": "sandbox-project", "client_email": EMAIL}
    key = {"private_key": pem.decode(), "private_key_id": "5a4d0b0c"}
    return json.dumps({**account, **key, "token_uri": f"https://oauth2.googleapis.com{SIGN_IN_PATH}"})


def settings() -> GoogleSheetsSettings:
    return GoogleSheetsSettings(service_account=SecretStr(_key_file()), spreadsheet=SPREADSHEET)


STAND_IN = StandIn(
    name="google_sheets",
    books=Spreadsheet,
    routes=[
        Route("POST", SIGN_IN_PATH, token),
        Route("GET", "/v4/spreadsheets/{id}", _operation(get)),
        Route("POST", "/v4/spreadsheets/{id}:batchUpdate", _operation(batch_update)),
        Route("POST", "/v4/spreadsheets/{id}/values:batchGetByDataFilter", _operation(read_by_filter)),
        Route("POST", "/v4/spreadsheets/{id}/values:batchUpdateByDataFilter", _operation(write_by_filter)),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves=MOVES,
)
