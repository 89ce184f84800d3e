"""What went wrong, in one sentence: what, where, and how to mend it.

The failure prevented: a traceback where somebody mistyped a setting or a server is away, and in it what nobody should
read. A sentence names settings, files and states, never what a statement or a request carried. What is in nobody's
hands but ours is no trouble of this kind: it stays a traceback.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from temporalio.service import RPCError, RPCStatusCode

from authoring.mistakes import Mistakes
from starter.local.tether import StartFailed

NOT_DONE, WRONG_USE = 1, 2


@dataclass(frozen=True)
class Trouble:
    """`status` is the exit status: 1 not done, 2 wrong use."""

    words: str
    status: int = NOT_DONE


NO_DATABASE_URL = Trouble(
    "OVATION_DATABASE_URL is no address of a PostgreSQL: write it like postgresql://user@host/ovation", WRONG_USE
)


def trouble_of(error: BaseException) -> Trouble | None:
    """What a user can mend; None for a fault of ours."""
    match error:
        case Mistakes() | StartFailed():
            return Trouble(str(error))
        case KeyError() | IndexError():  # a slip of ours, though Python counts it as a LookupError
            return None
        case LookupError():
            return Trouble(str(error))
        case ValidationError():
            return _of_settings(error)
        case SettingsError():
            return Trouble(f"the environment is wrong: {error}", WRONG_USE)
        case ArgumentError() | NoSuchModuleError():
            return NO_DATABASE_URL
        case SQLAlchemyError():
            return Trouble(_of_database(error))
        case RPCError():
            return _of_temporal(error)
        case UnicodeError():
            return Trouble("something in it is no text: write it in UTF-8", WRONG_USE)
        case OSError() if error.errno != errno.EPIPE:
            return Trouble(_of_system(error))
        case ValueError() | RuntimeError():
            return _of_connecting(error)
    return None


def _of_settings(error: ValidationError) -> Trouble | None:
    """Which variables are wrong, if it was settings that were read. What was found there may be a secret."""
    prefixes = {kind.__name__: kind.model_config.get("env_prefix") or "" for kind in _kinds_of_settings(BaseSettings)}
    if error.title not in prefixes:
        return None
    found = [
        f"{prefixes[error.title]}{'__'.join(map(str, one['loc'])).upper()}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Trouble(f"the environment is wrong; set it right: {'; '.join(found)}", WRONG_USE)


def _kinds_of_settings(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds_of_settings(one)


def _of_database(error: SQLAlchemyError) -> str:
    """`store.database.connect` has taken the values out of a statement's error; its statement is not told either."""
    found = str(error.orig).strip() if isinstance(error, DBAPIError) else ""
    first = found.splitlines()[0] if found else type(error).__name__
    if "UndefinedTable" in first or "UndefinedColumn" in first:
        return "the database is not as this version needs it: run `ovation migrate`"
    if isinstance(error, OperationalError):
        return f"the database does not answer: {first}"
    return f"the database did not do it: {first}"


def is_unknown(error: RPCError) -> bool:
    """Whether Temporal has no such workflow. A namespace that it does not have says nothing about workflows."""
    return error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower()


def _of_temporal(error: RPCError) -> Trouble:
    if is_unknown(error):
        return Trouble("Temporal does not know it any more: `ovation journey list --all` shows what it knows")
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return Trouble("Temporal has no such namespace: set TEMPORAL_NAMESPACE to one that it has")
        case RPCStatusCode.UNAUTHENTICATED | RPCStatusCode.PERMISSION_DENIED:
            return Trouble("Temporal does not let us in: check TEMPORAL_API_KEY, TEMPORAL_NAMESPACE and its TLS")
        case (
            RPCStatusCode.UNAVAILABLE
            | RPCStatusCode.DEADLINE_EXCEEDED
            | RPCStatusCode.CANCELLED
            | RPCStatusCode.FAILED_PRECONDITION
        ):
            return Trouble(f"no answer from Temporal ({error.status.name}): does it run, and does a worker?")
    return Trouble(f"Temporal did not do it ({error.status.name}): its own log tells more")


def _of_system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}" if error.filename is not None else what


def _of_connecting(error: ValueError | RuntimeError) -> Trouble | None:
    """Temporal's SDK has no kinds of its own for what is wrong with an address."""
    words = str(error)
    if type(error).__module__ == "temporal_sdk_bridge":
        first = words.splitlines()[0]
        return Trouble(f"TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE is wrong: {first}", WRONG_USE)
    if words.startswith("invalid target URL"):
        return Trouble("TEMPORAL_ADDRESS is no address: write it like 127.0.0.1:7233", WRONG_USE)
    if isinstance(error, RuntimeError) and "connect" in words.lower():
        return Trouble(f"Temporal does not answer where TEMPORAL_ADDRESS says: {words.splitlines()[0]}")
    return None
