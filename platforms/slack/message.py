"""How an alert looks in Slack: header, sections, and the text of the notification.

The failure prevented: a contact called `<!channel>` who wakes a whole company. Every value of ours is escaped, Slack's
own reading of plain text is off (`verbatim`), and the only markup is the links we put in ourselves.
"""

import re

from platforms.base import Body

HEADER = 150
SECTION = 3000
SECTIONS = 4
"""Four full sections stay under the 13,000 characters at which all blocks together are refused."""

NOTIFICATION = 300

_UNBROKEN = re.compile(r"(\S{500})(?=\S)")
_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?'\")\]]")


def escaped(text: str) -> str:
    """The three characters Slack reads as control characters, as entities; nothing else is to be encoded."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(title: str, text: str) -> list[Body]:
    """The message's body. A blank title or text is left out: Slack refuses empty blocks."""
    header = _cut(title, HEADER)
    shown: list[Body] = [{"type": "header", "text": {"type": "plain_text", "text": header}}] if header else []
    for part in sections(text):
        shown.append({"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}})
    return shown


def notification(title: str, text: str) -> str:
    """What phones and screen readers say: one line."""
    return _cut(f"{title}: {text}" if title.strip() else text, NOTIFICATION)


def sections(text: str) -> list[str]:
    """The text in pieces of at most 3,000 characters, as marked up; cut at a line's end if there is one, else at a
    space. Pieces beyond the fourth are dropped, with a sign.

    A run of 500 characters without a space gets one, so that no cut ever falls into an entity or a link."""
    rest = _linked(_UNBROKEN.sub(r"\1 ", text.strip()))
    parts: list[str] = []
    while rest and len(parts) < SECTIONS:
        part = rest if len(rest) <= SECTION else rest[: _last_break(rest)]
        parts.append(part.rstrip())
        rest = rest[len(part) :].lstrip()
    if rest:
        parts[-1] = f"{parts[-1][: _last_break(parts[-1], SECTION - 2)].rstrip()} …"
    return parts


def _linked(text: str) -> str:
    parts: list[str] = []
    end = 0
    for url in _URL.finditer(text):
        parts += [escaped(text[end : url.start()]), f"<{escaped(url.group())}>"]
        end = url.end()
    return "".join([*parts, escaped(text[end:])])


def _last_break(text: str, limit: int = SECTION) -> int:
    if len(text) <= limit:
        return len(text)
    line, space = text.rfind("\n", 0, limit + 1), text.rfind(" ", 0, limit + 1)
    return line if line > limit // 2 else space


def _cut(text: str, limit: int) -> str:
    """One line, escaped, within `limit` characters of what is sent: whether Slack counts before or after reading the
    entities is not said."""
    line = " ".join(text.split())
    if len(escaped(line)) <= limit:
        return escaped(line)
    line = line[:limit]
    while len(escaped(line)) > limit - 1:
        line = line[:-1]
    return escaped(line) + "…"
