"""Makers of sound portal records: Harbor Dental is client 1, Marta its contact 7; Pier Yoga is client 2."""

from datetime import timedelta

from django.core import signing
from django.utils import timezone

from portal.models import Guest, ProposalLink, Publication, SignInLink, StopLink
from portal.stamps import SALT
from portal.tokens import new_token

HARBOR, PIER, MARTA, TOM = 1, 2, 7, 8

PROPOSAL = {
    "client": "Harbor Dental",
    "number": "P-1",
    "currency": "USD",
    "intro": "Marta, here is what we found.",
    "from": {"name": "Dana Whitfield"},
    "prices": [
        {
            "id": 11,
            "title": "Booking page",
            "recurring": "once",
            "quantity": "1",
            "unit_price": "4800",
            "total": "4800",
        },
        {"id": 13, "title": "Reviews", "recurring": "monthly", "quantity": "1", "total": "120.50", "optional": True},
    ],
    "totals": {"once": "4800.00", "monthly": "0.00", "first_year": "4800.00"},
}
CONTRACT = {
    "client": "Harbor Dental",
    "signers": [{"contact_id": MARTA, "name": "Marta Lind", "role": "Owner"}],
    "consent": {"version": "sign-1", "text": "My typed name is my signature."},
    "countersigned": None,
}


def a_row(number, **fields):
    words = "We mend what your visitors wait for, measure it again each week, and tell you what came of it."
    return {"id": number, "title": f"Part {number} of what we do", "text": words, **fields}


def a_large_offer():
    """An offer with more rows than most have."""
    finding = {"text": "Your page is slow.", "kind": "finding"}
    prices = [
        {"id": number, "title": f"Part {number}", "recurring": "monthly", "quantity": "1", "unit_price": "900"}
        | {"total": "900", "optional": number > 6}
        for number in range(12)
    ]
    kinds = ("included", "excluded", "optional", "assumption", "dependency", "integration")
    proof = [{"metric": "LCP", "value": "6.8", "unit": "s", "provider": "Lighthouse", "captured_on": "2026-11-20"}]
    return PROPOSAL | {
        "scope": {kind: [a_row(number) for number in range(8)] for kind in kinds},
        "timeline": [a_row(number, start_week=number, weeks=2, who="We", after="") for number in range(10)],
        "claims": [finding | {"id": number, "proof": proof} for number in range(8)],
        "findings": [{"title": f"Finding {number}", "text": "It takes too long. " * 20} for number in range(4)],
        "prices": prices,
    }


def a_publication(**fields):
    fields.setdefault("client_id", HARBOR)
    fields.setdefault("kind", "proposal")
    fields.setdefault("ref", f"{fields['kind']}:1")
    fields.setdefault("title", f"A {fields['kind']} for client {fields['client_id']}")
    fields.setdefault("body", {"proposal": PROPOSAL, "contract": CONTRACT}.get(fields["kind"], {}))
    return Publication.publish(opportunity_id=5, approved_by="Ben", **fields)


def a_link(publication=None, **fields):
    fields.setdefault("contact_id", MARTA)
    fields.setdefault("contact_name", "Marta Lind")
    fields.setdefault("sender_name", "Dana Whitfield")
    fields.setdefault("expires_at", timezone.now() + timedelta(days=7))
    return ProposalLink.mint(publication=publication or a_publication(), **fields)


def a_guest(**fields):
    fields.setdefault("client_id", HARBOR)
    fields.setdefault("contact_id", MARTA)
    fields.setdefault("name", "Marta Lind")
    fields.setdefault("email", f"guest{fields['contact_id']}@client{fields['client_id']}.example")
    return Guest.objects.create(**fields)


def signed_in(client, guest=None):
    """Let a guest in by a mailed link, as a browser would; return the client."""
    token = SignInLink.mint(guest or a_guest())
    assert client.post(f"/portal/enter/{token}").status_code == 302
    return client


def an_old_stamp(**kept):
    """A stamp such as a person brings back, who took a while to read."""
    return signing.dumps({"at": timezone.now().timestamp() - 60, **kept}, salt=SALT)


def a_stop_link(**fields):
    """The way out of a marketing mail to Marta; return it with its token."""
    token = new_token()
    fields = {"client_id": HARBOR, "contact_id": MARTA, "email": "marta@harbor.example", **fields}
    return StopLink.keep(token, purpose="marketing", **fields), token
