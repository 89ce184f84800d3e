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
        if record["fields"].get("Ovation_Ref") and not record["converted"]:
            yield record["fields"]["Ovation_Ref"], record["fields"]["Ovation_Stage"]


def dynamics(books: Any) -> Shown:
    """A qualified lead is closed: from then on its opportunity is told."""
    deals = {deal["_originatingleadid_value"]: deal for deal in books["rows"]["opportunities"].values()}
    for lead in books["rows"]["leads"].values():
        yield lead["new_ovationref"], deals.get(lead["leadid"], lead)["new_ovationstage"]


def salesforce_leads(books: Any) -> Shown:
    """A converted lead is closed: from then on its deal is told."""
    for lead in books["records"]["Lead"].values():
        deal = books["records"]["Opportunity"].get(lead["ConvertedOpportunityId"], lead)
        yield lead["Ovation_Ref__c"], deal["Ovation_Stage__c"]


def salesforce_rows(books: Any) -> Shown:
    for row in books["records"]["Referral__c"].values():
        yield row["Ovation_Ref__c"], row["Status__c"]


def hubspot(books: Any) -> Shown:
    for deal in books["deals"].values():
        yield deal["properties"]["ovation_referral"], deal["properties"]["dealstage"]


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
    """A ticket is opened once; what it says afterwards is the team's."""
    for ticket in books["tickets"].values():
        yield ticket["fields"]["external_id"].removeprefix("ovation:"), ""


OURS = {"qualified": "qualified", "won": "won", "lost": "lost"}
TITLES = {"qualified": "Qualified", "won": "Won", "lost": "Lost"}

SHOWN: dict[str, tuple[str, Callable[[Any], Shown], dict[str, str]]] = {
    "Pipedrive deals": ("pipedrive", pipedrive, {"qualified": "stage 3", "won": "won", "lost": "lost"}),
    "Zoho leads and deals": ("zoho", zoho, OURS),
    "Dynamics leads": ("dynamics", dynamics, OURS),
    "Salesforce leads": ("salesforce", salesforce_leads, OURS),
    "Salesforce rows": ("salesforce", salesforce_rows, TITLES),
    "HubSpot deals": ("hubspot", hubspot, {"qualified": "qualifiedtobuy", "won": "closedwon", "lost": "closedlost"}),
    "Trello cards": ("trello", trello, TITLES),
    "Airtable rows": ("airtable", airtable, TITLES),
    "Notion pages": ("notion", notion, TITLES),
    "Google Sheets rows": ("google_sheets", google_sheets, TITLES),
    "Zendesk tickets": ("zendesk", zendesk, dict.fromkeys(OURS, "")),
}
"""What → whose books, how they are read, and the vendor's word for each of our stages."""
