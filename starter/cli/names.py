"""Whom and what a command is about, as people name them.

The failure prevented: a mistyped name that ends in a traceback, or is taken for somebody else's.
"""

from typing import Annotated

import typer

from models.contact import Identity

IDS = ("j_", "r_", "c_")
PERSON = "an e-mail address, kind:value like hubspot:123, or c_…"


def person(text: str) -> str:
    """A person's name, of a form that somebody may have; a bare e-mail address becomes `email:…`."""
    found = text.strip()
    if found.startswith("c_") and found.isascii() and found.removeprefix("c_").isalnum():
        return found
    if "@" in found and ":" not in found:
        found = f"email:{found}"  # so that c_smith@example.com is no id
    try:
        if not found.isprintable():
            raise ValueError("what a terminal cannot show is in no name")
        Identity.parse(found)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} names nobody: write {PERSON}") from error
    return found


def person_if_any(text: str) -> str:
    """The same for an option that may be left out."""
    return person(text) if text else text


def journey(text: str) -> str:
    """A journey's or a referral's id, its workflow id, or a person's name."""
    found = text.strip()
    if found.startswith(("journey/", "referral/")) and found.isprintable():
        return found
    if found.startswith(IDS) and found.isascii() and found[2:].isalnum():
        return found
    try:
        return person(text)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"{text!r} names no journey: write j_…, r_… for a referral's, or {PERSON}") from error


Contact = Annotated[str, typer.Argument(callback=person, help=f"Who: {PERSON}.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept, so name nobody in it.")]
By = Annotated[str, typer.Option(help="Who decides; whoever is signed in, unless said.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
