"""Signing in at Zoho: a refresh token for an access token of an hour.

The failure prevented: a refusal believed to be a token, because it came with status 200; and a call at the wrong data
center, which knows neither the company nor its tokens. The answer names the host of the API, so nothing is guessed.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Call, Reply, Token, reveal
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

PATH = "/oauth/v2/token"
HOUR = 3600
EARLIER = timedelta(minutes=4)
"""With the runner's own minute a token is renewed after 55: a call under way must not lose it."""


def headers(settings: "ZohoSettings", token: Token | None) -> dict[str, str]:
    """The access token, with a scheme of Zoho's own."""
    return {"Authorization": f"Zoho-oauthtoken {token.value}"} if token is not None else {}


def call(settings: "ZohoSettings", now: datetime) -> Call:
    """POST /oauth/v2/token at the data center's accounts host, everything in the body: addresses are logged."""
    form = {
        "grant_type": "refresh_token",
        "client_id": settings.client_id or "",
        "client_secret": reveal(settings.client_secret),
        "refresh_token": reveal(settings.refresh_token),
    }
    return Call.post(f"https://accounts.{domain(settings)}{PATH}", form=form, signed_in=False, writes=False)


def read(reply: Reply, now: datetime) -> Token:
    """`access_token`, and `api_domain`, the host at which it is good."""
    body = reply.json if isinstance(reply.json, dict) else {}
    value, seconds, host = body.get("access_token"), body.get("expires_in"), body.get("api_domain")
    if not isinstance(value, str) or not value:
        raise Unauthorized("Zoho gave no access token for the refresh token")
    lives = timedelta(seconds=seconds if isinstance(seconds, int) else HOUR)
    return Token(value, now + lives - EARLIER, host if isinstance(host, str) and host else None)


def domain(settings: "ZohoSettings") -> str:
    """The domain of the data center's sites; Canada's is named otherwise."""
    return "zohocloud.ca" if settings.data_center == "ca" else f"zoho.{settings.data_center}"
