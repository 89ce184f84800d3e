"""Rewards: the account they go to, the payment, and what is taken back. The last look at money is `store/reward.py`."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.kit import CannotDo, Kit
from models.base import Json
from models.effect import Order
from platforms.capabilities import InvitePayee, PayReward, Receipt, TakeBack, Who
from store import payout
from store.governance import Withhold
from store.ledger import Look
from store.payee import keep_payee, payee_of
from store.reward import owe


async def invite_payee(look: Look, kit: Kit) -> InvitePayee:
    """An account at the payer for whoever is to be paid; nothing to do where it can be paid already."""
    reward = kit.program.rewards[look.order.params["reward"]]
    if reward.wallet != "cash":
        raise Withhold(f"a reward in {reward.wallet} needs no account")
    row = await look.referral()
    if row is not None and row.status in ("lost", "refunded"):
        raise Withhold(f"the sale was {row.status}")
    beneficiary = look.contact
    if reward.to == "friend":
        friend = await look.contact_of(None if row is None else row.friend_id)
        if friend is None:
            raise Withhold("nobody knows who was referred")
        beneficiary = friend
    known = await payee_of(look.conn, beneficiary.id, look.order.platform or "")
    if known is not None and known.payable:
        raise Withhold("their account can be paid already")
    page = kit.links.payout(beneficiary.id)
    return InvitePayee(
        who=Who.of(beneficiary),
        country=kit.program.payouts.country,
        account=None if known is None else known.account,
        return_url=kit.links.hub(beneficiary.id),
        refresh_url=page,
    )


async def pay_reward(look: Look, kit: Kit) -> PayReward:
    """One reward, if it is due, allowed, within the budget, approved, and there is somewhere to send it."""
    try:
        owed = await owe(look, look.order.params["reward"])
    except ValueError as error:
        raise CannotDo(str(error)) from error
    return PayReward(
        who=Who.of(owed.beneficiary),
        reward=owed.id,
        amount=owed.amount,
        wallet=kit.program.rewards[look.order.params["reward"]].wallet,
        account=owed.account,
        code=owed.code,
        description=f"{kit.program.company}: thank you for a referral",
    )


async def take_back_reward(look: Look, kit: Kit) -> TakeBack:
    """What is not due any more of a reward that was paid."""
    try:
        over = await payout.excess(look, look.order.params["reward"])
    except ValueError as error:
        raise CannotDo(str(error)) from error
    if not over.payment:
        raise CannotDo("the payer's id of the payment is not known: take it back there by hand, then skip the step")
    return TakeBack(
        reward=over.reward, payment=over.payment, account=over.account, amount=over.amount, wallet=over.wallet
    )


async def invited(conn: AsyncConnection, order: Order, request: Json, receipt: Receipt, at: datetime) -> None:
    """The account is known; whether money can go there, the payer says. Of what is only said to have happened it may
    not be known: the payer's own word tells it."""
    asked = InvitePayee.model_validate(request)
    account = receipt.reference or asked.account
    if account is None:
        return
    await keep_payee(
        conn,
        asked.who.contact,
        order.platform or "",
        account,
        payable=receipt.facts.get("payable") is True,
        referral=order.referral,
        at=at,
    )


async def paid(conn: AsyncConnection, order: Order, request: Json, receipt: Receipt, at: datetime) -> None:
    asked, code = PayReward.model_validate(request), receipt.facts.get("code")
    said = None if code is None else str(code)
    await payout.paid(conn, order.key, receipt.reference, said, at, asked.reward, asked.amount)


async def taken_back(conn: AsyncConnection, order: Order, request: Json, receipt: Receipt, at: datetime) -> None:
    asked = TakeBack.model_validate(request)
    await payout.taken_back(conn, order.key, asked.reward, asked.amount, receipt.reference, at)
