"""A form as a browser, or a mail program's button, sends it: either encoding, bounded, and clean enough to be stored.

The failures prevented: a one-click unsubscribe that is not understood because it came as `multipart/form-data`; a
character that the database cannot hold, and a form lost to it.
"""

from collections.abc import AsyncGenerator
from urllib.parse import parse_qs

from fastapi import Request
from starlette.formparsers import MultiPartException, MultiPartParser

from starter.gateway.gateway import body_of

MOST_FIELDS = 50


async def form_of(request: Request) -> dict[str, str]:
    """Field → what was typed, the last where one came twice. What cannot be read has no fields.

    Raises 413 when it is too large."""
    body = await body_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        fields = await _multipart(request, body) if kind == "multipart/form-data" else _encoded(body)
    except (MultiPartException, ValueError):
        return {}
    return {name: _clean(value) for name, value in fields.items()}


def _encoded(body: bytes) -> dict[str, str]:
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    return {name: values[-1] for name, values in found.items()}


async def _multipart(request: Request, body: bytes) -> dict[str, str]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    form = await MultiPartParser(request.headers, whole(), max_files=MOST_FIELDS, max_fields=MOST_FIELDS).parse()
    try:
        return {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()


def _clean(text: str) -> str:
    """Without what no text of PostgreSQL may hold: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
