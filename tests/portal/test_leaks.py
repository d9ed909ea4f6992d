"""`make leaks`: a word of its own in every internal field, then all that a client can get. In `make test` in short.

What a client may read is named here, field by field: a field that is new is internal until somebody writes it down.
"""

import itertools
import os
import re
import time
from contextlib import suppress
from datetime import timedelta
from functools import cache

import psycopg
import pytest
from django.apps import apps
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models, transaction
from django.test import RequestFactory
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from handoff import publishing as delivery
from handoff.models import ChecklistItem, Connector, Project, Report
from opportunities import outbox
from opportunities.models import Contact, Message
from opportunities.records import begin
from portal.models import (
    ClientAction,
    Guest,
    Paper,
    Passkey,
    Preview,
    ProposalLink,
    Publication,
    Session,
    SignInLink,
    StopLink,
)
from portal.tokens import new_token, token_hash
from portal.views import refused
from proposals import answering, inbox, papers, publishing
from proposals.models import Contract, Proposal, Summary
from tests import database
from tests.conftest import person
from tests.makers_handoff import a_report
from tests.pdfs import text_of
from tests.test_matrix import patterns
from tests.world import a_world

RESPONSES = int(os.environ.get("LEAK_RESPONSES", 400))
FIELDS, STATEMENTS = 200, 300
# A word, and for amounts a number that nobody would offer.
CANARY = re.compile("kanari[0-9]+vogel|98[,.]?765[,.]?[0-9]{3}", re.IGNORECASE)
APPS = ("opportunities", "proposals", "handoff", "portal")

# What clients read, and where it comes from.
SHOWN = {
    # Of the signatures under a contract: who, when, from where and what they agreed to.
    "opportunities.Event": {"actor_name"},
    "proposals.Signature": {"name", "role", "address", "consent_text"},
    "portal.ClientAction": {"name", "role", "words", "data"},
    "portal.Guest": {"name", "email", "client_name"},
    "portal.Passkey": {"name"},
    "portal.ProposalLink": {"contact_name", "sender_name"},
    "portal.Publication": {"title", "body", "ref"},
    "portal.Session": {"email", "address", "user_agent"},
    "portal.StopLink": {"email"},
    "opportunities.Client": {"name"},
    "opportunities.Contact": {"name", "email", "title"},
    "opportunities.User": {"first_name", "last_name", "email", "title"},
    "opportunities.Evidence": {"metric", "unit", "provider", "value"},
    "opportunities.Message": {"subject", "body"},  # mail to them; what is mailed is written by the tests below
    "opportunities.TemplateVersion": {"subject", "body"},
    "opportunities.Letter": {"subject", "body"},  # mail to staff
    "proposals.Proposal": {"title", "intro", "number"},
    "proposals.ScopeItem": {"title", "text"},
    "proposals.Milestone": {"title", "text", "who"},
    "proposals.PriceLine": {"title", "quantity", "unit_price"},
    "proposals.Claim": {"text"},
    "proposals.Contract": {"number"},
    "proposals.ContractClause": {"text"},
    "proposals.Clause": {"title"},
    "proposals.Summary": {"title", "words"},
    "handoff.ChecklistItem": {"title", "group"},
    "handoff.Connector": {"said_name", "said_to"},
    "handoff.Provider": {"name", "how"},
    "handoff.Report": {"numbers", "next_steps"},
}
# What the house goes by: names of kinds, keys, digests, zones. No words of anybody's.
KEYS = {
    *("record_type", "currency", "time_zone", "purpose", "number", "digest", "key", "template", "permission", "stage"),
    *("password", "username", "feed_digest", "secret_link", "message_id", "reply_key", "paused_from", "blocked_from"),
    *(
        "approved_digest",
        "works_on",
        "text_version",
        "consent_version",
        "chosen",
        "in_reply_to",
        "bound",
        "metrics",
        "hash",
    ),
    *("hash", "kind", "previous", "facts_digest", "verb", "stage_from", "stage_to", "actor_kind", "checklist"),
    *("token_hash", "key_hash", "stamp_hash", "content_digest", "sha256", "code_hash", "asked_hash", "credential_id"),
}
# Of these the portal reads a client's own rows, by the client's token.
OWN = ("portal_publication", "portal_paper")
TEXT = (models.CharField, models.TextField)


