"""Prevents: an advocate with two pages for the same files, papers that came in unheard while we were away, and a
webhook that Dropbox will not register."""

import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from platforms.base import Call, Incoming, Poke, Reply, Round, Token, Upkept
from platforms.capabilities import Receipt, RequestFiles
from platforms.dropbox import PLATFORM, DropboxSettings, client, problem, upkeep, webhook
from platforms.dropbox.stand_in import ACCESS, STAND_IN
from platforms.dropbox.stand_in_books import Books, FileRequest
from platforms.dropbox.stand_in_requests import CreateFileRequestArgs, CreateFolderArg, ListFileRequestsArg
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized, Unavailable
from platforms.stand_in import Answer, Heard

SPECS = Path(__file__).resolve().parents[3] / "shared/contracts/specs"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, DropboxSettings)
KEY = "j_5afm9g0mjvkyzrhj/papers/request_files"
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
REFERRAL = "r_7hk2q9w4x8y1z0ab"
FILES = RequestFiles(
    referral=REFERRAL,
    title="Documents for your referral of New Ltd",
    description="The signed quote, please.",
    deadline=datetime(2026, 2, 14, 17, 0, tzinfo=UTC),
)
FOLDER = f"/Ovation/Referrals/{REFERRAL}"


def answered(call: Call, books: Books, token: str = ACCESS) -> Answer:
    """The stand-in's answer to a call."""
    route = next(r for r in STAND_IN.routes if r.method == call.method and r.pattern.match(call.path))
    heard = Heard(
        method=call.method,
        path=call.path,
        params={},
        query={},
        headers={k.lower(): v for k, v in client.headers(SETTINGS, Token(token)).items()} if call.signed_in else {},
        body=call.content or b"",
        json=json.loads(json.dumps(call.json)),
        form=dict(call.form or {}),
        settings=SETTINGS,
    )
    return STAND_IN.guard(heard) or route.handler(heard, books)


def reply_of(answer: Answer) -> Reply:
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(json.dumps(answer.json)), answer.text or json.dumps(answer.json), names)


def ask(call: Call, books: Books, token: str = ACCESS) -> Reply:
    return reply_of(answered(call, books, token))


def converse(talk: Generator[Call, Reply, Any], books: Books, lose: int = 99) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read. The answer to the call
    of number `lose` is lost, and the talk ends there."""
    calls: list[Call] = []
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = ask(call, books)
        assert problem.judge(reply, call) is None, reply.json
        if len(calls) > lose:
            talk.close()
            return None, calls


def asked(books: Books, action: RequestFiles = FILES) -> Receipt:
    receipt: Receipt = converse(client.request_files(action, KEY, SETTINGS), books)[0]
    return receipt


def found(books: Books, action: RequestFiles = FILES) -> Receipt | None:
    receipt: Receipt | None = converse(client.find_request(action, KEY, SETTINGS), books)[0]
    return receipt


def told(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """What a talk makes of these replies."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the talk wants to go on")


def moved(move: str, books: Books, /, **given: object) -> Answer:
    return STAND_IN.moves[move](given, books)


def look(books: Books, mark: dict[str, object] | None = None) -> tuple[Upkept, list[Call]]:
    round = Round(mark=mark or {}, webhook_url="https://ovation.example/webhooks/dropbox?k=1", now=NOW)
    return converse(upkeep.look_for_uploads(round, SETTINGS), books)


# Out


