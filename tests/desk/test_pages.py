"""The desk: who may see it, what it shows, and what a raw POST may do."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.contrib.staticfiles import finders
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Client, Heartbeat, Opportunity, Task
from opportunities.records import Refused, begin, edit, perform
from proposals.models import Approval, ApprovalRule, Delegation
from tests.conftest import person
from tests.makers import a_lead, a_worked_lead, an_audit, an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary
from zarts.demo import free_port
from zarts.desk import board, due, pulse, queue
from zarts.desk.filters import Filters
from zarts.desk.queue import Queue
from zarts.desk.views.refused import broken, page_above

pytestmark = pytest.mark.django_db
PAGES = ["today", "pipeline", "approvals"]


def again(record):
    return type(record).objects.get(pk=record.pk)


def page(client, name, *args, **query):
    return client.get(reverse(name, args=args), query)


# -- Who may. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PAGES, "home", "start"])
def test_a_stranger_is_asked_to_sign_in(client, name):
    answer = page(client, name)

    assert answer.status_code == 302
    assert "/admin/login/" in answer.url


@pytest.mark.parametrize("name", PAGES)
def test_every_role_may_look(as_user, ada, ben, dora, eve, ann, name):
    for user in (ada, ben, dora, eve, ann):
        assert page(as_user(user), name).status_code == 200, user


@pytest.mark.parametrize("name", PAGES)
def test_staff_without_a_role_see_nothing(as_user, ada, name):
    ada.groups.clear()

    assert page(as_user(ada), name).status_code == 403


def test_the_themes_own_search_is_not_there(as_user, ada):
    assert as_user(ada).get("/admin/search/?s=a").status_code == 404


def test_the_way_in_leads_to_today(as_user, ada):
    assert page(as_user(ada), "home").url == reverse("today")


# -- Today. ------------------------------------------------------------------------------------------------------------


def test_what_is_late_stands_first_and_is_done_in_place(as_user, ada):
    opportunity = an_opportunity(ada, stage="discovery")
    task = opportunity.tasks.get(stage="open")
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now() - timedelta(days=2))
    browser = as_user(ada)

    assert page(browser, "today").context["overdue"] == [task]
    url = reverse("admin:opportunities_task_move", args=[task.pk, "finish"])
    assert browser.post(url, {"back": "/admin/today/"}).url == "/admin/today/"
    assert again(task).stage == "done"


def test_today_shows_only_what_is_mine(as_user, ada, cem):
    lead = a_lead(ada)

    assert lead in page(as_user(ada), "today").context["leads"]
    assert page(as_user(cem), "today", whose="team").context["leads"] == []


def test_a_manager_may_look_at_the_team(as_user, ada, ben):
    lead = a_lead(ada)

    assert page(as_user(ben), "today").context["leads"] == []
    assert page(as_user(ben), "today", whose="team").context["leads"] == [lead]


def test_a_paused_deal_says_why(as_user, ada):
    perform(an_opportunity(ada).pause, by=ada, reason="They move offices.", until=None)

    assert "They move offices." in page(as_user(ada), "today").text


@pytest.mark.parametrize(("leads", "more"), [(3, False), (4, True)])
def test_what_does_not_fit_is_said_and_can_be_found(as_user, ada, monkeypatch, leads, more):
    monkeypatch.setattr("zarts.desk.today.first.__defaults__", (3,))
    for _ in range(leads):
        a_lead(ada)

    answer = page(as_user(ada), "today")

    assert len(answer.context["leads"]) == 3
    assert ("3+" in answer.text) == more
    assert (f'{reverse("admin:opportunities_lead_changelist")}">All' in answer.text) == more


def test_tasks_that_do_not_fit_are_said(as_user, ada, monkeypatch):
    monkeypatch.setattr("zarts.desk.today.MOST", 1)
    for _ in range(3):
        an_opportunity(ada)
    Task.objects.update(due_at=timezone.now() - timedelta(days=1))

    answer = page(as_user(ada), "today")

    assert len(answer.context["overdue"]) == 2
    assert "More is due than stands here." in answer.text


@pytest.mark.parametrize("page", ["/admin/numbers/mail/", "/admin/pipeline/save/", "/admin/tokens/1/revoke/"])
def test_whoever_reads_the_address_of_a_form_is_told_what_it_is(as_user, ada, page):
    answer = as_user(ada).get(page)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "This address only takes what a form sends." in answer.content.decode()


@pytest.mark.parametrize(
    ("address", "above"),
    [
        ("/admin/pipeline/move/", "/admin/pipeline/"),
        ("/admin/tokens/1/revoke/", "/admin/tokens/"),
        ("/admin/opportunities/audit/7/import/", "/admin/opportunities/audit/7/change/"),
        ("/admin/opportunities/opportunity/7/checklist/confirm/", "/admin/opportunities/opportunity/7/checklist/"),
        ("/admin/lists/opportunities.task/save/", ""),
    ],
)
def test_the_address_of_a_form_leads_to_the_page_above_it(address, above):
    assert page_above(address) == above


@pytest.mark.parametrize("referer", ["http://[", "http://[::1", "//", "\\", "http://localhost:99999999/admin/"])
def test_a_browser_that_says_nonsense_of_where_it_came_from_is_answered(client, referer):
    form = client.post("/admin/opportunities/client/add/", {"name": "Harbor Dental"}, headers={"referer": referer})
    assert (form.status_code, "Harbor Dental" in form.text) == (403, True)
    request = RequestFactory().get("/admin/", headers={"referer": referer})
    assert broken(request).status_code == 500, "and the page that says so is no failure itself"


def test_who_is_signed_out_keeps_where_they_were(client, ada):
    here = {"referer": "http://localhost/admin/pipeline/?look=table", "host": "localhost"}
    said = client.post("/admin/pipeline/move/", {"opportunity": 1}, headers=here)
    assert parse_qs(urlsplit(said.url).query)["next"] == ["/admin/pipeline/?look=table"]
    typed = client.post("/admin/pipeline/move/", {"reason": "They asked."}, headers=here).text
    assert 'href="/admin/pipeline/?look=table"' in typed
    carried = {"move": "approve", "digest-1": "abc", "pick": "task:x", "waiting": "signed"}
    assert client.post("/admin/approvals/1/alike/", carried, headers=here).status_code == 302, "nobody typed these"


# -- The pipeline. -----------------------------------------------------------------------------------------------------


def move(client, opportunity, to, **headers):
    return client.post(reverse("pipeline_move"), {"opportunity": opportunity.pk, "to": to}, headers=headers)


def test_a_deal_moves_to_the_next_column(as_user, ada):
    opportunity = an_opportunity(ada)

    assert move(as_user(ada), opportunity, "discovery").status_code == 302
    assert again(opportunity).stage == "discovery"


def test_a_refused_drop_lists_what_is_missing(as_user, ada):
    opportunity = an_opportunity(ada, stage="discovery")

    answer = move(as_user(ada), opportunity, "audit", x_requested_with="staff.js")

    assert answer.status_code == 409
    assert opportunity.discoveries.get().staff_url() in answer.text
    assert again(opportunity).stage == "discovery"


def test_without_scripts_the_refusal_comes_with_the_board(as_user, ada):
    answer = move(as_user(ada), an_opportunity(ada), "contract")

    assert answer.status_code == 409
    assert "one step at a time" in answer.text


def test_a_move_that_needs_words_asks_for_them(as_user, ada):
    answer = move(as_user(ada), an_opportunity(ada), "lost")

    assert "/move/lose/" in answer.url


def test_a_paused_deal_stands_where_it_was_and_resumes_there(as_user, ada):
    opportunity = perform(an_opportunity(ada, stage="discovery").pause, by=ada, reason="Wait.")
    column = next(column for column in board.columns(Filters.read({}, ada)) if column.stage == "discovery")

    assert column.cards == [opportunity]
    move(as_user(ada), opportunity, "discovery")
    assert again(opportunity).stage == "discovery"


def test_nobody_moves_what_they_may_not(as_user, ada, cem, ann):
    opportunity = an_opportunity(ada)

    assert move(as_user(cem), opportunity, "discovery").status_code == 404
    assert move(as_user(ann), opportunity, "discovery").status_code == 403
    assert again(opportunity).stage == "qualified"


def test_looking_moves_nothing(as_user, ada):
    opportunity = an_opportunity(ada)

    assert as_user(ada).get(reverse("pipeline_move")).status_code == 405
    assert again(opportunity).stage == "qualified"


@pytest.mark.parametrize("to", ["", "nowhere", "\x00", "paused_from"])
def test_a_column_that_is_not_there_is_refused(as_user, ada, to):
    assert move(as_user(ada), an_opportunity(ada), to).status_code == 409


# -- Approvals. --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(ada, ben):
    return a_proposal(ada, stage="in_review").approvals.get(aspect="pricing")


def decide(client, approval, **data):
    return client.post(reverse("approval", args=[approval.pk]), data)


def allowed(user):
    """Return what the policy lets this person answer, one by one."""
    pending = queue.pending()
    return {each for each in pending if any(m.name == "approve" and m.allowed for m in each.moves_for(user))}


def test_the_queue_is_what_the_policy_lets_through(asked, ada, ben, cem, ann):
    for user in (ada, ben, cem, ann):
        assert set(queue.waiting_for(user)) == allowed(user), user
    assert asked in queue.waiting_for(ben)


def test_whoever_stands_in_finds_the_questions_until_the_giver_leaves(ada, ben):
    gus, day = person("gus", "Manager", team="East", sees="team"), timezone.localdate()
    rule = begin(ApprovalRule(aspect="pricing", person=ben), by=ben)
    asked = a_proposal(ada, stage="in_review").approvals.get(rule=rule)
    assert asked not in queue.waiting_for(gus)

    begin(Delegation(giver=ben, taker=gus, starts_on=day, ends_on=day), by=ben)
    assert asked in queue.waiting_for(gus)
    assert set(queue.waiting_for(gus)) == allowed(gus)

    edit(ben, by=None, is_active=False)
    assert set(queue.waiting_for(gus)) == allowed(gus)
    assert not Queue(gus).delegated()


def test_a_manager_approves_exactly_what_was_shown(as_user, asked, ben):
    browser = as_user(ben)

    assert "Care each month" in page(browser, "approval", asked.pk).text
    decide(browser, asked, move="approve", digest=asked.digest)
    assert again(asked).stage == "approved"
    assert again(asked).decided_by == ben


def test_another_digest_is_refused(as_user, asked, ben):
    answer = decide(as_user(ben), asked, move="approve", digest="0" * 64)

    assert answer.status_code == 409
    assert again(asked).stage == "pending"


def test_approving_goes_on_with_the_same_record_and_then_to_the_list(as_user, ada, ben):
    """What stands under the finger next is never of another client."""
    asked = list(a_proposal(ada, stage="in_review").approvals.order_by("due", "pk"))
    another = a_proposal(ada, stage="in_review").approvals.first()
    Approval.objects.filter(pk=another.pk).update(due=timezone.now() - timedelta(days=1))
    browser = as_user(ben)

    ways = [decide(browser, each, move="approve", digest=each.digest).url for each in asked]

    assert ways == [*(reverse("approval", args=[each.pk]) for each in asked[1:]), reverse("approvals")]
    text = page(browser, "approvals").text
    assert "Done: you approved" in text
    assert reverse("approval", args=[another.pk]) in text


def test_who_decides_reads_what_the_record_itself_comes_to(as_user, asked, ben):
    """The proposal comes to 13,800 in its first year, 15,600 with its option; the deal was thought to bring 12,000."""
    text = page(as_user(ben), "approval", asked.pk).text
    worth = r"\$13,800 firm, up to \$15,600 with every option"
    assert re.search(rf"<dt>Amount, first year</dt><dd[^>]*>{worth}</dd>", text), asked.worth
    assert re.search(r"<dt>Estimate of the deal</dt><dd[^>]*>\$12,000.00</dd>", text)
    listed = page(as_user(ben), "approvals").text
    assert "$13,800 firm, up to $15,600 with every option" in listed
    assert "12,000" not in listed


def test_words_have_no_amount_and_show_the_estimate_as_one(as_user, ada, ben):
    a_summary(ada, stage="in_review")
    assert '$12,000.00 <span class="z-quiet">estimate</span>' in page(as_user(ben), "approvals").text


def test_a_question_is_done_by_deciding_it_and_not_by_ticking_it_off(as_user, asked, ben):
    task = Task.objects.about(asked).get()
    with pytest.raises(Refused, match="Decide it: this task is done with that."):
        perform(task.finish, by=ben)
    url = reverse("admin:opportunities_task_move", args=[task.pk, "finish"])
    assert as_user(ben).post(url).status_code == 409
    assert asked.staff_url() in as_user(ben).get(task.staff_url()).text

    decide(as_user(ben), asked, move="approve", digest=asked.digest)
    assert again(task).stage == "done"


def test_today_lists_a_question_once_and_leads_to_it(as_user, asked, ada, ben):
    answer = page(as_user(ben), "today")
    assert set(answer.context["approvals"]) == set(asked.proposal.approvals.all())
    tasks = [task for name in ("overdue", "due", "coming") for task in answer.context[name]]
    assert not [task for task in tasks if task.record_type == Approval.label()]


def test_what_only_waits_for_somebody_else_leads_to_its_question(as_user, asked, ada):
    """Where nobody else may answer, the author's own task names the question."""
    Task.objects.about(asked).update(owner=ada, due_at=timezone.now())
    text = page(as_user(ada), "today").text
    assert f'href="{reverse("approval", args=[asked.pk])}">Decide' in text


