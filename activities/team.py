"""What colleagues get: a message, a task, a note, an alert."""

from datetime import timedelta

from activities.kit import Kit
from models.playbook import duration
from platforms.capabilities import CreateTask, PostMessage, Who, WriteNote
from store.ledger import Look


async def notify(look: Look, kit: Kit) -> PostMessage:
    """To the success manager in person, or to a team's channel."""
    params = look.order.params
    message = kit.messages.render(params.get("message") or params.get("csm") or "", await kit.variables(look), None)
    to_csm = params.get("csm") is not None
    return PostMessage(
        channel=None if to_csm else params["team"],
        person_email=kit.csm_of(look.contact) if to_csm else None,
        title=message.subject,
        text=message.text.strip(),
    )


async def alert(look: Look, kit: Kit) -> PostMessage:
    """To the channel of alerts: a step needs a person, while someone can still act."""
    message = kit.messages.render("needs-a-person", await kit.variables(look), None)
    return PostMessage(channel=kit.program.alerts, title=message.subject, text=message.text.strip())


async def task(look: Look, kit: Kit) -> CreateTask:
    """A task for the success manager, in the CRM or the team's task list; never sent to the contact."""
    params, variables = look.order.params, await kit.variables(look)
    due = look.at + duration(params.get("due", "1 day"))
    deadline = look.order.deadline
    return CreateTask(
        who=Who.of(look.contact),
        title=kit.messages.render_text(params["title"], variables),
        notes=kit.messages.render_text(params.get("notes") or "", variables),
        owner_email=kit.csm_of(look.contact),
        due=due if deadline is None else max(min(due, deadline), look.at + timedelta(minutes=1)),
        call=bool(params.get("call")),
    )


async def note(look: Look, kit: Kit) -> WriteNote:
    text = kit.messages.render_text(look.order.params["text"], await kit.variables(look))
    return WriteNote(who=Who.of(look.contact), text=text, at=look.at)