def test_a_request_leads_to_the_referrals_own_folder() -> None:
    receipt, calls = converse(client.request_files(FILES, KEY, SETTINGS), books := Books())
    assert [(call.method, call.path, call.writes, call.json) for call in calls] == [
        ("POST", "/2/files/create_folder_v2", True, {"path": FOLDER, "autorename": False}),
        ("POST", "/2/file_requests/list_v2", False, {"limit": 1000}),
        (
            "POST",
            "/2/file_requests/create",
            True,
            {
                "title": "Documents for your referral of New Ltd",
                "destination": FOLDER,
                "open": True,
                "description": "The signed quote, please.",
                "deadline": {"deadline": "2026-02-14T17:00:00Z", "allow_late_uploads": "seven_days"},
            },
        ),
    ]
    [request] = books.requests
    url = f"https://www.dropbox.com/request/{request.id}"
    assert receipt == Receipt(reference=request.id, url=url, facts={"file_request": request.id})


@pytest.mark.parametrize(("deadlines", "deadline"), [(False, FILES.deadline), (True, None)])
def test_a_plan_without_deadlines_is_asked_for_none(deadlines: bool, deadline: datetime | None) -> None:
    own = SETTINGS.model_copy(update={"deadlines": deadlines})
    bare = RequestFiles(referral=REFERRAL, title="Papers", deadline=deadline)
    talk = client.request_files(bare, KEY, own)
    next(talk)
    talk.send(Reply(200, {"metadata": {}}))
    body = talk.send(Reply(200, {"file_requests": [], "has_more": False})).json
    assert body == {"title": "Papers", "destination": FOLDER, "open": True}


def test_a_repeat_is_the_same_request() -> None:
    books = Books()
    first = asked(books)
    again, calls = converse(client.request_files(FILES, "another/key", SETTINGS), books)
    assert again == first
    assert [call.path for call in calls] == ["/2/files/create_folder_v2", "/2/file_requests/list_v2"]
    assert len(books.requests) == 1


@pytest.mark.parametrize("lose", [0, 2])
def test_wherever_the_answer_is_lost_there_is_one_page(lose: int) -> None:
    books = Books()
    converse(client.request_files(FILES, KEY, SETTINGS), books, lose=lose)
    assert (found(books) is None) == (lose == 0)
    receipt = asked(books)
    assert found(books) == receipt
    assert len(books.requests) == 1
    action = PLATFORM.action(RequestFiles)
    assert action is not None
    assert (action.repeat.find, action.repeat.after) == (client.find_request, timedelta(minutes=1))


def test_a_closed_request_is_done_with() -> None:
    books = Books()
    first = asked(books)
    moved("close", books)
    assert found(books) is None
    assert asked(books).reference != first.reference
    assert len(books.requests) == 2


def test_all_pages_are_looked_through_and_paths_have_no_case() -> None:
    books = Books()
    books.requests = [FileRequest(title="x", destination=f"/Ovation/Referrals/r_{n}") for n in range(2500)]
    assert converse(client.find_request(FILES, KEY, SETTINGS), books)[0] is None
    books.requests.append(FileRequest(title="x", destination=FOLDER.upper()))
    receipt, calls = converse(client.find_request(FILES, KEY, SETTINGS), books)
    assert receipt.reference == books.requests[-1].id
    assert [call.path for call in calls[1:]] == ["/2/file_requests/list/continue"] * 2
    assert all(not call.writes for call in calls)


def test_a_destination_that_was_removed_leads_nowhere() -> None:
    gone = {"id": "a", "url": "u", "is_open": True, "destination": None}
    page = Reply(200, {"file_requests": [gone, 7], "has_more": False})
    assert told(client.find_request(FILES, KEY, SETTINGS), page) is None


def test_a_list_without_end_or_none_at_all_leaves_the_doubt() -> None:
    endless = Reply(200, {"file_requests": [], "has_more": True, "cursor": "c"})
    with pytest.raises(InDoubt, match="more than 5 pages"):
        told(client.find_request(FILES, KEY, SETTINGS), *[endless] * 5)
    with pytest.raises(InDoubt, match="without a list"):
        told(client.find_request(FILES, KEY, SETTINGS), Reply(200, {"has_more": False}))


