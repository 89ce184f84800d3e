"""Asana's double: tasks of one project, found by external id, and webhooks that say which of them changed.

There is no idempotency: the same task twice is two, also with one external id. A new webhook is shaken hands with at
once, then it gets a heartbeat. Its secret is the setting of the same name, which the product shares.
"""

import json
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from platforms.asana import AsanaSettings
from platforms.asana.client import external
from platforms.asana.stand_in_books import ME, PROJECT, WORKSPACE, Hook, Refused, Task, Workspace, known_project, now
from platforms.asana.stand_in_requests import (
    Chosen,
    Exchange,
    Filter,
    HookEnvelope,
    Joining,
    TaskBody,
    TaskEnvelope,
    read,
)
from platforms.asana.webhook import SECRET
from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

ACCESS = "sandbox-access-token"
SIGN_IN = "/-/oauth_token"


def _operation(handle: Callable[[Any, Workspace], Answer]) -> Callable[[Any, Workspace], Answer]:
    """Answers, or refuses in Asana's form."""

    def answer(asked: Any, books: Workspace) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def _sign_in(heard: Heard, books: Workspace) -> Answer:
    asked = read(Exchange, dict(heard.form))
    own = heard.settings
    wanted = (own.client_id, reveal(own.client_secret), reveal(own.refresh_token))
    if (asked.client_id, asked.client_secret, asked.refresh_token) != wanted:
        return Answer(400, json={"error": "invalid_grant", "error_description": "The refresh token is not valid."})
    return Answer(json={"access_token": ACCESS, "token_type": "bearer", "expires_in": 3600, "data": {"gid": ME}})


def _me(heard: Heard, books: Workspace) -> Answer:
    return Answer(json={"data": {"gid": ME, "resource_type": "user", "name": "Ovation"}})


def _get_project(heard: Heard, books: Workspace) -> Answer:
    known_project(heard.params["gid"])
    project = {"gid": PROJECT, "resource_type": "project", "name": "Referrals"}
    more: Body = {"archived": False, "workspace": {"gid": WORKSPACE, "resource_type": "workspace", "name": "Acme"}}
    return Answer(json={"data": project | {k: v for k, v in more.items() if k in _fields(heard)}})


def _create_task(heard: Heard, books: Workspace) -> Answer:
    asked = read(TaskEnvelope, heard.json).data
    for project in asked.projects:
        if project != PROJECT:
            raise Refused(400, f"projects: Unknown object: {project}")
    assignee = books.member(asked.assignee) if asked.assignee else None
    if asked.assignee and assignee is None:
        raise Refused(400, f"assignee: Unknown object: {asked.assignee}")
    task = _made(asked, assignee, books)
    books.tasks[task.gid] = task
    event = _event(task, "added", parent={"gid": PROJECT, "resource_type": "project"})
    return Answer(201, json={"data": books.shown(task, _fields(heard))}, webhooks=_told(event, books))


def _made(asked: TaskBody, assignee: str | None, books: Workspace) -> Task:
    return Task(
        gid=books.next_gid(),
        name=asked.name,
        notes=asked.notes,
        projects=asked.projects,
        assignee=assignee,
        due_on=asked.due_on,
        due_at=asked.due_at,
        external=asked.external.model_dump(exclude_none=True) if asked.external else None,
        modified_at=now(),
    )


def _get_task(heard: Heard, books: Workspace) -> Answer:
    return Answer(json={"data": books.shown(books.task(heard.params["gid"]), _fields(heard))})


def _list_tasks(heard: Heard, books: Workspace) -> Answer:
    """In the project's order: newest first, as new tasks are put on top."""
    known_project(heard.query.get("project", ""))
    since = heard.query.get("modified_since", "")
    tasks = [task for task in reversed(books.tasks.values()) if not task.trashed and task.modified_at >= since]
    begin, limit = heard.query.get("offset", "0"), heard.query.get("limit", "100")
    if not begin.isdigit():
        raise Refused(400, "offset: Your pagination token has expired.")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise Refused(400, "limit: Must be between 1 and 100")
    end = int(begin) + int(limit)
    shown = [books.shown(task, _fields(heard)) for task in tasks[int(begin) : end]]
    more = {"offset": str(end), "path": f"/tasks?offset={end}"} if end < len(tasks) else None
    return Answer(json={"data": shown, "next_page": more})


def _list_hooks(heard: Heard, books: Workspace) -> Answer:
    if heard.query.get("workspace") != WORKSPACE:
        raise Refused(400, "workspace: Missing input")
    resource = heard.query.get("resource")
    hooks = [hook for hook in books.hooks.values() if resource in (None, hook.resource)]
    return Answer(json={"data": [hook.shown() for hook in hooks], "next_page": None})


