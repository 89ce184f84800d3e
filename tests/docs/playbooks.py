"""What a playbook may say: verbs with their parameters, events with what they carry, what messages may speak of.

Prevents a marketer who writes what the page says and is told that there is no such word.
"""

import inspect
from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from authoring.facts import CONTACT_FIELDS, event_fields
from authoring.rules import all_rules
from authoring.template import FILTERS, VARIABLES
from models.base import Model
from models.effect import CEL, EFFECTS, LIQUID, MESSAGE, EffectKind
from models.event import EVENTS
from tests.docs.pages import listed, table
from tests.docs.samples import tellers

MARKS = {CEL: "a CEL expression", LIQUID: "a text with variables", MESSAGE: "the name of a message"}


def verbs() -> dict[str, EffectKind]:
    """What a playbook can do: every effect that is not the engine's own."""
    return {name: kind for name, kind in EFFECTS.items() if not kind.internal}


def verb_table() -> str:
    rows = [
        (f"`{name}`", _does(kind), _parameters(kind), "ours" if kind.capability is None else f"`{kind.capability}`")
        for name, kind in verbs().items()
    ]
    return table(("verb", "does", "parameters", "done by"), *rows)


def _does(kind: EffectKind) -> str:
    told = inspect.cleandoc(kind.takes.__dict__.get("__doc__") or "")
    return f"{kind.label}. {' '.join(told.split())}" if told else f"{kind.label}."


def _parameters(kind: EffectKind) -> str:
    told = [_parameter(name, info, kind) for name, info in kind.takes.model_fields.items()]
    return "; ".join(told) or "none: the verb stands alone"


def _parameter(name: str, info: FieldInfo, kind: EffectKind) -> str:
    written = f"`{info.alias or name}`"
    words = [written if not info.is_required() else f"**{written}**", *_choices(info)]
    words += [MARKS[mark] for mark in _marks(info) if mark in MARKS]
    alone = f" (may stand alone: `{_verb_of(kind)}: …`)" if kind.shorthand == name else ""
    return ", ".join(words) + alone


def _marks(info: FieldInfo) -> list[Any]:
    """The marks of a parameter, also where it may be left out."""
    return [*info.metadata, *(mark for kind in get_args(info.annotation) for mark in getattr(kind, "__metadata__", ()))]


def _verb_of(kind: EffectKind) -> str:
    return next(name for name, each in EFFECTS.items() if each is kind)


def _choices(info: FieldInfo) -> Iterator[str]:
    """The words a parameter may be, and what it is when it is left out."""
    kinds = [info.annotation, *get_args(info.annotation)]
    words = next((get_args(k) for k in kinds if get_origin(k) is Literal), ())
    if words:
        yield listed(words, "or")
    elif bool in kinds:
        yield "`true` or `false`"
    if not info.is_required() and info.default not in (None, False) and len(words) != 1:
        yield f"else `{info.default}`"


def event_table() -> str:
    """Event, what a condition may look at, and whose webhooks tell it."""
    rows = [
        (f"`{name}`", _carried(event_fields(name)), ", ".join(_link(p) for p in tellers(name)) or "–")
        for name in EVENTS
    ]
    return table(("event", "a condition may look at", "told by the webhooks of"), *rows)


def _carried(fields: dict[str, FieldInfo]) -> str:
    return ", ".join(f"`event.{name}`{_kind(info)}" for name, info in fields.items()) or "–"


def _kind(info: FieldInfo) -> str:
    kinds = {info.annotation, *get_args(info.annotation)} - {NoneType}
    if any(isinstance(kind, type) and issubclass(kind, Model) for kind in kinds):
        return " (`.minor`, `.currency`)"
    return " (number)" if int in kinds else " (true or false)" if bool in kinds else ""


def _link(platform: str) -> str:
    return f"[{platform}](../platforms/{platform}/README.md)"


def contact_fields() -> str:
    return ", ".join(f"`contact.{name}`" for name in CONTACT_FIELDS)


def variable_table() -> str:
    """What a message may speak of, and what it may do with it."""
    rows = [(f"`{name}`", ", ".join(f"`{name}.{p}`" for p in sorted(parts)) or "a text") for name, parts in _short()]
    filters = f"\n\nFilters: {', '.join(f'`{name}`' for name in sorted(FILTERS))}."
    return table(("variable", "write"), *rows) + filters


def _short() -> Iterator[tuple[str, Any]]:
    for name, parts in VARIABLES.items():
        yield name, ["…"] if name == "event" else parts


def rule_table() -> str:
    """What `ovation playbook check` looks for beyond the shape."""
    says = {name: inspect.cleandoc(rule.__doc__ or "").partition("\n")[0] for name, rule in all_rules().items()}
    return table(("rule", "says"), *((f"`{name}`", words) for name, words in says.items()))