@pytest.mark.parametrize("answer", [{}, {"id": "a"}, {"id": "", "url": "u"}, {"id": "a", "url": None}])
def test_a_request_without_id_or_address_is_a_doubt(answer: dict[str, Any]) -> None:
    none = Reply(200, {"file_requests": [], "has_more": False})
    with pytest.raises(InDoubt, match="no id or no address"):
        told(client.request_files(FILES, KEY, SETTINGS), Reply(200, {}), none, Reply(200, answer))


@pytest.mark.parametrize("referral", ["../r_1", "r/1", "r:1", "x" * 129, "", "r 1"])
def test_an_id_that_is_no_folders_name_is_not_sent(referral: str) -> None:
    for talk in (client.request_files, client.find_request):
        with pytest.raises(Rejected):
            next(talk(FILES.model_copy(update={"referral": referral}), KEY, SETTINGS))


@pytest.mark.parametrize("folder", ["Ovation", "/Ovation/", "/", "/a//b", "/a:b", "/a.", "/a /b"])
def test_a_folder_that_dropbox_would_refuse_is_no_setting(folder: str) -> None:
    assert DropboxSettings(folder="/Team files/Référrals 2.0").folder
    with pytest.raises(ValidationError):
        DropboxSettings(folder=folder)


def test_the_doctor_wants_a_verified_address_and_sees_file_requests() -> None:
    receipt, [account, requests] = converse(client.doctor(SETTINGS), Books())
    assert (account.path, account.content, account.writes) == ("/2/users/get_current_account", b"null", False)
    assert account.headers == {"Content-Type": "application/json"}
    assert (requests.json, requests.writes) == ({"limit": 1}, False)
    assert receipt.facts == {"account": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc", "file_requests": False}
    with pytest.raises(Unauthorized, match="not verified"):
        told(client.doctor(SETTINGS), Reply(200, {"email_verified": False}))


def test_a_refresh_token_becomes_an_access_token() -> None:
    call = client.token_call(SETTINGS, NOW)
    assert (call.method, call.path, call.signed_in) == ("POST", "/oauth2/token", False)
    assert call.form == {
        "grant_type": "refresh_token",
        "refresh_token": "sandbox-refresh-token",
        "client_id": "sandboxappkey",
        "client_secret": "sandbox-app-secret",
    }
    token = client.read_token(ask(call, Books()), NOW)
    assert (token.value, token.expires_at) == (ACCESS, NOW + timedelta(hours=4))
    assert client.headers(SETTINGS, token) == {"Authorization": f"Bearer {ACCESS}"}
    with pytest.raises(Unauthorized):
        client.read_token(Reply(200, {"token_type": "bearer"}), NOW)


def test_a_token_that_was_taken_back_asks_for_a_person() -> None:
    revoked = SETTINGS.model_copy(update={"refresh_token": SecretStr("gone")})
    refused = ask(client.token_call(revoked, NOW), Books())
    judged = problem.judge(refused, client.token_call(revoked, NOW))
    assert judged is not None
    assert (judged.kind, judged.message) == ("rejected", "HTTP 400: invalid_grant")
    stranger = SETTINGS.model_copy(update={"app_key": "other"})
    assert ask(client.token_call(stranger, NOW), Books()).status == 400


# Errors

CREATE, LIST = Call.post("/2/file_requests/create"), Call.post("/2/file_requests/list_v2", writes=False)


def error(*tags: str) -> dict[str, Any]:
    node: dict[str, Any] = {".tag": tags[-1]}
    for tag in reversed(tags[:-1]):
        node = {".tag": tag, tag: node}
    return {"error_summary": f"{'/'.join(tags)}/...", "error": node}


@pytest.mark.parametrize(
    ("status", "body", "call", "kind"),
    [
        (400, None, CREATE, "rejected"),
        (401, error("expired_access_token"), CREATE, "unauthorized"),
        (401, error("missing_scope"), CREATE, "unauthorized"),
        (403, error("paper_access_denied"), CREATE, "unauthorized"),
        (409, error("validation_error"), CREATE, "rejected"),
        (409, error("not_a_folder"), CREATE, "rejected"),
        (409, error("email_unverified"), CREATE, "unauthorized"),
        (409, error("disabled_for_team"), LIST, "unauthorized"),
        (409, error("rate_limit"), CREATE, "unauthorized"),
        (409, error("path", "insufficient_space"), Call.post(problem.CREATE_FOLDER), "unauthorized"),
        (409, error("path", "conflict", "file"), Call.post(problem.CREATE_FOLDER), "rejected"),
        (409, error("path", "conflict", "folder"), CREATE, "rejected"),
        (409, error("path", "too_many_write_operations"), Call.post(problem.CREATE_FOLDER), "rate-limited"),
        (409, {"error_summary": "other/..", "error": "other"}, CREATE, "rejected"),
        (409, None, CREATE, "rejected"),
        (422, None, CREATE, "unauthorized"),
        (429, None, CREATE, "rate-limited"),
        (500, None, CREATE, "in doubt"),
        (503, None, LIST, "unavailable"),
        (200, None, CREATE, "in doubt"),
        (200, None, LIST, "unavailable"),
    ],
)
def test_each_error_has_its_kind_by_its_tags(status: int, body: Any, call: Call, kind: str) -> None:
    judged = problem.judge(Reply(status, body, json.dumps(body)), call)
    assert judged is not None
    assert judged.kind == kind


@pytest.mark.parametrize(
    ("path", "tags"),
    [
        (problem.CREATE_FOLDER, ("path", "conflict", "folder")),
        (problem.LIST_FOLDER, ("path", "not_found")),
        (problem.CONTINUE, ("path", "not_found")),
        (problem.CONTINUE, ("reset",)),
    ],
)
def test_what_the_talk_reads_itself_is_no_problem(path: str, tags: tuple[str, ...]) -> None:
    assert problem.judge(Reply(409, error(*tags)), Call.post(path)) is None
    bare: Any = tags[-1]
    for tag in reversed(tags[:-1]):
        bare = {".tag": tag, tag: bare}
    assert problem.judge(Reply(409, {"error": bare}), Call.post(path)) is None, "a bare tag is a text"


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (429, {"error": {"reason": {".tag": "too_many_requests"}, "retry_after": 15}}, {"retry-after": "7"}, 15.0),
        (429, None, {"retry-after": "7"}, 7.0),
        (429, None, {}, 30.0),
        (429, {"error": {"retry_after": "soon"}}, {}, 30.0),
        (409, error("path", "too_many_write_operations"), {}, 5.0),
    ],
)
def test_a_limit_waits_as_long_as_it_says(status: int, body: Any, headers: dict[str, str], seconds: float) -> None:
    judged = problem.judge(Reply(status, body, headers=headers), CREATE)
    assert judged is not None
    assert judged.retry_after == seconds


