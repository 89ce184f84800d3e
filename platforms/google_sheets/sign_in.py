"""A service account signs in: a JWT of its own making is traded for an access token of an hour.

The failure prevented: a key file whose mistake shows only as a refused call. Everything that can be wrong with it is
said here by the name of the setting, and nothing of it is repeated.
"""

import base64
import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platforms.base import Call, Reply, SignIn, Token, reveal
from platforms.errors import Unauthorized, Unavailable

if TYPE_CHECKING:
    from platforms.google_sheets import GoogleSheetsSettings

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = timedelta(hours=1)
_SETTING = "OVATION_GOOGLE_SHEETS__SERVICE_ACCOUNT"


def call(settings: "GoogleSheetsSettings", now: datetime) -> Call:
    """POST {token_uri} with the grant of RFC 7523. Raises Unauthorized for a key file that cannot be used."""
    form = {"grant_type": GRANT, "assertion": assertion(account_of(settings), now)}
    return Call.post(account_of(settings)["token_uri"], form=form, signed_in=False)


def read(reply: Reply, now: datetime) -> Token:
    """The token, and when it ends by the host's own clock."""
    body = reply.json if isinstance(reply.json, dict) else {}
    if not isinstance(body.get("access_token"), str):
        raise Unavailable("Google answered the sign-in without a token")
    return Token(body["access_token"], expires_at=now + timedelta(seconds=int(body.get("expires_in", 3599))))


def account_of(settings: "GoogleSheetsSettings") -> dict[str, str]:
    """What the key file says. Raises Unauthorized naming what it lacks."""
    try:
        account: Any = json.loads(reveal(settings.service_account))
    except ValueError:
        raise Unauthorized(f"{_SETTING} is not the JSON of a service account's key file") from None
    wanted = ("client_email", "private_key", "private_key_id", "token_uri")
    missing = [name for name in wanted if not isinstance(account, dict) or not isinstance(account.get(name), str)]
    if missing:
        raise Unauthorized(f"{_SETTING} is not a service account's key file: it lacks {', '.join(missing)}")
    return {name: account[name] for name in wanted}


def assertion(account: dict[str, str], now: datetime) -> str:
    """A JWT, RS256. `iat` is the host's clock: Google refuses one that is minutes off."""
    issued = int(now.timestamp())
    header = {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": account["token_uri"],
        "iat": issued,
        "exp": issued + int(LIFE.total_seconds()),
    }
    signed = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = _key(account["private_key"]).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def _key(pem: str) -> rsa.RSAPrivateKey:
    """An environment file may have kept the line ends of the PEM as `\\n`."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unauthorized(f"private_key in {_SETTING} is not a PEM key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unauthorized(f"private_key in {_SETTING} is not an RSA key")
    return key


SIGN_IN = SignIn(call=call, read=read)
