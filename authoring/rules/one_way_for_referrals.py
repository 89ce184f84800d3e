"""Playbooks about referrals."""

from collections.abc import Iterator

from authoring.desk import Desk, doings
from authoring.mistakes import Mistake
from models.effect import FRIEND
from models.playbook import Action

REFERRAL_ONLY = frozenset(
    {"update_lead", "update_card", "update_row", "open_ticket", "request_files", "recognize"}
    | {"invite_payee", "pay_reward", "take_back_reward"}
)
"""Verbs that need a referral to speak of."""


def one_way_for_referrals(desk: Desk) -> Iterator[Mistake]:
    """One playbook follows referrals, and what needs a referral is written there, or in a reaction to one.

    Two playbooks `about: referral` would follow the same person twice. `pay_reward` in a step of an advocate's playbook
    would not know for which referral, and `to: friend` would not know who that is."""
    followers = [written for written in desk.playbooks if written.model.about == "referral"]
    for second in followers[1:]:
        words = f"{followers[0].model.playbook} follows referrals already: a referral is followed by one playbook"
        yield second.mistake(["about"], words)
    for written in desk.playbooks:
        if written.model.about == "referral":
            continue
        for path, doing in doings(written.model):
            if getattr(doing, "on", "").startswith("referral."):
                continue
            for number, action in enumerate(doing.do):
                words = _needs(action)
                if words:
                    words = f"{words} needs a referral: write it in a playbook with about: referral"
                    yield written.mistake([*path, "do", number], words)


def _needs(action: Action) -> str:
    """What of an action needs a referral, or empty."""
    if action.verb in REFERRAL_ONLY:
        return action.verb
    meant = next((name for name in ("to", "who") if action.params.get(name) == FRIEND), None)
    return f"{action.verb} with {meant}: {FRIEND}" if meant else ""
