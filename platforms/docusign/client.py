"""DocuSign's envelopes: one agreement for one effect, from a template, and how it is found again.

The failure prevented: the same agreement mailed twice. DocuSign has no idempotency key, and an envelope that is created
as sent is mailed at once. So it is made as a draft, which nobody sees, and then sent: an envelope is sent only once.
Both carry our key from the first call on, so that a draft left by a crash is found and used.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.event import id_from_content
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import Receipt, RequestSignature
from platforms.docusign.problem import said
from platforms.errors import InDoubt, Rejected, Unauthorized

if TYPE_CHECKING:
    from platforms.docusign import DocuSignSettings

FIELD = "ovation_effect"
"""The envelope's custom field that holds our key. Signers do not see it."""
LONGEST_SUBJECT = 100
LONGEST_FIELD = 100
BACK = timedelta(days=365)
"""How far back an envelope is looked for by its custom field: that search wants a date."""

DRAFT = "created"
ENDED = frozenset({"declined", "voided", "timedOut", "deleted"})


def request_signature(action: RequestSignature, key: str, settings: "DocuSignSettings") -> Talk:
    """POST /envelopes with status `created`, then PUT status `sent`, unless an envelope of our key is on its way.

    One that was declined or voided is done with: whoever has this asked again wants another."""
    role = _role(action)
    found = yield from _search(key, settings)
    there = _live(found) or _draft(found)
    if there is None:
        reply = yield Call.post(f"{_account(settings)}/envelopes", json=_envelope(action, role, key))
        there = {"envelopeId": reply.json.get("envelopeId"), "status": DRAFT}
    receipt = _receipt(there)
    if there.get("status") == DRAFT:
        yield from _send(str(receipt.reference), settings)
    return receipt


def find_envelope(
    action: RequestSignature, key: str, settings: "DocuSignSettings"
) -> Generator[Call, Reply, Receipt | None]:
    """GET /envelopes by our key. A draft was mailed to nobody: None, and the talk goes on with it."""
    found = yield from _search(key, settings)
    ended = [envelope for envelope in found if envelope.get("status") in ENDED - {"deleted"}]
    sent = _live(found) or (ended[-1] if ended and _draft(found) is None else None)
    return None if sent is None else _receipt(sent)


def doctor(settings: "DocuSignSettings") -> Talk:
    """GET /oauth/userinfo: which accounts the user has, and at which site each lives."""
    body = (yield Call.get(f"https://{settings.auth_host}/oauth/userinfo")).json
    accounts = [a for a in body.get("accounts") or [] if isinstance(a, dict)]
    ours = next((a for a in accounts if str(a.get("account_id")).lower() == str(settings.account).lower()), None)
    if ours is None:
        raise Unauthorized("OVATION_DOCUSIGN__ACCOUNT is no account of this user: copy it from Apps and Keys")
    uri = str(ours.get("base_uri")).rstrip("/")
    if uri != str(settings.account_uri).rstrip("/"):
        raise Unauthorized(f"the account lives elsewhere: set OVATION_DOCUSIGN__ACCOUNT_URI to {uri}")
    return Receipt(facts={"account": ours.get("account_name"), "at": uri})


def mark_of(key: str) -> str:
    """Our key, as a custom field and a transactionId can hold it."""
    return key if len(key) <= LONGEST_FIELD else id_from_content(key)


def field_of(envelope: Body) -> str | None:
    """What our custom field says; empty when it is missing, None when the envelope came without its fields."""
    fields = envelope.get("customFields")
    if not isinstance(fields, dict):
        return None
    texts = fields.get("textCustomFields")
    named = (f for f in (texts if isinstance(texts, list) else []) if isinstance(f, dict) and f.get("name") == FIELD)
    return next((str(f.get("value") or "") for f in named), "")


def envelopes_of(reply: Reply) -> list[Body]:
    """The envelopes of a list; DocuSign leaves the field out when there are none."""
    listed = reply.json.get("envelopes")
    if listed is None and str(reply.json.get("resultSetSize")) == "0":
        return []
    if not isinstance(listed, list):
        raise InDoubt("DocuSign answered a search without a list of envelopes")
    return [envelope for envelope in listed if isinstance(envelope, dict)]


def list_envelopes(settings: "DocuSignSettings", query: dict[str, str]) -> Call:
    """GET /envelopes, with custom fields, by which ours are told from others."""
    return Call.get(f"{_account(settings)}/envelopes", query={**query, "include": "custom_fields"})


def _search(key: str, settings: "DocuSignSettings") -> Generator[Call, Reply, list[Body]]:
    """By transactionId, which DocuSign keeps for a week; then by the custom field, which stays."""
    mark = mark_of(key)
    since = (datetime.now(UTC) - BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query in ({"transaction_ids": mark}, {"from_date": since, "custom_field": f"{FIELD}={mark}"}):
        reply = yield list_envelopes(settings, query)
        ours = [envelope for envelope in envelopes_of(reply) if field_of(envelope) in (None, mark)]
        if ours:
            return ours
    return []


def _live(found: list[Body]) -> Body | None:
    return next((e for e in found if e.get("status") != DRAFT and e.get("status") not in ENDED), None)


def _draft(found: list[Body]) -> Body | None:
    return next((e for e in found if e.get("status") == DRAFT), None)


def _send(envelope: str, settings: "DocuSignSettings") -> Generator[Call, Reply, None]:
    """If it is no draft any more, somebody or an earlier attempt has sent it; the search may not have known yet."""
    path = f"{_account(settings)}/envelopes/{quote(envelope, safe='')}"
    reply = yield Call.put(path, json={"status": "sent"})
    if reply.ok:
        return
    status = (yield Call.get(path)).json.get("status")
    if status == DRAFT or status in ENDED:
        raise Rejected(f"envelope {envelope} is {status} and cannot be sent: {said(reply)}", status=reply.status)


def _role(action: RequestSignature) -> Body:
    name = " ".join(part for part in (action.who.first_name, action.who.last_name) if part)
    if not name or not action.who.email:
        raise Rejected("DocuSign needs the signer's name and e-mail address: add them in the CRM")
    return {"roleName": action.role, "name": name, "email": action.who.email}


def _envelope(action: RequestSignature, role: Body, key: str) -> Body:
    """Booleans are texts, at DocuSign."""
    field = {"name": FIELD, "value": mark_of(key), "show": "false", "required": "false"}
    return {
        "templateId": action.template,
        "status": DRAFT,
        "emailSubject": action.title[:LONGEST_SUBJECT],
        "transactionId": mark_of(key),
        "templateRoles": [role],
        "customFields": {"textCustomFields": [field]},
    }


def _receipt(envelope: Body) -> Receipt:
    own_id = envelope.get("envelopeId")
    if not isinstance(own_id, str) or not own_id:
        raise InDoubt("DocuSign answered with an envelope that has no id")
    return Receipt(reference=own_id, facts={"envelope": own_id})


def _account(settings: "DocuSignSettings") -> str:
    return f"{str(settings.account_uri).rstrip('/')}/restapi/v2.1/accounts/{quote(str(settings.account), safe='')}"
