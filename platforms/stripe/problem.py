"""What is wrong with an answer of Stripe's.

The failure prevented: a lost answer taken for a refusal, and an empty balance taken for a mistake in the reward. A 5xx
may have moved the money; a 4xx has not. A balance that does not suffice is a matter for a person, and ends by itself
when they have topped it up.
"""

from typing import Final

from platforms.base import Body, Call, Kind, Problem, Reply, brief
from platforms.errors import InDoubt, Rejected, Unauthorized, Unavailable, VendorError

LOCKED, LIMITED = 1.0, 5.0
"""Seconds after a 429, which has no Retry-After: another request holds the object, or there were too many."""

_A_PERSON_MENDS = frozenset({"balance_insufficient", "insufficient_funds", "platform_api_key_expired"})
_ERRORS: Final[dict[Kind, type[VendorError]]] = {
    "rejected": Rejected,
    "unauthorized": Unauthorized,
    "unavailable": Unavailable,
    "in doubt": InDoubt,
}


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status and Stripe's code; `Stripe-Should-Retry` tells of a refusal that is only for now."""
    if reply.ok:
        return None
    words, code = _explained(reply), said(reply).get("code")
    if reply.status == 429:
        return Problem("rate-limited", words, LOCKED if code == "lock_timeout" else LIMITED)
    return Problem(_kind(reply, code, "in doubt" if call.writes else "unavailable"), words)


def _kind(reply: Reply, code: object, unheard: Kind) -> Kind:
    """`unheard` is what it means when Stripe itself does not say whether it happened."""
    if reply.status >= 500 or reply.status == 424 or code == "idempotency_key_in_use":
        return unheard
    if reply.status == 409 or reply.headers.get("stripe-should-retry") == "true":
        return "unavailable"
    if reply.status in (401, 403) or code in _A_PERSON_MENDS:
        return "unauthorized"
    return "rejected"


def refused(reply: Reply) -> VendorError:
    """The error for a refused write that a talk had asked to see for itself."""
    words = _explained(reply)
    return _ERRORS[_kind(reply, said(reply).get("code"), "in doubt")](words, status=reply.status)


def said(reply: Reply) -> Body:
    """Stripe's error object; empty where there is none."""
    error = reply.json.get("error") if isinstance(reply.json, dict) else None
    return error if isinstance(error, dict) else {}


def _explained(reply: Reply) -> str:
    """Stripe's own words, its code, and the number by which its support finds the request."""
    error = said(reply)
    what = error.get("code") or error.get("type")
    parts = (f"HTTP {reply.status}", what and f"({what})", request_of(reply) and f"[{request_of(reply)}]")
    return f"{' '.join(p for p in parts if p)}: {error.get('message') or brief(reply) or 'no words'}"


def request_of(reply: Reply) -> str | None:
    """The request's number in Stripe's log."""
    return reply.headers.get("request-id")
