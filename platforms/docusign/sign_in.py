"""Signing in at DocuSign: a JWT for the user we act as, signed with the integration's RSA key (JWT grant).

The failure prevented: an operator who reads `consent_required` and does not know that one click of that user is all
that is missing. There is no refresh token; a new token is fetched when the old one nears its end.
"""

import base64
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platforms.base import Call, Reply, Token, reveal
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.docusign import DocuSignSettings

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "signature impersonation"
LIVES = 600
"""Seconds that a JWT is good for; it is used at once. DocuSign takes up to an hour."""

_CONSENT = (
    "the user has not consented to this integration: let them open https://{auth host}/oauth/auth?response_type=code"
    "&scope=signature%20impersonation&client_id={integration key}&redirect_uri={one of the app's}"
)


def headers(settings: "DocuSignSettings", token: Token | None) -> dict[str, str]:
    """The access token as a bearer."""
    return {"Authorization": f"Bearer {token.value if token is not None else ''}"}


def call(settings: "DocuSignSettings", now: datetime) -> Call:
    """POST /oauth/token at the authentication server, which is not the API's."""
    form = {"grant_type": GRANT, "assertion": assertion(settings, now)}
    url = f"https://{settings.auth_host}/oauth/token"
    return Call.post(url, form=form, signed_in=False, writes=False, accepts=[400])


def read(reply: Reply, now: datetime) -> Token:
    """`access_token`, good for `expires_in` seconds. Raises Unauthorized saying what is to be mended."""
    body = reply.json if isinstance(reply.json, dict) else {}
    if body.get("error") == "consent_required":
        raise Unauthorized(_CONSENT, status=reply.status)
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not reply.ok or not isinstance(value, str) or not value:
        words = body.get("error") or "no access token"
        raise Unauthorized(f"{words}: check user, integration key, private key, auth host, clock", status=reply.status)
    return Token(value, now + timedelta(seconds=seconds if isinstance(seconds, int) else 3600))


def assertion(settings: "DocuSignSettings", now: datetime) -> str:
    """The JWT. Raises Unauthorized for a key that cannot be read."""
    moment = int(now.timestamp())
    claims = {
        "iss": settings.integration_key,
        "sub": settings.user,
        "aud": settings.auth_host,
        "iat": moment,
        "exp": moment + LIVES,
        "scope": SCOPE,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    signing = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    signature = private_key(settings).sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{_base64url(signature)}"


def private_key(settings: "DocuSignSettings") -> rsa.RSAPrivateKey:
    """In an environment file a PEM is one line, its line breaks written as two characters."""
    pem = reveal(settings.private_key).replace("\\n", "\n")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unauthorized("OVATION_DOCUSIGN__PRIVATE_KEY is not a PEM private key without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unauthorized("OVATION_DOCUSIGN__PRIVATE_KEY is not an RSA key")
    return key


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
