"""What the demo's clients do, through the portal's own doors and under its own login."""

import json
import re
import uuid
from datetime import timedelta

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from opportunities.models import Message
from portal.consent import INQUIRY_VERSION, accepted_by
from portal.models import Guest, ProposalLink, Publication, SignInLink
from portal.tokens import TOKEN, new_token, token_hash
from proposals import inbox

from .clock import real_now
from .mail import caught

FROM = ("198.51.100.24", "Mozilla/5.0 (Linux; Android 15) Firefox/145.0")
# What the link carried by which they came.
CARRIED = {"Quarry Street Gym": {"utm_source": "newsletter", "utm_medium": "mail", "utm_campaign": "November check"}}
# The doors write the database's own time. In a story that is told afterwards the deed was done on another day.
# For how many seconds which part of a proposal's page is read, two minutes at a time.
READ = [
    {"intro": 15, "findings": 38, "scope": 47},
    {"timeline": 22, "price": 59, "options": 12},
    {"price": 41, "assumptions": 25, "questions": 8},
]
DATES = [
    "update portal_clientaction set at = %(at)s where at > %(told)s",
    "update portal_inquiry set at = %(at)s where at > %(told)s",
    "update portal_proposallink set opened_at = %(at)s where opened_at > %(told)s",
    "update portal_proposallink set engaged_at = %(at)s where engaged_at > %(told)s",
    "update portal_proposallink set fetched_at = %(at)s where fetched_at > %(told)s",
    "update portal_reader set opened_at = %(at)s, seen_at = %(at)s where opened_at > %(told)s",
    "update portal_reader set counted_at = %(at)s where counted_at > %(told)s",
    "update portal_reader set engaged_at = %(at)s where engaged_at > %(told)s",
    "update portal_proposallink set answered_at = %(at)s where answered_at > %(told)s",
    "update portal_signinlink set used_at = %(at)s where used_at > %(told)s",
    "update portal_session set created_at = %(at)s, seen_at = %(at)s, revoked_at = %(at)s where created_at > %(told)s",
]


def door(login):
    """Return a connection of another login's to this database, outside of everybody's transaction."""
    wanted = {"dbname": connection.settings_dict["NAME"], "autocommit": True}
    if login == "zarts_portal":
        return psycopg.connect(settings.LOGINS[login], **wanted)
    params = connections.create_connection(login).get_connection_params()
    return psycopg.connect(
        **{key: params[key] for key in ("user", "password", "host", "port") if key in params}, **wanted
    )


