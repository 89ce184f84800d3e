"""The flows of the double's org, as the README has an administrator build them: what they tell, and when."""

import json
from uuid import uuid4

from platforms.base import Body
from platforms.salesforce.stand_in_books import ORG_ID, now

_MOVES = {
    "Lead": ("Status", "IsConverted"),
    "Opportunity": ("StageName",),
    "Referral__c": ("Status__c",),
}
_SENT = {
    "Lead": ("Email", "Status", "IsConverted"),
    "Opportunity": ("StageName", "IsClosed", "IsWon", "Amount"),
    "Referral__c": ("Status__c", "Revenue__c"),
}


def told(kind: str, before: Body, after: Body) -> list[bytes]:
    """The bodies of the callouts that a change brings about. `before` is empty for a new record."""
    bodies = []
    if kind == "Contact" and _ticked("Referral_Given__c", before, after):
        after["Referral_Given_At__c"] = now()
        fields = {"Email": after["Email"], "Referral_Given__c": True}
        bodies.append(_callout("referral_given", kind, after, fields, at=after["Referral_Given_At__c"]))
    if kind in ("Contact", "Lead") and _ticked("HasOptedOutOfEmail", before, after):
        bodies.append(_callout("opted_out", kind, after, {"Email": after["Email"], "HasOptedOutOfEmail": True}))
    if kind in _MOVES and after["Ovation_Ref__c"] and any(before.get(f) != after[f] for f in _MOVES[kind]):
        names = (*_SENT[kind], "Ovation_Ref__c", "Ovation_Stage__c")
        bodies.append(_callout("stage_changed", kind, after, {name: after[name] for name in names}))
    if kind == "Task" and after["Ovation_Key__c"] and _ticked("IsClosed", before, after):
        fields = {"IsClosed": True, "Ovation_Key__c": after["Ovation_Key__c"]}
        bodies.append(_callout("task_completed", kind, after, fields))
    return bodies


def _ticked(field: str, before: Body, after: Body) -> bool:
    return after[field] is True and before.get(field) is not True


def _callout(event: str, kind: str, record: Body, fields: Body, at: str | None = None) -> bytes:
    envelope = {"eventId": str(uuid4()), "orgId": ORG_ID, "object": kind, "recordId": record["Id"], "event": event}
    return json.dumps({**envelope, "changedAt": at or record["SystemModstamp"], "fields": fields}).encode()