def internal_fields():
    """Yield every field of words or amounts that clients must never read, as (model, field)."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            shown = SHOWN.get(model._meta.label, set())
            for field in model._meta.local_concrete_fields:
                is_words = isinstance(field, (*TEXT, models.JSONField)) and not field.choices and not field.is_relation
                if isinstance(field, models.DecimalField) and field.max_digits - field.decimal_places >= 8:
                    if field.name not in shown:
                        yield model, field
                    continue
                has_room = (field.max_length or 100) >= len("kanari999vogel-99999")
                if is_words and has_room and field.name not in shown | KEYS:
                    yield model, field


def fill_empty(own):
    """Put a row into each table that the makers leave empty, about the oldest record of every kind that it is about."""
    for model in {model for model, _ in internal_fields()}:
        table = model._meta.db_table
        if own.execute(f'select exists (select from "{table}")').fetchone()[0]:
            continue
        given = {}
        for field in model._meta.local_concrete_fields:
            if field.is_relation and not field.primary_key:
                given[field.column] = f'(select min(id) from "{field.related_model._meta.db_table}")'
            elif not field.null and not field.primary_key:
                given[field.column] = next(value for kind, value in EMPTY.items() if isinstance(field, kind))
        columns, values = ", ".join(f'"{column}"' for column in given), ", ".join(given.values())
        with suppress(psycopg.Error), own.transaction():  # a row that makes no sense is refused by a check
            own.execute(f'insert into "{table}" ({columns}) values ({values})')


EMPTY = {
    models.BooleanField: "false",
    models.DateTimeField: "now()",
    models.DateField: "current_date",
    models.TimeField: "'09:00'",
    models.JSONField: "'{}'",
    models.UUIDField: "gen_random_uuid()",
    models.BinaryField: "''",
    (models.IntegerField, models.DecimalField, models.FloatField): "1",
    models.DurationField: "'1 hour'",
    models.Field: "'x'",
}


def put_canaries() -> dict:
    """Put a word of its own into each internal field of every row, past all walls. Return how many rows each has."""
    placed = {}
    with database.login("owner") as own:
        own.execute("set session_replication_role = replica")
        fill_empty(own)
        for number, (model, field) in enumerate(internal_fields()):
            word, column = f"kanari{number}vogel", f'"{field.column}"'
            if isinstance(field, models.DecimalField):
                new, value = "%s", 98_765_000 + number
            elif isinstance(field, models.JSONField):
                new = f"case when jsonb_typeof({column}) = 'object' then {column} || %s::jsonb else {column} end"
                value = f'{{"{word}": "{word}"}}'
            else:
                limit = field.max_length or 100_000
                row = f'"{model._meta.pk.column}"'
                new, value = f"left(%s || '-' || {row} || ' ' || coalesce({column}, ''), {limit})", word
            done = own.execute(f'update "{model._meta.db_table}" set {column} = {new}', [value])
            placed[f"{model._meta.label}.{field.name}"] = done.rowcount
    return placed


def publish_anew():
    """Publish everything again, from records that are full of canaries."""
    for proposal in Proposal.objects.exclude(publication_id=None):
        papers.keep(again(proposal.publication_id, publishing.proposal_body(proposal)))
    for contract in Contract.objects.exclude(publication_id=None):
        shown = again(contract.publication_id, publishing.contract_body(contract) | {"countersigned": None})
        papers.keep(shown)
        papers.keep_sealed(contract, shown)
    for project in Project.objects.all():
        publishing.publish_status(project.opportunity, owner=project.owner)
        shown = Publication.objects.filter(kind="onboarding", ref=publishing.ref(project)).last()
        again(shown.pk, delivery.onboarding_body(project))
    for answer in Summary.objects.filter(kind="answer"):
        said = {"title": answer.title, "body": publishing.answer_body(answer), "question": asked_of(answer)}
        where = {"client_id": answer.opportunity.client_id, "opportunity_id": answer.opportunity_id}
        Publication.publish(kind="answer", ref=publishing.ref(answer), approved_by="kanari9999vogel", **said, **where)
    for report in Report.objects.filter(stage="published"):
        papers.keep(again(report.publication_id, delivery.report_body(report)))


def again(pk, body):
    shown = Publication.objects.get(pk=pk)
    same = {"kind": shown.kind, "ref": shown.ref, "title": shown.title, "approved_by": "kanari9999vogel"}
    return Publication.publish(client_id=shown.client_id, opportunity_id=shown.opportunity_id, body=body, **same)


def asked_of(answer):
    return ClientAction.objects.get(pk=answering.question_of(answer).portal_action_id)


def an_answer(deal):
    """Somebody asks by a link, and one of ours writes the answer."""
    who, offer = deal.decision_owner, Publication.objects.filter(kind="proposal", client_id=deal.client_id).last()
    named = {"contact_id": who.pk, "contact_name": who.name, "sender_name": str(deal.owner)}
    token = ProposalLink.mint(publication=offer, expires_at=timezone.now() + timedelta(days=7), **named)[1]
    assert database.PortalClient().post(f"/p/{token}/ask", {"words": "Who does the work?"}).status_code == 302
    inbox.read()
    question = Message.objects.get(template="question", opportunity=deal)
    answer = Summary(opportunity=deal, owner=deal.owner, author=deal.owner, kind="answer", title="Who", words="We do.")
    answer.record_type, answer.record_id = question.label(), question.pk
    begin(answer, by=deal.owner)


@pytest.fixture
def clients(transactional_db):
    """Two clients with all that one can have, full of canaries. Return a guest's browser and a link of each."""
    ben, dora = person("ben", "Manager", sees="all"), person("dora", "Delivery")
    report = a_report(person("mia", "Growth ops"), manager=ben, delivery=dora, stage="published")
    world = a_world(person("ada", "Growth ops"), manager=ben)
    found = [world, report.project.opportunity]
    for deal in found:
        an_answer(deal)
    placed = put_canaries()
    assert sum(map(bool, placed.values())) >= FIELDS, [field for field, rows in placed.items() if not rows]
    publish_anew()
    return found