class Visitor:
    """Any client at the portal. After each deed the agency reads its inbox."""

    def __enter__(self):
        self.portal = door("zarts_portal")
        self.owner = door("owner") if "owner" in connections else None
        return self

    def __exit__(self, *why):
        self.portal.close()
        if self.owner:
            self.owner.close()

    def call(self, function, *values):
        marks = ", ".join(["%s"] * len(values))
        return self.portal.execute(f"select public.{function}({marks})", values).fetchone()[0]

    def done(self, began):
        """Date what was done by the story's clock, and have the agency read it."""
        if self.owner:
            for statement in DATES:
                self.owner.execute(statement, {"at": timezone.now(), "told": began})
        inbox.read()

    # -- Deeds. --------------------------------------------------------------------------------------------------------

    def inquire(self, client):
        began = real_now()
        who = client.person
        given = (who.name, who.email, who.phone, client.name, client.website, client.words)
        came = json.dumps({"page": "/", **CARRIED.get(client.name, {})})
        self.call("portal_inquire", uuid.uuid4(), *given, True, INQUIRY_VERSION, came, FROM[0])
        self.done(began)

    def open(self, proposal):
        """Open it, and read it for some minutes."""
        began, key = real_now(), new_token()
        self.at_the_link(proposal, lambda token: self.call("portal_fetched", token), None)
        opened = (key, "", "", False, *FROM)
        self.at_the_link(proposal, lambda token: self.call("portal_open", token, *opened), "open")
        for seconds in READ:
            if self.owner is None:
                break
            # Nobody reads longer than the time that passed since they were there last.
            self.owner.execute("update portal_reader set seen_at = seen_at - interval '2 minutes'")
            said = (key, json.dumps(seconds), *FROM)
            self.at_the_link(proposal, lambda token, said=said: self.call("portal_read", token, *said), "read")
        self.done(began)

    def answer(self, proposal, verb, *, words="", options=()):
        began = real_now()
        who, shown = proposal.recipient, Publication.objects.get(pk=proposal.publication_id)
        data = {"consent": accepted_by(shown.body), "options": list(options)}
        typed = (
            new_token(),
            verb,
            who.name,
            who.title,
            words,
            json.dumps(data if verb == "accepted" else {}),
            shown.digest,
            *FROM,
        )
        self.at_the_link(proposal, lambda token: self.call("portal_answer", token, *typed), verb)
        self.done(began)

    def at_the_link(self, proposal, act, expected):
        """Do something at a proposal's link, as long as it takes held open past a last day that has gone by since."""
        token = link_of(proposal)
        links = ProposalLink.objects.filter(token_hash=token_hash(token))
        last_day = links.get().expires_at
        links.update(expires_at=max(last_day, real_now() + timedelta(hours=1)))
        outcome = act(token)
        links.update(expires_at=last_day)
        expect(outcome, expected)

    def sign(self, contract):
        """Everybody who signs does, one after the other."""
        while contract.whose_turn:
            self.sign_one(contract, contract.whose_turn)

    def sign_one(self, contract, who):
        """Sign, as long as it takes held open past a last day that has gone by since."""
        began = real_now()
        shown = Publication.objects.get(pk=contract.publication_id)
        guest = Guest.objects.get(client_id=shown.client_id, contact_id=who.pk)
        session, last = new_token(), shown.open_until
        self.call("portal_sign_in", a_way_in(guest, timedelta(minutes=15)), token_hash(session), *FROM)
        typed = (who.name, who.title, shown.body["consent"]["version"], shown.digest)
        shown.keep_open(max(last, real_now() + timedelta(hours=1)))
        self.call("portal_open_contract", session, shown.pk, *FROM)
        expect(self.call("portal_sign", session, shown.pk, *typed, *FROM), "signed")
        shown.keep_open(last)
        self.done(began)

    def tick(self, project, item):
        """Whoever decides ticks something off on their onboarding list."""
        self.at_the_list(project, "portal_tick", (item.pk,), "ticked")

    def grant(self, project, access):
        """Whoever decides says that they let us in."""
        who = project.opportunity.decision_owner.name
        self.at_the_list(project, "portal_grant", (access.pk, who, settings.AGENCY_EMAIL), "granted")

    def at_the_list(self, project, function, typed, expected):
        began, session = real_now(), new_token()
        guest = Guest.objects.get(client_id=project.client_id, contact_id=project.opportunity.decision_owner_id)
        self.call("portal_sign_in", a_way_in(guest, timedelta(minutes=15)), token_hash(session), *FROM)
        shown = Publication.objects.filter(kind="onboarding", client_id=project.client_id).latest("pk")
        expect(self.call(function, session, shown.pk, *typed, *FROM), expected)
        self.done(began)


def expect(outcome, expected):
    if outcome != expected:
        raise RuntimeError(f"The portal said “{outcome}” where the story says “{expected}”.")


def link_of(proposal) -> str:
    """Return the token of who decides on a proposal, or nothing: it stands in the mail that carried it alone."""
    about = {"record_type": proposal.label(), "record_id": proposal.pk, "contact": proposal.recipient}
    message = Message.objects.filter(template="proposal", **about).latest("id")
    found = re.search(f"/p/({TOKEN})/", message.secret_link or caught(message))
    return found[1] if found else ""


def a_way_in(guest, lasts) -> str:
    """Return the token of a sign-in link that is good from now on, whatever day the story has."""
    token = new_token()
    SignInLink.objects.create(guest=guest, token_hash=token_hash(token), expires_at=real_now() + lasts)
    return token
