"""What the portal keeps about people, in the words of its page about that. Every column of its tables stands here once.

A test compares both lists with the tables, so that a new column is told of, or said to tell nothing of a person.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """What is kept on one occasion, for what and how long, and the columns in which it is."""

    heading: str
    what: tuple
    why: str
    how_long: str
    columns: dict


UNTIL_ASKED = "Until you ask us to remove it. Nothing of it goes by itself."
AS_PROOF = "As long as the agreement binds either of us and the law asks for it. It is never changed."

INQUIRY = Kept(
    "When you write to us",
    (
        "what you typed: your name, mail address, phone, company, website and words",
        "when, from which page or campaign you came, and the network address it was sent from",
        "whether it was sent faster than people type",
        "the version of the words that you agreed to",
    ),
    "To answer you, and for nothing else.",
    UNTIL_ASKED,
    {
        "portal_inquiry": "name email phone company website message consent consent_version doubtful source token_id "
        "address at"
    },
)

KEPT = [
    Kept(
        "When you are sent a proposal",
        (
            "your name, your part (you decide, sign or read), until when the link is open and by when we ask you to "
            "decide",
            "when the link’s page was first fetched and how often, as mail programs do by themselves: we draw nothing "
            "from it",
        ),
        "So that the link works, and ends.",
        UNTIL_ASKED,
        {
            "portal_proposallink": "client_id contact_id contact_name role expires_at decide_by revoked_at created_at "
            "fetched_at fetches"
        },
    ),
    Kept(
        "When you open and read it",
        (
            "that and when you opened it, when you were last there, and for how many seconds each part of the page was "
            "in sight",
            "when you had read for a while",
            "which options you ticked",
            "the browser and the network address",
            "of a colleague who opens it by your link: the name that they gave, and the same",
        ),
        "To know when it is a good time to talk, and what matters to you.",
        UNTIL_ASKED,
        {
            "portal_proposallink": "opened_at engaged_at chosen",
            "portal_reader": "link_id name opened_at counted_at engaged_at seen_at seconds address user_agent",
        },
    ),
    Kept(
        "When you ask, answer or sign",
        (
            "what you did and when: accepted, declined, asked, objected, chose, opened or signed",
            "the name and role that you typed, your words, the options and the words that you agreed to",
            "a fingerprint of the page that you answered, the browser and the network address",
        ),
        "To answer you; and it proves, for both of us, what was agreed.",
        AS_PROOF,
        {
            "portal_clientaction": "client_id contact_id verb name role words data digest address user_agent at",
            "portal_proposallink": "answered_at",
        },
    ),
    Kept(
        "When you sign in",
        (
            "your name and mail address, whose room you may enter, since when, and who closed it",
            "each request for a link: the mail address typed, when, from which network address, the page that you came "
            "for, and how many wrong codes were tried",
            "each time you signed in: when, when you were last there, when it ended, the browser and the network "
            "address. You see them under “Your devices and passkeys”, and so does whoever of us may end them",
            "of a passkey its name, when you added, used and removed it, and the half of it that is no secret",
        ),
        "To let you in, and nobody else.",
        "A link is good for fifteen minutes and a session for fourteen days. That they were there we keep until you "
        "ask us to remove it.",
        {
            "portal_guest": "client_id client_name contact_id name email created_at revoked_at taken_by",
            "portal_signinrequest": "email address network at tries leads_to",
            "portal_signinlink": "guest_id created_at expires_at used_at",
            "portal_session": "guest_id client_id email address user_agent created_at seen_at expires_at revoked_at",
            "portal_passkey": "email name public_key created_at used_at revoked_at",
        },
    ),
    Kept(
        "When something is paid",
        ("what the payment provider tells us: the contract, the amount, when, and the message itself",),
        "To know what is paid.",
        "As long as the law asks for it.",
        {"portal_paymentnotice": "client_id contract kind amount currency occurred_at body at"},
    ),
    Kept(
        "When you stop a kind of mail",
        (
            "to which address and in which matter the mail went whose link you pressed",
            "when you pressed it, the browser and the network address",
        ),
        "So that it stays stopped.",
        "For good: without it we would not know that you want none.",
        {
            "portal_stoplink": "client_id contact_id email purpose made_at used_at",
            "portal_stop": "link_id address user_agent at",
        },
    ),
    Kept(
        "When you have a file checked",
        ("the network address. We look at the file and do not keep it",),
        "To see when somebody asks too often.",
        "An hour; it is deleted with the next file that anybody has checked after that.",
        {"portal_look": "address at"},
    ),
]

# What is ours, or tells nothing of a person: numbers, hashes of keys, what we published, and how we handled a row.
OF_NOBODY = {
    "portal_guest": "id",
    "portal_signinrequest": "id handled_at nonce_hash tried_hash tried_in",
    "portal_signinlink": "id request_id token_hash code_hash",
    "portal_session": "id token_hash",
    "portal_publication": "id client_id opportunity_id kind ref title body digest approved_by published_at "
    "withdrawn_at withdrawn_reason question_id open_until",
    "portal_proposallink": "id publication_id sender_name token_hash replaced_by_id",
    "portal_reader": "id key_hash stamp_hash",
    "portal_clientaction": "id opportunity_id publication_id link_id guest_id handled_at outcome written_off",
    "portal_inquiry": "id key content_digest handled_at lead_id",
    "portal_paper": "id publication_id kind bytes sha256 made_at",
    "portal_look": "id",
    "portal_passkey": "id credential sign_count",
    "portal_usedchallenge": "id digest at",
    "portal_paymentnotice": "id event_id opportunity_id stamp signature address handled_at taken outcome",
    "portal_preview": "id client_id client_name publication_id made_by entry_hash made_at enter_until token_hash "
    "ends_at",
    "portal_stoplink": "id token_hash",
    "portal_stop": "id handled_at outcome",
    "portal_intaketoken": "id name source_name token_hash created_at created_by last_used_at revoked_at revoked_by",
}
