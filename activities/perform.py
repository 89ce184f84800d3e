"""Doing an effect: claim with a last look, call, close. Every effect of every platform goes this one way.

What an error means is decided from its kind and from what the vendor guarantees for this action; never guessed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio.exceptions import ApplicationError

from activities import agreement, contact, gift, message, referral, revenue, reward, team
from activities.kit import CannotDo, Kit
from models.base import Json, Personal
from models.effect import Order, Outcome
from platforms import capabilities as able
from platforms.base import Action, Call, Findable, Idempotent, Platform, PlatformSettings, Reply, Unsafe
from platforms.capabilities import Receipt
from platforms.errors import InDoubt, RateLimited, Rejected, Unauthorized, Unavailable, VendorError
from platforms.runner import Runner, personal_words
from store import contact as contacts
from store import ledger
from store.database import now
from store.governance import No, NotYet
from store.ledger import Busy, Look, Mine, Settled

MEND = timedelta(minutes=15)
"""How long an effect waits for a person to mend the configuration before it is tried again."""

CLAIMS = 8
"""Claims at once. Those of one person wait for each other, each with a connection; without a bound they would hold the
whole pool, and what was done could not be written down in time."""

Prepare = Callable[[Look, Kit], Awaitable[Personal]]

DOERS: dict[str, tuple[Prepare, type[Personal]]] = {
    "make_video": (gift.make_video, able.MakeVideo),
    "send_gift": (gift.send_gift, able.SendGift),
    "add_to_list": (contact.add_to_list, able.AddToList),
    "notify": (team.notify, able.PostMessage),
    "alert": (team.alert, able.PostMessage),
    "task": (team.task, able.CreateTask),
    "assign": (team.task, able.CreateTask),
    "note": (team.note, able.WriteNote),
    "send": (message.send, able.SendEmail),
    "text": (message.text, able.SendText),
    "in_app": (message.in_app, able.SendInApp),
    "enroll": (message.enroll, able.Enroll),
    "attribute_revenue": (revenue.attribute_revenue, able.AttributeRevenue),
    "update_lead": (referral.update_lead, able.PutLead),
    "update_card": (referral.update_card, able.PutCard),
    "update_row": (referral.update_row, able.PutRow),
    "open_ticket": (referral.open_ticket, able.OpenTicket),
    "request_files": (referral.request_files, able.RequestFiles),
    "request_signature": (agreement.request_signature, able.RequestSignature),
    "invite_payee": (reward.invite_payee, able.InvitePayee),
    "pay_reward": (reward.pay_reward, able.PayReward),
    "take_back_reward": (reward.take_back_reward, able.TakeBack),
}
"""Effect → how its action is prepared, and the action a platform must be able to do."""

Closer = Callable[[AsyncConnection, Order, Json, Receipt, datetime], Awaitable[None]]

BOOKS: dict[str, Closer] = {
    "invite_payee": reward.invited,
    "pay_reward": reward.paid,
    "take_back_reward": reward.taken_back,
}
"""Effect → what is written, in the transaction that closes it, when it is done."""


@dataclass(frozen=True)
class Performer:
    """Carries out orders on platforms."""

    engine: AsyncEngine
    kit: Kit
    runner: Runner
    platforms: Mapping[str, tuple[Platform, PlatformSettings]]
    claiming: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CLAIMS))

    async def perform(self, order: Order) -> Outcome:
        """One attempt at an effect.

        Raises ApplicationError when Temporal is to try again; every other end is an outcome."""
        platform, settings = self.platforms[order.platform or ""]
        if settings.missing():
            return _unconfigured(order, platform, settings)
        prepare, takes = DOERS[order.effect]
        action = platform.action(takes)
        if action is None:
            return Outcome(kind="refused", reason=f"{platform.label} cannot do this: bind another platform")
        try:
            async with self.claiming:
                claim = await ledger.claim(self.engine, order, self.kit.program, lambda look: prepare(look, self.kit))
        except CannotDo as error:
            return Outcome(kind="refused", reason=str(error))
        except LookupError as error:
            return Outcome(kind="withheld", reason=str(error))
        match claim:
            case Mine():
                return await self._call(order, platform, settings, action, claim)
            case Settled(status=status, reason=reason):
                return _settled(status, reason, claim.facts)
            case Busy(for_=left):
                return Outcome(
                    kind="not_before", at=max(order.now, now()) + left, reason="another attempt may still be under way"
                )
            case No(reason=reason):
                return Outcome(kind="withheld", reason=reason)
            case NotYet():
                return Outcome(
                    kind="not_before",
                    at=claim.at,
                    reason=claim.reason,
                    wakes_on=claim.wakes_on,
                    attention=claim.attention,
                )

    async def _call(
        self, order: Order, platform: Platform, settings: PlatformSettings, action: Action, mine: Mine
    ) -> Outcome:
        request = action.takes.model_validate(mine.request)
        try:
            receipt = await self._hold(order, platform, settings, action, request, mine)
        except _MustAsk as doubt:
            await ledger.close(self.engine, order.key, "doubted", reason=str(doubt))
            return Outcome(kind="unsure", reason=str(doubt))
        except _MustWait as wait:
            await self._give_back(order, mine, doubt=True)
            raise _again(str(wait), wait.seconds) from wait
        except VendorError as error:
            return await self._failed(order, platform, action, mine, error)
        about = _about(request, order)
        if receipt.identities or receipt.person or receipt.opted_out:
            await contacts.learn_from(
                self.engine, about, receipt.identities, receipt.person, opted_out=receipt.opted_out
            )
        if receipt.opted_out and about == order.contact:
            reason = f"they opted out at {platform.label}"
            await ledger.close(self.engine, order.key, "withheld", reason=reason)
            return Outcome(kind="withheld", reason=reason)
        return await self._closed(order, receipt, mine)

    async def _hold(
        self,
        order: Order,
        platform: Platform,
        settings: PlatformSettings,
        action: Action,
        request: Personal,
        mine: Mine,
    ) -> Receipt:
        """The talk that is right after what may have happened before."""

        async def hold(talk: Callable[..., Generator[Call, Reply, Any]]) -> Any:
            return await self.runner.hold(
                platform,
                settings,
                talk(request, order.key, settings),
                key=order.key,
                personal=personal_words(mine.request),
            )

        repeat = action.repeat
        if mine.mode == "first":
            return cast(Receipt, await hold(action.talk))
        since = mine.at - mine.claimed_at
        if isinstance(repeat, Unsafe):
            raise _MustAsk(f"{platform.label} may have done it already, and cannot be asked. {repeat.how}".strip())
        if isinstance(repeat, Idempotent) and mine.mode == "again" and (not repeat.within or since < repeat.within):
            return cast(Receipt, await hold(action.talk))
        if repeat.find is None:
            raise _MustAsk(f"{platform.label} may have done it already; it remembers a key for {repeat.within} only")
        if isinstance(repeat, Findable) and mine.mode == "again" and since < repeat.after:
            raise _MustWait((repeat.after - since).total_seconds())
        try:
            found = await hold(repeat.find)
        except InDoubt as blind:
            if mine.mode == "look":
                raise
            raise _MustAsk(f"{platform.label} may have done it already, and cannot tell: {blind}") from blind
        return cast(Receipt, found if found is not None else await hold(action.talk))

    async def _closed(self, order: Order, receipt: Receipt, mine: Mine) -> Outcome:
        status: ledger.Status = "pending" if receipt.pending else "done"
        await ledger.close(
            self.engine,
            order.key,
            status,
            reference=receipt.reference,
            url=receipt.url,
            facts=receipt.facts,
            at=mine.at,
            also=None if receipt.pending else _book(order, receipt, mine),
        )
        if receipt.pending:
            return Outcome(
                kind="not_before",
                at=mine.at + timedelta(seconds=receipt.look_again),
                wakes_on=receipt.wakes_on,
                reason="the vendor is at work on it",
            )
        return Outcome(kind="done", facts=receipt.facts)

    async def _failed(
        self, order: Order, platform: Platform, action: Action, mine: Mine, error: VendorError
    ) -> Outcome:
        words = f"{platform.label}: {error}"
        match error:
            case Rejected():
                await ledger.close(self.engine, order.key, "refused", reason=words)
                return Outcome(kind="refused", reason=words)
            case Unauthorized():
                await self._give_back(order, mine, doubt=error.partly)
                return Outcome(kind="not_before", at=order.now + MEND, reason=words, attention=True)
            case RateLimited(retry_after=seconds):
                await self._give_back(order, mine, doubt=error.partly)
                raise _again(words, seconds) from error
            case InDoubt():
                return await self._doubted(order, action, mine, words)
            case Unavailable() | VendorError():
                await self._give_back(order, mine, doubt=error.partly)
                raise _again(words) from error

    async def _doubted(self, order: Order, action: Action, mine: Mine, words: str) -> Outcome:
        """No reply, or a 5xx after a write: what follows depends on what the vendor guarantees."""
        if isinstance(action.repeat, Unsafe):
            reason = f"{words}. {action.repeat.how}".strip()
            await ledger.close(self.engine, order.key, "doubted", reason=reason)
            return Outcome(kind="unsure", reason=reason)
        await self._give_back(order, mine, doubt=True)
        after = action.repeat.after if isinstance(action.repeat, Findable) else timedelta()
        raise _again(words, max(after.total_seconds(), 2.0))

    async def _give_back(self, order: Order, mine: Mine, *, doubt: bool = False) -> None:
        """Ends our lease. What may have happened before stays in doubt."""
        if mine.mode == "look":
            await ledger.close(self.engine, order.key, "pending")
        else:
            again = doubt or mine.mode == "again"
            await ledger.close(self.engine, order.key, "claimed" if again else "open")


def _about(request: Personal, order: Order) -> str:
    """Whom the vendor's answer tells of: the friend, where a referral was told."""
    who = request.person if isinstance(request, able.Referral) else getattr(request, "who", None)
    return order.contact if who is None else str(who.contact)


