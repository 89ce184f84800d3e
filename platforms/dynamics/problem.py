"""What an answer of Dataverse's means that is no success.

The failure prevented: a column that nobody has made taken for bad data, or a duplicate (status 500 on one of
Microsoft's pages, 412 on another) taken for an outage. Where a code says it, the code decides.
"""

from platforms.base import Body, Call, Problem, Reply, brief, retry_after_of

DUPLICATE = "0x80040333"
THROTTLED = frozenset({"0x80072321", "0x80072322", "0x80072326"})
_SET_UP = ("Could not find a property named", "Resource not found for the segment", "undeclared property")
"""Words about a column, table or navigation that the environment lacks."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By code, else by status. Whatever 5xx follows a write leaves it in doubt."""
    status = reply.status
    if reply.ok and (status == 204 or isinstance(reply.json, dict)):
        return None
    words = f"HTTP {status}: {said(reply)}"
    if status == 429 or code(reply) in THROTTLED:
        return Problem("rate-limited", words, retry_after_of(reply))
    if code(reply) == DUPLICATE:
        return Problem("rejected", words)
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    return Problem("unauthorized" if status in (401, 403) or lacks_something(reply) else "rejected", words)


def lacks_something(reply: Reply) -> bool:
    """Whether the environment lacks a table or column that we named."""
    words = said(reply)
    return any(one in words for one in _SET_UP)


def code(reply: Reply) -> str:
    """The error's code; empty where there is none."""
    return str(_error(reply).get("code") or "")


def said(reply: Reply, limit: int = 300) -> str:
    """Dataverse's own words, or Entra's; no trace, which may hold anything."""
    error = _error(reply)
    message = error.get("message") or error.get("error_description")
    if not message:
        return brief(reply, limit)
    return " ".join(f"{error.get('code') or error.get('error') or ''} {message}".split())[:limit]


def _error(reply: Reply) -> Body:
    body = reply.json if isinstance(reply.json, dict) else {}
    error = body.get("error")
    return error if isinstance(error, dict) else body
