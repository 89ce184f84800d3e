"""Prevents: a company that changes its CRM, and its thank-yous stop: everything particular to a CRM is in its folder.

The shipped program and playbooks, and the same with one word changed: `hubspot` to `salesforce`. Playbook 17's first
day works on both; in the second world HubSpot is never called.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.conftest import time_skipping
from tests.world import PLAYBOOKS, PROGRAM, World, world

ADA, BO = "ada@example.com", "bo@new.example"
LIST = "Customer Advisory Board Prospects"


async def _tagged_at_hubspot(one: World) -> None:
    """A workflow of HubSpot's sets the property."""
    properties = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
    await one.move("hubspot", "contact", email=ADA, properties=properties)
    await one.move("hubspot", "tag", email=ADA, property="referral_given", value="true")


async def _tagged_at_salesforce(one: World) -> None:
    """Somebody ticks the box; a flow calls us out."""
    values = {"FirstName": "Ada", "LastName": "Lovelace"}
    await one.move("salesforce", "contact", email=ADA, values=values)
    await one.move("salesforce", "tag", email=ADA)


def _at_hubspot(books: Any) -> tuple[list[str], list[str], list[str]]:
    """The members of the list, the titles of tasks, the companies that were referred."""
    emails = {number: one["properties"]["email"] for number, one in books["contacts"].items()}
    members = [emails[n] for group in books["lists"].values() if group["name"] == LIST for n in group["members"]]
    titles = [task["properties"]["hs_task_subject"] for task in books["tasks"].values()]
    return members, titles, [deal["properties"]["dealname"].partition(",")[0] for deal in books["deals"].values()]


def _at_salesforce(books: Any) -> tuple[list[str], list[str], list[str]]:
    records = books["records"]
    campaigns = [c["Id"] for c in records["Campaign"].values() if c["Name"] == LIST]
    members = [
        records["Contact"][one["ContactId"]]["Email"]
        for one in records["CampaignMember"].values()
        if one["CampaignId"] in campaigns
    ]
    titles = [task["Subject"] for task in records["Task"].values()]
    return members, titles, [one["Company"] for one in records["Lead"].values()]


CRMS: dict[str, tuple[Callable[[World], Awaitable[None]], Callable[[Any], tuple[list[str], list[str], list[str]]]]] = {
    "hubspot": (_tagged_at_hubspot, _at_hubspot),
    "salesforce": (_tagged_at_salesforce, _at_salesforce),
}


def _program(crm: str, folder: Path) -> Path:
    """program.yaml as it is shipped, with this CRM. Comments are the shipped file's own."""
    changed = folder / "program.yaml"
    changed.write_text(
        PROGRAM.read_text().replace("crm: hubspot", f"crm: {crm}").replace("leads: hubspot", f"leads: {crm}")
    )
    return changed


@pytest.mark.parametrize("crm", CRMS)
async def test_the_first_day_works_on_either(crm: str, database_url: str, tmp_path: Path) -> None:
    tagged, shown = CRMS[crm]
    async with (
        time_skipping() as env,
        world(env.client, database_url, now=_clock(env), program=_program(crm, tmp_path), playbooks=PLAYBOOKS) as one,
    ):
        await tagged(one)
        gift = await one.done("gift", "send_gift")
        assert gift.request["name"] == "Ada Lovelace"
        for step, effect in (
            ("advisory_list", "add_to_list"),
            ("advisory_list", "notify"),
            ("personal_call", "task"),
        ):
            await one.done(step, effect)
        await _referred(one, env)
        members, titles, leads = shown(await one.books(crm))
        assert members == [ADA]
        assert titles == ["Call Ada yourself, or leave a voicemail"]
        assert leads == ["New"]
        for other in CRMS.keys() - {crm}:
            assert await one.outbox(other) == [], f"{other} is not this company's CRM"
        [heard] = await one.sql("SELECT source FROM inbox WHERE type = 'contact.tagged'")
        assert heard.source == crm


async def _referred(one: World, env: WorkflowEnvironment) -> None:
    """Ada names Bo, who becomes a lead."""
    now = await env.get_current_time()
    person = {"first_name": "Bo", "last_name": "Chen", "company": "New"}
    await one.report("referral.submitted", f"email:{BO}", "bo", at=now, referred_by=f"email:{ADA}", person=person)
    lead = await one.done("lead", "update_lead")
    assert lead.request["stage"] == "accepted"


def _clock(env: WorkflowEnvironment) -> Callable[[], Awaitable[Any]]:
    async def now() -> Any:
        return await env.get_current_time()

    return now
