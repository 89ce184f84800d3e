"""Refunds in parts."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.mistakes import Mistake

_OF_MONEY = frozenset({"take_back_reward", "attribute_revenue"})


def refunds_grow(desk: Desk) -> Iterator[Mistake]:
    """What moves money after a refund does so after each of its parts.

    A sale may be refunded in parts. A reaction to `referral.refunded` without `each: event.refund` follows the first
    part alone: the advocate would keep the reward for a sale of which nothing is left."""
    for written in desk.playbooks:
        if written.model.about != "referral":
            continue
        for name, reaction in written.model.reactions.items():
            moves_money = any(action.verb in _OF_MONEY for action in reaction.do)
            if reaction.on == "referral.refunded" and moves_money and "refund" not in (reaction.each or ""):
                words = "a refund may grow, and this would follow its first part alone: add each: event.refund"
                yield written.mistake(["reactions", name, "on"], words)
