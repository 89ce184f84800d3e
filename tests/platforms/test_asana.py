"""Prevents: a colleague who finds one task twice, a referral without a task because its owner is a stranger, a webhook
that Asana dropped and nobody noticed, and a task done on a stranger's word."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from models.token import Token
from platforms.asana import PLATFORM, AsanaSettings, client, upkeep, webhook
from platforms.asana.stand_in import ACCESS, STAND_IN
from platforms.asana.stand_in_books import Workspace
from platforms.base import IGNORED, Call, Findable, Incoming, Poke, Reply, Round, Upkept
from platforms.capabilities import CreateTask, Receipt, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.stand_in import Answer, Heard

SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, AsanaSettings)
KEY = "j_1a2b/personal_call/task"
EXTERNAL = "ovation.j_1a2b~personal_call~task"
URL = "https://ovation.example.com/webhooks/asana?hook=k7"
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
ADA = Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines")
TASK = CreateTask(
    who=ADA,
    title="Call New Ltd (referred by Ada)",
    notes="They know us from a fair.",
    owner_email="csm@acme.example",
    due=datetime(2026, 1, 20, 17, 0, tzinfo=UTC),
    call=True,
)
STRANGERS = TASK.model_copy(update={"owner_email": "stranger@else.example"})


def heard(call: Call, token: str = ACCESS) -> tuple[Heard, Any]:
    path = call.path.removeprefix("https://app.asana.com")
    route, match = next((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(path)))
    asked = Heard(
        method=call.method,
        path=path,
        params=match.groupdict(),
        query=call.query or {},
        headers={"authorization": f"Bearer {token}"} if call.signed_in else {},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form=dict(call.form or {}),
        settings=SETTINGS,
    )
    return asked, route.handler


def ask(call: Call, books: Workspace, token: str = ACCESS) -> Answer:
    asked, handler = heard(call, token)
    answer = STAND_IN.guard(asked) or handler(asked, books)
    assert isinstance(answer, Answer)
    return answer


def reply_of(answer: Answer) -> Reply:
    names = {k.lower(): v for k, v in answer.headers.items()}
    body = json.loads(json.dumps(answer.json))
    return Reply(answer.status, body, json.dumps(body), names)


def converse(talk: Generator[Call, Reply, Any], books: Workspace) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read."""
    calls: list[Call] = []
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = reply_of(ask(call, books))
        assert reply.status in call.accepts or client.judge(reply, call) is None, reply.json


