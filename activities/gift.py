"""Gifts: the personal video, and the box that carries it."""

from activities.kit import CannotDo, Kit
from platforms.capabilities import MakeVideo, SendGift
from store.ledger import Look


async def make_video(look: Look, kit: Kit) -> MakeVideo:
    """The video of the program with the first name as its only variable."""
    contact = look.contact
    video = kit.program.videos[look.order.params["video"]]
    if not contact.first_name:
        raise CannotDo("the video needs a first name: add it in the CRM, then retry; or skip the video")
    if not contact.email:
        raise CannotDo("the video needs an e-mail address: add it in the CRM, then retry; or skip the video")
    return MakeVideo(
        campaign=video.campaign,
        first_name=contact.first_name,
        email=contact.email,
        company=contact.company,
        webhook_url=kit.links.webhook(look.order.platform or ""),
    )


async def send_gift(look: Look, kit: Kit) -> SendGift:
    """One box, with the video that was made for it; without one, with the film as it was recorded."""
    contact, params = look.contact, look.order.params
    if contact.address is None and not contact.email:
        raise CannotDo(
            "a gift needs a postal address, or an e-mail address to ask for one: add it in the CRM, then retry"
        )
    video_url = await look.url_of(look.order.video_key)
    if params.get("video") and video_url is None:
        video_url = kit.program.videos[params["video"]].plain
        if video_url is None:
            raise CannotDo(
                "there is no video to put in the box: make it, or set "
                f"`plain` of videos.{params['video']} in program.yaml"
            )
    note = params.get("note")
    return SendGift(
        box=kit.program.boxes[params["box"]].campaign,
        name=contact.name,
        email=contact.email,
        company=contact.company,
        address=contact.address,
        video_url=video_url,
        qr_url=kit.links.qr(await look.code()),
        note=kit.messages.render(note, await kit.variables(look), contact.locale).text.strip() if note else None,
        first_in_line=look.order.purpose == "gratitude",
    )
