"""What a Salesforce answer means that is no success.

The failure prevented: a spent day (403) taken for missing rights, and a field that nobody has made taken for bad data.
The status says little; the error's code decides.
"""

from typing import NoReturn

from platforms.base import Body, Call, Problem, Reply, brief
from platforms.errors import Rejected, Unauthorized, Unavailable

DAY_SPENT = 900.0
"""Seconds between two tries once the org's calls of 24 hours are used up; the window rolls."""
BUSY = 5.0

SURELY_NOT = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
SET_UP = frozenset(
    {
        *("INVALID_FIELD", "INVALID_TYPE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        *("INVALID_FIELD_FOR_INSERT_UPDATE", "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_SESSION_ID"),
        *("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"),
        *("invalid_grant", "invalid_client", "invalid_client_id", "inactive_user", "inactive_org"),
    }
)
"""A field, permission or picklist value that is to be set up: our bodies have one shape, so it is not the data."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By error code, else by status. 503 with a code of Salesforce's own surely did nothing; other 5xx may have."""
    status, found = reply.status, codes(reply)
    if status == 204 or (reply.ok and isinstance(reply.json, dict)):
        return None
    words = f"HTTP {status}: {said(reply)}"
    if "REQUEST_LIMIT_EXCEEDED" in found or status == 429:
        return Problem("rate-limited", words, BUSY if "Concurrent" in words else DAY_SPENT)
    if found & SURELY_NOT:
        return Problem("unavailable", words)
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    return Problem("unauthorized" if status in (401, 403) or found & SET_UP else "rejected", words)


def refuse(reply: Reply) -> NoReturn:
    """Raises what a 300 or 400 means that a talk has read itself."""
    problem = judge(reply, Call.post(""))
    words = problem.message if problem is not None else brief(reply)
    kinds = {"unauthorized": Unauthorized, "unavailable": Unavailable}
    raise kinds.get(problem.kind if problem is not None else "", Rejected)(words, status=reply.status)


def errors(reply: Reply) -> list[Body]:
    """The errors of an answer: an array of objects, or OAuth's one object in the same form."""
    body = reply.json
    if isinstance(body, dict) and "error" in body:
        return [{"errorCode": body["error"], "message": body.get("error_description")}]
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []


def codes(reply: Reply) -> set[str]:
    """The error codes of an answer."""
    return {str(one.get("errorCode")) for one in errors(reply)}


def said(reply: Reply, limit: int = 300) -> str:
    """Salesforce's own words, each error with its code and its fields."""
    words = [_one(error) for error in errors(reply)]
    return "; ".join(words)[:limit] if words else brief(reply, limit)


def _one(error: Body) -> str:
    fields = error.get("fields")
    named = f" ({', '.join(str(one) for one in fields)})" if isinstance(fields, list) and fields else ""
    return f"{error.get('errorCode')}: {error.get('message')}{named}"
