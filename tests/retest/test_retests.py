"""Retests: who asks for one, how it is begun once, and what is said when it cannot be walked."""

import subprocess
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from opportunities.models import Event
from opportunities.records import tell
from tests.aside import Aside
from tests.makers import an_opportunity
from zarts.retest import addresses, only, parts, runs
from zarts.retest.models import RetestFinding, RetestRun
from zarts.retest.walk import CannotWalk, Walk, Walker, answers

pytestmark = pytest.mark.django_db
PAGE = "/admin/retests/"
HERE = {"site": "http://localhost:8000", "portal": "http://localhost:8001"}
PICTURE = b"\xff\xd8\xff\xe0 a picture"


def a_run(state="findings", **fields):
    at = timezone.now()
    return RetestRun.objects.create(state=state, began_at=at, heard_at=at, **HERE, **fields)


def a_finding(run, words="A link leads to /admin/nowhere/, which answers 404.", **fields):
    about = {"kind": "link", "page": "/admin/claims/", "place": "claims", "who": "Manager", "words": words} | fields
    row = RetestFinding(run=run, **about)
    row.fingerprint = row.mark()
    row.save()
    return row


def test_an_administrator_starts_one_and_it_stands_in_the_diary(eve, as_user):
    browser = as_user(eve)
    answer = browser.post(PAGE)
    run = RetestRun.objects.get()
    assert (run.state, run.user, answer["Location"]) == ("asked", eve, f"{PAGE}{run.pk}/")
    assert Event.objects.filter(verb="user.retest").count() == 1
    assert "Waits for a worker" in browser.get(answer["Location"]).content.decode()
    assert "Start a retest</button>" not in browser.get(PAGE).content.decode()


def test_one_at_a_time_and_whoever_asks_again_is_told(eve, as_user):
    browser = as_user(eve)
    browser.post(PAGE)
    assert "waits for a worker already" in browser.post(PAGE, follow=True).content.decode()
    assert RetestRun.objects.count() == 1
    with pytest.raises(CommandError, match="waits for a worker already"):
        call_command("retest")


def test_a_word_that_narrows_it_to_nothing_is_named_and_nothing_is_walked():
    with pytest.raises(CommandError, match="“porposals” is no part, no role and no piece of an address") as refusal:
        call_command("retest", only="porposals manager")
    assert (refusal.value.returncode, RetestRun.objects.count()) == (2, 0)
    assert only.strange("mail, growth-ops lead /admin/claims/ /admin/opportunities/task/434/change/ /portal/") == []
    assert only.strange("/admin/opportunities/tasks/ 434") == ["/admin/opportunities/tasks/", "434"]


def test_a_run_that_is_not_there_is_no_finding():
    with pytest.raises(CommandError, match="There is no retest 999999 that is to be walked") as refusal:
        call_command("retest", run=999999)
    assert refusal.value.returncode == 2


def test_an_administrator_stops_a_walk_and_it_stays_stopped(eve, as_user):
    browser, run = as_user(eve), a_run("walking", done=41, of=120)
    assert "Stop it</button>" in browser.get(f"{PAGE}{run.pk}/").content.decode()
    browser.post(f"{PAGE}{run.pk}/stop/")
    with pytest.raises(runs.Ended):
        runs.hear(run, "Links")
    # What it meets without its sessions is nobody's fault.
    with pytest.raises(runs.Ended):
        Walk(run, browser=None).found("answer", PAGE, "retests", "Manager", 0, "500: GET /admin/retests/")
    ended = runs.end(run, looked=set())
    assert (ended.state, ended.why) == ("failed", "Eve stopped it at 41 of the 120 pages found so far.")
    assert Event.objects.filter(verb="user.retest").count() == 1
    assert "has ended already" in browser.post(f"{PAGE}{run.pk}/stop/", follow=True).content.decode()


def test_a_walk_whose_process_died_is_given_up_at_once_and_leaves_none_behind(monkeypatch):
    monkeypatch.setattr(runs, "connections", SimpleNamespace(close_all=lambda: None))
    run, process = a_run("walking", done=41, of=120), subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    runs.wait_for(process, run.pk)
    run.refresh_from_db()
    assert (run.state, process.returncode) == ("failed", 1)
    assert run.why == "It broke off at 41 of the 120 pages found so far: its process is gone. Start it again."


