"""How one signs in at DocuSign's double: it checks the JWT as DocuSign does, with the key's public half."""

import base64
import json
import time
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platforms.base import Body
from platforms.docusign import DocuSignSettings
from platforms.docusign.sign_in import SCOPE, private_key
from platforms.docusign.stand_in_books import ACCOUNT, USER, Books, Refused, operation
from platforms.docusign.stand_in_requests import Exchange, read
from platforms.stand_in import Answer, Heard

ACCESS = "sandbox-docusign-token"
SITE = "https://demo.docusign.net"


@operation
def sign_in(heard: Heard, books: Books) -> Answer:
    try:
        claims = _claims(read(Exchange, dict(heard.form)).assertion, heard.settings)
    except (ValueError, InvalidSignature):
        return Answer(400, {"error": "invalid_grant", "error_description": "no_valid_keys_or_signatures"})
    own, now = heard.settings, time.time()
    wanted = {"iss": own.integration_key, "sub": own.user, "aud": own.auth_host, "scope": SCOPE}
    fresh = claims["iat"] - 60 <= now < claims["exp"] <= claims["iat"] + 3600
    if not fresh or {name: claims.get(name) for name in wanted} != wanted:
        return Answer(400, {"error": "invalid_grant"})
    return Answer(json={"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "scope": SCOPE})


def _claims(assertion: str, settings: DocuSignSettings) -> Body:
    head, body, signature = assertion.split(".")
    public = private_key(settings).public_key()
    public.verify(_decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    claims: Body = json.loads(_decoded(body))
    return claims


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def userinfo(heard: Heard, books: Books) -> Answer:
    account = {"account_id": ACCOUNT, "is_default": True, "account_name": "Acme", "base_uri": SITE}
    return Answer(json={"sub": USER, "accounts": [account]})


def guard(heard: Heard) -> Answer | None:
    if heard.path == "/oauth/token" or heard.headers.get("authorization") == f"Bearer {ACCESS}":
        return None
    words = "The access token provided is expired, revoked or malformed."
    return Refused(401, "AUTHORIZATION_INVALID_TOKEN", words).answer


@lru_cache(maxsize=1)
def made_up_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode().strip().replace("\n", "\\n")  # on one line, as an environment file has it
