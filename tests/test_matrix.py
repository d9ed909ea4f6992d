"""Who may open what: every address of both surfaces, for every role, by GET and by POST.

The addresses come from the resolvers: one without a row here fails. A record belongs to Ada of the East team.
Letters: A Ada (growth ops, owner), B Ben (manager, East), C Cem (growth ops, West), D Dora (delivery, holds this
deal), F Finn (delivery, another deal), E Eve (administrator), N Ann (auditor), X nobody signed in.
"""

import re
from contextlib import nullcontext
from datetime import date, timedelta
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from handoff.house import furnish
from handoff.models import Report, ReportNote
from opportunities import reads
from opportunities.models import BulkChange, Notice, Opportunity, Source, User
from opportunities.records import begin
from portal.models import IntakeToken
from proposals.models import Approval, Claim, Delegation
from tests.conftest import person
from tests.world import a_row_of
from zarts.hooks.models import Delivery
from zarts.reads.models import Token
from zarts.retest.addresses import patterns
from zarts.retest.models import RetestFinding, RetestRun
from zarts.takeout.models import OwnTakeout

EVERYBODY, STAFF = "ABCDFENX", "ABCDFEN"

# Addresses without a record: who may GET, and who may POST. A dash: nobody.
PAGES = {
    "proposals_claim_rests": ("ABDEN", "-"),
    "healthz": (EVERYBODY, "-"),
    "readyz": (EVERYBODY, "-"),
    "mail_hook": ("-", "-"),  # without its secret it is not there; tests/opportunities/test_hooks.py calls it
    "brand": (STAFF, "-"),
    "start": (STAFF, "-"),
    "home": (STAFF, "-"),
    "today": (STAFF, "-"),
    "today_several": ("ABCDF", "ABCDF"),
    "hook_demo": ("-", "-"),  # it is there in the demo alone
    "calendar_feed": ("-", "-"),  # with a token that nobody has
    "my_calendar": (STAFF, STAFF),
    "pipeline": (STAFF, "-"),
    "pipeline_move": ("-", "-"),
    "pipeline_several": ("ABC", "ABC"),
    "pipeline_save": ("-", "ABCDFE"),
    "pipeline_open_with": ("-", "ABCDFE"),
    "pipeline_export": (STAFF, "-"),
    **dict.fromkeys(["approvals_export", "claims_export", "report_reliability_export"], (STAFF, "-")),
    "won_and_lost_export": (STAFF, "-"),
    "list_save": ("-", "-"),  # of a list that there is not; tests/desk/test_lists.py has those that there are
    "list_open_with": ("-", "-"),
    "list_many": ("-", "-"),
    "list_changes": (STAFF, "-"),
    "list_change": ("A", "-"),
    "list_change_progress": ("A", "-"),
    "list_undo": ("-", "A"),
    "approvals": (STAFF, "-"),
    "approval": ("ABDEN", "-"),  # a POST without a decision is no decision
    "approvals_alike": ("ABDEN", "-"),
    "approvals_pace": ("B", "-"),
    "mail": ("-", "-"),
    "report_calendar": (STAFF, "-"),
    "numbers": (STAFF, "-"),
    "numbers_mail": ("-", STAFF),
    "numbers_csv": ("-", "-"),  # no such chart; tests/numbers reads each
    "report_reliability": (STAFF, "-"),
    "due_work": ("E", "-"),
    "notices": (STAFF, "-"),
    "notices_unread": (STAFF, "-"),
    "notices_read": ("-", STAFF),
    "notice_open": ("A", "-"),
    "notice_choices": (STAFF, STAFF),
    "due_settle": ("-", "-"),  # nothing that can be said of it
    "checklist": ("ABDEN", "-"),
    "checklist_confirm": ("-", "-"),  # a word for a checkpoint that there is not
    "outputs": ("ABDEN", "-"),
    "outputs_csv": ("ABDEN", "-"),
    "outputs_list_csv": (STAFF, "-"),
    "seen": ("ABDEN", "-"),
    "claims": (STAFF, "-"),
    "find": (STAFF, "-"),
    "find_now": (STAFF, "-"),
    "find_opened": ("-", "-"),  # with the address of no record
    "find_pin": ("-", "-"),  # of no line
    "won_and_lost": (STAFF, "-"),
    "intake_tokens": ("E", "E"),
    "retests": ("E", "E"),
    "retest": ("E", "-"),
    "retest_stop": ("-", "E"),
    "retest_progress": ("E", "-"),
    "retest_picture": ("-", "-"),  # of a finding that has none; tests/retest/test_retests.py has one that has
    "intake_token_revoke": ("-", "E"),
    "hook_delivery": ("EN", "E"),
    "reads_openapi": (STAFF, "-"),
    "reads_rows": ("-", "-"),  # of a source that there is not; tests/reads/test_rows.py reads those that there are
    "catalogue": (STAFF, "-"),
    "api_manual": (STAFF, "-"),
    "api_openapi": (STAFF, "-"),
    # With a token alone, and never by a cookie: tests/api calls each.
    **dict.fromkeys(["api_lead_new", "api_lead", "api_message_new", "api_message", "api_note_new"], ("-", "-")),
    **dict.fromkeys(["api_note", "api_payment", "api_payment_invoiced", "api_payment_part_paid"], ("-", "-")),
    **dict.fromkeys(["api_payment_paid", "api_payment_overdue", "api_payment_waived"], ("-", "-")),
    **dict.fromkeys(["api_payment_refunded", "api_root", "api_missing", "reads_missing", "reads_root"], ("-", "-")),
    "catalogue_view": ("-", "-"),  # likewise; tests/reads/test_pages.py opens each
    "tokens": (STAFF, STAFF),
    "own_takeouts": (STAFF, STAFF),
    "own_takeout_progress": ("A", "-"),
    "own_takeout_download": ("A", "-"),
    "token_revoke": ("-", "AE"),
    "token_answer": ("-", "A"),
    "admin:index": (STAFF, "-"),
    "admin:login": (EVERYBODY, EVERYBODY),
    "admin:password_change": (STAFF, STAFF),
    "admin:password_change_done": (STAFF, "-"),
    "pick": ("-", "-"),  # without a field; tests/opportunities/test_scope.py looks one up
    "admin:autocomplete": ("-", "-"),
    "admin:jsi18n": (STAFF, "-"),
    "admin:auth_user_password_change": ("E", "E"),
}

