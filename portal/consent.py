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
