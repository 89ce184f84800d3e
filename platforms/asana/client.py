"""Asana's API: one task for one effect, with an owner, and how it is found again.

The failure prevented: a colleague who finds the same task twice, or no task at all because its owner is a stranger to
the workspace. Asana has no idempotency key, but a task made by an OAuth app carries an external id that the app can
read it by; ours is the effect's key. A task whose owner is refused is made without one, and says so.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models.token import Token
from platforms.base import Body, Call, Problem, Reply, Talk, brief, retry_after_of, reveal
from platforms.capabilities import CreateTask, Receipt, Who
from platforms.errors import InDoubt, Rejected, Unauthorized

if TYPE_CHECKING:
    from platforms.asana import AsanaSettings

PREFIX = "ovation."
LONGEST = 10_000
"""Characters of our text in a task; Asana's own bound is not published."""

_TOKEN_URL = "https://app.asana.com/-/oauth_token"  # noqa: S105 (an address)
_SHOWN = {"opt_fields": "permalink_url,external.gid,assignee"}
_NOT_OURS_TO_MEND = frozenset({401, 402, 403, 451})
"""A token that ended, a paid feature, no access, blocked by an admin: a person has to act."""


def headers(settings: "AsanaSettings", token: Token | None) -> dict[str, str]:
    """The access token that the refresh token was exchanged for."""
    return {"Authorization": f"Bearer {token.value if token is not None else ''}"}


def token_call(settings: "AsanaSettings", now: datetime) -> Call:
    """POST /-/oauth_token with the refresh token."""
    form = {
        "grant_type": "refresh_token",
        "client_id": settings.client_id,
        "client_secret": reveal(settings.client_secret),
        "refresh_token": reveal(settings.refresh_token),
    }
    return Call.post(_TOKEN_URL, form=form, signed_in=False, writes=False)


def read_token(reply: Reply, now: datetime) -> Token:
    """`access_token`, good for `expires_in` seconds."""
    body = reply.json if isinstance(reply.json, dict) else {}
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(value, str) or not value:
        raise Unauthorized("Asana gave no access token for the refresh token")
    return Token(value, now + timedelta(seconds=seconds if isinstance(seconds, int) else 3600))


def create_task(action: CreateTask, key: str, settings: "AsanaSettings") -> Talk:
    """POST /tasks in the project, `assignee` by e-mail address, our key as external id in the same call.

    An address that is nobody's in the workspace fails the whole call, surely: then it is made without an owner."""
    task = _task(action, key, settings)
    reply = yield _post(task)
    if reply.status == 400 and "assignee" in task and _names(reply, "assignee"):
        reply = yield _post(_without_owner(task))
    if reply.ok:
        return _receipt(data_of(reply))
    if _names(reply, "external"):  # whether Asana refuses a second task of one id is not documented
        found = yield from find_task(action, key, settings)
        if found is not None:
            return found
    if _names(reply, "project"):
        raise Unauthorized(f"Asana does not take OVATION_ASANA__PROJECT: {said(reply)}", status=reply.status)
    raise Rejected(f"HTTP {reply.status}: {said(reply)}", status=reply.status)


def find_task(action: CreateTask, key: str, settings: "AsanaSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /tasks/external:{gid}, which reads the task itself and no index. 404: not there."""
    reply = yield Call.get(f"/tasks/external:{external(key)}", query=_SHOWN, accepts=(404,))
    if not reply.ok:
        return None
    task = data_of(reply)
    if key_of(task) != key:
        raise InDoubt("Asana answered the look-up with a task that does not carry our key")
    return _receipt(task)


def doctor(settings: "AsanaSettings") -> Talk:
    """GET /users/me, then the project: whose token it is, and whether they see where the tasks are to go."""
    me = data_of((yield Call.get("/users/me", query={"opt_fields": "gid"})))
    query = {"opt_fields": "archived,workspace"}
    project = data_of((yield Call.get(f"/projects/{settings.project}", query=query)))
    workspace = project.get("workspace") or {}
    facts = {"user": me.get("gid"), "workspace": workspace.get("gid"), "archived": project.get("archived")}
    return Receipt(facts={"project": project.get("gid"), **facts})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status: Asana's errors have no code. Every success is an object, so anything else is no answer of Asana's."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict):
        return None
    words = f"HTTP {status}: {said(reply)}"
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    if status == 429:
        return Problem("rate-limited", words, retry_after_of(reply, 30.0))
    return Problem("unauthorized" if status in _NOT_OURS_TO_MEND else "rejected", words)


def said(reply: Reply, limit: int = 300) -> str:
    """Asana's own messages; a 500 comes with a phrase that its support asks for."""
    parts = [str(error.get("message")) for error in _errors(reply)]
    parts += [f"phrase: {error['phrase']}" for error in _errors(reply) if error.get("phrase")]
    return "; ".join(parts)[:limit] or brief(reply, limit)


def external(key: str) -> str:
    """Our key as an external id. It stands in a path, where a slash would divide; no key has a tilde."""
    return PREFIX + key.replace("/", "~")


def key_of(task: Body) -> str | None:
    """The effect's key in a task that we made, or None."""
    held = task.get("external")
    gid = held.get("gid") if isinstance(held, dict) else None
    ours = isinstance(gid, str) and gid.startswith(PREFIX)
    return str(gid).removeprefix(PREFIX).replace("~", "/") if ours else None


def data_of(reply: Reply) -> Body:
    """What an answer wraps. Raises InDoubt where there is nothing."""
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    if not isinstance(data, dict):
        raise InDoubt(f"Asana answered {reply.status} without data")
    return data


def _post(task: Body) -> Call:
    return Call.post("/tasks", query=_SHOWN, json={"data": task}, accepts=(400,))


def _task(action: CreateTask, key: str, settings: "AsanaSettings") -> Body:
    task: Body = {
        "name": action.title,
        "notes": _notes(action),
        "projects": [settings.project],
        "due_at": action.due.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "external": {"gid": external(key)},
    }
    if action.owner_email:
        task["assignee"] = action.owner_email
    return task


def _notes(action: CreateTask) -> str:
    """A task of Asana's is linked to no contact, so its text says whom it is about."""
    lines = [_about(action.who), "By phone." if action.call else ""]
    return "\n\n".join(part for part in (action.notes[:LONGEST], "\n".join(filter(None, lines))) if part)


def _about(who: Who) -> str:
    name = " ".join(filter(None, (who.first_name, who.last_name)))
    known = ", ".join(filter(None, (name, who.company, who.email)))
    return f"About: {known}" if known else ""


def _without_owner(task: Body) -> Body:
    left = {name: value for name, value in task.items() if name != "assignee"}
    words = f"Meant for {task['assignee']}, who is not in this Asana workspace: give it an owner."
    return {**left, "notes": f"{words}\n\n{task['notes']}".strip()}


def _receipt(task: Body) -> Receipt:
    gid = task.get("gid")
    if not isinstance(gid, str) or not gid:
        raise InDoubt("Asana answered with a task that has no gid")
    facts = {"task": gid, "assigned": bool(task.get("assignee"))}
    return Receipt(reference=gid, facts=facts, url=task.get("permalink_url"))


def _names(reply: Reply, field: str) -> bool:
    """Whether a message is about this field; Asana begins them with its name."""
    return any(field in str(error.get("message")).lower().partition(":")[0] for error in _errors(reply))


def _errors(reply: Reply) -> list[Body]:
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
