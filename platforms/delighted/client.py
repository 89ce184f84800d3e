"""What we ask of Delighted: one harmless question, which nobody answers since 1 July 2026."""

from base64 import b64encode
from typing import TYPE_CHECKING

from platforms.base import Call, Problem, Reply, Talk, Token, by_status, reveal
from platforms.capabilities import Receipt

if TYPE_CHECKING:
    from platforms.delighted import DelightedSettings

GONE = (404, 410)


def headers(settings: "DelightedSettings", token: Token | None) -> dict[str, str]:
    """HTTP Basic: the project's API key as user name, no password."""
    return {"authorization": "Basic " + b64encode(f"{reveal(settings.api_key)}:".encode()).decode()}


def judge(reply: Reply, call: Call) -> Problem | None:
    """A host that knows none of its own paths is the closed service: configuration to mend, nothing to retry."""
    if reply.status in GONE:
        return Problem("unauthorized", f"HTTP {reply.status}: the service ended on 30 June 2026")
    return by_status(reply, call)


def doctor(settings: "DelightedSettings") -> Talk:
    """GET /v1/metrics.json: the project's figures."""
    reply = yield Call.get("/v1/metrics.json")
    answer = reply.json if isinstance(reply.json, dict) else {}
    return Receipt(facts={name: answer[name] for name in ("nps", "response_count") if name in answer})