def test_the_message_has_the_tags_and_the_handle_for_support() -> None:
    reply = Reply(409, error("path", "conflict", "file"), headers={"x-dropbox-request-id": "abc"})
    judged = problem.judge(reply, CREATE)
    assert judged is not None
    assert judged.message == "HTTP 409: path/conflict/file (request abc)"


# In

VECTOR_SETTINGS = SETTINGS.model_copy(update={"app_secret": SecretStr("dropbox-app-secret")})
VECTOR_SIGNATURE = "450ef9f57aef4016f16da031b9d4597c8f4672296e2d3b8d98fd21af6db3fd6a"
VECTOR = b'{"list_folder":{"accounts":["dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc"]},"delta":{"users":[12345678]}}'


def incoming(body: bytes = b"", method: str = "POST", query: dict[str, str] | None = None, **headers: str) -> Incoming:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming(method, "https://ovation.example/webhooks/dropbox", given, query or {}, body)


def test_the_signature_vector() -> None:
    assert (FIXTURES / "list_folder__vector.json").read_bytes() == VECTOR
    webhook.verify(incoming(VECTOR, x_dropbox_signature=VECTOR_SIGNATURE), VECTOR_SETTINGS, NOW)
    assert webhook.sign(VECTOR, VECTOR_SETTINGS, "", NOW) == {"X-Dropbox-Signature": VECTOR_SIGNATURE}


