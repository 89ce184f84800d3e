"""Ordering a box, and finding the order again.

boxli publishes no API. This follows the contract described below in README.md, which is ours; a thin adapter can map
it to what boxli gives its customers. The failure prevented: a second box because the answer to the first order was
lost.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief, by_status, reveal
from platforms.capabilities import Receipt, SendGift
from platforms.errors import InDoubt, Rejected

if TYPE_CHECKING:
    from platforms.boxli import BoxliSettings

PAGES = 5
"""A reference names one send at most; more pages than these mean that the filter was not heeded."""

_WILL_NOT_COME = ("cancelled", "failed")


def headers(settings: "BoxliSettings", token: Token | None) -> dict[str, str]:
    """The API key as a bearer."""
    return {"Authorization": f"Bearer {reveal(settings.api_key)}"}


def send_gift(action: SendGift, key: str, settings: "BoxliSettings") -> Talk:
    """Order (`POST /v1/sends`). Our key is put into both fields as it is; the shorter holds 128 characters.

    Without an address boxli asks the recipient for it by e-mail. After a day the key is forgotten, but the reference is
    still unique: the refusal then names the first send, which is this one."""
    reply = yield Call.post("/v1/sends", json=_order(action, key), headers={"Idempotency-Key": key}, accepts=[409])
    if reply.ok:
        return _receipt(reply.json)
    first = (yield from find_gift(action, key, settings)) if _problem(reply).get("send_id") else None
    if first is None:
        raise Rejected(_explained(reply), status=reply.status)
    return first


def find_gift(action: SendGift, key: str, settings: "BoxliSettings") -> Generator[Call, Reply, Receipt | None]:
    """Find (`GET /v1/sends?external_reference=…`). What is listed is compared: a filter may be ignored, and another
    person's box is not to be taken for this one."""
    query = {"external_reference": key}
    for _ in range(PAGES):
        page = (yield Call.get("/v1/sends", query=query)).json
        for send in _listed(page):
            if send.get("external_reference") == key:
                return _receipt(send)
        if not page.get("has_more"):
            return None
        query = {**query, "cursor": str(page.get("cursor"))}
    raise InDoubt(f"boxli lists more than {PAGES} pages for one external_reference: look for {key} there")


def doctor(settings: "BoxliSettings") -> Talk:
    """Account (`GET /v1/account`): whose key this is, and the campaigns a box may be ordered from."""
    account = (yield Call.get("/v1/account")).json
    return Receipt(facts={name: account.get(name) for name in ("id", "name", "campaigns")})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, told in the words of the problem document (RFC 9457). A success that cannot be read is no success."""
    if reply.ok and not isinstance(reply.json, dict):
        return Problem("in doubt" if call.writes else "unavailable", f"not an answer of boxli's: {brief(reply, 80)}")
    problem = by_status(reply, call)
    if problem is None or problem.kind == "rate-limited":
        return problem
    return replace(problem, message=_explained(reply))


def _order(action: SendGift, key: str) -> Body:
    if not action.qr_url:
        raise Rejected("boxli prints a QR code in every box: the order needs to say where it leads (`qr`)")
    recipient = {
        "name": action.name,
        "email": action.email,
        "company": action.company,
        "address": action.address.model_dump(exclude_none=True) if action.address else None,
    }
    order = {
        "external_reference": key,
        "campaign": action.box,
        "recipient": _given(recipient),
        "address_request": None if action.address else _address_request(action),
        "video_url": action.video_url,
        "qr_target_url": action.qr_url,
        "note": action.note,
        "priority": "high" if action.first_in_line else "normal",
    }
    return _given(order)


def _address_request(action: SendGift) -> Body:
    if not action.email:
        raise Rejected("boxli needs a postal address, or an e-mail address to ask for one: add it in the CRM")
    return {"email": action.email}


def _given(fields: Body) -> Body:
    """Without what is unknown: boxli takes no nulls."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _receipt(send: Body) -> Receipt:
    """A send that was called off is not taken for a gift: its reference is spent, so a person has to decide."""
    own_id = send.get("id")
    if not isinstance(own_id, str) or not own_id:
        raise InDoubt("boxli answered with a send that has no id")
    if send.get("status") in _WILL_NOT_COME:
        raise Rejected(f"boxli has this order as {own_id}, and it is {send['status']}: send a box by hand, or skip it")
    return Receipt(reference=own_id, facts={"send": own_id})


def _listed(page: Body) -> list[Body]:
    listed = page.get("data")
    if not isinstance(listed, list):
        raise InDoubt("boxli answered the look-up without a list of sends")
    return [send for send in listed if isinstance(send, dict)]


def _problem(reply: Reply) -> Body:
    return reply.json if isinstance(reply.json, dict) else {}


def _explained(reply: Reply) -> str:
    """Title, detail, and the fields that boxli objects to; what is no problem document is quoted."""
    problem = _problem(reply)
    said = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    errors = problem.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            said.append(f"{error.get('field')}: {error.get('message')}")
    return f"HTTP {reply.status}: {'; '.join(said) or brief(reply)}"[:300]
