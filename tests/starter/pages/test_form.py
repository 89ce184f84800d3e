"""Prevents: a button of a mail program that is not understood, and a body made to crash whoever reads it."""

import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from starter.pages.form import MOST_FIELDS, form_of

URLENCODED = "application/x-www-form-urlencoded"
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\0\r\n--x--\r\n'
)


async def read(body: bytes, kind: str) -> dict[str, str]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", kind.encode("latin-1"))]
    return await form_of(Request({"type": "http", "method": "POST", "headers": headers}, receive))


@pytest.mark.parametrize(
    ("body", "kind", "fields"),
    [
        (b"List-Unsubscribe=One-Click", URLENCODED, {"List-Unsubscribe": "One-Click"}),
        (PARTS, "multipart/form-data; boundary=x", {"List-Unsubscribe": "One-Click"}),
        (PARTS, 'Multipart/Form-Data; boundary="x"; charset=utf-8', {"List-Unsubscribe": "One-Click"}),
        (b"a=1&a=2&b=&c=%C3%A9+%00%ED%A0%80", URLENCODED, {"a": "2", "b": "", "c": "é " + "\ufffd" * 3}),
        ("first_name=Zoë".encode(), URLENCODED + "; charset=utf-8", {"first_name": "Zoë"}),
        (PARTS, "multipart/form-data", {}),
        (PARTS[:30], "multipart/form-data; boundary=x", {}),
        (PARTS, "multipart/form-data; boundary=", {}),
        (PARTS, "multipart/form-data; boundary=x; charset=a\0b", {}),
        (b"&".join(b"f%d=1" % n for n in range(MOST_FIELDS + 1)), URLENCODED, {}),
        (b"", "", {}),
        (b"choice=hear", "text/plain", {"choice": "hear"}),
    ],
)
async def test_a_form_is_read_whatever_its_encoding_and_what_cannot_be_read_is_empty(
    body: bytes, kind: str, fields: dict[str, str]
) -> None:
    assert await read(body, kind) == fields


async def test_half_a_character_is_left_out() -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\\ud800c\r\n--x--\r\n'
    assert await read(part, "multipart/form-data; boundary=x; charset=raw_unicode_escape") == {"a": "bc"}


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200) | st.binary(max_size=60).map(lambda junk: PARTS[:60] + junk + PARTS[60:]),
    st.sampled_from([URLENCODED, "multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=utf-7"])
    | st.text(st.characters(max_codepoint=255), max_size=20).map(lambda tail: f"multipart/form-data; {tail}"),
)
async def test_whatever_comes_is_a_form_that_can_be_stored(body: bytes, kind: str) -> None:
    for value in (await read(body, kind)).values():
        assert "\0" not in value
        value.encode()