@pytest.mark.parametrize("given", ["", VECTOR_SIGNATURE.upper(), VECTOR_SIGNATURE[:-1], "é\ud800"])
def test_a_forged_request_is_refused(given: str) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR, x_dropbox_signature=given), VECTOR_SETTINGS, NOW)
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET nor OVATION_DROPBOX__APP_SECRET is set"):
        webhook.verify(incoming(VECTOR, x_dropbox_signature=VECTOR_SIGNATURE), DropboxSettings(), NOW)


def test_the_webhook_secret_verifies_and_does_not_sign_in() -> None:
    by_the_other_name = DropboxSettings(webhook_secret=SecretStr("dropbox-app-secret"))
    webhook.verify(incoming(VECTOR, x_dropbox_signature=VECTOR_SIGNATURE), by_the_other_name, NOW)
    assert by_the_other_name.missing(DropboxSettings.required_in) == []
    assert "OVATION_DROPBOX__APP_SECRET" in by_the_other_name.missing()


def test_the_challenge_is_echoed_as_it_is_and_as_plain_text() -> None:
    response = webhook.handshake(incoming(method="GET", query={"challenge": "aB-1_2"}), SETTINGS)
    assert response is not None
    assert (response.status, response.text, response.media_type) == (200, "aB-1_2", "text/plain")
    assert response.headers == {"X-Content-Type-Options": "nosniff"}


@pytest.mark.parametrize("challenge", ["a b", "a\n", "é", "x" * 513])
def test_what_is_no_challenge_is_not_echoed(challenge: str) -> None:
    with pytest.raises(Malformed):
        webhook.handshake(incoming(method="GET", query={"challenge": challenge}), SETTINGS)


@pytest.mark.parametrize(
    ("method", "query"), [("GET", {}), ("POST", {"challenge": "abc"}), ("HEAD", {"challenge": "a"})]
)
def test_other_requests_are_no_challenge(method: str, query: dict[str, str]) -> None:
    assert webhook.handshake(incoming(method=method, query=query), SETTINGS) is None


def test_a_ping_makes_the_upkeep_look() -> None:
    names = [name for name, _ in webhook.unpack(incoming(VECTOR))]
    assert names == ["list_folder", "delta"]
    assert webhook.INBOUND.read("list_folder", {}, SETTINGS) == Poke("uploads")
    assert webhook.INBOUND.read("delta", {}, SETTINGS) == []
    assert "uploads" in [job.name for job in PLATFORM.upkeep]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a b":1}', b'{"":1}', json.dumps(
    {f"k{'x' * n}": 1 for n in range(9)}).encode()])  # fmt: skip
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


# What came in


def test_a_file_is_heard_of_once_whoever_looks() -> None:
    books = Books()
    asked(books)
    first, [call] = look(books)
    assert (call.path, call.json) == (
        "/2/files/list_folder",
        {"path": "/Ovation/Referrals", "recursive": True, "limit": 500},
    )
    assert (first.events, call.writes) == ([], False)
    entry = moved("upload", books).json
    second, [call] = look(books, dict(first.mark))
    assert (call.path, call.json) == ("/2/files/list_folder/continue", {"cursor": first.mark["cursor"]})
    [event] = second.events
    assert event.model_dump(include={"type", "source", "source_id", "data"}) == {
        "type": "files.received",
        "source": "dropbox",
        "source_id": f"{entry['id']}:{entry['rev']}",
        "data": {"referral": REFERRAL, "count": 1},
    }
    assert event.subject.text == f"ovation_referral:{REFERRAL}"
    assert event.at == datetime.fromisoformat(entry["server_modified"])
    assert "Ada" not in event.model_dump_json()
    assert look(books, dict(second.mark))[0].events == []
    assert look(books)[0].events == [event], "read from the beginning it is the same event"


