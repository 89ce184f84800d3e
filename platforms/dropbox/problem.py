"""What a Dropbox answer means that is no success: by status, and for 409 by the tags inside its error.

The failure prevented: a folder that is already ours taken for a refusal, and a lock inside one account (409, without a
word of how long) taken for one too. `error_summary` ends in random dots, so the tags are walked instead.
"""

from dataclasses import replace
from typing import Any

from platforms.base import Call, Problem, Reply, brief, by_status, retry_after_of

CREATE_FOLDER = "/2/files/create_folder_v2"
LIST_FOLDER = "/2/files/list_folder"
CONTINUE = "/2/files/list_folder/continue"

FINE: dict[str, set[tuple[str, ...]]] = {
    CREATE_FOLDER: {("path", "conflict", "folder")},
    LIST_FOLDER: {("path", "not_found")},
    CONTINUE: {("path", "not_found"), ("reset",)},
}
"""Route → errors that its talk reads itself: the folder is there already, is not there yet, is to be read anew."""

LOCKED = 5.0
OTHERWISE = 30.0

_TO_BE_MENDED = frozenset(
    {
        *("disabled_for_team", "email_unverified", "app_lacks_access", "no_permission", "no_write_permission"),
        *("access_restricted", "insufficient_space", "rate_limit", "invalid_location"),
    }
)
"""A person has to: the plan or an admin forbids it, or space or some of 4,000 file requests are to be freed."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """Every success that we ask for is an object."""
    if reply.ok and not isinstance(reply.json, dict):
        return Problem("in doubt" if call.writes else "unavailable", f"not an answer of Dropbox's: {brief(reply, 80)}")
    if reply.status == 409:
        return _of_route(reply, call)
    if reply.status == 422:
        return Problem("unauthorized", f"HTTP 422: {said(reply)}")
    problem = by_status(reply, call)
    if problem is None:
        return None
    if problem.kind == "rate-limited":
        return Problem("rate-limited", f"HTTP 429: {said(reply)}", _wait(reply))
    return replace(problem, message=f"HTTP {reply.status}: {said(reply)}")


def tags_of(reply: Reply) -> tuple[str, ...]:
    """The tags of an error, from the outside in: `path`, `conflict`, `folder`."""
    body = reply.json if isinstance(reply.json, dict) else {}
    node: Any = body.get("error")
    tags: list[str] = []
    while isinstance(node, dict) and isinstance(node.get(".tag"), str) and len(tags) < 8:
        tags.append(node[".tag"])
        node = node.get(node[".tag"])
    return (*tags, node) if isinstance(node, str) else tuple(tags)


def said(reply: Reply) -> str:
    """The tags, or Dropbox's words where it has none, and the handle by which its support finds the request."""
    body = reply.json if isinstance(reply.json, dict) else {}
    words = "/".join(tags_of(reply)) or str(body.get("error_summary") or body.get("error") or brief(reply))
    handle = reply.headers.get("x-dropbox-request-id", "")
    return words[:300] + (f" (request {handle[:40]})" if handle else "")


def _of_route(reply: Reply, call: Call) -> Problem | None:
    tags = tags_of(reply)
    if tags in FINE.get(call.path, ()):
        return None
    if "too_many_write_operations" in tags:
        return Problem("rate-limited", f"HTTP 409: {said(reply)}", retry_after_of(reply, LOCKED))
    return Problem("unauthorized" if _TO_BE_MENDED.intersection(tags) else "rejected", f"HTTP 409: {said(reply)}")


def _wait(reply: Reply) -> float:
    """Seconds: in the body, or in the header where the body is plain text."""
    error = reply.json.get("error") if isinstance(reply.json, dict) else None
    told = error.get("retry_after") if isinstance(error, dict) else None
    return min(float(told), 86400.0) if isinstance(told, int) and told >= 0 else retry_after_of(reply, OTHERWISE)
