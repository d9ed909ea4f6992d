"""The pages of webhooks: who may, what is refused at its place, and what is shown once."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opportunities.models import Event
from opportunities.records import perform
from tests.makers import a_lead
from zarts.hooks import deliveries, kinds
from zarts.hooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db
LIST = "/admin/hooks/endpoint/"


def typed(eve, **fields):
    return {"name": "Warehouse", "url": "https://x.example/hooks", "owner": eve.pk, "kinds": ["lead.work"], **fields}


def test_an_administrator_adds_one_and_chooses_its_events(eve, as_user):
    browser = as_user(eve)
    made = browser.post(f"{LIST}add/", typed(eve, kinds=["lead.work", "proposal.*"]), follow=True)
    mine = Endpoint.objects.get()
    assert (mine.kinds, mine.stage, mine.everything) == (["lead.work", "proposal.*"], "in_use", False)
    assert "Proposal: everything" in made.content.decode()
    assert Event.objects.filter(verb="endpoint.create").get().actor == eve
    browser.post(mine.staff_url(), typed(eve, everything="on", kinds=[]))
    mine = Endpoint.objects.get()
    assert (mine.everything, mine.kinds) == (True, [])
    assert Event.objects.filter(verb="endpoint.edit").exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "http://x.example/", "Begin with https://"),
        ("url", "https://10.0.0.1/", "private network"),
        ("url", "https://a:b@x.example/", "before the @"),
        ("url", "https://x.example:25/", "port 443"),
        ("url", "", "Fill this in"),
        ("name", "", "Fill this in"),
        ("kinds", [], "Choose at least one event"),
        ("kinds", ["lead.fly"], "There is no event"),
        ("owner", 0, "Choose"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(eve, as_user, field, value, said):
    page = as_user(eve).post(f"{LIST}add/", typed(eve, **{field: value}))
    assert page.status_code == 200
    assert said in str(page.context["adminform"].form.errors[field])
    assert not Endpoint.objects.exists()


def test_a_name_that_another_has_is_refused_in_our_words(eve, as_user):
    as_user(eve).post(f"{LIST}add/", typed(eve))
    page = as_user(eve).post(f"{LIST}add/", typed(eve))
    assert "There is one with this already. Write another." in page.content.decode()
    assert Endpoint.objects.count() == 1


def test_a_page_of_one_that_fails_says_why_however_much_waits_untried(ada, eve, as_user, endpoint, receiver):
    mine = endpoint(receiver(500))
    a_lead(ada)
    assert "What came of it last" not in as_user(eve).get(mine.staff_url()).text
    deliveries.run()
    tried = mine.deliveries.exclude(trouble="").first()
    for _ in range(8):
        a_lead(ada)
    page = as_user(eve).get(mine.staff_url()).text
    assert f"What came of it last: {tried.trouble}" in page
    assert re.search(r'/admin/hooks/deliveries/\d+/">Look at it', page)


@pytest.mark.parametrize("name", ["ada", "ben", "dora", "ann"])
def test_nobody_else_adds_changes_tests_or_sees_a_secret(name, request, eve, as_user, endpoint):
    mine, browser = endpoint(), as_user(request.getfixturevalue(name))
    expected = 403 if name == "ann" else 404
    assert browser.post(f"{LIST}add/", typed(eve)).status_code == 403
    for page in ("test/", "secret/", "again/"):
        assert browser.post(f"{LIST}{mine.pk}/{page}", {"do": "show"}).status_code in (403, expected), page
    assert browser.get(mine.staff_url()).status_code in ((200,) if name == "ann" else (403, 404))
    assert not Event.objects.exclude(verb="endpoint.create").filter(verb__startswith="endpoint.").exists()


def test_its_secret_is_shown_once_and_a_new_one_in_the_answer_that_made_it(eve, as_user, endpoint):
    mine, browser = endpoint(), as_user(eve)
    shown = browser.post(f"{LIST}{mine.pk}/secret/", {"do": "show"})
    secret = shown.context["secret"]
    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    refused = browser.post(f"{LIST}{mine.pk}/secret/", {"do": "show"}, follow=True).content.decode()
    assert "shown already" in refused
    assert secret not in refused
    rotated = browser.post(f"{LIST}{mine.pk}/secret/", {"do": "rotate"}).context["secret"]
    assert rotated != secret
    page = browser.get(mine.staff_url()).content.decode()
    assert "former one signs along until" in page
    assert "Make a new secret" not in page
    again = browser.post(f"{LIST}{mine.pk}/secret/", {"do": "rotate"}, follow=True).content.decode()
    assert "The former secret signs along until" in again
    assert "signs no more" in browser.post(f"{LIST}{mine.pk}/secret/", {"do": "end"}, follow=True).content.decode()
    told = Event.objects.filter(verb="endpoint.secret")
    assert told.count() == 3
    row = str(Endpoint.objects.values().get()) + str(list(told.values("facts__values", "reason")))
    assert secret[6:] not in row
    assert rotated[6:] not in row


def test_a_test_is_sent_and_its_answer_is_read_on_its_page(eve, as_user, endpoint, receiver):
    mine, browser = endpoint(receiver()), as_user(eve)
    page = browser.post(f"{LIST}{mine.pk}/test/", follow=True)
    assert "on its way" in page.content.decode()
    deliveries.run()
    page = browser.get(page.redirect_chain[-1][0]).content.decode()
    assert "Delivered" in page
    assert "okay" in page
    assert "hook.test" in page


def test_the_log_is_paged_by_marks_and_narrowed_by_state(eve, ada, as_user, endpoint, monkeypatch):
    from opportunities import reads

    monkeypatch.setattr(reads.page_of, "__defaults__", (None, 2))
    mine, browser = endpoint(), as_user(eve)
    for _ in range(3):
        a_lead(ada)
    page = browser.get(f"{LIST}{mine.pk}/log/").context["page"]
    assert len(page.rows) == 2
    assert len(browser.get(f"{LIST}{mine.pk}/log/?before={page.older}").context["page"].rows) == 1
    assert browser.get(f"{LIST}{mine.pk}/log/?state=delivered").context["page"].rows == []
    for mark in ("x", "-1", "9" * 30):
        assert browser.get(f"{LIST}{mine.pk}/log/?before={mark}&state=fly").status_code == 200


def test_the_log_and_the_page_cost_the_same_however_much_was_told(eve, ada, as_user, endpoint):
    mine, browser, counts = endpoint(), as_user(eve), []
    for _ in range(2):
        for _ in range(4):
            a_lead(ada)
        for page in (mine.staff_url(), f"{LIST}{mine.pk}/log/"):
            with CaptureQueriesContext(connection) as asked:
                browser.get(page)
            counts.append(len(asked))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 20


def test_one_delivery_or_all_since_a_moment_are_sent_again_from_its_pages(eve, ada, as_user, endpoint, receiver):
    mine, browser = endpoint(receiver()), as_user(eve)
    a_lead(ada)
    deliveries.run()
    row = mine.deliveries.get()
    assert "goes again" in browser.post(f"/admin/hooks/deliveries/{row.pk}/", follow=True).content.decode()
    deliveries.run()
    since = f"{timezone.localtime() - timedelta(minutes=5):%Y-%m-%dT%H:%M}"
    page = browser.post(f"{LIST}{mine.pk}/again/", {"since": since}, follow=True).content.decode()
    assert re.search("1 event goes again", page)
    deliveries.run()
    assert row.tries.count() == 3


@pytest.mark.parametrize("since", ["", "yesterday", "0001-01-01T00:00", "2999-01-01T00:00"])
def test_a_moment_that_is_none_is_said_at_its_place(eve, as_user, endpoint, since):
    page = as_user(eve).post(f"{LIST}{endpoint().pk}/again/", {"since": since})
    assert page.status_code == 422
    assert page.context["since_form"].errors["since"]


def test_a_delivery_that_is_not_in_the_log_any_more_is_said_to_be_gone(eve, as_user):
    assert as_user(eve).get("/admin/hooks/deliveries/1234567/").status_code == 404


def test_one_that_was_ended_offers_nothing_more(eve, as_user, endpoint):
    mine, browser = endpoint(), as_user(eve)
    perform(mine.end, by=eve, reason="They left.")
    page = browser.get(mine.staff_url()).content.decode()
    assert "Send a test" not in page
    for what in ({"do": "rotate"}, {"do": "show"}):
        assert browser.post(f"{LIST}{mine.pk}/secret/", what).status_code == 302
    assert "was ended" in browser.post(f"{LIST}{mine.pk}/test/", follow=True).content.decode()


def test_the_kinds_that_are_offered_are_the_moves_that_there_are():
    offered = kinds.words()
    assert {"proposal.send", "opportunity.win", "lead.create", "contract.*"} <= set(offered)
    assert not any(kind.split(".")[0] in ("user", "team", "endpoint") for kind in offered)
    assert offered["proposal.*"] == "Proposal: everything"


def test_the_page_of_due_work_names_those_that_take_nothing(eve, ada, as_user, endpoint, receiver):
    well, failing, paused = endpoint(receiver(), name="Well"), endpoint(receiver(500), name="Failing"), endpoint()
    perform(paused.pause, by=eve, reason="It moves house.")
    a_lead(ada)
    deliveries.run()
    page = as_user(eve).get("/admin/due/").text
    assert f'href="{failing.staff_url()}"' in page
    assert "1 call in a row" in page
    assert "It moves house." in page
    assert f'href="{well.staff_url()}"' not in page


@pytest.mark.parametrize(
    ("past", "words"),
    [
        ("changed a contract clause of", "Contract: changed a contract clause"),
        ("removed a signatory from", "Contract: removed a signatory"),
        ("wrote down:", "Contract: wrote down"),
        ("sent", "Contract: sent"),
    ],
)
def test_what_happened_is_said_without_a_word_that_leads_on(past, words):
    assert Delivery(verb="contract.something", event=Event(past=past)).words == words