def link_of(deal):
    offer = Publication.objects.filter(kind="proposal", client_id=deal.client_id).last()
    who = {"contact_id": 1, "contact_name": "Bo Larsen", "sender_name": "Ada"}
    return ProposalLink.mint(publication=offer, expires_at=timezone.now() + timedelta(days=7), **who)[1]


# -- Who looks: a guest, somebody of ours as that client, a stranger, and whoever sends forms from elsewhere. ----------


def as_guest(deal):
    browser = database.PortalClient()
    assert browser.post(f"/portal/enter/{a_way_in(deal)}").status_code == 302
    return browser


def as_preview(deal):
    browser = database.PortalClient()
    assert browser.post(f"/portal/preview/{a_preview(deal)}").status_code == 302
    return browser


def as_stranger(deal):
    return database.PortalClient()


def as_forger(deal):
    return database.PortalClient(enforce_csrf_checks=True)


VISITORS = (as_guest, as_preview, as_stranger, as_forger)


def a_way_in(deal):
    return SignInLink.mint(Guest.objects.filter(client_id=deal.client_id).first())


def a_preview(deal):
    return Preview.mint(client_id=deal.client_id, client_name=deal.client.name, made_by="kanari9999vogel")


def a_way_out(deal):
    token, bo = new_token(), deal.decision_owner
    StopLink.keep(token, purpose="marketing", client_id=deal.client_id, contact_id=bo.pk, email=bo.email)
    return token


def numbers() -> list[int]:
    """Return a number of each kind of row that an address can name, of both clients, and one of nothing."""
    newest = Publication.objects.order_by("client_id", "kind", "-pk").distinct("client_id", "kind")
    withdrawn = Publication.objects.exclude(withdrawn_at=None).order_by("-pk")[:2]
    others = [model.objects.order_by("-pk")[:2] for model in (Session, Passkey)]
    return sorted({0, *(row.pk for rows in (newest, withdrawn, *others) for row in rows)})


def lines(deal, other) -> list[int]:
    """Return a number of each kind of line on an onboarding list, of both clients, and one of nothing."""
    rows = (model.objects.filter(project__opportunity__in=[deal, other]) for model in (ChecklistItem, Connector))
    return sorted({0, *(row.pk for each in rows for row in each.order_by("project_id", "-pk").distinct("project_id"))})


# These make somebody else of whoever asks for them: last of all.
LAST = ("enter", "preview", "sign-out", "session-end", "preview-leave")


def addresses(deal, other) -> list[str]:
    """Return every address of the public surface, with everything that can stand in it: own, another's, nothing's.

    They come from the resolver: a page that is new is asked for too.
    """
    link, found = link_of(deal), []
    keys = {"stop": a_way_out, "preview": a_preview, "enter": a_way_in}
    for name, pattern in sorted(patterns("portal.urls"), key=lambda named: named[0] in LAST):
        own = [keys[name](deal)] if name in keys else []
        stands = {"token": [*own, link, link_of(other), new_token()], "pk": numbers(), "line": lines(deal, other)}
        wanted = {*pattern.pattern.converters, *pattern.pattern.regex.groupindex}
        assert wanted <= stands.keys(), f"Say here what stands in the address of {name}."
        for chosen in itertools.product(*(stands[key] for key in wanted)):
            found.append(reverse(name, urlconf="portal.urls", kwargs=dict(zip(wanted, chosen, strict=True))))
    return [f"/p/{link}/open", *found, f"/p/{link}/?about=price-1", f"/p/{'x' * 5000}/", "/nowhere", "/portal/nowhere/"]


