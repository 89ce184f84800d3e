"""One table of effects: what each takes, who performs it, on which queue and how long an attempt may take.

Workflows name effects from it, activities register under it, playbooks are checked against it; a test asks for exactly
one doer each. So no activity's name is written twice.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from models.base import Instant, Json, Model

CEL: Final = "cel"
"""Mark of a parameter that is a CEL expression, evaluated by the core when the effect begins."""
LIQUID: Final = "liquid"
"""Mark of a parameter that is a Liquid template, rendered by the effect's doer."""
MESSAGE: Final = "message"
"""Mark of a parameter that names a file in the playbooks' `messages/` folder."""

Expression = Annotated[str, CEL]
Template = Annotated[str, LIQUID, Field(min_length=1, max_length=500)]
MessageName = Annotated[str, MESSAGE, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]

FRIEND: Final = "friend"
"""The word for the referred person, where a parameter says who is meant."""

Purpose = Literal["gratitude", "ask", "service", "team"]
"""Why somebody hears from us. `team` is what only colleagues see."""


class MakeVideo(Model):
    """Have a personal video made; `video` names an entry of `videos` in program.yaml."""

    video: str


class SendGift(Model):
    """Order a gift box. With `video`, the video is made first and travels in the box."""

    box: str
    video: str | None = None
    qr: Literal["hub"] | None = None
    note: MessageName | None = None
    plain_video_after: str | None = None


class AddToList(Model):
    list: str = Field(min_length=1)


class Notify(Model):
    """A message to colleagues: the contact's success manager, or a team's channel."""

    csm: MessageName | None = None
    team: str | None = None
    message: MessageName | None = None


class Task(Model):
    """A task for a colleague in the CRM. `due` is a duration from now."""

    for_: Literal["csm"] = Field(default="csm", alias="for")
    title: Template
    notes: Template | None = None
    call: bool = False
    due: str = "1 day"


class Send(Model):
    """A message to the contact; in a referral's journey to the advocate, or to the friend who asked for it."""

    message: MessageName
    to: Literal["advocate", "friend"] = "advocate"


class Text(Model):
    """A short message to their telephone. Only what the message says as plain text is sent."""

    message: MessageName
    to: Literal["advocate", "friend"] = "advocate"


class InApp(Model):
    """A message inside the product."""

    message: MessageName
    to: Literal["advocate", "friend"] = "advocate"


class Enroll(Model):
    """Put them into an audience: a list, tag or automation by its name at the vendor."""

    audience: str = Field(min_length=1)
    who: Literal["advocate", "friend"] = "friend"


class UpdateLead(Model):
    """The lead or deal of this referral: made if absent, moved to its stage."""


class UpdateCard(Model):
    """The card of this referral on the team's board: made if absent, moved with the deal."""


class UpdateRow(Model):
    """The row of this referral in the team's tables: made if absent, kept in step."""


class OpenTicket(Model):
    """A ticket for this referral, for support or verification; `message` is what it says."""

    message: MessageName


class Assign(Model):
    """A task with an owner in the team's task list. `due` is a duration from now."""

    to: Literal["csm"] = "csm"
    title: Template
    notes: Template | None = None
    due: str = "1 day"


class RequestSignature(Model):
    """An envelope from a template at the signing service, for the advocate to sign."""

    template: str = Field(min_length=1)
    title: Template


class RequestFiles(Model):
    """A folder, and a request for files, for a referral of high value."""

    title: Template
    description: Template | None = None
    within: str = "14 days"


class InvitePayee(Model):
    """The beneficiary's account at the payer, and a page of ours where they complete it."""

    reward: str


class PayReward(Model):
    """Pay a reward of `rewards` in program.yaml, once."""

    reward: str


class TakeBackReward(Model):
    """Take back what was paid of a reward for a sale that was refunded, wholly or in part."""

    reward: str


class Recognize(Model):
    """The tier that the advocate's closed referrals have earned, by `tiers` in program.yaml."""


class Screen(Model):
    """Look at a referral before anything is owed for it: the fraud rules, each with its evidence."""


class Note(Model):
    """A note on the contact in the CRM."""

    text: Template


class AttributeRevenue(Model):
    """What a referral brought, on the advocate in the CRM: what is on record of it. `amount` changes nothing."""

    amount: Annotated[str | None, CEL] = None


class SetTier(Model):
    tier: Literal["none", "advocate", "champion", "elite"]


class Qualify(Model):
    """Read the contact afresh from the CRM and check the playbook's `only_for` rules."""

    rules: list[dict[str, str]] = Field(default_factory=list)


class Alert(Model):
    """Tell the team that a step needs a person: a deadline near or missed, a step that is stuck or in doubt."""

    about: str
    what: Literal["deadline near", "deadline missed", "stuck", "in doubt", "waiting for a fix"]
    detail: str = ""


class EndJourney(Model):
    reason: str


class EffectKind(Model):
    """`capability` names who performs it (a platform bound in program.yaml); None is our own database.

    `attempt` bounds one attempt; a lease in the ledger outlives it."""

    takes: type[Model]
    capability: str | None
    label: str
    shorthand: str | None = None
    """The one parameter that may be written alone: `add_to_list: Champions`."""
    internal: bool = False
    """Made by the engine, not to be written in a playbook."""
    attempt: timedelta = timedelta(seconds=30)


