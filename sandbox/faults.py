"""Faults: how a vendor misbehaves on request, so many times, after so many requests that went well.

- `429`, `500`: the vendor's own answer, and nothing was done.
- `slow`: it is done at once, and answered after `seconds`.
- `reset`: the connection is reset without an answer, and nothing was done.
- `accept_then_drop`: it is done, and the connection closed without an answer.
- `duplicate_webhook`: a webhook goes out twice; `count` and `after` count webhooks.
"""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Kind = Literal["429", "500", "slow", "reset", "accept_then_drop", "duplicate_webhook"]
KINDS: tuple[Kind, ...] = ("429", "500", "slow", "reset", "accept_then_drop", "duplicate_webhook")


class Fault(BaseModel):
    """`count` and `after` are what is left of them. With several faults for a platform, `after` counts for each from
    the moment it was set, and the oldest that is due comes first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    platform: str
    kind: Kind
    count: int = Field(default=1, ge=1, le=1_000_000)
    after: int = Field(default=0, ge=0, le=1_000_000)
    seconds: float = Field(default=5.0, ge=0, le=600)


class NotAFault(ValueError):
    """What was wrong with the request for a fault, in one sentence a field."""


class Faults:
    """Those in force, for the platforms that are there."""

    def __init__(self, platforms: Collection[str]) -> None:
        self._platforms = platforms
        self.active: list[Fault] = []

    def set(self, given: Any) -> Fault:
        """Puts a fault in force. Raises NotAFault."""
        try:
            fault = Fault.model_validate(given)
        except ValidationError as error:
            raise NotAFault("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None
        if fault.platform not in self._platforms:
            known = ", ".join(self._platforms) or "none"
            raise NotAFault(f"platform: there is no stand-in {fault.platform!r}; there are: {known}")
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        self.active.clear()

    def for_request(self, platform: str) -> Fault | None:
        """The fault that this request meets."""
        return self._next(platform, webhooks=False) if self.active else None

    def doubles_webhook(self, platform: str) -> bool:
        """Whether this webhook goes out twice."""
        return bool(self.active) and self._next(platform, webhooks=True) is not None

    def _next(self, platform: str, *, webhooks: bool) -> Fault | None:
        due = None
        for fault in self.active:
            if fault.platform != platform or (fault.kind == "duplicate_webhook") != webhooks:
                continue
            if fault.after:
                fault.after -= 1
            elif due is None:
                due = fault
        if due is not None:
            due.count -= 1
            self.active = [fault for fault in self.active if fault.count]
        return due


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, where)) or 'body'}: {message}"
