"""What playbooks ask of platforms, in the business's words: typed actions in, one typed receipt out.

A capability is a name (`crm`, `gifts`, `leads`, `payouts` …) that program.yaml binds to a platform; the classes
below are what a platform of that capability is asked to do. All of them may hold personal data and are kept, rendered,
in the ledger until the effect is settled: so a repeat sends the same bytes.
"""

from typing import Literal

from pydantic import Field

from models.base import Instant, Json, Personal
from models.contact import Address, Contact, Identity, Person
from models.money import Money


class Who(Personal):
    """The contact an action is about. `contact` is our id; `identities` hold vendors' ids (`hubspot`, `salesforce`)."""

    contact: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    csm_email: str | None = None
    identities: list[Identity] = Field(default_factory=list)

    @classmethod
    def of(cls, contact: Contact) -> "Who":
        return cls(
            contact=contact.id,
            email=contact.email,
            first_name=contact.first_name,
            last_name=contact.last_name,
            company=contact.company,
            csm_email=contact.csm_email,
            identities=contact.identities,
        )

    def known_as(self, kind: str) -> str | None:
        return next((i.value for i in self.identities if i.kind == kind), None)


class FindContact(Personal):
    """crm: read the contact as the CRM knows them now. The receipt's `person` is None when they are unknown there."""

    who: Who


class AddToList(Personal):
    """crm: put the contact on a list (HubSpot list, Salesforce campaign), made if absent; the contact too."""

    who: Who
    list: str


class CreateTask(Personal):
    """crm: a task for `owner_email`, due at an instant; a call task where the CRM knows such."""

    who: Who
    title: str
    notes: str = ""
    owner_email: str | None = None
    due: Instant
    call: bool = False


class WriteNote(Personal):
    """crm: a note on the contact."""

    who: Who
    text: str
    at: Instant


class AttributeRevenue(Personal):
    """crm: `referral` brought `amount`; the advocate's `total` is absolute, so that repeating it changes nothing."""

    who: Who
    referral: str
    amount: Money
    total: Money
    closed_at: Instant


class MakeVideo(Personal):
    """video: a personal video from `campaign`, recorded once, with the first name as the only variable."""

    campaign: str
    first_name: str
    email: str
    company: str | None = None
    webhook_url: str | None = None


class SendGift(Personal):
    """gifts: one box. Without an address the vendor is to ask the recipient for it."""

    box: str
    name: str
    email: str | None = None
    company: str | None = None
    address: Address | None = None
    video_url: str | None = None
    qr_url: str | None = None
    note: str | None = None
    first_in_line: bool = False


class PostMessage(Personal):
    """chat: a message to a channel, or to a colleague by e-mail address. `text` is plain; the platform escapes it."""

    channel: str | None = None
    person_email: str | None = None
    title: str
    text: str


class SendEmail(Personal):
    """email: one message to one person. `unsubscribe_url` accepts the one-click POST of RFC 8058."""

    to: str
    to_name: str | None = None
    subject: str
    text: str
    html: str
    template: str | None = None
    variables: Json = Field(default_factory=dict)
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    category: str = "ovation"


Stage = Literal["submitted", "accepted", "qualified", "won", "lost", "disqualified"]
"""How far a referral has come, in our words; a platform's settings may name its own word for each."""


class Referral(Personal):
    """A referral as other systems are to show it: absolute, so that telling it twice changes nothing.

    `referral` is our id and the key it is found by. `person` is who was referred. `amount` is the deal's worth, known
    when won. `link` is where a colleague reads more. `notes` is plain text of ours."""

    referral: str
    advocate: Who
    person: Who
    stage: Stage
    amount: Money | None = None
    owner_email: str | None = None
    link: str | None = None
    notes: str = ""
    submitted_at: Instant
    at: Instant


class PutLead(Referral):
    """leads: the lead or deal of this referral, made if absent, moved to its stage, its note kept in step."""


class PutCard(Referral):
    """boards: a card that moves with the deal."""


class PutRow(Referral):
    """records: one row for this referral, made if absent, brought up to date if not."""


class OpenTicket(Referral):
    """tickets: one ticket for this referral, for support or verification. `subject` and `text` are what it says."""

    subject: str
    text: str


class Enroll(Personal):
    """audiences: put a person into `audience` (a list, tag or automation by its name at the vendor).

    Someone who left there stays away: an opt-out at the vendor is respected, and told as `opted_out`."""

    who: Who
    audience: str
    fields: dict[str, str] = Field(default_factory=dict)


class SendText(Personal):
    """texts: one SMS or WhatsApp message. `to` is E.164. The message names the sender and how to stop."""

    to: str
    text: str
    whatsapp: bool = False


class SendInApp(Personal):
    """in_app: a message inside the product, from a colleague. `text` is plain."""

    who: Who
    text: str


class RequestSignature(Personal):
    """agreements: an envelope from `template` to be signed by the advocate, once for each `key`."""

    who: Who
    template: str
    role: str = "Advocate"
    title: str


class RequestFiles(Personal):
    """files: a folder and a request for files, for a referral of high value. The receipt's `url` is the upload page."""

    referral: str
    title: str
    description: str = ""
    deadline: Instant | None = None


Wallet = Literal["cash", "credit", "code"]
"""Cash to the advocate's own account; credit on their next invoice; a promotion code."""


class InvitePayee(Personal):
    """payouts: the advocate's account with the payer, made if absent, and a page where they complete it.

    The receipt's `reference` is the account; `facts["payable"]` says whether money can go there now; `url` is the page
    for them, short-lived."""

    who: Who
    country: str
    account: str | None = None
    return_url: str
    refresh_url: str


class PayReward(Personal):
    """payouts: one reward, once. `account` is the payee or customer at the payer; not needed for a code."""

    who: Who
    reward: str
    amount: Money
    wallet: Wallet = "cash"
    account: str | None = None
    code: str | None = None
    description: str = ""


class TakeBack(Personal):
    """payouts: all or part of a reward that was paid, taken back. `payment` is the vendor's reference of that."""

    reward: str
    payment: str
    account: str | None = None
    amount: Money
    wallet: Wallet = "cash"


class Receipt(Personal):
    """What the vendor said. `reference` is the vendor's id of what was made; `facts` hold ids only and may be shown.

    `pending`: accepted, and the vendor is still at work; it is looked up again after `look_again` seconds, or as soon
    as an event of type `wakes_on` comes. `person` and `identities` are what a CRM told about the contact."""

    reference: str | None = None
    facts: Json = Field(default_factory=dict)
    url: str | None = None
    pending: bool = False
    look_again: float = 120.0
    wakes_on: str | None = None
    person: Person | None = None
    identities: list[Identity] = Field(default_factory=list)
    opted_out: bool = False


CAPABILITIES: dict[str, tuple[type[Personal], ...]] = {
    "crm": (FindContact, AddToList, CreateTask, WriteNote, AttributeRevenue),
    "gifts": (SendGift,),
    "video": (MakeVideo,),
    "chat": (PostMessage,),
    "email": (SendEmail,),
    "leads": (PutLead,),
    "boards": (PutCard,),
    "records": (PutRow,),
    "tickets": (OpenTicket,),
    "tasks": (CreateTask,),
    "audiences": (Enroll,),
    "texts": (SendText,),
    "in_app": (SendInApp,),
    "agreements": (RequestSignature,),
    "files": (RequestFiles,),
    "payouts": (InvitePayee, PayReward, TakeBack),
}
"""Capability → the actions a platform must declare to be bound to it."""
