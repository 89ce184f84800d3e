"""Markdown to a safe page and to plain text. Raw HTML is shown, never obeyed; no link runs a script."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def html(source: str) -> str:
    """The source as HTML."""
    return str(_MARKDOWN.render(source))


def plain(source: str) -> str:
    """The source as people read it without markup: lists keep their marks, links show their address."""
    text = ""
    marks: list[str] = []
    beside = False
    for token in _MARKDOWN.parse(source):
        if token.type == "list_item_open":
            marks.append(f"{token.info}{token.markup} " if token.info else "- ")
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            beside = beside and token.level > 0
        elif token.type in ("inline", "fence", "code_block"):
            words = _words(token.children or []) if token.type == "inline" else token.content.rstrip("\n")
            gap = "\n" if marks and beside else "\n\n"
            text += (gap if text else "") + "".join(marks) + words
            beside, marks = bool(marks), []
        elif token.type == "hr":
            text += "\n\n---"
    return text.strip()


def _words(tokens: Sequence[Token]) -> str:
    text, address, began = "", "", 0
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif token.type == "link_open":
            address, began = str(token.attrs["href"]).removeprefix("mailto:"), len(text)
        elif token.type == "link_close":
            shown = text[began:]
            text = text[:began] + (
                address if token.info == "auto" or shown in ("", address) else f"{shown} ({address})"
            )
        else:
            text += token.content
    return text
