"""What we ask of Wootric: a token, and one harmless question that proves it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Call, Reply, SignIn, Talk, Token, reveal
from platforms.capabilities import Receipt
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.wootric import WootricSettings

LIFETIME = timedelta(hours=2)


def token_call(settings: "WootricSettings", now: datetime) -> Call:
    """POST /oauth/token with the application's credentials; form-encoded, never in the URL, which gets logged."""
    credentials = {"client_id": settings.client_id or "", "client_secret": reveal(settings.client_secret)}
    form = {"grant_type": "client_credentials", **credentials}
    return Call.post("/oauth/token", form=form, signed_in=False, writes=False)


def read_token(reply: Reply, now: datetime) -> Token:
    """`expires_in` is in seconds; two hours are documented where it is missing."""
    answer = reply.json if isinstance(reply.json, dict) else {}
    if not answer.get("access_token"):
        raise Unauthorized("Wootric's sign-in gave no access_token", status=reply.status)
    seconds = answer.get("expires_in")
    lifetime = timedelta(seconds=seconds) if isinstance(seconds, int) else LIFETIME
    return Token(str(answer["access_token"]), expires_at=now + lifetime)


SIGN_IN = SignIn(call=token_call, read=read_token)


def headers(settings: "WootricSettings", token: Token | None) -> dict[str, str]:
    """The token as a header; Wootric also takes it as a query parameter, which would end up in logs."""
    return {"authorization": f"Bearer {token.value}"} if token else {}


def doctor(settings: "WootricSettings") -> Talk:
    """GET /v1/nps_summary: the account's figures of the last month."""
    reply = yield Call.get("/v1/nps_summary")
    answer = reply.json if isinstance(reply.json, dict) else {}
    return Receipt(facts={name: answer[name] for name in ("nps", "responses") if name in answer})
