"""What a DocuSign answer means that is no success, by its errorCode: the status of the same error differs by account.

The failure prevented: a spent hour taken for a refusal because it came as 400, and a plan without envelopes left
asked again every ten seconds.
"""

from email.utils import parsedate_to_datetime

from platforms.base import Call, Problem, Reply, brief, by_status

ALREADY = "ENVELOPE_INVALID_STATUS"
"""Refuses to send what is no draft any more. The talk reads the envelope then."""

BURST = 30.0
OFTEN = 900.0
"""An envelope may be read or changed once in a quarter of an hour, by DocuSign's rules."""
HOUR_SPENT = 600.0

_TO_BE_MENDED = frozenset(
    {
        *("ENVELOPE_ALLOWANCE_EXCEEDED", "ACCOUNT_LACKS_PERMISSIONS", "USER_LACKS_PERMISSIONS"),
        *("AUTHORIZATION_INVALID_TOKEN", "USER_AUTHENTICATION_FAILED", "PARTNER_AUTHENTICATION_FAILED"),
    }
)
"""A person has to: the plan is used up, a right is missing, or the key is not promoted yet."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By errorCode, then by status. Every success that we ask for is an object."""
    code = code_of(reply)
    if reply.ok and not isinstance(reply.json, dict):
        return Problem("in doubt" if call.writes else "unavailable", f"not an answer of DocuSign's: {brief(reply, 80)}")
    if code == ALREADY and call.method == "PUT":
        return None
    if _limited(code):
        return Problem("rate-limited", said(reply), _wait(reply, code))
    if code in _TO_BE_MENDED:
        return Problem("unauthorized", said(reply))
    if reply.ok:
        return Problem("rejected", said(reply)) if code else None
    found = by_status(reply, call)
    assert found is not None
    return Problem(found.kind, said(reply), BURST)


def code_of(reply: Reply) -> str:
    """`errorCode`; an update that failed says it within `errorDetails` of a success."""
    body = reply.json if isinstance(reply.json, dict) else {}
    details = body.get("errorDetails")
    code = body.get("errorCode") or (details.get("errorCode") if isinstance(details, dict) else None)
    return code if isinstance(code, str) and code != "SUCCESS" else ""


def said(reply: Reply) -> str:
    """Code and message, and the handle by which DocuSign's support finds the request."""
    body = reply.json if isinstance(reply.json, dict) else {}
    message = body.get("message") or body.get("error") or ""
    trace = reply.headers.get("x-docusign-tracetoken", "")
    words = ": ".join(part for part in (code_of(reply), str(message)) if part) or brief(reply)
    return f"HTTP {reply.status}: {words[:300]}" + (f" (trace {trace[:40]})" if trace else "")


def _limited(code: str) -> bool:
    return code.startswith(("HOURLY_", "BURST_")) and code.endswith("_LIMIT_EXCEEDED")


def _wait(reply: Reply, code: str) -> float:
    """Seconds. There is no Retry-After: the hour ends at X-RateLimit-Reset, counted from the answer's own Date."""
    if code.startswith("BURST_"):
        return BURST
    if "APIINVOCATION" not in code:
        return OFTEN
    try:
        reset = float(reply.headers["x-ratelimit-reset"])
        answered = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return HOUR_SPENT
    return min(max(reset - answered, 1.0), 3600.0)