# Whose record an address of those is about, when it is no deal.
OF_A_RECORD = {
    "proposals_claim_rests": Claim,
    "approval": Approval,
    "approvals_alike": Approval,
    "notice_open": Notice,
    "admin:auth_user_password_change": User,
    "intake_token_revoke": IntakeToken,
    "hook_delivery": Delivery,
    "token_revoke": Token,
    "token_answer": Token,
    "own_takeout_progress": OwnTakeout,
    "own_takeout_download": OwnTakeout,
    **dict.fromkeys(["list_change", "list_change_progress", "list_undo"], BulkChange),
    "retest": RetestRun,
    "retest_stop": RetestRun,
    "retest_progress": RetestRun,
    "retest_picture": RetestFinding,
}

# A kind of record: who may see the list; add one; see Ada's; change Ada's.
RECORDS = {
    "opportunities_client": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_contact": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_consent": ("ABCDFEN", "ABC", "ABDEN", "-"),
    "opportunities_source": ("ABCDFEN", "ABCE", "ABCDFEN", "BE"),
    "opportunities_lead": ("ABCDFEN", "ABC", "ABEN", "AB"),
    "opportunities_opportunity": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_user": ("ABCDFEN", "E", "ABCDFEN", "E"),
    "opportunities_team": ("ABCDFEN", "E", "ABCDFEN", "E"),
    "auth_group": ("EN", "-", "EN", "-"),
    "opportunities_discovery": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_questionnaire": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "opportunities_note": ("ABCDFEN", "ABCDF", "ABDEN", "-"),
    "opportunities_audit": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_evidence": ("ABCDFEN", "ABC", "ABDEN", "-"),
    "opportunities_shelflife": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "opportunities_task": ("ABCDFEN", "ABCDF", "ABDEN", "ABD"),
    "opportunities_message": ("ABCDFEN", "ABCDF", "ABDEN", "ABD"),
    "opportunities_objection": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_unwrittenpromise": ("ABCDFEN", "ABC", "ABDEN", "AB"),
    "opportunities_messagetemplate": ("ABCDFEN", "B", "ABCDFEN", "B"),
    "opportunities_sequence": ("ABCDFEN", "B", "ABCDFEN", "B"),
    "opportunities_sequencerun": ("ABCDFEN", "-", "ABDEN", "-"),
    "opportunities_inboundmail": ("ABCDFEN", "-", "ABDEN", "-"),
    "opportunities_quietdate": ("ABCDFEN", "ABCE", "ABCDFEN", "ABCE"),
    "opportunities_campaign": ("ABCDFEN", "B", "ABEN", "B"),
    "opportunities_closing": ("ABCDFEN", "-", "ABDEN", "-"),
    "opportunities_winback": ("ABCDFEN", "-", "ABDEN", "-"),
    "opportunities_checkpoint": ("ABCDFEN", "B", "ABCDFEN", "B"),
    "opportunities_confirmation": ("ABCDFEN", "-", "ABDEN", "-"),
    "opportunities_savedview": ("ABCDFEN", "-", "ABCDFEN", "AB"),
    "opportunities_import": ("ABCDFEN", "ABC", "ABEN", "-"),
    "opportunities_event": ("ABCDFEN", "-", "EN", "-"),
    "proposals_approval": ("ABCDFEN", "-", "ABDEN", "-"),
    "proposals_contract": ("ABCDFEN", "-", "ABDEN", "-"),
    "proposals_payment": ("ABCDFEN", "-", "ABDEN", "-"),
    "proposals_service": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "proposals_block": ("ABCDFEN", "ABCE", "ABCDFEN", "BE"),
    "proposals_offertemplate": ("ABCDFEN", "-", "ABCDFEN", "BE"),  # kept from a proposal
    "proposals_clause": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "proposals_glossaryterm": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "proposals_approvalrule": ("ABCDFEN", "BE", "ABCDFEN", "BE"),
    "proposals_delegation": ("ABCDFEN", "B", "ABCDFEN", "B"),
    "proposals_proposal": ("ABCDFEN", "ABC", "ABDEN", "-"),
    "proposals_summary": ("ABCDFEN", "ABCDF", "ABDEN", "ABD"),
    "handoff_handoff": ("ABCDFEN", "-", "ABDEN", "BD"),
    "handoff_promise": ("ABCDFEN", "-", "ABDEN", "-"),
    "handoff_outofscope": ("ABCDFEN", "-", "ABDEN", "-"),
    "handoff_project": ("ABCDFEN", "-", "ABDEN", "BD"),
    "handoff_checklistitem": ("ABCDFEN", "BDF", "ABDEN", "BD"),
    "handoff_launchblocker": ("ABCDFEN", "BDF", "ABDEN", "BD"),
    "handoff_connector": ("ABCDFEN", "BDF", "ABDEN", "BD"),
    "handoff_provider": ("ABCDFEN", "B", "ABCDFEN", "B"),
    "handoff_reportingcadence": ("ABCDFEN", "-", "ABDEN", "BD"),
    "handoff_cadencechange": ("ABCDFEN", "-", "ABDEN", "-"),  # asked for of a cadence: tests/handoff/test_changes.py
    "handoff_report": ("ABCDFEN", "-", "ABDEN", "BD"),
    "handoff_reportnote": ("ABCDFEN", "BDF", "ABDEN", "-"),
    "hooks_endpoint": ("EN", "E", "EN", "E"),
}