def test_a_new_revision_is_another_event() -> None:
    books = Books()
    asked(books)
    for name in ("quote.pdf", "quote.pdf", "profile.pdf"):
        moved("upload", books, name=name)
    mark = look(books)[0].mark
    moved("upload", books, name="Quote.pdf")
    [event] = look(books, dict(mark))[0].events
    assert event.source_id.startswith(books.entries[f"{FOLDER.lower()}/quote.pdf"].id)


def test_before_anybody_was_asked_there_is_no_folder() -> None:
    kept, _ = look(Books())
    assert (kept.mark, kept.events, kept.again_at) == ({}, [], None)


def test_a_cursor_that_ended_means_to_read_all_anew() -> None:
    books = Books()
    asked(books)
    moved("upload", books)
    mark = look(books)[0].mark
    moved("reset", books)
    moved("upload", books, name="second.pdf")
    kept, calls = look(books, dict(mark))
    assert [call.path for call in calls] == ["/2/files/list_folder/continue", "/2/files/list_folder"]
    assert len(kept.events) == 2


def test_a_cursor_of_another_folder_is_not_used() -> None:
    books = Books()
    asked(books)
    _, [call] = look(books, {"folder": "/Elsewhere", "cursor": "c"})
    assert call.path == "/2/files/list_folder"


def test_a_deleted_folder_begins_anew() -> None:
    talk = upkeep.look_for_uploads(
        Round(mark={"folder": SETTINGS.folder, "cursor": "c"}, webhook_url="u", now=NOW), SETTINGS
    )
    gone = Reply(409, error("path", "not_found"))
    assert told(talk, gone, gone).mark == {}


def test_a_round_reads_so_many_pages_and_the_next_goes_on() -> None:
    pages = [Reply(200, {"entries": [], "cursor": f"c{n}", "has_more": True}) for n in range(10)]
    kept = told(upkeep.look_for_uploads(Round(webhook_url="u", now=NOW), SETTINGS), *pages)
    assert kept.mark == {"folder": "/Ovation/Referrals", "cursor": "c9"}
    assert kept.again_at == NOW + timedelta(minutes=1)


FILE = {
    ".tag": "file",
    "id": "id:a",
    "rev": "a1c10ce0dd78",
    "path_lower": f"{FOLDER.lower()}/x.pdf",
    "server_modified": "2026-01-15T10:00:00Z",
}


@pytest.mark.parametrize(
    ("change", "events"),
    [
        ({}, 1),
        ({"path_lower": f"{FOLDER.lower()}/within/x.pdf"}, 1),
        ({".tag": "folder"}, 0),
        ({".tag": "deleted"}, 0),
        ({"path_lower": "/ovation/referrals/x.pdf"}, 0),
        ({"path_lower": f"/elsewhere{FOLDER.lower()}/x.pdf"}, 0),
        ({"path_lower": "/ovation/referrals/for somebody/x.pdf"}, 0),
        ({"path_lower": None}, 0),
        ({"rev": None, "server_modified": "soon"}, 0),
        ({"id": None, "server_modified": 7}, 0),
        ({"server_modified": "2026-01-15T10:00:00"}, 0),
    ],
)
def test_only_files_of_referrals_are_told_and_one_that_is_odd_holds_up_nobody(
    change: dict[str, Any], events: int
) -> None:
    after = {**FILE, "id": "id:b"}
    page = Reply(200, {"entries": [{**FILE, **change}, 7, after], "cursor": "c", "has_more": False})
    kept = told(upkeep.look_for_uploads(Round(webhook_url="u", now=NOW), SETTINGS), page)
    assert len(kept.events) == events + 1
    assert kept.events[-1].source_id == "id:b:a1c10ce0dd78"


