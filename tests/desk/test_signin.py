"""Signing in: wrong passwords are counted, and every answer keeps a page to itself."""

import re
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from opportunities.models import Event, Message, User
from opportunities.records import begin, perform
from tests.desk.test_chores import some_tasks
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
ELSEWHERE = "203.0.113.9"


def knock(client, password, name="ada", **more):
    return client.post("/admin/login/", {"username": name, "password": password}, **more)


def five_wrong(client, name="ada"):
    for turn in range(5):
        answer = knock(client, f"wrong {turn}", name)
    return answer


def test_after_five_wrong_passwords_the_right_one_does_not_open_either(client, ada):
    answer = five_wrong(client)
    assert answer.status_code == 429
    assert "Try again in 15 minutes" in answer.text
    assert knock(client, PASSWORD).status_code == 429


def test_a_quarter_of_an_hour_later_it_does(client, ada):
    five_wrong(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert knock(client, PASSWORD).status_code == 302


def test_nobody_is_locked_out_from_another_address(client, ada):
    five_wrong(client)
    assert knock(client, PASSWORD, REMOTE_ADDR=ELSEWHERE).status_code == 302


def test_an_address_in_a_header_counts_only_where_a_proxy_of_ours_wrote_it(client, ada, settings):
    five_wrong(client)
    assert knock(client, PASSWORD, headers={"x-forwarded-for": ELSEWHERE}).status_code == 429
    settings.PROXIES = 1
    assert knock(client, PASSWORD, headers={"x-forwarded-for": ELSEWHERE}).status_code == 302


def test_a_header_that_is_no_address_breaks_nothing(client, ada, settings):
    settings.PROXIES = 1
    assert knock(client, "wrong", headers={"x-forwarded-for": "unknown\x00 <b>"}).status_code == 200


def test_an_unknown_name_gets_the_same_answers(client, ada):
    known, unknown = knock(client, "wrong"), knock(client, "wrong", "nobody")
    assert known.status_code == unknown.status_code == 200
    assert five_wrong(client, "nobody").status_code == 429


def test_no_password_is_kept_of_a_wrong_try(client, ada):
    knock(client, "almost right")
    assert "almost right" not in str(AccessAttempt.objects.values())


def test_the_right_password_forgets_the_wrong_ones(client, ada):
    for _ in range(2):
        for turn in range(4):
            knock(client, f"wrong {turn}")
        assert knock(client, PASSWORD).status_code == 302
        client.logout()


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/today/", "/admin/nowhere/", "/healthz"])
def test_a_browser_runs_only_our_own_code(client, ada, path):
    client.force_login(ada)
    policy = client.get(path).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]


def test_whoever_is_made_at_the_keyboard_has_a_birth_in_the_diary(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", username="root", email="root@zarts.example", interactive=False, verbosity=0)
    root = User.objects.get(username="root")
    told = Event.objects.get(verb="user.create", record_id=root.pk)
    assert (told.actor_name, told.subject) == ("ZartsAlgo", "root")


# -- Nothing that was typed is lost. -----------------------------------------------------------------------------------

LONG = "Dear Bo,\n\nwe measured again & found <much> to mend."


def test_a_letter_that_was_typed_in_an_old_tab_is_shown_after_a_new_sign_in(ada):
    deal = an_opportunity(ada)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    url = f"/admin/opportunities/opportunity/{deal.pk}/write/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(url).text).group(1)
    browser.cookies.clear()
    browser.force_login(ada)
    browser.get("/admin/today/")
    letter = {"csrfmiddlewaretoken": token, "contact": deal.decision_owner_id, "subject": "Again", "body": LONG}
    answer = browser.post(url, {**letter, "do": "send"})
    assert answer.status_code == 403
    assert escape(LONG) in answer.text
    assert "Again" in answer.text
    assert token not in answer.text
    assert "Sign in again in another tab" in answer.text


def test_what_is_sent_after_the_session_is_over_is_shown_too(client, ada):
    (task,) = some_tasks(ada, 1)
    answer = client.post(task.staff_url(), {"title": "Ring them", "words": LONG})
    assert answer.status_code == 403
    assert escape(LONG) in answer.text
    assert str(task) not in answer.text, "nothing is shown of what stands there"
    assert client.post(task.staff_url(), {}).status_code == 302, "where nothing was typed, one is asked to sign in"


def test_no_password_is_shown_and_the_sign_in_page_says_what_to_do(ada):
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert (answer.status_code, PASSWORD in answer.text) == (403, False)
    assert "Sign in once more" in answer.text
    answer = browser.post("/admin/opportunities/user/1/password/", {"password1": PASSWORD, "username": "ada"})
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("page", ["change", "write"])
def test_a_draft_that_was_sent_in_another_tab_says_so_and_keeps_the_words(as_user, ada, page):
    deal = an_opportunity(ada)
    about = {"client": deal.client, "opportunity": deal, "contact": deal.decision_owner, "owner": ada}
    draft = begin(Message(**about, subject="Tuesday", body="Nine?"), by=ada)
    perform(draft.queue, by=ada)
    url = f"/admin/opportunities/message/{draft.pk}/{page}/"
    answer = as_user(ada).post(url, {"subject": "Tuesday", "body": LONG, "do": "save"})
    assert answer.status_code == 409
    assert "It was sent meanwhile" in answer.text
    assert escape(LONG) in answer.text


def test_who_may_not_write_in_it_is_told_that_only(as_user, ada, cem, ann):
    deal = an_opportunity(ada)
    about = {"client": deal.client, "opportunity": deal, "contact": deal.decision_owner, "owner": ada}
    draft = perform(begin(Message(**about, subject="Tuesday", body="Nine?"), by=ada).queue, by=ada)
    for user, status in ((cem, 404), (ann, 403)):
        assert as_user(user).post(draft.staff_url(), {"body": LONG}).status_code == status
