"""An order with the vendor's action that carries it out, and what the vendor guarantees for a repeat of it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta

from models.effect import Order
from platforms.base import Action, Call, Findable, Idempotent, Platform, PlatformSettings, Reply, Unsafe
from platforms.capabilities import Receipt
from store.governance import No, NotYet


class MustAsk(Exception):
    """Nobody but an operator can tell whether it happened."""


class MustWait(Exception):
    """The vendor's look-up may lag."""

    def __init__(self, seconds: float) -> None:
        super().__init__("waiting until the vendor's look-up can be trusted")
        self.seconds = seconds


@dataclass(frozen=True)
class Errand:
    """One order on its way to its vendor."""

    order: Order
    platform: Platform
    settings: PlatformSettings
    action: Action

    @property
    def find(self) -> Callable[..., Generator[Call, Reply, Receipt | None]] | None:
        """How the vendor is asked whether it happened, where it can be asked."""
        repeat = self.action.repeat
        return None if isinstance(repeat, Unsafe) or self.settings.missing() else repeat.find

    @property
    def harmless(self) -> timedelta:
        """For how long after the first call another one does no harm."""
        repeat = self.action.repeat
        return (repeat.within or timedelta.max) if isinstance(repeat, Idempotent) else timedelta()

    @property
    def lag(self) -> timedelta:
        """For how long after a call the vendor may not find what it made."""
        repeat = self.action.repeat
        return repeat.after if isinstance(repeat, Findable) else timedelta()

    @property
    def perhaps(self) -> str:
        return f"{self.platform.label} may have done it already"

    def cannot_be_asked(self, verdict: No | NotYet | None) -> str:
        """Why only a person can tell. `verdict`: what forbids the call that would do no harm."""
        repeat, why = self.action.repeat, ""
        if verdict is not None:
            why = f"It is not called again: {verdict.reason}"
        elif missing := self.settings.missing():
            why = f"It is not configured: set {', '.join(missing)}"
        elif isinstance(repeat, Unsafe):
            why = repeat.how
        elif isinstance(repeat, Idempotent) and repeat.within is not None:
            why = f"It remembers a key for {repeat.within} only"
        return f"{self.perhaps}, and cannot be asked. {why}".strip()
