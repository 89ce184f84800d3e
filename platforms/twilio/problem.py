"""What is wrong with an answer of Twilio's: its codes mean more than its statuses, and its words may change.

The failure prevented: a text tried again that went out, a person blamed for a sender of ours that cannot send, and a
telephone number repeated in an error message.
"""

import re
from typing import Final

from platforms.base import Call, Kind, Problem, Reply, brief, retry_after_of
from platforms.errors import RateLimited, Rejected, Unauthorized, VendorError

OPTED_OUT: Final = 21610
"""The recipient has answered STOP."""

_OURS_TO_MEND = frozenset({20003, 20404, 21212, 21408, 21603, 21606, 21654, 21703, 21705})
"""Credentials, the account, the sender, a country that is not enabled, a template or service that is not there."""
_LIMITS: Final[dict[int, float]] = {20429: 5.0, 14107: 60.0, 21611: 60.0, 63018: 60.0, 63038: 6 * 3600.0}
"""Code → seconds: too many at once, too fast for a sender, a queue that is full, an account's texts for the day."""
_NUMBER = re.compile(r"\+?\d[\d ().-]{5,}\d")


def judge(reply: Reply, call: Call) -> Problem | None:
    """By Twilio's code, else by status. A 429 was never processed; a 5xx after a write may have been."""
    if reply.ok:
        return None
    code, words = code_of(reply), _explained(reply)
    if reply.status == 429 or code in _LIMITS:
        return Problem("rate-limited", words, retry_after_of(reply, _LIMITS.get(code, 5.0)))
    if reply.status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    return Problem(_kind(reply.status, code), words)


def refused(reply: Reply, call: Call) -> VendorError:
    """The error for a refusal that a talk had asked to see for itself."""
    problem = judge(reply, call)
    assert problem is not None
    if problem.kind == "rate-limited":
        return RateLimited(problem.message, retry_after=problem.retry_after, status=reply.status)
    wrong = Unauthorized if problem.kind == "unauthorized" else Rejected
    return wrong(problem.message, status=reply.status)


def code_of(reply: Reply) -> int:
    """Twilio's error code; 0 where there is none."""
    code = reply.json.get("code") if isinstance(reply.json, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _kind(status: int, code: int) -> Kind:
    return "unauthorized" if status in (401, 403, 404) or code in _OURS_TO_MEND else "rejected"


def _explained(reply: Reply) -> str:
    """Twilio's own words, with telephone numbers left out: they quote the one we sent."""
    said = reply.json.get("message") if isinstance(reply.json, dict) else None
    words = said if isinstance(said, str) else brief(reply)
    code = code_of(reply)
    return f"HTTP {reply.status}{f' ({code})' if code else ''}: {_NUMBER.sub('(number)', words) or 'no words'}"
