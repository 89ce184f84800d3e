"""What people are put into: a list, a tag or an automation, found by its name at ActiveCampaign.

The failure prevented: somebody sent through an automation twice. The vendor has no idempotency key, so it is read first
what they are in; an automation that they ever entered is not entered again by us.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

from platforms.activecampaign import contact
from platforms.activecampaign.problem import refused, said
from platforms.activecampaign.reading import API, everything, of_contact
from platforms.base import Body, Call, Reply
from platforms.errors import Rejected, Unauthorized

Kind = Literal["list", "automation", "tag"]
KINDS: tuple[Kind, ...] = ("list", "automation", "tag")
ACTIVE = "1"


@dataclass(frozen=True, slots=True)
class Audience:
    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class _Form:
    """Where things of a kind are listed and joined: `row` wraps one, `link` is the name of its id in a membership."""

    plural: str
    name: str
    joined: str
    link: str


_FORMS: dict[Kind, _Form] = {
    "list": _Form("lists", "name", "contactLists", "list"),
    "automation": _Form("automations", "name", "contactAutomations", "seriesid"),
    "tag": _Form("tags", "tag", "contactTags", "tag"),
}


def chosen(text: str, *, make: bool) -> Generator[Call, Reply, Audience | None]:
    """The audience of this name, of whichever kind; `tag:` and the like before the name say which.

    `make`: a tag after `tag:` is made if absent, and an automation must be switched on; else an absent tag is None.
    Raises Rejected for other unknown names, and for two things of one name."""
    kind, name = _parsed(text)
    found: list[tuple[Kind, Body]] = []
    for one in [kind] if kind else KINDS:
        rows = yield from _named(one, name)
        found += [(one, row) for row in rows]
    if not found and kind == "tag":
        return (yield from _made(name)) if make else None
    if len(found) != 1:
        raise Rejected(_explained(text, [k for k, _ in found]))
    [(kind, row)] = found
    if make and kind == "automation" and str(row.get("status")) != ACTIVE:
        raise Rejected(f"the automation {name!r} is switched off in ActiveCampaign: switch it on, then retry")
    return Audience(kind, str(row["id"]))


def membership(audience: Audience, number: str) -> Generator[Call, Reply, Body | None]:
    """What says that this contact is in the audience, or was: their newest row for it, None without one."""
    form = _FORMS[audience.kind]
    rows = yield from everything(of_contact(number, f"/{form.joined}"), form.joined)
    ours = [row for row in rows if str(row.get(form.link)) == audience.id]
    return max(ours, key=lambda row: int(row["id"]), default=None)


def join(audience: Audience, number: str) -> Generator[Call, Reply, Body]:
    """POST /contactLists, /contactTags or /contactAutomations, unless they are there.

    Whoever is listed in any state is left in it: the state may be their own will. Raises Rejected."""
    there = yield from membership(audience, number)
    if there is not None:
        return there
    if audience.kind == "automation":
        return (yield from _entered(audience, number))
    wrapped = "contactList" if audience.kind == "list" else "contactTag"
    body: Body = {audience.kind: audience.id, "contact": number}
    if audience.kind == "list":
        body["status"] = ACTIVE
    reply = yield Call.post(f"{API}/{wrapped}s", json={wrapped: body})
    made: Body = reply.json[wrapped]
    return made


def gone(row: Body, audience: Audience) -> bool:
    """Whether this membership says that they left the list, or that mail to them came back."""
    return audience.kind == "list" and str(row.get("status")) in (contact.UNSUBSCRIBED, contact.BOUNCED)


def _entered(audience: Audience, number: str) -> Generator[Call, Reply, Body]:
    """The 403 of an automation means that they are in it already, or may not be: the list of theirs decides."""
    body = {"contactAutomation": {"contact": number, "automation": audience.id}}
    reply = yield Call.post(f"{API}/contactAutomations", json=body, accepts=(403,))
    if reply.ok:
        made: Body = reply.json["contactAutomation"]
        return made
    there = yield from membership(audience, number)
    if there is not None:
        return there
    raise (Rejected if refused(reply) else Unauthorized)(f"HTTP 403: {said(reply)}", status=403)


def _named(kind: Kind, name: str) -> Generator[Call, Reply, list[Body]]:
    """Names are compared as a whole and in any case; the vendor's own search for tags finds parts of names."""
    form = _FORMS[kind]
    rows = yield from everything(f"/{form.plural}", form.plural, {"search": name} if kind == "tag" else None)
    return [row for row in rows if str(row.get(form.name)).strip().lower() == name.lower()]


def _made(name: str) -> Generator[Call, Reply, Audience]:
    """A tag; whoever loses a race to make it is refused, and finds the other's."""
    body = {"tag": {"tag": name, "tagType": "contact", "description": "Ovation"}}
    reply = yield Call.post(f"{API}/tags", json=body, accepts=(422,))
    if reply.ok:
        return Audience("tag", str(reply.json["tag"]["id"]))
    there = yield from _named("tag", name)
    if not there:
        raise Rejected(f"ActiveCampaign did not make the tag: {said(reply)}", status=422)
    return Audience("tag", str(there[0]["id"]))


def _parsed(text: str) -> tuple[Kind | None, str]:
    kind, colon, name = text.partition(":")
    if colon and kind in KINDS:
        return kind, name.strip()
    return None, text.strip()


def _explained(text: str, kinds: list[Kind]) -> str:
    if not kinds:
        return (
            f"ActiveCampaign has no list, automation or tag called {text!r}: make it there, "
            f"or write tag:{text} to have a tag made"
        )
    return f"{len(kinds)} things in ActiveCampaign are called {text!r} ({', '.join(kinds)}): say which, like tag:{text}"
