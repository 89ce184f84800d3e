"""What a Zendesk answer means that is no success.

The failure prevented: a collision of two writers taken for a refusal, and a person's address that Zendesk quotes back
in its explanation put into our logs. Only Zendesk's codes and the names of fields are repeated.
"""

from platforms.base import Body, Call, Problem, Reply, by_status, retry_after_of

MINUTE = 60.0
"""Limits are counted by the minute; some 429 come without Retry-After."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status. 409 is a collision: nothing was written, and what was read is to be read anew.

    Every success is an object or empty by its status, so anything else is no answer of the API's."""
    if reply.status == 204 or (reply.ok and isinstance(reply.json, dict)):
        return None
    if reply.ok:
        return Problem("in doubt" if call.writes else "unavailable", f"HTTP {reply.status} without JSON")
    words = f"HTTP {reply.status}: {said(reply)}"
    if reply.status == 409:
        return Problem("unavailable", words)
    if reply.status == 429:
        return Problem("rate-limited", words, retry_after_of(reply, MINUTE))
    found = by_status(reply, call)
    return found and Problem(found.kind, words, found.retry_after)


def error_of(reply: Reply) -> str:
    """Zendesk's code: `RecordInvalid`. `error` may be text or an object with a title; the webhooks API lists errors."""
    body = reply.json if isinstance(reply.json, dict) else {}
    listed = body.get("errors")
    error = body.get("error") or (listed[0] if isinstance(listed, list) and listed else None)
    if isinstance(error, dict):
        error = error.get("title") or error.get("code")
    return error if isinstance(error, str) else "no explanation"


def said(reply: Reply) -> str:
    """The code, and for each wrong field the code of what is wrong: `RecordInvalid (status: InvalidValue)`."""
    details = reply.json.get("details") if isinstance(reply.json, dict) else None
    wrong = [f"{field}: {_code(found)}" for field, found in details.items()] if isinstance(details, dict) else []
    return f"{error_of(reply)} ({', '.join(wrong)})"[:300] if wrong else error_of(reply)[:300]


def _code(found: object) -> str:
    first: Body = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    return str(first.get("error") or "invalid")
