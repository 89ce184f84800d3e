"""Messages to the contact: by e-mail, by telephone, inside the product; and the audiences they belong to."""

from activities.kit import CannotDo, Kit
from activities.referral import friend_of, referral_of
from authoring.messages import Rendered
from models.effect import FRIEND
from platforms.capabilities import Enroll, SendEmail, SendInApp, SendText, Who
from store.governance import Withhold
from store.ledger import Look

WROTE_THEMSELVES = ("link", "code")
"""How a friend came to us of their own accord. Whoever was only named by somebody else hears nothing from us."""


async def send(look: Look, kit: Kit) -> SendEmail:
    """One e-mail, in their language where the message has it, with a way out that works by one click."""
    contact = look.contact
    message = await _message(look, kit)
    if not contact.email:
        raise CannotDo("there is no e-mail address: add it in the CRM, then retry; or skip the step")
    return SendEmail(
        to=contact.email,
        to_name=contact.name if contact.first_name else None,
        subject=message.subject,
        text=message.text,
        html=message.html,
        template=message.template,
        reply_to=contact.csm_email or kit.program.reply_to,
        unsubscribe_url=kit.links.preferences(contact.id),
        category=look.order.params["message"],
    )


async def text(look: Look, kit: Kit) -> SendText:
    """One text message, with the sender's name and the word that ends it."""
    message = await _message(look, kit)
    if not look.contact.phone:
        raise CannotDo("there is no telephone number: add it in the CRM, then retry; or skip the step")
    words = f"{kit.program.company}: {' '.join(message.text.split())} Reply STOP to end."
    return SendText(to=look.contact.phone, text=words)


async def in_app(look: Look, kit: Kit) -> SendInApp:
    message = await _message(look, kit)
    return SendInApp(who=Who.of(look.contact), text=message.text.strip())


async def enroll(look: Look, kit: Kit) -> Enroll:
    """An audience at the vendor. A friend joins only if they came to us themselves."""
    await _welcome(look, look.order.params.get("who", FRIEND))
    if not look.contact.email:
        raise CannotDo("there is no e-mail address: add it in the CRM, then retry; or skip the step")
    return Enroll(who=Who.of(look.contact), audience=look.order.params["audience"])


async def _message(look: Look, kit: Kit) -> Rendered:
    await _welcome(look, look.order.params.get("to", "advocate"))
    return kit.messages.render(look.order.params["message"], await kit.variables(look), look.contact.locale)


async def _welcome(look: Look, meant: str) -> None:
    """Raises Withhold for a friend who is unknown, or never wrote to us."""
    if meant != FRIEND:
        return
    friend = await friend_of(look)
    if friend.id != look.contact.id:
        raise Withhold("nobody knows who was referred")
    if (await referral_of(look)).how not in WROTE_THEMSELVES:
        raise Withhold("the friend did not write to us themselves")
