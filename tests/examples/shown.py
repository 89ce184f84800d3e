"""How each vendor's own books show our referrals: (our id, the vendor's word for how far it has come), one a record."""

from collections.abc import Callable, Iterable
from typing import Any

from platforms.pipedrive.stand_in import STAND_IN as PIPEDRIVE
from platforms.trello.stand_in_books import LISTS

Shown = Iterable[tuple[str, str]]

_REFERRAL = PIPEDRIVE.settings().referral_field  # type: ignore[attr-defined]


def pipedrive(books: Any) -> Shown:
    for deal in books["deals"].values():
        yield (
            deal["custom_fields"][_REFERRAL],
            deal["status"] if deal["status"] != "open" else f"stage {deal['stage_id']}",
        )


def zoho(books: Any) -> Shown:
    """A converted lead lives on as its deal."""
    for record in books["records"].values():
        fields = record["fields"]
        if fields.get("Ovation_Ref") and not record["converted"]:
            yield fields["Ovation_Ref"], fields["Lead_Status" if record["module"] == "Leads" else "Stage"]


def dynamics(books: Any) -> Shown:
    for lead in books["rows"]["leads"].values():
        yield lead["new_ovationref"], lead["new_ovationstage"]


def salesforce_leads(books: Any) -> Shown:
    for lead in books["records"]["Lead"].values():
        yield lead["Ovation_Ref__c"], lead["Ovation_Stage__c"]


def salesforce_rows(books: Any) -> Shown:
    for row in books["records"]["Referral__c"].values():
        yield row["Ovation_Ref__c"], row["Status__c"]


def hubspot(books: Any) -> Shown:
    for deal in books["deals"].values():
        yield deal["properties"]["ovation_ref"], deal["properties"]["dealstage"]


def trello(books: Any) -> Shown:
    for card in books["cards"].values():
        yield card["desc"].partition("`ovation:")[2].partition("`")[0], LISTS[card["idList"]]


def airtable(books: Any) -> Shown:
    for row in books["rows"].values():
        yield row["cells"]["fldRef0000000000"], row["cells"]["fldStatus00000000"]


def notion(books: Any) -> Shown:
    for page in books["pages"].values():
        yield page["values"]["Ovation ref"], page["values"]["Status"]


def google_sheets(books: Any) -> Shown:
    header, *rows = books["tabs"]["0"]["rows"]
    for row in rows:
        yield row[header.index("Ovation ref")], row[header.index("Status")]


def zendesk(books: Any) -> Shown:
    for ticket in books["tickets"].values():
        if ticket["fields"].get("external_id"):
            yield ticket["fields"]["external_id"].removeprefix("ovation:"), ticket["fields"]["status"]


SHOWN: dict[str, tuple[str, Callable[[Any], Shown]]] = {
    "Pipedrive deals": ("pipedrive", pipedrive),
    "Zoho leads and deals": ("zoho", zoho),
    "Dynamics leads": ("dynamics", dynamics),
    "Salesforce leads": ("salesforce", salesforce_leads),
    "Salesforce rows": ("salesforce", salesforce_rows),
    "HubSpot deals": ("hubspot", hubspot),
    "Trello cards": ("trello", trello),
    "Airtable rows": ("airtable", airtable),
    "Notion pages": ("notion", notion),
    "Google Sheets rows": ("google_sheets", google_sheets),
    "Zendesk tickets": ("zendesk", zendesk),
}
