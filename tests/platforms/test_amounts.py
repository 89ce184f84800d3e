"""Prevents: a deal that was won and of which no journey hears, because nobody filled in its amount, or a 0; a sale of
nothing, or of less, that is paid for.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import platforms
from models.event import Event
from platforms.airtable import AirtableSettings
from platforms.airtable import webhook as airtable
from platforms.dynamics import DynamicsSettings
from platforms.dynamics import news as dynamics
from platforms.hubspot import HubSpotSettings
from platforms.hubspot import news as hubspot
from platforms.notion import NotionSettings
from platforms.notion import webhook as notion
from platforms.pipedrive import PipedriveSettings
from platforms.pipedrive import news as pipedrive
from platforms.salesforce import SalesforceSettings
from platforms.salesforce import news as salesforce
from platforms.stripe import webhook as stripe
from platforms.zoho import ZohoSettings
from platforms.zoho import news as zoho

AT = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def of_airtable(amount: Any, currency: str) -> list[Event]:
    watched = airtable.Watched("tbl", {"referral": "fldR", "status": "fldS", "amount": "fldA", "currency": "fldC"})
    now = {"cellValuesByFieldId": {"fldS": {"name": "Won"}}}
    beside = {"cellValuesByFieldId": {"fldR": "r_1", "fldA": amount, "fldC": currency}}
    records = {"rec1": {"current": now, "unchanged": beside}}
    tables = {"tbl": {"changedRecordsById": records}}
    payload = {"timestamp": AT.isoformat(), "baseTransactionNumber": 4, "changedTablesById": tables}
    return airtable.events_of(payload, watched, AirtableSettings(base="app1"))


def of_dynamics(amount: Any, currency: str) -> list[Event]:
    row = {
        "opportunityid": "6f7e5a3c-9d0b-4d5e-8f6a-1b2c3d4e5f60",
        "statecode": 1,
        "actualvalue": amount,
        "transactioncurrencyid": {"isocurrencycode": currency},
        "originatingleadid": {"new_ovationref": "r_1"},
    }
    return dynamics.of_opportunity(row, AT, DynamicsSettings(prefix="new"))


def of_hubspot(amount: Any, currency: str) -> list[Event]:
    properties = {
        "ovation_referral": "r_1",
        "hs_is_closed_won": "true",
        "amount": str(amount),
        "deal_currency_code": currency,
        "hs_lastmodifieddate": "2026-01-15T10:00:00.000Z",
        "dealstage": "closedwon",
    }
    return hubspot.moved({"id": "1", "properties": properties}, HubSpotSettings())


def of_notion(amount: Any, currency: str) -> list[Event]:
    own = NotionSettings()
    held = {
        own.columns["referral"]: {"type": "rich_text", "rich_text": [{"plain_text": "r_1"}]},
        own.columns["status"]: {"type": "status", "status": {"name": own.stages["won"]}},
        own.columns["amount"]: {"type": "number", "number": amount},
        own.columns["currency"]: {"type": "rich_text", "rich_text": [{"plain_text": currency}]},
    }
    page = {"id": "p", "last_edited_time": "2026-01-15T10:00:00.000Z", "properties": held}
    return notion.event_of(page, own)


def of_pipedrive(amount: Any, currency: str) -> list[Event]:
    own = PipedriveSettings(referral_field="1" * 40, stage_field="2" * 40)
    deal = {"id": 31, "status": "won", "custom_fields": {"1" * 40: "r_1"}, "value": amount, "currency": currency}
    return pipedrive.deal_news(deal, AT, own)


def of_salesforce(amount: Any, currency: str) -> list[Event]:
    record = {
        "Id": "006000000000001AAA",
        "Ovation_Ref__c": "r_1",
        "IsClosed": True,
        "IsWon": True,
        "Amount": amount,
        "CurrencyIsoCode": currency,
    }
    return salesforce.moved("Opportunity", record, AT, SalesforceSettings())


def of_stripe(amount: Any, currency: str) -> list[Event]:
    path = Path(platforms.__file__).parent / "stripe" / "fixtures" / "payment_intent.succeeded__by_referral.json"
    body = json.loads(path.read_text())
    body["data"]["object"] |= {"amount_received": amount, "currency": currency.lower()}
    return stripe.sale_made(body)


def of_zoho(amount: Any, currency: str) -> list[Event]:
    own = ZohoSettings()
    record = {
        zoho.REF: "r_1",
        zoho.FIELDS["Deals"]: own.deal_stages["won"],
        "Amount": amount,
        "Currency": currency,
    }
    return zoho.moved("Deals", record, AT, own)


Told = Callable[[Any, str], list[Event]]
TOLD: list[Told] = [
    *(of_airtable, of_dynamics, of_hubspot, of_notion, of_pipedrive, of_salesforce, of_stripe, of_zoho),
]
each = pytest.mark.parametrize("told", TOLD, ids=lambda of: of.__name__.removeprefix("of_"))


@each
def test_an_amount_that_makes_sense_is_told(told: Told) -> None:
    [event] = told(120, "EUR")
    minor = 120 if told is of_stripe else 12_000
    assert (event.type, event.data["amount"]) == ("referral.closed", {"minor": minor, "currency": "EUR"})
    assert event.subject.text == ("ovation_referral:r_7" if told is of_stripe else "ovation_referral:r_1")


@each
def test_a_deal_whose_amount_is_0_is_heard_and_has_none_yet(told: Told) -> None:
    [event] = told(0, "EUR")
    assert event.type == "referral.closed"
    assert "amount" not in event.data


@pytest.mark.parametrize(("amount", "currency"), [(0.0, "EUR"), (0.001, "EUR"), (-120, "EUR"), (120, "ZZZ")])
@pytest.mark.parametrize("told", [of for of in TOLD if of is not of_stripe], ids=lambda of: of.__name__[3:])
def test_nor_has_one_whose_amount_makes_no_sense(told: Told, amount: Any, currency: str) -> None:
    """People type these fields. Their deal is won all the same."""
    [event] = told(amount, currency)
    assert event.type == "referral.closed"
    assert "amount" not in event.data
