"""Doing an effect: claim with a last look, call, close. Every effect of every platform goes this one way.

What an error means is decided from its kind and from what the vendor guarantees for this action; never guessed. What
may have happened before is looked up; if it had not happened, it is claimed afresh, with a last look like any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio.exceptions import ApplicationError

from activities import agreement, contact, gift, message, referral, revenue, reward, team
from activities.errand import Errand, MustAsk, MustWait
from activities.kit import CannotDo, Kit
from authoring.mistakes import Mistakes
from models.base import Json, Personal
from models.effect import Order, Outcome
from platforms import capabilities as able
from platforms.base import Call, Platform, PlatformSettings, Reply, Unsafe
from platforms.capabilities import Receipt
from platforms.errors import InDoubt, RateLimited, Rejected, Unauthorized, Unavailable, VendorError
from platforms.runner import Runner, personal_words
from store import contact as contacts
from store import ledger
from store.database import now
from store.governance import No, NotYet
from store.ledger import Busy, Erased, Look, Mine, Settled

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
        if settings.missing() and not (order.found or order.over):
            return _unconfigured(order, platform, settings, await ledger.in_doubt(self.engine, order.key))
        prepare, takes = DOERS[order.effect]
        action = platform.action(takes)
        if action is None:
            return Outcome(kind="refused", reason=f"{platform.label} cannot do this: bind another platform")
        errand = Errand(order, platform, settings, action)
        for _ in range(2):  # what had not happened is claimed afresh, once
            outcome = await self._attempt(errand, prepare)
            if outcome is not None:
                return outcome
        raise _again("another attempt came in between", doubt=True)

    async def _attempt(self, errand: Errand, prepare: Prepare) -> Outcome | None:
        """None when it may have happened before, and surely had not: now it is open."""
        order = errand.order
        try:
            async with self.claiming:
                claim = await ledger.claim(
                    self.engine, order, self.kit.program, self._prepared(prepare), errand.harmless
                )
        except CannotDo as error:
            return Outcome(kind="refused", reason=str(error))
        except Erased as error:
            return Outcome(kind="withheld", reason=str(error))
        match claim:
            case Mine(verdict=NotYet() as wait) if errand.find is None:
                return _not_yet(wait, doubt=await self._give_back(order, claim, doubt=True))
            case Mine():
                return await self._carry_out(errand, claim)
            case Settled(status=status, reason=reason):
                return _settled(status, reason, claim.facts)
            case Busy(for_=left):
                at, words = max(order.now, now()) + left, "another attempt may still be under way"
                return Outcome(kind="not_before", at=at, reason=words, doubt=True)
            case No(reason=reason):
                return Outcome(kind="withheld", reason=reason)
            case NotYet():
                return _not_yet(claim, doubt=False)

    def _prepared(self, prepare: Prepare) -> ledger.Prepare:
        """What program.yaml or the messages lost is for a person to put back, and never a reason to withhold."""

        async def prepared(look: Look) -> Personal:
            try:
                return await prepare(look, self.kit)
            except KeyError as error:
                words = f"there is no {error} in program.yaml any more: put it back, then retry; or skip the step"
                raise CannotDo(words) from error
            except (LookupError, Mistakes) as error:
                raise CannotDo(str(error)) from error

        return prepared

    async def _carry_out(self, errand: Errand, mine: Mine) -> Outcome | None:
        order = errand.order
        try:
            receipt = await self._receipt(errand, mine)
        except MustAsk as doubt:
            return await self._unsure(order, str(doubt))
        except MustWait as wait:
            raise _again(str(wait), await self._give_back(order, mine, doubt=True), wait.seconds) from wait
        except VendorError as error:
            return await self._failed(errand, mine, error)
        if receipt is None:
            return await self._had_not_happened(order, mine)
        about = _about(errand.action.takes.model_validate(mine.request), order)
        if receipt.identities or receipt.person or receipt.opted_out:
            await contacts.learn_from(
                self.engine, about, receipt.identities, receipt.person, opted_out=receipt.opted_out
            )
        if receipt.opted_out and about == order.contact:
            return await self._withheld(order, f"they opted out at {errand.platform.label}")
        return await self._closed(order, receipt, mine)

    async def _receipt(self, errand: Errand, mine: Mine) -> Receipt | None:
        """The vendor's, by the talk that is right after what may have happened before. None when it had not happened.

        Of what is said to have happened it is whatever can be found."""
        if mine.mode != "look":
            return cast(Receipt, await self._hold(errand, mine, errand.action.talk))
        if not errand.order.found:
            return await self._look_up(errand, mine)
        try:
            return await self._look_up(errand, mine) or Receipt()
        except (MustAsk, Rejected, Unauthorized):
            return Receipt()

    async def _look_up(self, errand: Errand, mine: Mine) -> Receipt | None:
        """What the vendor finds; None when it surely did not happen. Raises MustAsk where that cannot be told."""
        if errand.find is None:
            raise MustAsk(errand.cannot_be_asked(mine.verdict))
        since = mine.at - mine.sent_at
        if mine.was != "pending" and since < errand.lag:
            raise MustWait((errand.lag - since).total_seconds())
        try:
            return cast(Receipt | None, await self._hold(errand, mine, errand.find))
        except (InDoubt, Rejected) as blind:
            if mine.was == "pending" and isinstance(blind, Rejected) and blind.status is None:
                raise  # no doubt: the vendor tells that what it took will not come
            raise MustAsk(f"{errand.perhaps}, and cannot tell: {blind}") from blind

    async def _hold(self, errand: Errand, mine: Mine, talk: Callable[..., Generator[Call, Reply, Any]]) -> Any:
        request = errand.action.takes.model_validate(mine.request)
        return await self.runner.hold(
            errand.platform,
            errand.settings,
            talk(request, errand.order.key, errand.settings),
            key=errand.order.key,
            personal=personal_words(mine.request),
        )

    async def _had_not_happened(self, order: Order, mine: Mine) -> Outcome | None:
        if order.over:
            return await self._withheld(order, f"it had not happened, and is {ledger.NOT_WANTED}")
        await ledger.give_back(self.engine, order.key, mine, "open")
        return None

    async def _closed(self, order: Order, receipt: Receipt, mine: Mine) -> Outcome:
        status: ledger.Status = "pending" if receipt.pending else "done"
        reason = ledger.SAID if order.found and receipt == Receipt() else ""
        await ledger.close(
            self.engine,
            order.key,
            status,
            reason=reason,
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
                doubt=True,
            )
        return Outcome(kind="done", reason=reason, facts=receipt.facts)

    async def _withheld(self, order: Order, reason: str) -> Outcome:
        await ledger.close(self.engine, order.key, "withheld", reason=reason)
        return Outcome(kind="withheld", reason=reason)

    async def _unsure(self, order: Order, reason: str) -> Outcome:
        await ledger.close(self.engine, order.key, "doubted", reason=reason)
        return Outcome(kind="unsure", reason=reason)

    async def _failed(self, errand: Errand, mine: Mine, error: VendorError) -> Outcome:
        order, words = errand.order, f"{errand.platform.label}: {error}"
        match error:
            case Rejected():
                if order.over:
                    return await self._withheld(order, words)
                await ledger.close(self.engine, order.key, "refused", reason=words)
                return Outcome(kind="refused", reason=words)
            case Unauthorized():
                doubt = await self._give_back(order, mine, doubt=error.partly)
                at = order.now + MEND
                return Outcome(kind="not_before", at=at, reason=words, attention=True, doubt=doubt)
            case RateLimited(retry_after=seconds):
                raise _again(words, await self._give_back(order, mine, doubt=error.partly), seconds) from error
            case InDoubt():
                return await self._doubted(errand, mine, words)
            case Unavailable() | VendorError():
                raise _again(words, await self._give_back(order, mine, doubt=error.partly)) from error

    async def _doubted(self, errand: Errand, mine: Mine, words: str) -> Outcome:
        """No reply, or a 5xx after a write: what follows depends on what the vendor guarantees."""
        repeat = errand.action.repeat
        if isinstance(repeat, Unsafe):
            return await self._unsure(errand.order, f"{words}. {repeat.how}".strip())
        doubt = await self._give_back(errand.order, mine, doubt=True)
        raise _again(words, doubt, max(errand.lag.total_seconds(), 2.0))

    async def _give_back(self, order: Order, mine: Mine, *, doubt: bool) -> bool:
        """Ends our lease; whether it may have happened. What was in doubt before stays so."""
        status: ledger.Status = "claimed" if doubt and mine.was == "open" else mine.was
        ours = await ledger.give_back(self.engine, order.key, mine, status)
        return status != "open" or not ours


def _about(request: Personal, order: Order) -> str:
    """Whom the vendor's answer tells of: the friend, where a referral was told."""
    who = request.person if isinstance(request, able.Referral) else getattr(request, "who", None)
    return order.contact if who is None else str(who.contact)