# What a record's page has beside these: who may GET, and who may POST.
MORE = {
    "opportunities_checkpoint": {"guide": ("-", "-")},  # of a line that the guide has not
    "opportunities_opportunity": {
        "fields": ("AB", "AB"),
        "edit": ("ABDEN", "AB"),
        "new": ("-", "-"),
        "note": ("ABD", "ABD"),
        "share": ("BE", "BE"),
        "write": ("ABD", "ABD"),
        "sequence": ("AB", "AB"),
        "portal": ("-", "ABDEN"),
        "inherits": ("ABDEN", "-"),
    },
    "opportunities_discovery": {"fields": ("AB", "AB")},
    "opportunities_contact": {
        **{"fields": ("AB", "AB"), "leave": ("AB", "AB"), "write": ("ABD", "ABD")},
        **dict.fromkeys(["end", "take", "give"], ("-", "AB")),
        "erase": ("BE", "BE"),
    },
    "opportunities_client": {
        **{"merge": ("AB", "AB"), "alike": ("-", "ABC"), "portal": ("-", "ABDEN")},
        **{"erase": ("BE", "BE"), "takeout": ("ABEN", "ABEN")},
    },
    "opportunities_consent": {"withdraw": ("AB", "AB")},
    "opportunities_message": {"write": ("ABD", "ABD")},
    "opportunities_task": dict.fromkeys(["fields", "snooze", "give"], ("ABD", "ABD")),
    # No fact without its kind; and to merge, to withdraw and to leave want words, which are asked for.
    "opportunities_lead": {"fact": ("-", "-"), "answer": ("AB", "AB"), "alike": ("-", "ABC"), "note": ("AB", "AB")},
    "opportunities_objection": {"about": ("AB", "AB")},
    "opportunities_winback": {"fields": ("AB", "AB"), "write": ("AB", "AB")},
    "opportunities_campaign": {"csv": ("ABEN", "-"), "progress": ("ABEN", "-")},
    # The world's mail was never kept as it came; tests/opportunities/test_unmatched.py sends one.
    "opportunities_inboundmail": {"original": ("-", "-")},
    "opportunities_note": {"correct": ("ABD", "ABD")},
    "opportunities_questionnaire": {"revise": ("-", "BE"), "make_current": ("-", "BE")},
    # Verified already: nobody adds to it.
    "opportunities_audit": {"import": ("-", "-"), "fields": ("AB", "AB"), "rests": ("ABDEN", "-")},
    # The world's newest evidence has no file; tests/opportunities/test_evidence_pages.py sends one.
    "opportunities_evidence": {
        **dict.fromkeys(["correct", "withdraw"], ("AB", "AB")),
        "file": ("-", "-"),
        "rests": ("ABDEN", "-"),
    },
    "proposals_summary": {"lint": ("-", "-")},  # about no deal; tests/proposals/test_summary_editor.py names one
    "proposals_clause": {"revise": ("BE", "BE"), "rests": ("ABCDFEN", "-")},
    "proposals_contract": {"standard": ("-", "-"), "paper": ("ABDEN", "-")},  # it is in force: it stays
    # Nothing came in yet, so no file shows it; tests/proposals/test_payments.py brings one.
    "proposals_payment": {"file": ("-", "-")},
    # Accepted: its rows stay as they are.
    "proposals_proposal": {
        **{"revise": ("-", "AB"), "contract": ("-", "AB"), "newest": ("-", "-")},
        **{"insert": ("-", "-"), "preview": ("ABDEN", "-"), "now": ("ABDEN", "-"), "keep": ("ABE", "ABE")},
        **{"difference": ("ABDEN", "-"), "copy": ("AB", "AB"), "portal": ("-", "ABDEN")},
        "paper": ("ABDEN", "-"),
    },
    # Uploaded, and not yet checked: its columns are mapped, and nothing is left to choose.
    "opportunities_import": {
        "columns": ("-", "AB"),
        "choices": ("-", "-"),
        "progress": ("ABEN", "-"),
        "refused": ("ABEN", "-"),
    },
    "handoff_handoff": {
        "accept_promises": ("-", "BD"),
        "order_change": ("-", "ABD"),
        **dict.fromkeys(["handover", "paper"], ("ABDEN", "-")),
    },
    "handoff_promise": {"reword": ("-", "AB")},
    # A test, a secret and a moment from which to send again are asked for by POST; a GET leads back to its page.
    "hooks_endpoint": {
        "log": ("EN", "-"),
        **dict.fromkeys(["test", "secret", "again"], ("E", "E")),
    },
    # Not published yet; tests/handoff/test_report_papers.py opens the paper of one that was.
    "handoff_report": {"numbers": ("ABDEN", "BD"), "note": ("BD", "BD"), "paper": ("-", "-")},
}