def told(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """What a talk makes of these replies."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the talk wants to go on")


def create(books: Workspace, action: CreateTask = TASK, key: str = KEY) -> Receipt:
    receipt: Receipt = converse(client.create_task(action, key, SETTINGS), books)[0]
    return receipt


def find(books: Workspace, key: str = KEY) -> Receipt | None:
    receipt: Receipt | None = converse(client.find_task(TASK, key, SETTINGS), books)[0]
    return receipt


def refusal(status: int, message: str, **more: str) -> Reply:
    body = {"errors": [{"message": message, **more}]}
    return Reply(status, body, json.dumps(body))


# Out


def test_a_task_is_built_field_by_field() -> None:
    call = next(client.create_task(TASK, KEY, SETTINGS))
    assert (call.method, call.path, call.writes) == ("POST", "/tasks", True)
    assert call.query == {"opt_fields": "permalink_url,external.gid,assignee"}
    assert call.json == {
        "data": {
            "name": "Call New Ltd (referred by Ada)",
            "notes": "They know us from a fair.\n\nAbout: Ada Lovelace, Engines, ada@example.com\nBy phone.",
            "projects": ["1201"],
            "due_at": "2026-01-20T17:00:00.000Z",
            "external": {"gid": EXTERNAL},
            "assignee": "csm@acme.example",
        }
    }


def test_what_is_not_known_is_not_sent() -> None:
    bare = CreateTask(who=Who(contact="c_1"), title="Look", due=TASK.due)
    task = next(client.create_task(bare, KEY, SETTINGS)).json["data"]
    assert task["notes"] == ""
    assert "assignee" not in task


def test_a_long_text_is_cut() -> None:
    long = TASK.model_copy(update={"notes": "x" * 20_000})
    assert len(next(client.create_task(long, KEY, SETTINGS)).json["data"]["notes"]) < 10_100


def test_the_task_is_its_owners_and_the_receipt_leads_to_it() -> None:
    books = Workspace()
    receipt = create(books)
    [task] = books.tasks.values()
    assert (task.assignee, task.external) == ("csm@acme.example", {"gid": EXTERNAL})
    assert receipt.reference == task.gid
    assert receipt.facts == {"task": task.gid, "assigned": True}
    assert receipt.url == f"https://app.asana.com/1/1100/project/1201/task/{task.gid}"


def test_a_strangers_task_is_made_without_an_owner_and_says_so() -> None:
    books = Workspace()
    receipt = create(books, STRANGERS)
    [task] = books.tasks.values()
    assert task.assignee is None
    assert task.notes.startswith("Meant for stranger@else.example, who is not in this Asana workspace")
    assert "They know us from a fair." in task.notes
    assert receipt.facts == {"task": task.gid, "assigned": False}


def test_without_a_look_up_a_repeat_would_be_a_second_task() -> None:
    books = Workspace()
    create(books)
    create(books)
    assert len(books.tasks) == 2


def test_after_a_lost_answer_the_task_is_found() -> None:
    books = Workspace()
    assert find(books) is None
    made = create(books)
    create(books, key="j_1a2b/personal_call/task-2")
    assert find(books) == made
    action = PLATFORM.action(CreateTask)
    assert action is not None
    assert isinstance(action.repeat, Findable)
    assert action.repeat.find is client.find_task


def test_a_look_up_that_shows_another_task_is_no_proof() -> None:
    other = Reply(200, {"data": {"gid": "1", "external": {"gid": "ovation.another"}}})
    with pytest.raises(InDoubt, match="our key"):
        told(client.find_task(TASK, KEY, SETTINGS), other)


@pytest.mark.parametrize("body", [{"data": None}, {"data": {}}, {}])
def test_a_success_that_says_nothing_is_a_doubt(body: Any) -> None:
    with pytest.raises(InDoubt):
        told(client.create_task(TASK, KEY, SETTINGS), Reply(201, body))


def test_an_external_id_that_is_taken_is_looked_up() -> None:
    shown = {"gid": "1500", "external": {"gid": EXTERNAL}, "assignee": None, "permalink_url": "https://a.example/1"}
    receipt = told(
        client.create_task(TASK, KEY, SETTINGS),
        refusal(400, "external: gid is already in use"),
        Reply(200, {"data": shown}),
    )
    assert receipt.reference == "1500"


def test_a_wrong_project_waits_for_somebody_to_mend_it() -> None:
    wrong = SETTINGS.model_copy(update={"project": "999"})
    with pytest.raises(Unauthorized, match="OVATION_ASANA__PROJECT"):
        converse(client.create_task(TASK, KEY, wrong), Workspace())


def test_any_other_refusal_is_one() -> None:
    with pytest.raises(Rejected, match="due_at: bad"):
        told(client.create_task(TASK, KEY, SETTINGS), refusal(400, "due_at: bad"))


@pytest.mark.parametrize("project", ["", "abc", "12/../34"])
def test_a_project_is_a_number(project: str) -> None:
    with pytest.raises(ValidationError):
        AsanaSettings(project=project)


def test_the_doctor_reads_who_and_where() -> None:
    receipt, calls = converse(client.doctor(SETTINGS), Workspace())
    assert receipt.facts == {"user": "42", "workspace": "1100", "project": "1201", "archived": False}
    assert not any(call.writes for call in calls)


# Signing in


def test_the_refresh_token_becomes_an_access_token() -> None:
    call = client.token_call(SETTINGS, NOW)
    assert call.path == "https://app.asana.com/-/oauth_token"
    assert call.form == {
        "grant_type": "refresh_token",
        "client_id": "1208000000000000",
        "client_secret": "asana-sandbox-client-secret",
        "refresh_token": "1/42:asana-sandbox-refresh-token",
    }
    assert not call.signed_in
    token = client.read_token(reply_of(ask(call, Workspace())), NOW)
    assert (token.value, token.expires_at) == (ACCESS, NOW + timedelta(hours=1))
    assert client.headers(SETTINGS, token) == {"Authorization": f"Bearer {ACCESS}"}


def test_a_refused_refresh_token_is_refused() -> None:
    other = SETTINGS.model_copy(update={"refresh_token": SecretStr("other")})
    answer = reply_of(ask(client.token_call(other, NOW), Workspace()))
    assert answer.status == 400
    with pytest.raises(Unauthorized):
        client.read_token(answer, NOW)


# Errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, "rejected"), (404, "rejected"), (401, "unauthorized"), (402, "unauthorized"), (403, "unauthorized")),
        *((451, "unauthorized"), (429, "rate-limited"), (500, "in doubt"), (503, "in doubt"), (504, "in doubt")),
    ],
)
def test_each_status_has_its_kind(status: int, kind: str) -> None:
    problem = client.judge(refusal(status, "project: Missing input"), Call.post("/tasks"))
    assert problem is not None
    assert (problem.kind, problem.message) == (kind, f"HTTP {status}: project: Missing input")


def test_a_fault_while_reading_is_no_doubt() -> None:
    problem = client.judge(reply_of(STAND_IN.broken()), Call.get("/tasks"))
    assert problem is not None
    assert problem.kind == "unavailable"
    assert problem.message == "HTTP 500: Server Error; phrase: 6 sad squid snuggle softly"


def test_a_limit_waits_as_long_as_asana_says() -> None:
    body = refusal(429, "chill").json
    for headers, seconds in (({"retry-after": "47"}, 47.0), ({}, 30.0)):
        problem = client.judge(Reply(429, body, "", headers), Call.post("/tasks"))
        assert problem is not None
        assert problem.retry_after == seconds


@pytest.mark.parametrize("body", [None, [], {"errors": "x"}, {"errors": [1]}])
def test_an_odd_error_body_is_still_judged(body: Any) -> None:
    problem = client.judge(Reply(400, body, "odd"), Call.post("/tasks"))
    assert problem is not None
    assert problem.kind == "rejected"


def test_a_page_instead_of_an_answer_is_a_doubt() -> None:
    problem = client.judge(Reply(200, None, "<html>"), Call.post("/tasks"))
    assert problem is not None
    assert problem.kind == "in doubt"


# In


VECTOR = SETTINGS.model_copy(
    update={"webhook_secret": SecretStr("b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81")}
)
VECTOR_BODY = (
    b'{"events":[{"action":"changed","resource":{"gid":"1201","resource_type":"task"},"user":{"gid":"42",'
    b'"resource_type":"user"},"created_at":"2026-01-15T10:00:00.000Z","parent":null}]}'
)
VECTOR_SIGNATURE = "158603a36069bd9ddde8944ba8caa693a63e6fae520218cd37d785454bd79184"


def incoming(body: bytes = b"", method: str = "POST", **headers: str) -> Incoming:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming(method, URL, given, {"hook": "k7"}, body)


def test_the_signature_vector() -> None:
    webhook.verify(incoming(VECTOR_BODY, x_hook_signature=VECTOR_SIGNATURE), VECTOR, NOW)
    assert webhook.sign(VECTOR_BODY, VECTOR, URL, NOW) == {"X-Hook-Signature": VECTOR_SIGNATURE}
    for wrong in ("", VECTOR_SIGNATURE.upper(), VECTOR_SIGNATURE[:-1] + "5", "é"):
        with pytest.raises(BadSignature):
            webhook.verify(incoming(VECTOR_BODY, x_hook_signature=wrong), VECTOR, NOW)
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR_BODY + b" ", x_hook_signature=VECTOR_SIGNATURE), VECTOR, NOW)


def test_before_the_handshake_nothing_is_believed() -> None:
    bare = SETTINGS.model_copy(update={"webhook_secret": None})
    with pytest.raises(BadSignature, match="registered"):
        webhook.verify(incoming(VECTOR_BODY, x_hook_signature=VECTOR_SIGNATURE), bare, NOW)
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        webhook.sign(b"{}", bare, URL, NOW)


def test_the_handshake_gives_the_secret_back_and_to_the_gateway() -> None:
    answer = webhook.handshake(incoming(x_hook_secret="ab" * 32), SETTINGS)
    assert answer is not None
    assert (answer.status, answer.text, answer.headers) == (200, "", {"X-Hook-Secret": "ab" * 32})
    assert answer.secret == "ab" * 32
    assert "abab" not in repr(answer).replace(repr(answer.headers), "")


@pytest.mark.parametrize(
    "request_",
    [
        incoming(),
        incoming(x_hook_secret=""),
        incoming(x_hook_secret="short"),
        incoming(x_hook_secret="ab" * 32 + "\r\nSet-Cookie: x"),
        incoming(method="GET", x_hook_secret="ab" * 32),
        incoming(b'{"events":[]}', x_hook_secret="ab" * 32),
        incoming(x_hook_secret="ab" * 32, x_hook_signature=VECTOR_SIGNATURE),
    ],
)
def test_nothing_else_is_a_handshake(request_: Incoming) -> None:
    assert webhook.handshake(request_, SETTINGS) is None


def test_a_completion_pokes_and_a_heartbeat_is_nothing() -> None:
    body = {"events": [{"action": "changed", "resource": {"gid": "1", "resource_type": "task"}, "change": {"field": f}}
                       for f in ("completed", "assignee")]}  # fmt: skip
    names = [name for name, _ in webhook.unpack(incoming(json.dumps(body).encode()))]
    assert names == ["task.changed:completed", "task.changed:assignee"]
    read = [webhook.INBOUND.read(name, {}, SETTINGS) for name in names]
    assert read == [Poke("tasks"), []]
    assert webhook.INBOUND.events["task.changed:assignee"] is IGNORED
    assert "tasks" in [one.name for one in PLATFORM.upkeep]
    assert webhook.unpack(incoming(b'{"events":[]}')) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events":{}}', b'{"events":[1]}', b'{"events":[{}]}',
                                  b'{"events":[{"action":"x","resource":{"resource_type":"\\u0000"}}]}'])  # fmt: skip
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


def test_a_completed_task_is_an_event_about_its_effect() -> None:
    done = {"gid": "1500", "completed": True, "completed_at": "2026-01-15T10:00:00.000Z", "external": {"gid": EXTERNAL}}
    [event] = webhook.completed(done)
    assert (event.type, event.source_id) == ("task.completed", "completed:1500:2026-01-15T10:00:00.000Z")
    assert (event.subject.text, event.data) == (f"effect:{KEY}", {"task": KEY})
    assert event.at == datetime(2026, 1, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"completed": False}, {"completed_at": None}, {"external": None},
                                    {"external": {"gid": "somebody's"}}])  # fmt: skip
def test_other_tasks_are_no_event(change: dict[str, Any]) -> None:
    done = {"gid": "1500", "completed": True, "completed_at": "2026-01-15T10:00:00.000Z", "external": {"gid": EXTERNAL}}
    assert webhook.completed({**done, **change}) == []


# Upkeep: the webhook


def round_(mark: dict[str, object] | None = None, url: str = URL, now: datetime = NOW) -> Round:
    return Round(mark=mark or {}, webhook_url=url, now=now)


def register(books: Workspace, given: Round) -> tuple[Upkept, list[str]]:
    kept, calls = converse(upkeep.register(given, SETTINGS), books)
    return kept, [f"{call.method} {call.path}" for call in calls if call.writes]


def test_the_webhook_is_registered_once() -> None:
    books = Workspace()
    kept, _ = register(books, round_())
    [hook] = books.hooks.values()
    assert (hook.resource, hook.target) == ("1201", URL)
    assert hook.filters == [{"resource_type": "task", "action": "changed", "fields": ["completed"]}]
    assert kept.mark == {"webhook": hook.gid}
    assert kept.secret == "5a" * 32
    again, wrote = register(books, round_(kept.mark))
    assert (again.mark, again.secret, wrote) == (kept.mark, None, [])


def test_a_dropped_webhook_is_registered_again() -> None:
    books = Workspace()
    first, _ = register(books, round_())
    STAND_IN.moves["drop_webhooks"]({}, books)
    second, wrote = register(books, round_(first.mark))
    assert wrote == ["POST /webhooks"]
    assert second.mark == {"webhook": next(iter(books.hooks))}


@pytest.mark.parametrize("spoil", ["silenced", "forgotten", "moved"])
def test_a_webhook_whose_secret_may_not_be_ours_is_made_anew(spoil: str) -> None:
    books = Workspace()
    first, _ = register(books, round_())
    [hook] = books.hooks.values()
    hook.active = spoil != "silenced"
    given = round_({} if spoil == "forgotten" else first.mark, URL.replace("k7", "k8") if spoil == "moved" else URL)
    second, wrote = register(books, given)
    assert wrote == [f"DELETE /webhooks/{hook.gid}", "POST /webhooks"]
    assert len(books.hooks) == 1
    assert second.secret


def test_somebody_elses_webhook_is_left_alone() -> None:
    books = Workspace()
    register(books, round_(url="https://staging.example.com/webhooks/asana?hook=x"))
    register(books, round_())
    assert len(books.hooks) == 2


def test_the_handshake_and_a_heartbeat_follow_and_are_believed() -> None:
    books = Workspace()
    data = {"resource": "1201", "target": URL, "filters": upkeep.FILTERS}
    greeting = ask(Call.post("/webhooks", json={"data": data}), books).webhooks
    assert [sent.url for sent in greeting] == [URL, URL]
    hello, beat = (incoming(sent.body, **{k.lower(): v for k, v in webhook.sign(sent.body, SETTINGS, URL, NOW).items()})
                   for sent in greeting)  # fmt: skip
    shaken = webhook.handshake(hello, SETTINGS)
    assert shaken is not None
    assert shaken.secret == "5a" * 32
    assert webhook.handshake(beat, SETTINGS) is None
    webhook.verify(beat, SETTINGS, NOW)


# Upkeep: the tasks


def look(books: Workspace, mark: dict[str, object] | None = None) -> tuple[Upkept, list[Call]]:
    kept, calls = converse(upkeep.look_for_completed(round_(mark, now=datetime.now(UTC)), SETTINGS), books)
    return kept, calls


def test_a_completed_task_is_told_and_the_same_the_second_time() -> None:
    books = Workspace()
    create(books)
    register(books, round_())
    nothing, _ = look(books)
    assert nothing.events == []
    [poke] = STAND_IN.moves["complete"]({"effect": KEY}, books).webhooks
    assert poke.url == URL
    assert [name for name, _ in webhook.unpack(incoming(poke.body))] == ["task.changed:completed"]
    first, _ = look(books, nothing.mark)
    second, _ = look(books, first.mark)
    assert [(event.type, event.data) for event in first.events] == [("task.completed", {"task": KEY})]
    assert second.events == first.events


def test_a_task_that_is_reopened_and_done_again_is_told_again() -> None:
    books = Workspace()
    create(books)
    ids = set()
    for at in ("2026-01-15T10:00:00.000Z", "2026-01-16T10:00:00.000Z"):
        STAND_IN.moves["complete"]({}, books)
        next(iter(books.tasks.values())).completed_at = at
        ids |= {event.source_id for event in look(books)[0].events}
        STAND_IN.moves["reopen"]({}, books)
        assert look(books)[0].events == []
    assert len(ids) == 2


def test_a_round_asks_from_where_the_last_ended() -> None:
    given = round_({"since": "2026-01-15T16:00:00.000Z"})
    call = next(upkeep.look_for_completed(given, SETTINGS))
    assert call.query == {
        "project": "1201",
        "modified_since": "2026-01-15T16:00:00.000Z",
        "limit": "100",
        "opt_fields": "completed,completed_at,external.gid",
    }
    kept = told(upkeep.look_for_completed(given, SETTINGS), Reply(200, {"data": [], "next_page": None}))
    assert kept.mark == {"since": "2026-01-15T16:55:00.000Z"}
    assert next(upkeep.look_for_completed(round_(), SETTINGS)).query["modified_since"] == "2026-01-14T17:00:00.000Z"


def test_a_long_list_is_read_over_several_rounds_and_the_mark_waits() -> None:
    books = Workspace()
    for number in range(620):
        create(books, key=f"j_1/s/task-{number}")
    STAND_IN.moves["complete"]({"effect": "j_1/s/task-0"}, books)
    first, calls = look(books, {"since": "2026-01-01T00:00:00.000Z"})
    assert (len(calls), first.events) == (5, [])
    assert first.mark["since"] == "2026-01-01T00:00:00.000Z"
    assert first.mark["offset"] == "500"
    assert first.again_at is not None
    second, calls = look(books, first.mark)
    assert (len(calls), len(second.events)) == (2, 1)
    began = datetime.fromisoformat(str(first.mark["began"]))
    assert datetime.fromisoformat(str(second.mark["since"])) == began - timedelta(minutes=5)
    assert second.again_at is None


def test_a_forgotten_place_begins_again() -> None:
    mark: dict[str, object] = {
        "since": "2026-01-01T00:00:00.000Z",
        "began": "2026-01-02T00:00:00.000Z",
        "offset": "gone",
    }
    kept, calls = look(Workspace(), mark)
    assert (len(calls), kept.mark) == (1, {"since": "2026-01-01T00:00:00.000Z"})
    assert kept.again_at is not None


# The stand-in


def task_body(**change: Any) -> dict[str, Any]:
    data = {**next(client.create_task(TASK, KEY, SETTINGS)).json["data"], **change}
    return {"data": {name: value for name, value in data.items() if value is not None}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "Input should be"),
        ({"name": "not wrapped"}, "data"),
        (task_body(projects=None), "one of workspace, parent, projects"),
        (task_body(projects=["999"]), "projects: Unknown object"),
        (task_body(due_on="2026-01-20"), "Only one of due_on and due_at"),
        (task_body(due_at="2026-01-20 17:00"), "due_at"),
        (task_body(assignee="who@else.example"), "assignee: Unknown object"),
        (task_body(external={"gid": "x" * 1025}), "external.gid"),
        (task_body(idempotency_key="x"), "idempotency_key"),
    ],
)
def test_a_wrong_task_is_refused(body: Any, words: str) -> None:
    books = Workspace()
    answer = ask(Call.post("/tasks", json=body), books)
    assert answer.status == 400
    assert words in answer.json["errors"][0]["message"]
    assert books.tasks == {}


def test_a_wrong_or_second_webhook_is_refused() -> None:
    books = Workspace()
    data = {"resource": "1201", "target": URL, "filters": [{"resource_type": "task", "action": "added"}]}
    assert ask(Call.post("/webhooks", json={"data": data}), books).status == 201
    second = ask(Call.post("/webhooks", json={"data": data}), books)
    assert second.status == 403
    assert "Duplicated webhook" in second.json["errors"][0]["message"]
    odd = {**data, "filters": [{"resource_type": "task", "action": "added", "fields": ["name"]}]}
    assert ask(Call.post("/webhooks", json={"data": odd}), books).status == 400
    assert ask(Call.post("/webhooks", json={"data": {**data, "resource": "9"}}), books).status == 404


def test_only_what_is_asked_for_is_shown() -> None:
    books = Workspace()
    gid = create(books).reference
    compact = ask(Call.get(f"/tasks/{gid}"), books).json["data"]
    assert set(compact) == {"gid", "resource_type", "resource_subtype", "name"}


def test_a_deleted_task_is_found_no_more() -> None:
    books = Workspace()
    create(books)
    STAND_IN.moves["delete"]({"effect": KEY}, books)
    assert find(books) is None


def test_whoever_joins_can_own_tasks() -> None:
    books = Workspace()
    STAND_IN.moves["join"]({"email": "Stranger@else.example"}, books)
    assert create(books, STRANGERS).facts["assigned"] is True


@pytest.mark.parametrize(("given", "status"), [({"x": 1}, 400), ({}, 404), ({"task": "7"}, 404)])
def test_a_move_that_cannot_be_made_says_so(given: Any, status: int) -> None:
    assert STAND_IN.moves["complete"](given, Workspace()).status == status


def test_the_stand_in_knows_its_token() -> None:
    assert ask(Call.get("/users/me"), Workspace(), token="other").status == 401
    assert client.headers(SETTINGS, Token("t")) == {"Authorization": "Bearer t"}
    limited = STAND_IN.rate_limited()
    assert limited.headers["Retry-After"] == "1"
    books = Workspace()
    create(books)
    assert Workspace.model_validate_json(books.model_dump_json()) == books
