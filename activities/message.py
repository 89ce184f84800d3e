"""Messages to the contact."""

from activities.kit import CannotDo, Kit
from platforms.capabilities import SendEmail
from store.ledger import Look


async def send(look: Look, kit: Kit) -> SendEmail:
    """One e-mail, in their language where the message has it, with a way out that works by one click."""
    contact = look.contact
    if not contact.email:
        raise CannotDo("there is no e-mail address: add it in the CRM, then retry; or skip the step")
    name = look.order.params["message"]
    message = kit.messages.render(name, kit.variables(look), contact.locale)
    return SendEmail(
        to=contact.email,
        to_name=contact.name if contact.first_name else None,
        subject=message.subject,
        text=message.text,
        html=message.html,
        template=message.template,
        reply_to=contact.csm_email or kit.program.reply_to,
        unsubscribe_url=kit.links.preferences(contact.id),
        category=name,
    )
