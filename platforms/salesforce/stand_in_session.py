"""How Salesforce's double lets an app in: client credentials, or a JWT whose signature is looked at."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platforms.base import Body, reveal
from platforms.salesforce.sign_in import JWT_BEARER, LIVES
from platforms.salesforce.stand_in_books import ORG_ID, Org
from platforms.stand_in import Answer, Heard

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings


def of(settings: "SalesforceSettings", books: Org) -> str:
    """The session that is good now. It ends when the move `end_session` counts one on."""
    secret = reveal(settings.client_secret) + reveal(settings.private_key)
    return f"{ORG_ID[:15]}!{hashlib.sha256(f'{secret}{books.session}'.encode()).hexdigest()[:40]}"


def sign_in(heard: Heard, books: Org) -> Answer:
    """POST /services/oauth2/token."""
    wrong = _wrong(heard.form, heard.settings)
    if wrong is not None:
        return Answer(400, json=wrong)
    robot = f"https://login.salesforce.com/id/{ORG_ID}/{books.robot}"
    token = {"access_token": of(heard.settings, books), "instance_url": "https://acme.my.salesforce.com", "id": robot}
    issued = str(int(time.time() * 1000))
    return Answer(200, json={**token, "token_type": "Bearer", "scope": "api", "issued_at": issued, "signature": "c2ln"})


def _wrong(form: Mapping[str, str], settings: "SalesforceSettings") -> Body | None:
    match form.get("grant_type"):
        case "client_credentials":
            if form.get("client_id") != settings.client_id:
                return _error("invalid_client_id", "client identifier invalid")
            if form.get("client_secret") != reveal(settings.client_secret):
                return _error("invalid_client", "invalid client credentials")
            return None
        case value if value == JWT_BEARER:
            return _wrong_assertion(str(form.get("assertion")), settings)
        case _:
            return _error("unsupported_grant_type", "grant type not supported")


def _wrong_assertion(assertion: str, settings: "SalesforceSettings") -> Body | None:
    head, _, signature = assertion.rpartition(".")
    try:
        claims = json.loads(_decoded(head.partition(".")[2]))
        pem = reveal(settings.private_key).encode()
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        key.public_key().verify(_decoded(signature), head.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, AssertionError, InvalidSignature):
        return _error("invalid_grant", "invalid assertion")
    if claims.get("iss") != settings.client_id:
        return _error("invalid_client_id", "client identifier invalid")
    if claims.get("sub") != settings.username:
        return _error("invalid_grant", "user hasn't approved this consumer")
    if claims.get("aud") != settings.audience:
        return _error("invalid_grant", "audience is invalid")
    if not 0 < claims.get("exp", 0) - time.time() <= LIVES:
        return _error("invalid_grant", "expired authorization code")
    return None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _error(code: str, words: str) -> Body:
    return {"error": code, "error_description": words}