def kind_of(name):
    """Return (model or None, action) of an address by its name: "admin:opportunities_lead_add"."""
    bare = name.removeprefix("admin:")
    for kind in RECORDS:
        if bare.startswith(f"{kind}_"):
            return apps.get_model(*kind.split("_", 1)), bare.removeprefix(f"{kind}_")
    return None, bare


def expected_of(name):
    """Return who may GET and who may POST an address, or None when no row names it."""
    if name in PAGES:
        return PAGES[name]
    model, action = kind_of(name)
    if model is None:
        return None
    kind = f"{model._meta.app_label}_{model._meta.model_name}"
    if action in MORE.get(kind, {}):
        return MORE[kind][action]
    listed, add, view, change = RECORDS[kind]
    return {
        "changelist": (listed, listed),
        "export": (listed, "-"),
        "add": (add, add),
        "change": (view, change),
        "history": (view, view),
        "delete": ("-", "-"),
        "move": ("-", "-"),  # with a move that there is not; test_moves.py has those that there are
    }.get(action)


# Addresses that are not asked for one by one, by name and route: to sign out would end the test; the theme's search and
# the lists of apps are closed; the old form of a record's address leads to the new one.
NO_PAGES = {
    ("admin:logout", "logout/"),
    ("admin:search", "search/"),
    ("None", "admin/search/"),
    ("admin:view_on_site", "r/<path:content_type_id>/<path:object_id>/"),
    ("admin:app_list", "^(?P<app_label>opportunities|auth|proposals|handoff|hooks)/$"),
    ("admin:None", "<path:object_id>/"),
    ("admin:None", "(?P<url>.*)$"),
}