def _book(order: Order, receipt: Receipt, mine: Mine) -> ledger.Also | None:
    closer = BOOKS.get(order.effect)
    return None if closer is None else lambda conn: closer(conn, order, mine.request, receipt, mine.at)


class _MustAsk(Exception):
    """Nobody but an operator can tell whether it happened."""


class _MustWait(Exception):
    """The vendor's look-up may lag."""

    def __init__(self, seconds: float) -> None:
        super().__init__("waiting until the vendor's look-up can be trusted")
        self.seconds = seconds


def _again(words: str, seconds: float | None = None) -> ApplicationError:
    delay = None if seconds is None else timedelta(seconds=seconds)
    return ApplicationError(words, type="TryAgain", next_retry_delay=delay)


def _unconfigured(order: Order, platform: Platform, settings: PlatformSettings) -> Outcome:
    names = ", ".join(settings.missing())
    reason = f"{platform.label} is not configured: set {names}"
    return Outcome(kind="not_before", at=order.now + MEND, reason=reason, attention=True)


def _settled(status: str, reason: str, facts: dict[str, object]) -> Outcome:
    if status == "doubted":
        return Outcome(kind="unsure", reason=reason)
    return Outcome(kind="withheld" if status == "withheld" else "done", reason=reason, facts=facts)
