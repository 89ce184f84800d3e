"""Access tokens, fetched once for all workers: kept encrypted with the newest secret key."""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from models.token import Token
from store.tables import tokens


class TokenVault:
    """Shares a platform's token between processes. What cannot be decrypted counts as absent."""

    def __init__(self, engine: AsyncEngine, secrets: Sequence[str]) -> None:
        self._engine = engine
        self._seal = MultiFernet([Fernet(_key(secret)) for secret in secrets])

    async def get(self, platform: str) -> Token | None:
        async with self._engine.connect() as conn:
            row = (await conn.execute(select(tokens).where(tokens.c.platform == platform))).first()
        if row is None:
            return None
        try:
            found = json.loads(self._seal.decrypt(bytes(row.sealed)))
        except InvalidToken:
            return None
        expires = found.get("expires_at")
        return Token(
            found["value"], None if expires is None else datetime.fromisoformat(expires), found.get("base_url")
        )

    async def put(self, platform: str, token: Token) -> None:
        expires = None if token.expires_at is None else token.expires_at.isoformat()
        plain = json.dumps({"value": token.value, "expires_at": expires, "base_url": token.base_url})
        values = {"sealed": self._seal.encrypt(plain.encode()), "expires_at": token.expires_at}
        async with self._engine.begin() as conn:
            made = insert(tokens).values(platform=platform, **values)
            await conn.execute(made.on_conflict_do_update(index_elements=["platform"], set_=values))


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"tokens:{secret}".encode()).digest())
