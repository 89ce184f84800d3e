"""What people do at the vendors, and what we are to hear of it. Written by hand, from what a colleague would expect."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.world import PHONE, World, until

PATIENCE = 90.0
"""Seconds; two shared cores may be slow."""
AT_ONCE = 3
"""Referrals on their way at a time: all effects of one advocate's wait for each other at her row."""
ADA, EVE = "ada@engines.example", "eve@looms.example"


def friend_of(vendor: str) -> str:
    """The friend whose referral is moved at this vendor."""
    return f"bo@{vendor.replace('_', '-')}-friends.example"


class Move(NamedTuple):
    """Somebody moves a referral at a vendor, and that is news: an event of type `tells`, once."""

    name: str
    given: Mapping[str, Any]
    tells: str


VERDICTS: dict[str, list[Move]] = {
    "trello": [Move("move", {"list": "Qualified"}, "referral.qualified")],
    "airtable": [Move("status", {"status": "Qualified"}, "referral.qualified")],
    "notion": [Move("status", {"status": "Lost"}, "referral.lost")],
    "zendesk": [Move("treat", {"status": "solved"}, "referral.qualified")],
    "pipedrive": [Move("win", {"value": 400, "currency": "USD"}, "referral.closed")],
    "zoho": [
        Move("status", {"status": "Pre-Qualified"}, "referral.qualified"),
        Move("convert", {}, ""),
        Move("stage", {"stage": "Closed Won", "amount": 900}, "referral.closed"),
    ],
    "dynamics": [Move("qualify", {}, "referral.qualified"), Move("win", {"amount": 700}, "referral.closed")],
    "salesforce": [Move("convert", {}, "referral.qualified"), Move("win", {"amount": 8000}, "referral.closed")],
    "hubspot": [Move("deal", {"stage": "closedwon", "amount": "600"}, "referral.closed")],
}
"""Vendor → what people do there with the referral of its own friend, one after the other."""

END = {
    "trello": "qualified", "airtable": "qualified", "notion": "lost", "zendesk": "qualified", "pipedrive": "won",
    "zoho": "won", "dynamics": "won", "salesforce": "won", "hubspot": "won",
}  # fmt: skip
"""Vendor → how far the referral that is moved there comes, everywhere."""

OPT_OUTS: dict[str, tuple[str, Mapping[str, Any], str]] = {
    "twilio": ("reply", {"number": "+12025550100", "text": "STOP"}, friend_of("trello")),
    "mailchimp": ("unsubscribe", {"email": friend_of("airtable")}, friend_of("airtable")),
    "activecampaign": ("unsubscribe", {"email": friend_of("notion")}, friend_of("notion")),
    "sendgrid": ("unsubscribe", {"email": friend_of("zendesk")}, friend_of("zendesk")),
    "pipedrive": ("unsubscribe", {"email": friend_of("pipedrive")}, friend_of("pipedrive")),
    "zoho": ("opt_out", {"email": friend_of("dynamics")}, friend_of("dynamics")),
    "dynamics": ("opt_out", {"email": EVE}, EVE),
    "salesforce": ("opt_out", {"email": friend_of("salesforce")}, friend_of("salesforce")),
    "hubspot": ("tag", {"email": EVE, "property": "hs_email_optout", "value": "true"}, EVE),
    "delighted": ("unsubscribe", {"email": friend_of("zoho")}, friend_of("zoho")),
    "intercom": ("unsubscribe", {"email": ADA}, ADA),
}
"""Vendor → how somebody says there that they want no more, and who it was."""


async def advocates_answer(world: World) -> None:
    """Two customers whom the CRM and the product know give a nine and a ten."""
    for number, email in enumerate((ADA, EVE)):
        names = {"firstname": email.partition("@")[0].title(), "lastname": "Byron"}
        await world.move("hubspot", "contact", email=email, properties={**names, "phone": f"+1202555019{number}"})
        await world.move("intercom", "sign_up", email=email)
        await world.move("dynamics", "contact", email=email)
    await world.move("delighted", "answer", email=ADA, score=10)
    await world.move("wootric", "answer", email=EVE, score=9)


