"""The tables. Every column that may hold personal data lives in `contacts`, `identities`, `inbox` or `effects`, so that
erasing a person is one transaction."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _at(name: str, **more: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), **more)  # type: ignore[arg-type]


contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("company", Text),
    Column("phone", Text),
    Column("time_zone", Text),
    Column("locale", Text),
    Column("region", Text),
    Column("address", JSONB),
    Column("csm_email", Text),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("tier", Text, nullable=False, server_default="none"),
    _at("opted_out_at"),
    _at("churned_at"),
    Column("merged_into", Text, ForeignKey("contacts.id"), index=True),
    _at("created_at", nullable=False, server_default=func.now()),
    _at("updated_at", nullable=False, server_default=func.now()),
)
"""`merged_into` is who they are by now, where two contacts turned out to be one person (`store/merge.py`). Who is named
there was never merged: no chain is longer than one."""

identities = Table(
    "identities",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
)

optouts = Table(
    "optouts",
    metadata,
    Column("mark", Text, primary_key=True),
    _at("at", nullable=False),
)
"""Opt-outs of people who were erased (`store/optouts.py`)."""

inbox = Table(
    "inbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, Identity(), nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text),
    Column("contact_id", Text, index=True),
    Column("journey_id", Text),
    _at("at", nullable=False),
    _at("received_at", nullable=False, server_default=func.now()),
    Column("data", JSONB, nullable=False),
    _at("handed_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("not_before", nullable=False, server_default=func.now()),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    Column("last_error", Text),
    UniqueConstraint("source", "source_id"),
    Index("ix_inbox_waiting", "position", postgresql_where=text("handed_at IS NULL")),
    Index("ix_inbox_refunds", text("(data ->> 'referral')"), postgresql_where=text("type = 'referral.refunded'")),
)

journeys = Table(
    "journeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("contact_id", Text, nullable=False, index=True),
    Column("subject_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("start", JSONB, nullable=False),
    _at("started_at", nullable=False),
    _at("opened_at", nullable=False, server_default=func.now()),
    _at("seen_running_at"),
    _at("ended_at"),
    Column("ended_because", Text),
    Index("uq_journeys_running", "playbook", "subject_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    UniqueConstraint("playbook", "event_id"),
)
"""`subject_id` is whose journey it is: the contact's, or a referral's, whose advocate then is the contact."""

"""`subject` is kept while nobody is known by it: a vendor may tell of a thing of ours before its receipt is here."""

entries = Table(
    "entries",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("playbook", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("journey_id", Text),
    Column("refused", Text),
    _at("at", nullable=False, server_default=func.now()),
)
"""Why somebody entered a playbook, or did not."""

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("journey_id", Text, nullable=False, index=True),
    Column("contact_id", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("platform", Text),
    Column("status", Text, nullable=False),
    Column("request", JSONB),
    Column("reference", Text),
    Column("url", Text),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("claimed_at"),
    _at("first_sent_at"),
    _at("last_sent_at"),
    _at("lease_until"),
    _at("resolved_at"),
    _at("settled_at"),
    _at("due_at"),
    _at("deadline_at"),
    Index("ix_effects_contact_id_settled_at", "contact_id", "settled_at"),
    Index("ix_effects_reference", "reference"),
)
"""The ledger: one row for each thing that is done once. `first_sent_at` and `last_sent_at` are of the body that is kept
in `request`; `resolved_at` is the order by which a person's word was used that it had not happened."""

codes = Table(
    "codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("contact_id", Text, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("effect_key", Text, unique=True),
    Index("uq_codes_referral", "contact_id", unique=True, postgresql_where=text("kind = 'referral'")),
)
"""Short codes: in a box's QR (kind `qr`), in a personal referral link (kind `referral`)."""

referrals = Table(
    "referrals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("advocate_id", Text, nullable=False, index=True),
    Column("friend_id", Text, index=True),
    Column("external_id", Text, unique=True),
    Column("how", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="submitted"),
    Column("verdict", Text),
    Column("notes", Text, nullable=False, server_default=""),
    Column("amount_minor", BigInteger),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text),
    _at("submitted_at", nullable=False, server_default=func.now()),
    _at("screened_at"),
    _at("qualified_at"),
    _at("closed_at"),
    _at("lost_at"),
    _at("refunded_at"),
    UniqueConstraint("advocate_id", "friend_id"),
)
"""`status` is how far the sale has come, `verdict` what was decided about the referral: allow, hold or deny."""

touches = Table(
    "touches",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("advocate_id", Text, nullable=False, index=True),
    Column("friend_id", Text, index=True),
    Column("referral_id", Text, index=True),
    Column("how", Text, nullable=False),
    Column("code", Text),
    Column("network", Text, index=True),
    Column("device", Text),
    Column("disputed", Boolean, nullable=False, server_default=text("false")),
    Column("detail", Text),
    _at("at", nullable=False, server_default=func.now()),
)
"""Who brought whom, by what, and when. `network` and `device` are keyed hashes, never addresses."""

findings = Table(
    "findings",
    metadata,
    Column("referral_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("weight", Integer, nullable=False),
    Column("words", Text, nullable=False),
    _at("at", nullable=False, server_default=func.now()),
)
"""Evidence of the fraud rules, for people to read."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("about", Text, nullable=False, index=True),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _at("at", nullable=False, server_default=func.now()),
)
"""What people decided about referrals and rewards, with their names and reasons."""

rewards = Table(
    "rewards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("referral_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("beneficiary_id", Text, nullable=False, index=True),
    Column("wallet", Text, nullable=False),
    Column("tier", Text, nullable=False, server_default="none"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("platform", Text),
    Column("effect_key", Text, index=True),
    Column("payment", Text),
    Column("code", Text),
    _at("at", nullable=False, server_default=func.now()),
    _at("claimed_at"),
    _at("paid_at"),
    UniqueConstraint("referral_id", "rule", "beneficiary_id"),
)
"""Money owed, once for each referral, rule and beneficiary. The id is made from the money's identity. `effect_key` is
of the effect that pays it; none has it to pay any more where a person gave the referral to somebody else."""

reward_entries = Table(
    "reward_entries",
    metadata,
    Column("effect_key", Text, primary_key=True),
    Column("reward_id", Text, ForeignKey("rewards.id"), nullable=False, index=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text),
    _at("at", nullable=False),
)
"""Money that moved: what was paid is positive, what was taken back negative. Never changed, only added to."""

payees = Table(
    "payees",
    metadata,
    Column("contact_id", Text, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("payable", Boolean, nullable=False, server_default=text("false")),
    _at("at", nullable=False, server_default=func.now()),
    Index("ix_payees_account", "account"),
)
"""Where somebody's money goes: their account at the payer."""

strays = Table(
    "strays",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("seen", Integer, nullable=False, server_default="1"),
    _at("first_at", nullable=False, server_default=func.now()),
    _at("last_at", nullable=False, server_default=func.now()),
)
"""Vendors' events that nobody listed: counted and shown."""

tokens = Table(
    "tokens",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    _at("expires_at"),
)
"""Access tokens, encrypted, shared by all workers."""

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("final", Boolean, nullable=False, server_default=text("false")),
)
"""Small facts the product keeps about itself, such as how far a poll has come."""