def test_an_audit_is_verified_and_not_ticked_off(as_user, ada, ben):
    audit = perform(an_audit(an_opportunity(ada, stage="audit"), ada).submit, by=ada)
    task = Task.objects.about(audit).open().get()
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now(), owner=ben)
    assert f'href="{audit.staff_url()}">Decide' in page(as_user(ben), "today").text
    with pytest.raises(Refused, match="Decide it"):
        perform(task.finish, by=ben)

    perform(again(audit).verify, by=ben)
    assert again(task).stage == "done"


def test_a_rejection_without_a_reason_asks_for_one(as_user, asked, ben):
    answer = decide(as_user(ben), asked, move="reject", digest=asked.digest)

    assert answer.status_code == 200
    assert "Say why" in answer.text
    assert again(asked).stage == "pending"
    decide(as_user(ben), asked, move="reject", digest=asked.digest, reason="Too dear for them.")
    assert again(asked).decision == "Too dear for them."


def test_the_author_may_look_and_not_approve(as_user, asked, ada, cem):
    assert decide(as_user(ada), asked, move="approve", digest=asked.digest).status_code == 403
    assert decide(as_user(cem), asked, move="approve", digest=asked.digest).status_code == 404
    assert decide(as_user(ada), asked, move="lapse").status_code == 404
    assert Approval.objects.get(pk=asked.pk).stage == "pending"