def is_page(name, pattern) -> bool:
    return (name, str(pattern.pattern)) not in NO_PAGES


def test_every_address_of_the_staff_surface_has_a_row():
    named = [name for name, pattern in patterns("zarts.urls") if is_page(name, pattern)]
    assert [name for name in named if expected_of(name) is None] == []


def test_no_row_is_of_an_address_that_is_gone():
    names = {name for name, _ in patterns("zarts.urls")}
    assert set(PAGES) <= names
    assert {f"admin:{kind}_changelist" for kind in RECORDS} <= names
    more = {f"{kind}_{action}" for kind, actions in MORE.items() for action in actions}
    # Pages about everything stand above the apps, beside the pages of their records.
    assert {name for name in more if f"admin:{name}" not in names} <= names


@pytest.fixture
def people(world, ada, ben, cem, dora, eve, ann):
    """The roles by their letters. The world is Ada's, won and handed over to Dora."""
    furnish()
    begin(ReportNote(report=a_row_of(Report, world), words="They changed their hours.", author=dora), by=dora)
    begin(Source(name="Trade fair", kind="event"), by=ada)
    begin(Delegation(giver=ben, taker=ada, starts_on=date(2020, 1, 1), ends_on=date(2020, 1, 2)), by=ben)
    run = RetestRun.objects.create(user=eve, state="findings", site="http://localhost", portal="http://localhost")
    RetestFinding.objects.create(run=run, kind="link", page="/admin/", place="home", who="Manager", words="Nowhere.")
    now = timezone.now()
    OwnTakeout.objects.create(user=ada, whose=ada, state="ready", ready_at=now, gone_at=now + timedelta(days=7))
    IntakeToken.mint(name="Website", source_name="Website", created_by="Eve")
    BulkChange.objects.create(user=ada, list="opportunities.task", do="finish", words="1 task done")
    until = timezone.now() + timedelta(days=30)
    Token.mint(name="Figures", owner=ada, scopes=["read:*.*"], expires_at=until, created_by="Ada")
    finn = person("finn", "Delivery", team="West")
    return {"A": ada, "B": ben, "C": cem, "D": dora, "F": finn, "E": eve, "N": ann, "X": None}


