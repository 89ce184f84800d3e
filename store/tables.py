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
    _at("created_at", nullable=False, server_default=func.now()),
    _at("updated_at", nullable=False, server_default=func.now()),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, Identity(), nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("contact_id", Text, index=True),
    Column("journey_id", Text),
    _at("at", nullable=False),
    _at("received_at", nullable=False, server_default=func.now()),
    Column("data", JSONB, nullable=False),
    _at("handed_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("not_before", nullable=False, server_default=func.now()),
    Column("last_error", Text),
    UniqueConstraint("source", "source_id"),
    Index("ix_inbox_waiting", "position", postgresql_where=text("handed_at IS NULL")),
)

journeys = Table(
    "journeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("contact_id", Text, nullable=False, index=True),
    Column("event_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("start", JSONB, nullable=False),
    _at("started_at", nullable=False),
    _at("opened_at", nullable=False, server_default=func.now()),
    _at("seen_running_at"),
    _at("ended_at"),
    Column("ended_because", Text),
    Index("uq_journeys_running", "playbook", "contact_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    UniqueConstraint("playbook", "event_id"),
)

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
    _at("lease_until"),
    _at("settled_at"),
    _at("due_at"),
    _at("deadline_at"),
    Index("ix_effects_contact_id_settled_at", "contact_id", "settled_at"),
    Index("ix_effects_reference", "reference"),
)
"""The ledger: one row for each thing that is done once."""

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
    Column("referred_id", Text),
    Column("external_id", Text, unique=True),
    Column("status", Text, nullable=False, server_default="submitted"),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    _at("created_at", nullable=False, server_default=func.now()),
    _at("closed_at"),
    UniqueConstraint("advocate_id", "referred_id"),
)

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