def typed(deal) -> list[dict]:
    """Return what can be typed into any form: nothing, too much, nonsense, and what is right."""
    shown = {one.kind: one for one in Publication.objects.filter(client_id=deal.client_id).order_by("pk")}
    contract = shown["contract"]
    right = {"name": "Bo Larsen", "role": "Owner", "consent": "on", "words": "When?", "email": "bo@x.example"}
    right["consent_version"] = contract.body["consent"]["version"]
    return [
        {},
        {"name": "x" * 4000, "code": "12345", "colleague": "1", "client": str(deal.client_id)},
        {"words": "\u202e", "code": "123456", "client": "1", "name": "Tom Reyes", "to": "access@zarts.example"},
        {"about": "price-1", "words": "Why?", "kind": "objection", "seen": "price=2", "option": "1"},
        {**right, "digest": "0" * 64},
        {**right, "digest": shown["proposal"].digest, "List-Unsubscribe": "One-Click"},
        {**right, "digest": contract.digest},
    ]


@cache
def paper(file: bytes) -> str:
    return text_of(file)


def words_of(answer) -> str:
    """Return what an answer says: a page as it is, a PDF as people read it."""
    if answer.headers.get("Content-Type") != "application/pdf":
        return answer.content.decode(errors="replace")
    return paper(b"".join(answer) if answer.streaming else answer.content)


class Looked:
    """What was asked for, and what of it held a word that is ours."""

    def __init__(self, say):
        self.say, self.count, self.hits, self.answered, self.began = say, 0, [], set(), time.monotonic()

    def look(self, browser, method, path, typed=None):
        answer = getattr(browser, method)(path, typed)
        words = f"{words_of(answer)} {answer.headers} {answer.cookies}"
        self.hits += [(method, path, found) for found in CANARY.findall(words)]
        self.count += 1
        with suppress(Resolver404):
            name = resolve(path.partition("?")[0], urlconf="portal.urls").url_name
            self.answered.add((name, method, answer.status_code))
        if self.count % 1000 == 0:
            took = time.monotonic() - self.began
            self.say(f"leaks: {self.count:,} responses in {took:.0f} s, {len(self.hits)} hits")

    def visit(self, browser, deal, other, turn):
        """Ask for every address, and send something to each."""
        forms, paths = typed(deal), addresses(deal, other)
        self.look(browser, "post", paths[0], {})
        for number, path in enumerate(paths):
            self.look(browser, "get", path)
            self.look(browser, "post", path, forms[(turn + number) % len(forms)])
        for paper in Paper.objects.order_by("-pk")[:2]:
            self.look(browser, "post", "/verify", {"file": SimpleUploadedFile("paper.pdf", bytes(paper.bytes))})
        self.look(browser, "put", "/portal/")