def browser_of(user):
    client = Client(headers={"host": "localhost"})
    if user is not None:
        client.force_login(user)
    return client


# Code inside a page: its policy would keep a browser from running it. Data in a script element is none.
INLINE = re.compile(rb"<script(?![^>]*(?:src=|json))[^>]*>|<[^>]*\son(?:click|change|input|submit|load)=")


# Who gets in is decided before a page is drawn: these draw the pages that they get, and one the answers to a POST too.
DRAW, DRAW_ANSWERS = "ABDEX", "B"


def undrawn():
    return mock.patch.object(SimpleTemplateResponse, "rendered_content", "")


def answered(client, method, path, *, draw=True):
    """Return whether this person got in: a page, a form with errors or a redirect that is not to the sign-in."""
    with transaction.atomic(), nullcontext() if draw else undrawn():
        answer = getattr(client, method)(path)
        transaction.set_rollback(True)
    assert "Content-Security-Policy" in answer, path
    if not answer.streaming:
        assert not INLINE.findall(answer.content), path
    if path == "/readyz":
        return answer.status_code in (200, 503)
    assert answer.status_code < 500, f"{method} {path} answered {answer.status_code}"
    if answer.status_code == 302:
        return "/login/" not in answer["Location"]
    return answer.status_code in (200, 409, 422)


def cells(world):
    """Yield (path, who may GET, who may POST) for every address, each with one of Ada's records."""
    for name, pattern in patterns("zarts.urls"):
        if not is_page(name, pattern):
            continue
        wanted = {*pattern.pattern.converters, *pattern.pattern.regex.groupindex}
        arguments = {}
        if wanted:
            row = a_row_of(kind_of(name)[0] or OF_A_RECORD.get(name, Opportunity), world)
            arguments = dict.fromkeys(wanted, row.pk) | ({"name": "no_such_move"} if "name" in wanted else {})
        yield reverse(name, kwargs=arguments), *expected_of(name)


@pytest.mark.django_db
@pytest.mark.parametrize("letter", list(EVERYBODY))
def test_each_role_opens_what_is_theirs_and_nothing_else(letter, world, people):
    client, wrong = browser_of(people[letter]), []
    for path, gets, posts in cells(world):
        for method, allowed, draw in (("get", gets, DRAW), ("post", posts, DRAW_ANSWERS)):
            if answered(client, method, path, draw=letter in draw) != (letter in allowed):
                wrong.append(f"{letter} {method.upper()} {path}: expected {'in' if letter in allowed else 'refused'}")
    assert wrong == []


@pytest.mark.django_db
def test_no_address_takes_another_method_whoever_asks(world, people):
    """Ben with every right that there is, and somebody who is not signed in: what refuses both refuses everybody."""
    User.objects.filter(pk=people["B"].pk).update(is_superuser=True)
    took = [
        f"{method} {path}"
        for client in (browser_of(User.objects.get(pk=people["B"].pk)), browser_of(None))
        for path, *_ in cells(world)
        for method in ("put", "patch", "delete")
        if answered(client, method, path)
    ]
    assert took == []


# -- The public surface. -----------------------------------------------------------------------------------------------

