"""What a condition may look at: the facts of an event or a contact, and a trial of the condition on examples.

A running condition that names what is not there is merely false, so a misspelt one would be false for ever, in silence.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import cel
from pydantic.fields import FieldInfo

from authoring.mistakes import one_of
from models.base import PERSONAL
from models.contact import Contact
from models.event import EVENTS
from models.money import Money

CONTACT_FIELDS = {name: info for name, info in Contact.model_fields.items() if name not in ("address", "identities")}
"""What a rule of `only_for` may look at; where somebody lives and how vendors name them is not among it."""

_WORDS = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''  # a text in quotes, skipped over
    r"|(?<![\w.])(?P<root>[A-Za-z_]\w*)\s*(?:\.\s*(?P<field>[A-Za-z_]\w*)|\[\s*(?P<quote>[\"'])(?P<key>\w*)(?P=quote)\s*\])"
)


def event_fields(event: str) -> dict[str, FieldInfo]:
    """What of an event travels to a journey."""
    return {n: info for n, info in EVENTS[event].model_fields.items() if PERSONAL not in info.metadata}


def fields_named(expression: str, root: str) -> Iterator[str]:
    """The fields of `root` an expression names, as `root.field` or `root["field"]`."""
    for match in _WORDS.finditer(expression):
        if match["root"] == root:
            yield match["field"] or match["key"]


def wrong_about_event(expression: str, event: str, wanted: type | None = bool) -> Iterator[str]:
    """What is wrong with an expression on an event; `wanted` is the kind of value it must give."""
    fields = event_fields(event)
    for name in fields_named(expression, "event"):
        if name in EVENTS[event].model_fields and name not in fields:
            yield f"event.{name} is a person's own words and never leaves the database; {_carries(event)}"
        elif name not in fields:
            yield f"{one_of(name, f'carried by {event}', fields, 'it carries')}"
    yield from _tried(expression, {"event": fields}, wanted)


def wrong_about_contact(expression: str) -> Iterator[str]:
    """What is wrong with a condition on the contact."""
    for name in fields_named(expression, "contact"):
        if name not in CONTACT_FIELDS:
            yield one_of(name, "known of a contact", CONTACT_FIELDS, "known are")
    yield from _tried(expression, {"contact": CONTACT_FIELDS}, bool)


def _carries(event: str) -> str:
    return f"of {event} a condition may look at: {', '.join(sorted(event_fields(event))) or 'nothing'}"


def _tried(expression: str, roots: Mapping[str, Mapping[str, FieldInfo]], wanted: type | None) -> Iterator[str]:
    """Runs the expression on two examples, and says what would go wrong on every real one."""
    try:
        program = cel.compile(expression)
    except ValueError as error:
        yield f"{expression!r} cannot be read as CEL: {_first_line(error)}"
        return
    for number in (0, 1):
        facts = {
            root: {name: _example(info, number) for name, info in fields.items()} for root, fields in roots.items()
        }
        try:
            value = program.execute(facts)
        except KeyError:
            continue  # a field named wrongly is told by its name; a free attribute may be there
        except Exception as error:  # the library raises its own kinds and Python's
            yield f"{expression!r} cannot be computed: {_first_line(error)}; {_known(roots)}"
            return
        if wanted is not None and not isinstance(value, wanted):
            yield f"{expression!r} is not true or false; compare it with something, like event.score >= 9"
            return


def _known(roots: Mapping[str, object]) -> str:
    return f"it may look at {' and '.join(roots)}"


def _first_line(error: Exception) -> str:
    text = str(error).partition("ERROR: <input>:")[2] or str(error)
    return re.sub(r"^\d+:(\d+): ", r"at character \1, ", text.partition("\n")[0]).partition(". ")[0].rstrip(".")


def _example(info: FieldInfo, number: int) -> Any:
    kinds = {info.annotation, *get_args(info.annotation)}
    if Money in kinds:
        return {"minor": number, "currency": "USD"}
    if any(kind is dict or getattr(kind, "__origin__", None) is dict for kind in kinds):
        return {}
    if bool in kinds:
        return number == 1
    return number if int in kinds else "x" * number