def test_no_internal_word_reaches_a_client_by_any_page(clients, capsys, settings):
    def say(words):
        with capsys.disabled():
            print(f"\n{words}", end="", flush=True)

    settings.PAYMENT_SECRETS = ["a-secret-of-24-letters-or-more"]
    looked, names = Looked(say), {name for name, _ in patterns("portal.urls")}
    mine, theirs = clients
    for turn, come_in in enumerate(itertools.cycle(VISITORS)):
        if looked.count >= RESPONSES and turn > 1:
            break
        pair = (mine, theirs) if (turn + turn // len(VISITORS)) % 2 == 0 else (theirs, mine)
        looked.visit(come_in(pair[0]), *pair, turn)
    with database.as_portal():
        for page in (refused.bad_request, refused.forbidden, refused.csrf, refused.not_found, refused.failed):
            looked.hits += CANARY.findall(page(RequestFactory().get("/portal/")).content.decode())
    fields = len(list(internal_fields()))
    say(f"leaks: {fields} fields, {looked.count:,} responses of {len(names)} addresses, {len(looked.hits)} hits\n")
    assert looked.hits == []
    # An address that only forms are sent to says so to whoever asks for it; every other one was seen.
    seen = {name for name, method, status in looked.answered if method == "get" and status in (200, 405)}
    assert names - seen == set(), "nothing was looked at there: bring what it shows into this test"


def ask_for_a_way_in(guest):
    with database.login("portal") as own:
        own.execute("select portal_request_sign_in(%s, '', %s)", [guest.email, token_hash(new_token())])
    assert inbox.mail_sign_ins()


def test_no_internal_word_reaches_a_client_by_mail(clients):
    """Every kind of mail about a record, written by the product from records that are full of canaries."""
    for contract in Contract.objects.all():
        said = {"by": contract.owner, "subject": "The contract", "template": "contract", "link": "There"}
        bo = contract.opportunity.decision_owner
        publishing.mail(contract, bo, words="Here it is.", **said)
        publishing.ask_to_sign(contract, by=contract.owner, words="Here it is.", contact=bo)
        another = Contact.objects.exclude(pk__in=contract.signatories.values("contact")).first()
        another.name = "Tom Reyes"
        publishing.tell_that_it_was_declined(contract, another, "We wait for our bank.")
        publishing.mail_sealed(contract)
    for proposal in Proposal.objects.exclude(publication_id=None):
        with transaction.atomic():
            publishing.mail_link(proposal, proposal.recipient, "decides", by=proposal.owner)
    for answer in Summary.objects.filter(kind="answer"):
        with transaction.atomic():
            publishing.mail_answer(answer, asked_of(answer), answer.opportunity.decision_owner)
    ask_for_a_way_in(Guest.objects.first())
    outbox.send()
    asked = {"Your link to sign in", "The contract"}
    assert asked < {one.subject.partition(":")[0] for one in mail.outbox}
    for one in mail.outbox:
        text = f"{one.subject}\n{one.body}\n{getattr(one, 'alternatives', '')}\n{one.extra_headers}"
        assert CANARY.findall(text) == [], one.subject


# -- The wall beneath: the portal's own login, in hostile hands. -------------------------------------------------------


def hostile(deal, other):
    """Yield statements that somebody who took the portal over might try."""
    mine = deal.client_id
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if table not in OWN]
    for table in tables:
        yield f'select * from "{table}"'
        yield f'select t::text from "{table}" t limit 1'
        yield f'delete from "{table}" returning 1'
        yield f'insert into portal_inquiry (message) select t::text from "{table}" t returning 1'
    yield "select id from portal_publication where client_id <> (select portal_client())"
    yield f"select id from portal_publication where client_id = {other.client_id}"
    theirs = f"publication_id in (select id from portal_publication where client_id <> {mine})"
    yield f"select id from portal_paper where {theirs}"
    yield "select approved_by from portal_publication"
    yield "update portal_publication set title = 'x' returning id"
    yield "select body from portal_publication where body::text like '%kanari%'"
    for role in ("zarts_app", "zarts_owner", "postgres", "pg_read_all_data"):
        yield f"set role {role}; select * from opportunities_note"
    for text in (
        "pg_read_file('/etc/passwd')",
        "pg_ls_dir('.')",
        "lo_import('/etc/passwd')",
        "dblink('x', 'select 1')",
    ):
        yield f"select {text}"
    yield "copy (select 1) to program 'id'"
    yield "create table public.mine as select 1"
    yield "create function public.mine() returns int language sql as 'select 1'; select mine()"
    yield "select rolpassword from pg_authid where rolpassword is not null"
    yield "select portal_note(p, null, null, 'accepted', '', '', '', '{}', '', '', '') from portal_publication p"
    for name in ("portal_hash", "portal_live_session", "portal_link_of"):
        yield f"select {name}('x')"


def test_the_portals_login_gets_nothing_of_the_agencys_nor_of_another_client(clients, capsys):
    mine, other = clients
    token = new_token()
    guest = Guest.objects.filter(client_id=mine.client_id).first()
    tried, got = 0, []
    with database.login("portal") as own:
        own.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), token_hash(token)])
        assert own.execute("select set_config('zarts.token', %s, false)", [token])
        assert own.execute("select id from portal_publication").fetchall(), "it reads its own client's"
        for statement in hostile(mine, other):
            tried += 1
            try:
                with own.transaction(force_rollback=True):
                    rows = own.execute(statement).fetchall()
            except psycopg.Error:
                continue
            got += [(statement, row) for row in rows]
    with capsys.disabled():
        print(f"\nleaks: {tried} hostile statements, {len(got)} rows")
    assert got == []
    assert tried >= STATEMENTS
