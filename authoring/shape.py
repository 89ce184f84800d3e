"""From what pydantic found to mistakes a marketer can mend: where it stands, what was found, what is allowed."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from authoring.mistakes import Mistake, one_of, shortened
from authoring.source import Document, Where
from models.effect import EFFECTS

RULE = "shape"

_FORMS = {
    r"^[a-z][a-z0-9_-]{0,63}$": "a name is lower-case letters, digits, - and _, and begins with a letter",
    r"^[a-z0-9][a-z0-9-]*$": "a message's name is lower-case letters, digits and -, like its file without .md",
}

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "time_parsing": "a time of day, like 20:00",
    "time_type": "a time of day, like 20:00",
    "time_delta_type": "a duration, like 48 hours or 3 days",
    "time_delta_parsing": "a duration, like 48 hours or 3 days",
}


def mistakes_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Mistake]:
    """Every mistake the model found in the document."""
    return [_mistake(detail, document, model) for detail in error.errors()]


def _mistake(detail: ErrorDetails, document: Document, model: type[BaseModel]) -> Mistake:
    kind, last = detail["type"], detail["loc"][-1] if detail["loc"] else ""
    path, taken = _as_written(detail["loc"], document)
    if kind == "extra_forbidden":
        around = taken or _type_at(model, path[:-1])
        return document.mistake(path, one_of(last, "a key here", _keys(around), "keys are"), RULE, key=True)
    if kind == "missing":
        return document.mistake(path[:-1], f"{last!r} is missing", RULE, key=True)
    if last == "[key]":
        return document.mistake(path[:-1], _words(detail), RULE, key=True)
    return document.mistake(path, _words(detail), RULE)


def _as_written(path: Where, document: Document) -> tuple[Where, type[BaseModel] | None]:
    """The path with the verb of an action in it, which the models leave out, and what the verb takes."""
    value = document.content
    for number, part in enumerate(path):
        if number > 1 and path[number - 2] == "do" and isinstance(value, dict) and len(value) == 1:
            verb = next(iter(value))
            if verb in EFFECTS and part != verb:
                return [*path[:number], verb, *path[number:]], EFFECTS[verb].takes
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
    return path, None


def _words(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return shortened(detail["msg"].removeprefix("Value error, "))
    if kind == "literal_error":
        known = [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        return one_of(value, "allowed here", known, "allowed are")
    if kind == "string_pattern_mismatch":
        return f"{value!r} is not allowed: {_FORMS.get(context['pattern'], 'it must match ' + context['pattern'])}"
    if kind == "list_type" and isinstance(value, str):
        return f"{value!r} is not a list; write [{value}]"
    if kind == "too_short":
        return "must not be empty"
    if kind in _WANTED:
        return f"{_brief(value)} is not {_WANTED[kind]}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _brief(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "what is here"
    return repr(value) if len(repr(value)) <= 60 else "what is here"


def _keys(model: object) -> list[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [info.alias or name for name, info in model.model_fields.items()]


def _type_at(found: Any, path: Where) -> Any:
    """The model a path leads to; None where it leads to no model."""
    if isinstance(found, type) and issubclass(found, BaseModel):
        if not path:
            return found
        fields = {info.alias or name: info for name, info in found.model_fields.items()}
        return _type_at(fields[str(path[0])].annotation, path[1:]) if path[0] in fields else None
    origin, inner = get_origin(found), get_args(found)
    if origin is Annotated:
        return _type_at(inner[0], path)
    if origin in (list, dict) and path:
        return _type_at(inner[-1], path[1:])
    if origin in (Union, UnionType):
        return next((at for kind in inner if (at := _type_at(kind, path)) is not None), None)
    return None
