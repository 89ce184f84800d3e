"""What makes one instance of a reaction different from the next."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.facts import event_fields, fields_named, wrong_about_event
from authoring.mistakes import Mistake
from models.money import Money


def each_is_stable(desk: Desk) -> Iterator[Mistake]:
    """`each` names something that tells one case from another and never changes: an id.

    A gift for each `event.amount` would go out again when a sum is corrected, and two referrals of one sum would share
    a gift. Write `each: event.referral`."""
    for written in desk.playbooks:
        for name, reaction in written.model.reactions.items():
            if reaction.each is not None:
                for words in _wrong(reaction.each, reaction.on):
                    yield written.mistake(["reactions", name, "each"], words)


def _wrong(each: str, event: str) -> Iterator[str]:
    fields = event_fields(event)
    named = list(fields_named(each, "event"))
    unsound = list(wrong_about_event(each, event, None))
    yield from unsound
    if unsound:
        return
    ids = ", ".join(f"event.{name}" for name, info in fields.items() if "str" in str(info.annotation))
    if not named:
        yield f"{each!r} is the same for every event, so it would happen once; write one of: {ids or 'nothing'}"
    for field in named:
        if fields[field].annotation is bool or Money.__name__ in str(fields[field].annotation):
            yield f"event.{field} does not tell one {event} from another; write one of: {ids or 'nothing'}"