EFFECTS: dict[str, EffectKind] = {
    "qualify": EffectKind(takes=Qualify, capability="crm", label="check who this is", internal=True),
    "screen": EffectKind(takes=Screen, capability="crm", label="look at the referral", internal=True),
    "make_video": EffectKind(takes=MakeVideo, capability="video", label="make the personal video", internal=True),
    "send_gift": EffectKind(takes=SendGift, capability="gifts", label="send the gift"),
    "add_to_list": EffectKind(takes=AddToList, capability="crm", label="add to the list", shorthand="list"),
    "notify": EffectKind(takes=Notify, capability="chat", label="tell colleagues"),
    "task": EffectKind(takes=Task, capability="crm", label="give the success manager a task"),
    "send": EffectKind(takes=Send, capability="email", label="send the message", shorthand="message"),
    "text": EffectKind(takes=Text, capability="texts", label="send a text message", shorthand="message"),
    "in_app": EffectKind(takes=InApp, capability="in_app", label="write inside the product", shorthand="message"),
    "enroll": EffectKind(takes=Enroll, capability="audiences", label="put into an audience", shorthand="audience"),
    "update_lead": EffectKind(takes=UpdateLead, capability="leads", label="bring the lead up to date"),
    "update_card": EffectKind(takes=UpdateCard, capability="boards", label="move the card"),
    "update_row": EffectKind(takes=UpdateRow, capability="records", label="bring the row up to date"),
    "open_ticket": EffectKind(takes=OpenTicket, capability="tickets", label="open a ticket", shorthand="message"),
    "assign": EffectKind(takes=Assign, capability="tasks", label="assign a task", shorthand="title"),
    "request_signature": EffectKind(
        takes=RequestSignature, capability="agreements", label="send the agreement to be signed"
    ),
    "request_files": EffectKind(takes=RequestFiles, capability="files", label="ask for files", shorthand="title"),
    "invite_payee": EffectKind(
        takes=InvitePayee, capability="payouts", label="open their payout account", shorthand="reward"
    ),
    "pay_reward": EffectKind(takes=PayReward, capability="payouts", label="pay the reward", shorthand="reward"),
    "take_back_reward": EffectKind(
        takes=TakeBackReward, capability="payouts", label="take the reward back", shorthand="reward"
    ),
    "note": EffectKind(takes=Note, capability="crm", label="write a note", shorthand="text"),
    "attribute_revenue": EffectKind(
        takes=AttributeRevenue, capability="crm", label="attribute the revenue", shorthand="amount"
    ),
    "recognize": EffectKind(takes=Recognize, capability=None, label="recognize the advocate"),
    "set_tier": EffectKind(takes=SetTier, capability=None, label="set the tier", shorthand="tier"),
    "alert": EffectKind(takes=Alert, capability="chat", label="alert the team", internal=True),
    "end_journey": EffectKind(takes=EndJourney, capability=None, label="close the journey", internal=True),
}


class Decided(Model):
    """What a person decided where the program wants one to look: with their name and their reason, on record."""

    approved: bool
    by: str
    reason: str


class Order(Model):
    """One effect to be done once: the input of an activity. Ids, amounts and times only.

    `key` is journey/step/action; `facts` is what its event carried; `now` is the journey's time when it was begun."""

    key: str
    effect: str
    journey: str
    playbook: str
    contact: str
    step: str
    purpose: Purpose
    may_ask: bool = False
    hours: Literal["any", "business"] = "any"
    platform: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    facts: Json = Field(default_factory=dict)
    video_key: str | None = None
    """For a gift: the key of the effect that makes its video."""
    due: Instant
    now: Instant
    deadline: Instant | None = None
    resolved: bool = False
    """An operator looked and it had not happened: a doubt may be called again."""
    found: bool = False
    """An operator looked, or the vendor proved it: it did happen. It is closed, with its books, and not called."""
    over: bool = False
    """Nobody wants it any more. Whether it happened is found out, and it is not called."""
    decided: Decided | None = None

    @property
    def referral(self) -> str | None:
        """The referral it is about: the journey's own, or the one its event was about."""
        if self.journey.startswith("r_"):
            return self.journey
        named = self.facts.get("referral")
        return None if named is None else str(named)


class Outcome(Model):
    """What became of an effect.

    done: it happened, once. withheld: it must not happen, `reason` says why. not_before: try again at `at`, or as soon
    as an event of type `wakes_on` comes; with `attention` a person has to mend something first. refused: it did not
    happen and will not by itself. unsure: it may or may not have happened, and only a person can tell.

    `doubt`, of not_before: it may have happened already, or is under way at the vendor; the next attempt finds out."""

    kind: Literal["done", "withheld", "not_before", "refused", "unsure"]
    reason: str = ""
    at: Instant | None = None
    wakes_on: str | None = None
    attention: bool = False
    doubt: bool = False
    facts: Json = Field(default_factory=dict)