def _create_hook(heard: Heard, books: Workspace) -> Answer:
    """201 with the secret once more; the handshake and the first heartbeat are on their way."""
    asked = read(HookEnvelope, heard.json).data
    known_project(asked.resource)
    if any((hook.resource, hook.target) == (asked.resource, asked.target) for hook in books.hooks.values()):
        words = "Duplicated webhook. You already have an existing webhook for the given resource and target"
        raise Refused(403, f"{words} {asked.target}")
    filters = [one.model_dump(exclude_none=True) for one in asked.filters]
    hook = Hook(gid=books.next_gid(), resource=asked.resource, target=asked.target, filters=filters)
    books.hooks[hook.gid] = hook
    body = {"data": hook.shown(), SECRET: reveal(heard.settings.webhook_secret)}
    greeting = [Webhook(b"", url=hook.target), Webhook(b'{"events":[]}', url=hook.target, after=0.5)]
    return Answer(201, json=body, webhooks=greeting)


def _delete_hook(heard: Heard, books: Workspace) -> Answer:
    if books.hooks.pop(heard.params["gid"], None) is None:
        raise Refused(404, f"webhook: Unknown object: {heard.params['gid']}")
    return Answer(json={"data": {}})


def _complete(given: Any, books: Workspace) -> Answer:
    """Somebody ticks the task off."""
    return _changed(given, books, completed=True)


def _reopen(given: Any, books: Workspace) -> Answer:
    return _changed(given, books, completed=False)


def _changed(given: Any, books: Workspace, *, completed: bool) -> Answer:
    task = _chosen(given, books)
    task.completed, task.modified_at = completed, now()
    task.completed_at = task.modified_at if completed else None
    event = _event(task, "changed", change={"field": "completed", "action": "changed"})
    return Answer(json={"data": books.shown(task, {"completed", "external"})}, webhooks=_told(event, books))


def _delete(given: Any, books: Workspace) -> Answer:
    """Somebody puts the task into the trash."""
    task = _chosen(given, books)
    task.trashed = True
    return Answer(json={"data": {}}, webhooks=_told(_event(task, "deleted"), books))


def _join(given: Any, books: Workspace) -> Answer:
    email = read(Joining, given).email.lower()
    gid = books.members.setdefault(email, str(4201 + len(books.members)))
    return Answer(json={"data": {"gid": gid, "resource_type": "user"}})


def _drop_webhooks(given: Any, books: Workspace) -> Answer:
    """A day without a success: Asana deletes every webhook, and says nothing."""
    books.hooks.clear()
    return Answer(json={"data": {}})


def _chosen(given: Any, books: Workspace) -> Task:
    chosen = read(Chosen, given or {})
    if chosen.effect is not None:
        return books.task(f"external:{external(chosen.effect)}")
    return books.task(chosen.task or next(reversed(books.tasks), ""))


def _event(task: Task, action: str, **more: Body) -> Body:
    resource = {"gid": task.gid, "resource_type": "task", "resource_subtype": "default_task"}
    event = {"user": {"gid": ME, "resource_type": "user"}, "created_at": now(), "action": action, "resource": resource}
    return {**event, "parent": None, **more}


def _told(event: Body, books: Workspace) -> list[Webhook]:
    body = json.dumps({"events": [event]}).encode()
    return [Webhook(body, url=hook.target) for hook in books.hooks.values() if _wanted(event, hook)]


def _wanted(event: Body, hook: Hook) -> bool:
    field = event.get("change", {}).get("field")
    filters = [Filter.model_validate(one) for one in hook.filters]
    fitting = [one for one in filters if (one.resource_type, one.action) == ("task", event["action"])]
    return hook.active and (not filters or any(one.fields is None or field in one.fields for one in fitting))


def _fields(heard: Heard) -> set[str]:
    return set(filter(None, heard.query.get("opt_fields", "").split(",")))


def _guard(heard: Heard) -> Answer | None:
    if heard.path == SIGN_IN or heard.headers.get("authorization") == f"Bearer {ACCESS}":
        return None
    return Refused(401, "Not Authorized").answer


def _rate_limited() -> Answer:
    words = "You have made too many requests recently. Please, be chill."
    return Answer(429, json=Refused(429, words).answer.json, headers={"Retry-After": "1"})


STAND_IN = StandIn(
    name="asana",
    books=Workspace,
    routes=[
        Route("POST", SIGN_IN, _operation(_sign_in)),
        Route("GET", "/users/me", _me),
        Route("GET", "/projects/{gid}", _operation(_get_project)),
        Route("POST", "/tasks", _operation(_create_task)),
        Route("GET", "/tasks", _operation(_list_tasks)),
        Route("GET", "/tasks/{gid}", _operation(_get_task)),
        Route("GET", "/webhooks", _operation(_list_hooks)),
        Route("POST", "/webhooks", _operation(_create_hook)),
        Route("DELETE", "/webhooks/{gid}", _operation(_delete_hook)),
    ],
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: Refused(500, "Server Error", phrase="6 sad squid snuggle softly").answer,
    settings=lambda: AsanaSettings(
        client_id="1208000000000000",
        client_secret=SecretStr("asana-sandbox-client-secret"),
        refresh_token=SecretStr("1/42:asana-sandbox-refresh-token"),
        project=PROJECT,
        webhook_secret=SecretStr("5a" * 32),
    ),
    moves={
        "complete": _operation(_complete),
        "reopen": _operation(_reopen),
        "delete": _operation(_delete),
        "join": _operation(_join),
        "drop_webhooks": _operation(_drop_webhooks),
    },
)
