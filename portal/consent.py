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
# Every version that was ever shown beside a change order, with its words.
CHANGES = {CHANGE_VERSION: CHANGE}


def of_offer(body) -> dict:
    """Return the words to which whoever accepts an offer agrees: after a change order no contract follows."""
    if body.get("changes"):
        return {"version": CHANGE_VERSION, "text": CHANGE}
    return {"version": ACCEPT_VERSION, "text": ACCEPT}


# Kept with a contract when it is sent, so that everybody who signs it agrees to the same words.
SIGN_VERSION = "sign-2026-11"
SIGN = (
    "I may sign for my company. I have read this contract as it is shown on this page, and typing my name here is "
    "my signature under it."
)

# Every version that was ever shown beside a signature, with its words: nobody signs under others.
SIGNATURES = {SIGN_VERSION: SIGN}