@pytest.mark.parametrize(
    ("status", "headers", "drawn"),
    [
        (200, {"content-type": "text/html"}, True),
        (200, {"content-type": "text/csv"}, False),
        *[(status, {"content-type": "text/html"}, True) for status in (400, 404, 405, 410, 500)],
        (405, {"allow": "POST"}, False),
        (302, {"location": "/admin/claims/?due=overdue"}, True),
        (302, {"location": "/admin/today/"}, False),
    ],
)
def test_a_page_that_does_not_answer_to_whom_it_is_open_is_a_finding(status, headers, drawn):
    walk, answer = Walk(a_run("walking"), browser=None), SimpleNamespace(status=status, headers=headers)
    listed = addresses.Listed("claims", "/admin/claims/", "handoff.view_promise")
    walker = SimpleNamespace(name="Manager", ask=lambda address: answer, place=lambda address: "claims")
    assert Walker.is_page(walker, "/admin/claims/") is drawn
    walk.ask_for(walker, listed, may=True)
    walk.ask_for(walker, listed, may=False)
    wrong = status >= 400 and "allow" not in headers
    opened = [f"{status}: GET /admin/claims/"] if wrong else []
    assert [row.words for row in RetestFinding.objects.filter(kind="answer")] == opened


def test_what_writes_is_not_followed_and_what_is_no_page_not_opened():
    names = {each.name for each in addresses.lists()}
    assert not [name for name in names if name.endswith("_export")]
    assert addresses.writes(addresses.place_of("/admin/opportunities/task/export/?as=csv", addresses.STAFF))
    assert addresses.writes(addresses.place_of("/admin/take-out/7/take-out.zip", addresses.STAFF))
    assert names > addresses.FRAGMENTS | addresses.OF_A_DEMO


def test_a_run_is_taken_up_once():
    run = runs.ask()
    assert [runs.claim(run), runs.claim(run)] == [True, False]


@pytest.mark.parametrize("name", ["ada", "ben", "dora", "ann"])
def test_nobody_but_administrators_sees_or_starts_them(name, request, as_user):
    browser = as_user(request.getfixturevalue(name))
    row = a_finding(a_run(), picture=PICTURE)
    for address in (PAGE, f"{PAGE}{row.run_id}/", f"{PAGE}{row.run_id}/progress/", f"{PAGE}pictures/{row.pk}.jpg"):
        assert browser.get(address).status_code == 403
    assert browser.post(PAGE).status_code == 403


def test_a_run_shows_how_far_it_is(eve, as_user):
    run = a_run("walking", done=41, of=120)
    browser = as_user(eve)
    assert "41 of the 120 pages found so far" in browser.get(f"{PAGE}{run.pk}/").content.decode()
    said = browser.get(f"{PAGE}{run.pk}/progress/").json()
    assert said == {"stage": "walking", "percent": 34, "words": "41 of the 120 pages found so far"}


def test_findings_stand_by_kind_with_their_pictures_and_what_is_mended(eve, as_user):
    before, run = a_run(), a_run()
    row = a_finding(run, picture=PICTURE)
    a_finding(before, "A link leads to /admin/gone/, which answers 404.", mended_by=run)
    browser = as_user(eve)
    page = browser.get(f"{PAGE}{run.pk}/").content.decode()
    assert "Links that lead nowhere" in page
    assert "/admin/nowhere/" in page
    assert "Mended since" in page
    assert "/admin/gone/" in page
    picture = browser.get(f"{PAGE}pictures/{row.pk}.jpg")
    assert (picture["Content-Type"], picture.content) == ("image/jpeg", PICTURE)


def test_the_list_says_how_many_findings_how_many_are_new_and_when_it_ended(eve, as_user):
    run = a_run(ended_at=timezone.now())
    a_finding(run)
    a_finding(run, "A link leads to /admin/gone/, which answers 404.", is_new=False)
    page = " ".join(as_user(eve).get(PAGE).content.decode().split())
    assert 'data-label="Findings">2</td> <td class="z-number" data-label="New">1</td>' in page
    assert 'data-label="Ended">–' not in page


def test_a_picture_that_is_not_there_any_more_is_no_error(eve, as_user):
    assert as_user(eve).get(f"{PAGE}pictures/{a_finding(a_run()).pk}.jpg").status_code == 404


def test_what_was_not_looked_at_again_is_not_mended():
    row = a_finding(a_run())
    run = runs.end(a_run("walking"), looked={("link", "claims", "Auditor", 0), ("ask", "claims", "Manager", 0)})
    assert (run.state, run.mended.count()) == ("green", 0)
    run = runs.end(a_run("walking"), looked={("link", "claims", "Manager", 0)})
    assert list(run.mended.all()) == [row]