PUBLIC = {
    "home": (200, 405),
    "privacy": (200, 405),
    "intake": (200, 422),
    "thanks": (200, 405),
    "brand": (200, 405),
    "link": (404, 405),
    "link-open": (405, 404),
    "link-read": (405, 404),
    "link-choose": (405, 404),
    "link-accept": (405, 404),
    "link-decline": (405, 404),
    "link-ask": (405, 404),
    "link-paper": (404, 405),
    "stop": (404, 404),
    "room": (302, 405),
    "sign-in": (200, 422),
    "enter": (200, 410),
    "sign-in-code": (200, 422),
    "sign-in-challenge": (200, 405),
    "sign-in-passkey": (405, 422),
    "sign-out": (405, 302),
    "sessions": (302, 405),
    "sessions-end-others": (405, 302),
    "session-end": (405, 302),
    "seen": (405, 302),
    "switch": (405, 302),
    "passkey-options": (302, 405),
    "passkey-add": (405, 302),
    "passkey-remove": (405, 302),
    "preview": (200, 410),
    "preview-leave": (405, 200),
    "proposal": (302, 405),
    "proposal-link": (405, 302),
    "contract": (302, 405),
    "contract-open": (405, 302),
    "contract-sign": (405, 302),
    "proposal-paper": (302, 405),
    "contract-paper": (302, 405),
    "report-paper": (302, 405),
    "verify": (200, 422),
    "contract-decline": (405, 302),
    "payments": (404, 404),  # without its secret it is not there; tests/portal/test_portal_payments.py calls it
    "reports": (302, 405),
    "report": (302, 405),
    "onboarding": (302, 405),
    "tick": (405, 302),
    "grant": (405, 302),
    "history": (302, 405),
    "questions": (302, 405),
    "ask": (405, 302),
    "healthz": (200, 405),
    "readyz": (200, 405),
}


def test_every_address_of_the_public_surface_answers_a_stranger_as_written(portal_client):
    """What a stranger without a token gets, by GET and by POST. Guests of other clients: tests/portal."""
    got = {}
    for name, pattern in patterns("portal.urls"):
        wanted = {*pattern.pattern.converters, *pattern.pattern.regex.groupindex}
        arguments = {key: "A" * 43 if key == "token" else 1 for key in wanted}
        path = reverse(name, urlconf="portal.urls", kwargs=arguments)
        got[name] = tuple(getattr(portal_client, method)(path).status_code for method in ("get", "post"))
        for method in ("put", "patch", "delete"):
            assert getattr(portal_client, method)(path).status_code in (404, 405), f"{method} {path}"
    assert got == PUBLIC


# -- What a list costs. ------------------------------------------------------------------------------------------------

# So many questions a list asks at most, and the same of one row as of all.
MOST = 12
# Pages without a record that list things, and those that list nothing. Each kind of record has its list beside them.
LISTS = {"today", "pipeline", "approvals", "approvals_pace", "intake_tokens", "due_work", "notices"}
LISTS |= {"report_calendar", "report_reliability", "list_changes"}
LISTS |= {"own_takeouts", "claims", "won_and_lost", "numbers", "find", "find_now", "tokens", "retests"}
NO_LISTS = {
    *("today_several", "pipeline_several"),
    *("healthz", "readyz", "brand", "start", "home", "outputs_list_csv", "pipeline_export", "notices_unread"),
    *("approvals_export", "claims_export", "report_reliability_export", "won_and_lost_export"),
    *("notice_choices", "my_calendar", "reads_openapi", "catalogue", "api_manual", "api_openapi"),
    *("admin:index", "admin:login", "admin:password_change", "admin:password_change_done", "admin:jsi18n"),
}


def test_every_page_without_a_record_is_a_list_or_none():
    """A new one is named above, so that what it costs is pinned."""
    bare = {name for name, pattern in patterns("zarts.urls") if name in PAGES and not pattern.pattern.converters}
    assert {name for name in bare if PAGES[name][0] != "-"} == LISTS | NO_LISTS


def test_every_list_asks_a_bounded_number_of_questions(world, ben, eve, ann, monkeypatch):
    """The lists come from the resolver: one that is new is asked, too."""
    lists = [name for name, _ in patterns("zarts.urls") if name.endswith("_changelist")]
    assert len(lists) > 30
    browsers, wrong = [browser_of(ann), browser_of(eve), browser_of(ben)], {}
    for name in [*lists, *LISTS]:
        browser = next(browser for browser in browsers if browser.get(reverse(name)).status_code == 200)
        counts = []
        for size in (1, 50):
            monkeypatch.setattr(reads.page_of, "__defaults__", (None, size))
            with CaptureQueriesContext(connection) as asked:
                assert browser.get(reverse(name)).status_code == 200, name
            counts.append(len(asked))
        if max(counts) > MOST or counts[0] != counts[1]:
            wrong[name] = counts
    assert wrong == {}