def _book(order: Order, receipt: Receipt, mine: Mine) -> ledger.Also | None:
    closer = BOOKS.get(order.effect)
    return None if closer is None else lambda conn: closer(conn, order, mine.request, receipt, mine.at)


def _again(words: str, doubt: bool, seconds: float | None = None) -> ApplicationError:
    """`doubt`: whether it may have happened; the workflow reads it, should this have been the last attempt."""
    delay = None if seconds is None else timedelta(seconds=seconds)
    return ApplicationError(words, doubt, type="TryAgain", next_retry_delay=delay)


def _unconfigured(order: Order, platform: Platform, settings: PlatformSettings, doubt: bool) -> Outcome:
    names = ", ".join(settings.missing())
    reason = f"{platform.label} is not configured: set {names}"
    return Outcome(kind="not_before", at=order.now + MEND, reason=reason, attention=True, doubt=doubt)


def _not_yet(wait: NotYet, doubt: bool) -> Outcome:
    return Outcome(
        kind="not_before",
        at=wait.at,
        reason=wait.reason,
        wakes_on=wait.wakes_on,
        attention=wait.attention,
        doubt=doubt,
    )


def _settled(status: str, reason: str, facts: dict[str, object]) -> Outcome:
    if status == "doubted":
        return Outcome(kind="unsure", reason=reason)
    return Outcome(kind="withheld" if status == "withheld" else "done", reason=reason, facts=facts)
