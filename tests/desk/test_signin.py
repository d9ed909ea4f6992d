"""Signing in: wrong passwords are counted, and every answer keeps a page to itself."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.utils import timezone

from opportunities.models import Event, User

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