# -- The record's page. ------------------------------------------------------------------------------------------------


def test_an_unready_move_lists_what_is_missing(as_user, ada):
    lead = a_worked_lead(ada)
    lead.unconfirm("urgency", by=ada, reason="")

    text = as_user(ada).get(lead.staff_url()).text

    assert "Confirm the urgency." in text
    assert f'action="{reverse("admin:opportunities_lead_move", args=[lead.pk, "qualify"])}"' not in text


def test_a_record_says_who_may_what_i_may_not(as_user, ada, ann):
    lead = a_lead(ada)

    assert "Growth ops or Manager" in as_user(ann).get(lead.staff_url()).text


def test_a_long_timeline_goes_on_below(as_user, ada):
    opportunity = an_opportunity(ada, stage="proposal")

    answer = as_user(ada).get(opportunity.staff_url().split("#")[0])

    assert "started the audit of" in answer.text


def test_saving_stays_with_the_record(as_user, ada):
    browser, add = as_user(ada), reverse("admin:opportunities_client_add")
    fields = {"name": "Harbor Dental", "website": "harbor.example", "time_zone": "UTC", "owner": ada.pk}
    fields |= {"contacts-TOTAL_FORMS": 0, "contacts-INITIAL_FORMS": 0}

    added = browser.post(add, fields, follow=True)
    client = Client.objects.get()
    saved = browser.post(client.staff_url(), {**fields, "name": "Harbor Dental East"}, follow=True)

    assert added.redirect_chain[-1][0] == saved.redirect_chain[-1][0] == client.staff_url()
    assert "Added: Harbor Dental." in added.text
    assert "Saved: Harbor Dental East." in saved.text
    assert client.website == "https://harbor.example"


