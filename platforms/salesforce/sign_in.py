"""Signing in at an org: client credentials, or a JWT that a private key signed.

The failure prevented: a login that works in the sandbox and nowhere else. Both flows go to the org's own My Domain;
neither answer says how long the token lives, so it is used until Salesforce answers 401 and then fetched anew.
"""

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platforms.base import Call, Reply, Token, reveal
from platforms.errors import Unauthorized, Unavailable

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIVES = 180
"""Seconds ahead that a JWT may expire; Salesforce takes no more."""


def headers(settings: "SalesforceSettings", token: Token | None) -> dict[str, str]:
    """The session in the Authorization header."""
    return {"Authorization": f"Bearer {token.value}"} if token is not None else {}


def call(settings: "SalesforceSettings", now: datetime) -> Call:
    """POST /services/oauth2/token, by whichever flow the settings are for."""
    if settings.private_key is not None:
        form = {"grant_type": JWT_BEARER, "assertion": assertion(settings, now)}
    else:
        secret = reveal(settings.client_secret)
        form = {"grant_type": "client_credentials", "client_id": settings.client_id or "", "client_secret": secret}
    return Call.post("/services/oauth2/token", form=form, signed_in=False)


def read(reply: Reply, now: datetime) -> Token:
    """`expires_in` does not exist: the org's session timeout, two hours unless changed, ends it."""
    body = reply.json if isinstance(reply.json, dict) else {}
    value = body.get("access_token")
    if not isinstance(value, str) or not value:
        raise Unavailable("Salesforce's answer to the sign-in holds no access_token")
    return Token(value)


def assertion(settings: "SalesforceSettings", now: datetime) -> str:
    """The JWT. Raises Unauthorized for a key that cannot be read."""
    signing = signing_input(settings, int(now.timestamp()) + LIVES)
    signature = _key(reveal(settings.private_key)).sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{_base64url(signature)}"


def signing_input(settings: "SalesforceSettings", expires: int) -> str:
    """Header and claims, in Salesforce's order. `exp` is in seconds."""
    claims = {"iss": settings.client_id, "sub": settings.username, "aud": settings.audience, "exp": expires}
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    return ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)


def _key(pem: str) -> rsa.RSAPrivateKey:
    """In an environment file a PEM is one line, its line breaks written as two characters."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unauthorized("OVATION_SALESFORCE__PRIVATE_KEY is not a PEM private key without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unauthorized("OVATION_SALESFORCE__PRIVATE_KEY is not an RSA key")
    return key


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
