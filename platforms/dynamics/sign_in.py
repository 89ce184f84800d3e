"""Signing in: client credentials at Microsoft Entra, for the one environment that the settings name.

The failure prevented: a token for the wrong resource. The scope is the environment's own address with `/.default`, with
one slash between them, whatever the settings end in.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Call, Reply, Token, reveal
from platforms.errors import Unavailable

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

_OTHERWISE = 3599
"""Seconds, where the answer does not say."""


def headers(settings: "DynamicsSettings", token: Token | None) -> dict[str, str]:
    """The token, and what OData wants to be told on every call."""
    odata = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
    return {**odata, **({"Authorization": f"Bearer {token.value}"} if token is not None else {})}


def call(settings: "DynamicsSettings", now: datetime) -> Call:
    """POST /{tenant}/oauth2/v2.0/token at Microsoft's login, on a host of its own."""
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id or "",
        "client_secret": reveal(settings.client_secret),
        "scope": f"{settings.environment_url.rstrip('/')}/.default",
    }
    where = f"{settings.authority.rstrip('/')}/{settings.tenant}/oauth2/v2.0/token"
    return Call.post(where, form=form, signed_in=False)


def read(reply: Reply, now: datetime) -> Token:
    """There is no refresh token: an hour later the secret is asked with again."""
    body = reply.json if isinstance(reply.json, dict) else {}
    value, seconds = body.get("access_token"), body.get("expires_in", _OTHERWISE)
    if not isinstance(value, str) or not value or not isinstance(seconds, int):
        raise Unavailable("Microsoft's answer to the sign-in holds no access_token")
    return Token(value, now + timedelta(seconds=seconds))