def test_whoever_gives_a_record_away_gets_the_list(as_user, ada, cem):
    lead = a_lead(ada)
    fields = {"name": "Bo", "arrived_at_0": "2026-11-20", "arrived_at_1": "09:00", "next_action": "Call"}

    answer = as_user(ada).post(lead.staff_url(), {**fields, "owner": cem.pk})

    assert again(lead).owner == cem
    assert answer.url == reverse("admin:opportunities_lead_changelist")


def test_numbers_and_choices_are_said_as_people_write_them(as_user, ada, ben):
    contract = a_contract(ada, approver=ben)
    proposal = contract.proposal
    evidence = proposal.claims.get().evidence.get()
    browser = as_user(ben)

    def said(record, words):
        text = re.sub(r'datetime="[^"]*"', "", browser.get(record.staff_url()).text)  # its microseconds are any number
        assert words in text
        assert ".8000" not in text

    said(evidence, ">6.8<")
    said(contract.payment, ">$3,900.00<")
    said(contract, "$0.00 of $3,900.00")
    said(proposal, ">$3,000.00<")
    assert ">$3,900.00<" in browser.get(reverse("admin:proposals_payment_changelist")).text
    asked = page(browser, "approval", proposal.approvals.get(aspect="claims").pk).text
    assert "<dd>Finding</dd>" in asked
    assert "6.8 s" in asked
    priced = page(browser, "approval", proposal.approvals.get(aspect="pricing").pk).text
    assert "<dd>$3,000.00</dd>" in priced
    assert "<dd>Monthly</dd>" in priced