def test_a_walk_that_is_silent_is_given_up_and_its_session_ended(eve, client):
    client.force_login(eve)
    key = client.session.session_key
    long_ago = timezone.now() - runs.SILENT - timedelta(seconds=1)
    run = a_run("walking", done=41, of=120, sessions=[key])
    RetestRun.objects.filter(pk=run.pk).update(heard_at=long_ago)
    runs.ask()
    run.refresh_from_db()
    assert (run.state, run.sessions) == ("failed", [])
    assert run.why == "It broke off at 41 of the 120 pages found so far: its process is gone. Start it again."
    assert client.get(PAGE).status_code == 302


def test_where_a_part_is_missing_it_is_said_with_how_to_bring_it(monkeypatch, capsys):
    monkeypatch.setattr(parts, "PARTS", {"no_such_module": "playwright"})
    with pytest.raises(SystemExit) as status:
        call_command("retest")
    assert status.value.code == 2
    said = capsys.readouterr().out
    assert "playwright is not installed where this runs. Install it: pip install" in said


def test_an_address_that_does_not_answer_cannot_be_walked():
    with pytest.raises(CannotWalk, match="http://localhost:1 does not answer .* Start it, or name another address."):
        answers("http://localhost:1")


def test_a_role_that_nobody_has_is_named_and_the_others_are_walked(ada, ben, dora, eve):
    walk = Walk(a_run("walking"), browser=None)
    assert list(walk.people().values()) == [ada, ben, dora, eve]
    assert walk.lacks == ["Nobody active has the role Auditor: give it to somebody, then start it again."]
    assert runs.end(walk.run, walk.lacks[0], walk.looked).state == "failed"


def test_who_has_a_role_alone_goes_before_who_has_several(ada, ben):
    ada.groups.add(Group.objects.get(name="Manager"))
    assert Walk(a_run("walking", only="manager"), browser=None).people() == {"Manager": ben}


def test_of_each_kind_the_newest_that_its_list_shows_is_opened(ada, as_user):
    """The diary of people is in reach of nobody's list: a page of it would be none."""
    deal = an_opportunity(ada)
    tell(ada, "roles", "changed the roles of", by=ada)
    walk = Walk(a_run("walking"), browser=None)
    found = list(walk.records(ada, addresses.rights_of(ada) | {"opportunities.view_event"}))
    assert f"/admin/opportunities/opportunity/{deal.pk}/change/" in found
    assert [as_user(ada).get(path).status_code for path in found if "/event/" in path] == [200]


def test_a_link_with_a_token_is_kept_in_no_finding():
    walk = Walk(a_run("walking"), browser=None)
    walk.found("answer", f"http://localhost:8001/p/{'A' * 43}/", "link", "a reader", 360, f"500: /p/{'A' * 43}/")
    row = RetestFinding.objects.get()
    assert (row.page, row.words) == ("/p/…/", "500: /p/…/")


def test_pictures_are_kept_of_the_last_runs_alone(monkeypatch):
    monkeypatch.setattr(runs, "PICTURED", 1)
    row = a_finding(a_run(), picture=PICTURE)
    runs.end(a_run("walking"), looked=set())
    row.refresh_from_db()
    assert row.picture is None


def test_a_fault_is_the_same_whatever_numbers_stand_in_its_words():
    marks = {a_finding(a_run(), f"/admin/tasks/{pk}/ is {pk} wide").fingerprint for pk in (400, 512)}
    assert len(marks) == 1


def test_every_list_says_which_right_opens_it():
    """What a retest asks for comes from the addresses: a new list is asked for, too."""
    found = {each.name: each.right for each in addresses.lists()}
    assert found["admin:handoff_project_changelist"] == "handoff.view_project"
    assert (found["due_work"], found["today"]) == ("opportunities.see_due_work", addresses.ANY_ROLE)
    assert len(found) > 60


def test_the_database_lets_one_retest_wait_or_walk(db):
    a_run("walking")
    with pytest.raises(IntegrityError), transaction.atomic():
        RetestRun.objects.create(site="s", portal="p")


@pytest.mark.django_db(transaction=True)
def test_whoever_stops_a_walk_as_it_ends_hears_that_it_has_ended(eve, monkeypatch):
    run, compare, stops = a_run("walking"), runs.compare, []

    def compare_while_it_is_stopped(*given):
        stops.append(Aside(lambda: runs.stop(run, eve)))
        time.sleep(0.3)
        compare(*given)

    monkeypatch.setattr(runs, "compare", compare_while_it_is_stopped)
    assert runs.end(RetestRun.objects.get(pk=run.pk), looked=set()).state == "green"
    assert stops[0].ends() is False
    run.refresh_from_db()
    assert (run.state, run.why) == ("green", "")