def test_a_page_without_entries_moves_no_mark() -> None:
    with pytest.raises(Unavailable):
        told(upkeep.look_for_uploads(Round(webhook_url="u", now=NOW), SETTINGS), Reply(200, {"cursor": "c"}))


# The stand-in


def test_what_changes_is_pinged_and_signed() -> None:
    books = Books()
    asked(books)
    [sent] = moved("upload", books, referral=REFERRAL).webhooks
    headers = {k.lower(): v for k, v in webhook.sign(sent.body, SETTINGS, "", NOW).items()}
    delivery = Incoming("POST", "u", headers, {}, sent.body)
    webhook.verify(delivery, SETTINGS, NOW)
    assert [name for name, _ in webhook.unpack(delivery)] == ["list_folder", "delta"]
    assert books.requests[0].file_count == 1


def test_a_closed_request_takes_no_files_and_a_move_names_what_is_there() -> None:
    books = Books()
    asked(books)
    moved("close", books, id=books.requests[0].id)
    assert moved("upload", books).status == 409
    assert moved("upload", books, referral="r_other").json["error"] == {".tag": "not_found"}
    assert [moved(name, books, who="Ada").status for name in STAND_IN.moves] == [400, 400, 400]


def test_a_second_request_is_a_second_one() -> None:
    books = Books()
    for _ in range(2):
        ask(Call.post("/2/file_requests/create", json={"title": "x", "destination": "/x"}), books)
    assert len(books.requests) == 2


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        ("/2/file_requests/create", {"title": "", "destination": "/x"}),
        ("/2/file_requests/create", {"title": "x", "destination": "x"}),
        ("/2/file_requests/create", {"title": "x", "destination": "/x", "idempotency_key": "x"}),
        (
            "/2/file_requests/create",
            {"title": "x", "destination": "/x", "deadline": {"deadline": "2026-02-14T17:00:00.000Z"}},
        ),
        (
            "/2/file_requests/create",
            {
                "title": "x",
                "destination": "/x",
                "deadline": {"deadline": "2026-02-14T17:00:00Z", "allow_late_uploads": "x"},
            },
        ),
        ("/2/files/create_folder_v2", {"path": "x"}),
        ("/2/files/create_folder_v2", None),
        ("/2/files/list_folder", {"path": "/x", "limit": 2001}),
        ("/2/files/list_folder/continue", {}),
        ("/2/users/get_current_account", None),
    ],
)
def test_a_malformed_call_is_refused_in_plain_text(path: str, argument: Any) -> None:
    books = Books()
    refused = ask(Call.post(path, json=argument), books)
    assert (refused.status, refused.json) == (400, None)
    assert refused.text.startswith("Error in call to API function")
    assert books == Books()


def test_folders_and_cursors_are_refused_by_their_tags() -> None:
    books = Books()
    books.upload("/a", "file")
    tags = {
        "/A/FILE": ("path", "conflict", "file"),
        "/a:b": ("path", "disallowed_name"),
    }
    for path, wanted in tags.items():
        assert problem.tags_of(ask(Call.post(problem.CREATE_FOLDER, json={"path": path}), books)) == wanted
    renamed = ask(Call.post(problem.CREATE_FOLDER, json={"path": "/a/file", "autorename": True}), books)
    assert renamed.json["metadata"]["path_display"] == "/a/file (1)"
    for path, wanted in {problem.CONTINUE: "reset", "/2/file_requests/list/continue": "invalid_cursor"}.items():
        assert problem.tags_of(ask(Call.post(path, json={"cursor": "x"}), books)) == (wanted,)
    assert ask(LIST, books, token="spent").json["error"] == {".tag": "invalid_access_token"}


