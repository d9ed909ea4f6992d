"""Mail that came back: what becomes of the message, and of the way to whom it went."""

from . import clock
from .models import InboundMail, Message
from .records import edit, lock, perform, tell


def settle(inbound: InboundMail, bounce) -> InboundMail:
    """Put a notice of non-delivery with the mail of ours that it is about."""
    if (message := inbound.answers) is None:
        return edit(inbound, by=None, trouble="It says that a mail came back, and names none of ours.")
    if bounce.permanent is None:
        trouble = f"It is about our mail to {message.contact}, and does not say whether that will arrive: read it."
        return edit(inbound, by=None, trouble=trouble[:300])
    if not bounce.permanent:
        late(message, bounce.said)
        return perform(inbound.set_aside, by=None, reason=f"It tells of a delay of our mail to {message.contact}.")
    came_back(message, bounce.said)
    if InboundMail.objects.filter(message=message).exists():
        return perform(inbound.set_aside, by=None, reason=f"It is a second notice about our mail to {message.contact}.")
    return perform(inbound.match, by=None, message=message)


def late(message: Message, said: str):
    """Write down that a mail is on its way for longer than usual. Nothing follows."""
    tell(message, "delay", "heard of a delay of", by=None, facts={"said": said})


def came_back(message: Message, said: str, *, marks=True) -> bool:
    """Write down that a mail came back, and that mail to that address does. False when it was known."""
    stages = Message.Stage
    said = said or "The mail server gave no reason."
    message = lock(message, message.contact)
    if message.may_have_gone and message.stage != stages.FAILED:
        message = perform(message.confirm_sent, by=None)  # what comes back has gone
    if message.stage != stages.SENT:
        return False
    message = perform(message.come_back, by=None, reason=f"It came back: {said}"[:300])
    contact = message.contact
    if marks and not contact.mail_failed_at and contact.email and contact.email.lower() == message.sent_to:
        changes = {"mail_failed_at": clock.now(), "mail_trouble": said[:300]}
        edit(contact, by=None, reason="Mail to their address came back.", **changes)
    return True