async def friends_write(world: World) -> None:
    """Ada's friends come by her code, one for each vendor at which people will move a referral."""
    page = str(world.app.state.gateway.links.hub(await world.contact_id(ADA)))
    code = re.search(r"/r/([\w-]+)", (await world.http.get(page, headers=PHONE)).text)
    assert code is not None
    for number, vendor in enumerate(VERDICTS):
        person = {"first_name": "Bo", "last_name": vendor.title(), "phone": f"+1202555010{number}"}
        person |= {"company": f"{vendor.title()} & Friends"}
        subject = f"email:{friend_of(vendor)}"
        await world.report("referral.submitted", subject, vendor, referral_code=code[1], person=person)
        if number % AT_ONCE == AT_ONCE - 1:
            await settled(world)


async def colleagues_decide(world: World) -> None:
    """Every referral is moved where its turn is; each move is heard before the next."""
    vendors = list(VERDICTS)
    for first in range(0, len(vendors), AT_ONCE):
        await asyncio.gather(*(_decide(world, vendor) for vendor in vendors[first : first + AT_ONCE]))


async def _decide(world: World, vendor: str) -> None:
    referral = await referral_of(world, vendor)
    for move in VERDICTS[vendor]:
        await world.move(vendor, move.name, referral=referral, **move.given)
        if move.tells:
            await heard(world, vendor, move.tells, friend_of(vendor))
            await settled(world, referral)


async def referral_of(world: World, vendor: str) -> str:
    query = "SELECT r.id FROM referrals r JOIN contacts c ON c.id = r.friend_id WHERE c.email = :email"
    [row] = await world.sql(query, email=friend_of(vendor))
    return str(row.id)


async def everybody_leaves(world: World) -> None:
    for vendor, (name, given, who) in OPT_OUTS.items():
        await world.move(vendor, name, **given)
        await heard(world, vendor, "contact.opted_out", who)


async def the_rest_happens(world: World) -> None:
    """Boxes arrive, an advocate signs and opens an account, papers come in, colleagues tick off their tasks."""
    for gift in await world.effects(effect="send_gift"):
        await world.move("boxli", "ship", external_reference=gift.key)
        if gift.contact_id == await world.contact_id(ADA):  # before the carrier says so: her check-in is seconds away
            await world.move("boxli", "scan", external_reference=gift.key)
        await world.move("boxli", "deliver", external_reference=gift.key)
    await world.move("sendspark", "view", contactEmail=ADA)
    await world.move("docusign", "sign")
    [account] = (await world.books("stripe"))["accounts"]
    await world.move("stripe", "onboard", account=account)
    dear = await referral_of(world, "salesforce")
    await world.move("dropbox", "upload", referral=dear)
    await world.move("asana", "complete", effect=f"{dear}/lead/assign@asana")
    await world.move("dynamics", "complete", key=f"{dear}/lead/assign@dynamics")
    for source, event_type in (
        ("dropbox", "files.received"),
        ("asana", "task.completed"),
        ("dynamics", "task.completed"),
    ):
        await heard(world, source, event_type, ADA)


async def inbox(world: World) -> list[tuple[str, str, str]]:
    """Everything we heard: from whom, what, about whom. A referral's event is about the friend."""
    query = """SELECT source, type, email FROM inbox
        LEFT JOIN contacts ON contacts.id = coalesce(data->>'friend', contact_id) ORDER BY position"""
    return [(row.source, row.type, str(row.email)) for row in await world.sql(query)]


async def heard(world: World, source: str, event_type: str, who: str) -> None:
    async def there() -> bool:
        return (source, event_type, who) in await inbox(world)

    await until(there, f"nobody heard {event_type} of {who} from {source}", PATIENCE)


async def settled(world: World, journey: str = "") -> None:
    """Waits until for a second nothing has begun or ended, of one journey or of all, and nothing is on its way.

    Rewards are not waited for: they have a window to let pass."""
    last: Any = None
    calm = 0
    for _ in range(int(PATIENCE / 0.25)):
        await asyncio.sleep(0.25)
        state = await world.sql(_AT_WORK, journey=journey)
        calm = calm + 1 if state == last and all(row.settled for row in state) else 0
        last = state
        if calm >= 5:
            return
    raise AssertionError(f"it never came to rest: {[tuple(row) for row in last if not row.settled]}")


_AT_WORK = """
    SELECT key, status IN ('done', 'withheld', 'refused') AS settled, status, reason FROM effects
        WHERE effect <> 'pay_reward' AND :journey IN ('', journey_id)
    UNION ALL SELECT id, false, type, last_error FROM inbox WHERE handed_at IS NULL
    ORDER BY key"""
