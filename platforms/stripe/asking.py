"""Two ways to ask Stripe: a write that is done once, and a list that is read to its end.

The failure prevented: a payment made twice because its idempotency key had been forgotten, and a payment never made
because Stripe remembers a refusal for a day. So whoever writes looks for the thing first, by what we wrote on it; and a
refusal that is only replayed to us is followed by the next key of the same row, never a lost answer.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from platforms.base import Body, Call, Reply
from platforms.errors import Unavailable
from platforms.stripe.problem import refused, said

PREFIX: Final = "ovation/"
"""Every key of ours begins so; an event names the key of the request that caused it."""
EFFECT, REWARD, CONTACT = "ovation_effect", "ovation_reward", "ovation_contact"
"""Metadata that we write, and find things again by."""

KEYS = 5
PAGES, PAGE = 20, 100

_REFUSALS = (400, 402, 404)
_NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


def once(path: str, form: Mapping[str, str], name: str) -> Generator[Call, Reply, Reply]:
    """POST under the keys of `name`, in order, until an answer is news.

    A refusal was certain when it was first given: that key did nothing and, while it is kept, never will. A key whose
    answer was lost is asked again before any other, and then tells what became of it. Raises what a refusal means."""
    for number in range(1, KEYS + 1):
        key = f"{PREFIX}{name}" if number == 1 else f"{PREFIX}{name}/{number}"
        reply = yield Call.post(path, form=form, headers={"Idempotency-Key": key}, accepts=_REFUSALS)
        if reply.ok:
            return reply
        if reply.headers.get("idempotent-replayed") != "true" or said(reply).get("type") == "idempotency_error":
            raise refused(reply)
    raise Unavailable(f"Stripe remembers {KEYS} refusals of this for a day: the last was {refused(reply)}")


@dataclass(frozen=True)
class Listed:
    """What was chosen of a list. `whole` is False where it was too long to be read to its end."""

    items: list[Body]
    whole: bool

    @property
    def first(self) -> Body | None:
        return self.items[0] if self.items else None


def listed(
    path: str,
    wanted: Callable[[Body], bool],
    query: Mapping[str, str] = _NOTHING_MORE,
    *,
    one: bool = False,
) -> Generator[Call, Reply, Listed]:
    """GET a list, the newest first, page by page; with `one` only as far as the first that is wanted."""
    chosen: list[Body] = []
    asked = {"limit": str(PAGE), **query}
    for _ in range(PAGES):
        reply = yield Call.get(path, query=asked)
        page = reply.json["data"]
        chosen += [item for item in page if wanted(item)]
        if (one and chosen) or not reply.json["has_more"]:
            return Listed(chosen, whole=True)
        asked = {**asked, "starting_after": page[-1]["id"]}
    return Listed(chosen, whole=False)


def marked(item: Body, name: str, value: str) -> bool:
    """Whether this is what we wrote on it."""
    return (item.get("metadata") or {}).get(name) == value


def marks(**metadata: str) -> dict[str, str]:
    """Metadata as Stripe's form wants it."""
    return {f"metadata[{name}]": value for name, value in metadata.items()}
