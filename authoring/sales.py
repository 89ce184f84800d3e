"""What becomes of money in a dry run: which sales stand, which rewards were paid, whether there is an account.

Prevents a forecast of payouts that pays for sales the file says were refunded, and a letter about an account to an
advocate who has one. Amounts are not reckoned: a reward is paid, or it is not.
"""

from dataclasses import dataclass, field

from models.base import Json
from models.effect import Order


@dataclass
class Sales:
    """One advocate's. What is decided here follows the last look at money (`store/reward.py`, `store/payout.py`)."""

    worth: dict[str, int | None] = field(default_factory=dict)
    """Referral → what it was sold for, in minor units; None where nobody said."""
    reversed: dict[str, str] = field(default_factory=dict)
    """Referral → `lost` or `refunded`, where nothing is left of the sale."""
    paid: set[tuple[str, str]] = field(default_factory=set)
    invited: bool = False

    def hear(self, event_type: str, data: Json) -> None:
        """An event of the file. A sale that was reversed stays so; a lead that was given up may still be won."""
        referral = str(data.get("referral"))
        if event_type == "referral.closed" and referral not in self.worth:
            self.worth[referral] = _minor(data)
            self.reversed.pop(referral, None)
        elif event_type == "referral.lost":
            self.reversed.setdefault(referral, "lost")
        elif event_type == "referral.refunded" and referral in self.worth:
            sold, back = self.worth[referral], _minor(data)
            if back is None or back >= (sold or 0):
                self.reversed[referral] = "refunded"

    def refusal(self, order: Order, referral: str | None) -> str | None:
        """Why money does not move; None when it does."""
        if order.effect == "pay_reward" and referral in self.reversed:
            return f"the sale was {self.reversed[referral]}"
        if order.effect == "take_back_reward" and (referral, order.params["reward"]) not in self.paid:
            return "nothing was paid for it"
        if order.effect == "invite_payee" and self.invited:
            return "their account can be paid already"
        return None

    def done(self, order: Order, referral: str | None) -> tuple[str, Json] | None:
        """The event that moving money leads to. Whoever is invited is taken to complete their account."""
        if referral is None:
            return None
        if order.effect == "invite_payee":
            self.invited = True
            return "payee.invited", {"referral": referral}
        reward: Json = {"reward": f"{referral}/{order.params.get('reward')}", "referral": referral}
        if order.effect == "pay_reward":
            self.paid.add((referral, order.params["reward"]))
            return "reward.paid", reward
        return ("reward.taken_back", reward) if order.effect == "take_back_reward" else None


def _minor(data: Json) -> int | None:
    amount = data.get("amount")
    return int(amount["minor"]) if isinstance(amount, dict) else None
