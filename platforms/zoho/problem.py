"""What a Zoho answer means. A 2xx is no success: errors stand inside it, one verdict for each record.

The failure prevented: a lead believed made because the status was 200, 201 or 202. We send one record a call, so there
is one verdict; its code decides, the status only where there is none.
"""

from typing import NoReturn

from platforms.base import Body, Call, Problem, Reply, brief
from platforms.errors import InDoubt, Rejected, Unauthorized, Unavailable

BUSY = 60.0
"""Too many at once and too many a day look the same, and nothing says how long."""
DAY_SPENT = 3600.0
SIGNED_IN_TOO_OFTEN = 600.0
"""Ten tokens in ten minutes, then none for the rest of them."""

VERDICTS = (200, 201, 202, 207, 400)
"""Statuses of an answer to a write that a talk reads itself, by its code."""

_NOT_OURS_TO_MEND = frozenset(
    {
        *("INVALID_TOKEN", "AUTHENTICATION_FAILURE", "OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "INVALID_MODULE"),
        *("FEATURE_NOT_SUPPORTED", "invalid_client", "invalid_code", "invalid_client_secret", "access_denied"),
    }
)
_SET_UP = frozenset({"Ovation_Ref", "Ovation_Stage", "Lead_Status", "Stage", "Lead_Source", "Pipeline"})
"""Fields that Zoho refuses for what the settings say, or because nobody has made them; not for the person's data."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By the code inside, else by status. An answer without a body is one only to a question."""
    error, status = error_of(reply), reply.status
    if error is None and (isinstance(reply.json, dict) if call.writes else reply.ok):
        return None if reply.ok else _by_status(reply, call)
    if error is None or status >= 500 or error.get("code") == "INTERNAL_ERROR":
        return _by_status(reply, call)
    code, words = str(error.get("code") or error.get("error")), f"HTTP {status}: {_words(error)}"
    if status == 429 or code == "TOO_MANY_REQUESTS":
        return Problem("rate-limited", words, _wait(reply))
    if "too many requests" in words.lower():
        return Problem("rate-limited", words, SIGNED_IN_TOO_OFTEN)
    field = _details(error).get("api_name")
    wrong = code in _NOT_OURS_TO_MEND or "error" in error or status in (401, 403)
    return Problem("unauthorized" if wrong or (code == "INVALID_DATA" and field in _SET_UP) else "rejected", words)


def error_of(reply: Reply) -> Body | None:
    """The error in an answer: of the whole call, of its one record, or of the sign-in. None when there is none."""
    body = reply.json
    if not isinstance(body, dict):
        return None
    lists = (value for value in body.values() if isinstance(value, list))
    items = [item for values in lists for item in values if isinstance(item, dict)]
    for one in (body, *items):
        if one.get("status") in ("error", "failure") or isinstance(one.get("error"), str):
            return one
    return body if isinstance(body.get("code"), str) and body["code"] != "SUCCESS" else None


def code_of(reply: Reply) -> str | None:
    """The code of the error in an answer."""
    error = error_of(reply)
    return str(error.get("code")) if error is not None else None


def details_of(reply: Reply) -> Body:
    """What the verdict says beside its code: the id of what was made, or the field that was wrong.

    Raises InDoubt for an answer that holds no verdict."""
    body = reply.json if isinstance(reply.json, dict) else {}
    lists = [value for name in ("data", "watch") if isinstance(value := body.get(name), list) and value]
    item = lists[0][0] if lists else body
    if not isinstance(item, dict) or not isinstance(item.get("details"), dict):
        raise InDoubt("Zoho's answer holds no verdict on the record", status=reply.status)
    details: Body = item["details"]
    return details


def refuse(reply: Reply) -> NoReturn:
    """Raises what an error means that a talk has read and cannot help."""
    problem = judge(reply, Call.post(""))
    words = problem.message if problem is not None else brief(reply)
    kinds = {"unauthorized": Unauthorized, "unavailable": Unavailable, "in doubt": InDoubt}
    raise kinds.get(problem.kind if problem is not None else "", Rejected)(words, status=reply.status)


def _by_status(reply: Reply, call: Call) -> Problem:
    error = error_of(reply)
    words = f"HTTP {reply.status}: {_words(error) if error is not None else brief(reply)}"
    if reply.status == 429:
        return Problem("rate-limited", words, _wait(reply))
    if reply.status in (401, 403):
        return Problem("unauthorized", words)
    if reply.ok or reply.status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    return Problem("rejected", words)


def _words(error: Body) -> str:
    """Code, message and field; never a value that we sent."""
    if isinstance(error.get("error"), str):
        return f"{error['error']} {error.get('error_description') or ''}".strip()[:300]
    field = _details(error).get("api_name")
    named = f" ({field})" if isinstance(field, str) else ""
    return f"{error.get('code')}: {error.get('message')}{named}"[:300]


def _details(error: Body) -> Body:
    details = error.get("details")
    return details if isinstance(details, dict) else {}


def _wait(reply: Reply) -> float:
    return DAY_SPENT if reply.headers.get("x-api-credits-remaining", "").strip() == "0" else BUSY
