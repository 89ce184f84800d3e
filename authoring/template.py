"""Liquid, strict and small: a name or filter nobody knows is a mistake, what is merely absent is empty.

Prevents: `Dear ,` from a misspelt variable, and a person's name that becomes a link. In Markdown every value is escaped
where it is put out, so only tags that put nothing out by themselves are allowed.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from liquid import Environment, FalsyStrictUndefined, RenderContext
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate

from authoring.mistakes import Mistake, Mistakes, one_of
from models.base import PERSONAL
from models.event import EVENTS
from models.money import Money

RULE = "template"

EVENT_FIELDS: Final = frozenset(
    name for kind in EVENTS.values() for name, field in kind.model_fields.items() if PERSONAL not in field.metadata
)

VARIABLES: Final[dict[str, frozenset[str]]] = {
    "contact": frozenset({"first_name", "last_name", "name", "company"}),
    "csm": frozenset({"email"}),
    "company": frozenset(),
    "event": EVENT_FIELDS,
    "hub_url": frozenset(),
    "referral_link": frozenset(),
    "payout_url": frozenset(),
    "friend": frozenset({"first_name", "name", "company"}),
    "referral": frozenset({"day", "how", "customers"}),
    "amount": frozenset(),
    "unsubscribe_url": frozenset(),
    "step": frozenset(),
    "journey_url": frozenset(),
    "alert": frozenset({"about", "what", "detail"}),
}
"""What a message may speak of: variable → its parts; without parts it is a text."""

LINKS: Final = frozenset({"hub_url", "referral_link", "payout_url", "unsubscribe_url", "journey_url"})
"""Variables that hold an address of ours."""

TAGS: Final = frozenset({"if", "unless", "case", "for", "break", "continue", "assign", "comment", "#"})
FILTERS: Final = frozenset(
    {"append", "capitalize", "default", "divided_by", "downcase", "first", "join", "last", "minus", "plus", "prepend"}
    | {"remove", "replace", "round", "size", "slice", "split", "strip", "times", "truncate", "truncatewords"}
    | {"upcase", "url_encode"}
)
"""What a message may do with a variable. None reads the clock: the same message is the same tomorrow."""

_INTERNAL = frozenset({"content", "output", "illegal"})


class _Link(str):
    """An address of ours: it stays a link in Markdown."""


class _Absent(FalsyStrictUndefined):
    """An unknown name: `default` and `if` may look at it, to put it out is an error."""

    force_liquid_default = True


class _MarkdownOutput(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        return int(buffer.write(_for_markdown(self.expression.evaluate(context))))


class _Output(Output):
    node_class = _MarkdownOutput


def _for_markdown(value: object) -> str:
    """A value as Markdown that shows exactly this text, on one line."""
    if isinstance(value, _Link):
        return "<" + re.sub(r"[<>\s\\]", lambda found: f"%{ord(found[0]):02X}", value) + ">"
    text = re.sub(r"\s+", " ", to_liquid_string(value, False))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


class _Bounded(Environment):
    loop_iteration_limit = 1000
    local_namespace_limit = 100_000
    output_stream_limit = 200_000


def _environment(markdown: bool) -> Environment:
    environment = _Bounded(undefined=_Absent, strict_filters=True)
    environment.tags = {name: tag for name, tag in environment.tags.items() if name in TAGS | _INTERNAL}
    environment.filters = {name: filter_ for name, filter_ in environment.filters.items() if name in FILTERS}
    if markdown:
        environment.add_tag(_Output)
    return environment


_PLAIN, _MARKDOWN = _environment(markdown=False), _environment(markdown=True)


def rendered(
    text: str, variables: Mapping[str, Any], *, markdown: bool = False, file: str = "template", first_line: int = 1
) -> str:
    """The text with its variables; what is known but absent is empty.

    Raises Mistakes naming file and line."""
    try:
        return str(_parsed(text, markdown).render(**_complete(variables)))
    except LiquidError as error:
        raise Mistakes([_mistake(error, file, first_line)]) from error


def check(text: str, file: str, first_line: int = 1) -> Iterator[Mistake]:
    """Every mistake of a template; `first_line` is the line of the file it begins on."""
    try:
        analysis = _parsed(text, False).analyze(include_partials=False)
    except LiquidError as error:
        yield _unclosed(text, error, file, first_line) or _mistake(error, file, first_line)
        return
    for name, spans in analysis.filters.items():
        if name not in FILTERS:
            for span in spans:
                yield _at(text, span.index, file, first_line, one_of(name, "a filter", FILTERS, "filters are"))
    for variables in analysis.globals.values():
        for variable in variables:
            words = _unknown(variable.segments)
            if words:
                yield _at(text, variable.span.index, file, first_line, words)


def event_fields(text: str) -> set[str]:
    """The parts of `event` a template speaks of; empty where it cannot be read."""
    try:
        found = _parsed(text, False).analyze(include_partials=False).globals.get("event", [])
    except LiquidError:
        return set()
    return {str(variable.segments[1]) for variable in found if len(variable.segments) > 1}


def _unknown(segments: list[Any]) -> str | None:
    name = str(segments[0])
    if name not in VARIABLES:
        return one_of(name, "a variable", VARIABLES, "variables are")
    parts = VARIABLES[name]
    if not parts:
        return f"{name} is a text and has no parts" if len(segments) > 1 else None
    if len(segments) > 2:
        return f"{name}.{segments[1]} is a text and has no parts"
    if len(segments) == 1:
        return (
            f"{name!r} is not a text; write one of its parts: {', '.join(f'{name}.{part}' for part in sorted(parts))}"
        )
    return None if str(segments[1]) in parts else one_of(str(segments[1]), f"a part of {name}", parts, "parts are")


@lru_cache(maxsize=512)
def _parsed(text: str, markdown: bool) -> BoundTemplate:
    return (_MARKDOWN if markdown else _PLAIN).from_string(text)


def _complete(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a message may speak of, None where it is not given."""
    complete: dict[str, Any] = {}
    for name, parts in VARIABLES.items():
        value = variables.get(name)
        if parts:
            complete[name] = {**dict.fromkeys(parts), **{part: _text(its) for part, its in (value or {}).items()}}
        else:
            complete[name] = _Link(value) if name in LINKS and value else value
    return complete


def _text(value: object) -> object:
    """A part as people read it: an amount of money is a text, like `120.00 USD`."""
    return str(Money.model_validate(value)) if isinstance(value, dict) and "minor" in value else value


def _unclosed(text: str, error: LiquidError, file: str, first_line: int) -> Mistake | None:
    """A block without its end, told where it begins: the parser tells only that the text was over."""
    missing = re.match(r"expected tag end(\w+)", str(error.message))
    if missing is None:
        return None
    name, open_ = missing[1], [0]
    for tag in re.finditer(rf"\{{%-?\s*(end)?{name}\b", text):
        open_ = open_[:-1] if tag[1] else [*open_, tag.start()]
    words = f"{{% {name} %}} has no end; write {{% end{name} %}} after what belongs to it"
    return _at(text, open_[-1] if open_ else 0, file, first_line, words)


def _mistake(error: LiquidError, file: str, first_line: int) -> Mistake:
    token = error.token
    words = str(error.message)
    if token is None or token.start_index < 0:
        return Mistake(file, first_line, 1, words, RULE)
    return _at(token.source, token.start_index, file, first_line, words)


def _at(text: str, index: int, file: str, first_line: int, words: str) -> Mistake:
    before = text[:index]
    return Mistake(file, first_line + before.count("\n"), index - before.rfind("\n"), words, RULE)