def test_the_stand_ins_429_and_500() -> None:
    limited = problem.judge(reply_of(STAND_IN.rate_limited()), CREATE)
    assert limited is not None
    assert (limited.kind, limited.retry_after) == ("rate-limited", 1.0)
    broken = problem.judge(reply_of(STAND_IN.broken()), CREATE)
    assert broken is not None
    assert broken.kind == "in doubt"


def test_the_books_are_json_and_can_be_read_back() -> None:
    books = Books()
    asked(books)
    moved("upload", books)
    assert Books.model_validate_json(books.model_dump_json()) == books


# Dropbox's own specification


@pytest.fixture(scope="module")
def structs() -> dict[str, dict[str, bool]]:
    """Struct → field → is it needed, read from the lines that name them. A default or `?` makes a field optional."""
    found: dict[str, dict[str, bool]] = {}
    for name in ("files", "file_requests", "users"):
        path = SPECS / f"dropbox-{name}.stone"
        if not path.exists():
            pytest.skip("Dropbox's specification is not beside this checkout")
        for block in re.split(r"\n(?=\S)", path.read_text()):
            if head := re.match(r"struct (\w+)(?: extends (\w+))?", block):
                fields = re.findall(r"^    (\w+) ((?:\w+\.)?[A-Z]\w*(?:\(.*\))?)(\?)?( = .*)?$", block, re.MULTILINE)
                own = {field: not optional and not default for field, _, optional, default in fields}
                found[head[1]] = {**found.get(head[2] or "", {}), **own}
    return found


def fits(value: dict[str, Any], fields: dict[str, bool]) -> None:
    """Every field is known, and none that is needed is missing."""
    given = set(value) - {".tag"}
    assert given <= set(fields), given - set(fields)
    assert {name for name, needed in fields.items() if needed} <= given


def test_the_specification_was_read(structs: dict[str, dict[str, bool]]) -> None:
    assert structs["CreateFileRequestArgs"]["title"] is True
    assert structs["CreateFileRequestArgs"]["deadline"] is False
    assert structs["FileMetadata"] == structs["FileMetadata"] | {"name": True, "path_lower": False, "rev": True}


def test_our_arguments_and_the_stand_ins_answers_fit(structs: dict[str, dict[str, bool]]) -> None:
    books = Books()
    folder, requests, create = converse(client.request_files(FILES, KEY, SETTINGS), books)[1]
    fits(folder.json, structs["CreateFolderArg"])
    fits(requests.json, structs["ListFileRequestsArg"])
    fits(create.json, structs["CreateFileRequestArgs"])
    fits(create.json["deadline"], structs["FileRequestDeadline"])
    moved("upload", books)
    page = ask(Call.post(requests.path, json=requests.json), books).json
    fits(page, structs["ListFileRequestsV2Result"])
    fits(page["file_requests"][0], structs["FileRequest"])
    account = client.doctor(SETTINGS)
    fits(ask(next(account), books).json, structs["FullAccount"])
    listing = look(books)[1][0]
    fits(listing.json, structs["ListFolderArg"])
    entries = ask(listing, books).json
    fits(entries, structs["ListFolderResult"])
    shapes = {"file": structs["FileMetadata"], "folder": structs["FolderMetadata"]}
    assert {entry[".tag"] for entry in entries["entries"]} == {"file", "folder"}
    for entry in entries["entries"]:
        fits(entry, shapes[entry[".tag"]])
    made = ask(Call.post(folder.path, json={"path": "/new"}), books).json
    fits(made, structs["CreateFolderResult"])
    fits(made["metadata"], structs["FolderMetadata"])


def test_the_stand_in_takes_exactly_the_fields_of_the_specification(structs: dict[str, dict[str, bool]]) -> None:
    for model in (CreateFileRequestArgs, CreateFolderArg, ListFileRequestsArg):
        needed = {name: field.is_required() for name, field in model.model_fields.items()}
        assert needed == structs[model.__name__]
