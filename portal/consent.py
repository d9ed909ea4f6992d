"""What a person agrees to, word for word, and the version that is kept with the answer."""

INQUIRY_VERSION = "inquiry-2026-11"
INQUIRY = (
    "Yes, you may use what I wrote here to answer me by mail or phone about this audit. "
    "I can take this back at any time with one line to you."
)

# Every version that was ever shown to a person, with its words. Programs name the one that they showed.
INQUIRIES = {INQUIRY_VERSION: INQUIRY}

ACCEPT_VERSION = "accept-2026-11"
ACCEPT = (
    "I may decide this for my company, and I accept this proposal as it is shown on this page. "
    "I know that the contract follows and that nothing is charged before it is signed."
)

CHANGE_VERSION = "change-2026-11"
CHANGE = (
    "I may decide this for my company, and I accept this change of our contract as it is shown on this page. "
    "I know that typing my name here is the written form of the change, and that it holds from now on."
)
# Every version that was ever shown beside an acceptance, with its words.
ACCEPTANCES = {ACCEPT_VERSION: ACCEPT, CHANGE_VERSION: CHANGE}
# What was shown with proposals that were published before the words were kept with them.
FIRST_ACCEPT = "accept-2026-11"


def accepted_by(body) -> dict:
    """Return version and words of what whoever accepts this proposal agrees to."""
    return body.get("consent") or {"version": FIRST_ACCEPT, "text": ACCEPTANCES[FIRST_ACCEPT]}


# Kept with a contract when it is sent, so that everybody who signs it agrees to the same words.
SIGN_VERSION = "sign-2026-11"
SIGN = (
    "I may sign for my company. I have read this contract as it is shown on this page, and typing my name here is "
    "my signature under it."
)

# Every version that was ever shown beside a signature, with its words: nobody signs under others.
SIGNATURES = {SIGN_VERSION: SIGN}