def test_an_approver_of_a_contract_reads_what_was_chosen(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    option = proposal.price_lines.get(optional=True)
    proposal = perform(proposal.accept, by=proposal.recipient, options=[option.pk])
    contract = a_contract(ada, approver=ben, stage="in_review", proposal=proposal)

    assert "<li>Call tracking</li>" in page(as_user(ben), "approval", contract.approvals.get().pk).text


def test_what_no_client_reads_has_no_words_for_them(as_user, ada):
    text = as_user(ada).get(an_opportunity(ada).staff_url()).text

    assert "<dt>Words for the client</dt><dd>None yet</dd>" in text


@pytest.mark.parametrize(
    ("came_from", "leads"),
    [
        ("http://testserver/admin/my/notices/", "/admin/my/notices/"),
        ("https://evil.example/admin/today/", ""),
        ("http://testserver/p/secret/", ""),
        ("", ""),
    ],
)
def test_a_page_that_broke_leads_back_and_says_what_is_lost(rf, came_from, leads):
    page = broken(rf.post("/admin/", headers={"referer": came_from, "host": "testserver"})).content.decode()
    assert "Nothing was saved of what you did just now." in page
    assert ("Go back</a>" in page) == bool(leads)
    assert f'href="{leads}"' in page or not leads


def test_every_page_has_its_sign(as_user, ada):
    assert finders.find("favicon.svg")
    assert 'href="/static/favicon.svg"' in page(as_user(ada), "today").text


# -- Bounded queries. --------------------------------------------------------------------------------------------------


def many(owner):
    for _ in range(3):
        an_opportunity(owner, stage="discovery")
        a_lead(owner)


@pytest.mark.parametrize(
    ("url", "most"),
    [
        ("/admin/today/", 14),
        ("/admin/pipeline/", 12),
        ("/admin/approvals/", 12),
        ("/admin/opportunities/lead/", 12),
        ("/admin/opportunities/opportunity/", 12),
        ("/admin/opportunities/task/", 12),
    ],
)
def test_a_page_asks_no_more_for_more_rows(as_user, ada, ben, url, most, django_assert_max_num_queries):
    a_proposal(ada, stage="in_review")
    browser = as_user(ben)
    browser.get(url)
    with django_assert_max_num_queries(most) as before:
        browser.get(url, {"whose": "team"} if "today" in url else {})
    many(ada)
    with django_assert_max_num_queries(len(before)):
        browser.get(url, {"whose": "team"} if "today" in url else {})


@pytest.mark.parametrize("kind", ["opportunity", "lead"])
def test_a_record_costs_a_bounded_number_of_queries(as_user, ada, kind, django_assert_max_num_queries):
    record = an_opportunity(ada, stage="proposal") if kind == "opportunity" else a_worked_lead(ada)
    browser = as_user(ada)
    browser.get(record.staff_url())
    with django_assert_max_num_queries(15):
        browser.get(record.staff_url())


def test_a_role_costs_a_bounded_number_of_queries_however_many_rights_it_has(as_user, django_assert_max_num_queries):
    role = Group.objects.get(name="Manager")
    browser = as_user(person("eve", "Administrator", sees="all"))
    with django_assert_max_num_queries(8):
        text = browser.get(reverse("admin:auth_group_change", args=[role.pk])).text
    assert "approve changes of the days of reports" in text
    assert "<li><b>Clients</b> see, " in text
    assert "Nobody yet." in text


# -- Health and due work. ----------------------------------------------------------------------------------------------


def test_the_process_says_that_it_lives(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_readiness_needs_a_recent_round(client):
    assert client.get("/readyz").status_code == 503
    due.run()
    assert client.get("/readyz").json()["last round"] == "ok"
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert client.get("/readyz").status_code == 503


def test_readiness_says_since_when_each_process_is_silent_and_needs_no_broker(client, settings):
    due.run()
    pulse.beat("here:1", "worker", 1)
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (200, "no answer")
    (silent,) = answer.json()["silent for, seconds"]
    assert silent["kind"] == "worker"
    assert silent["seconds"] <= 3, "whoever asks is not kept waiting"


def test_a_part_that_fails_does_not_stop_the_others(monkeypatch):
    ran = []

    def breaks():
        raise RuntimeError("on purpose")

    monkeypatch.setattr(due, "PARTS", {"breaks": breaks, "runs": lambda: ran.append(1)})

    assert due.run()[1] == ["breaks"]
    assert ran


# -- Caught mail. ------------------------------------------------------------------------------------------------------


@pytest.fixture
def caught(settings, tmp_path):
    settings.CAUGHT_MAIL_DIR = str(tmp_path)
    mail = "Subject: Your proposal\nTo: bo@x.example\n\n<script>x</script> http://localhost:8001/p/abc\n"
    (tmp_path / "1.eml").write_text(mail)
    return tmp_path


def test_staff_press_the_links_of_caught_mail(as_user, ada, caught):
    text = page(as_user(ada), "mail").text

    assert 'href="http://localhost:8001/p/abc"' in text
    assert "<script>x" not in text


@pytest.mark.parametrize("name", ["../1", "2", "/etc/passwd", "1.eml/..", "\x00"])
def test_only_caught_mails_are_opened(as_user, ada, caught, name):
    assert page(as_user(ada), "mail", id=name).status_code == 404


def test_where_nobody_catches_the_page_is_not_there(as_user, ada, settings):
    settings.CAUGHT_MAIL_DIR = ""

    assert page(as_user(ada), "mail").status_code == 404
    assert not Opportunity.objects.exists()
