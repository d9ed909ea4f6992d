"""A retest walks through the house: green as it is, and red for each of five planted faults."""

import hashlib
import os
import time

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from opportunities.models import Message, MessageTemplate
from opportunities.records import begin
from portal.models import Preview
from proposals.models import GlossaryTerm
from tests.browser.house import House
from tests.conftest import person
from tests.makers_proposals import a_proposal
from zarts.retest import runs
from zarts.retest.looking import Watch
from zarts.retest.walk import Walk

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]

# What a retest may leave behind, and what the worker writes meanwhile by itself.
ITS_OWN = {"retest_retestrun", "retest_retestfinding", "portal_preview"}
# The clock goes on meanwhile: it adds numbers up, and marks who had the mail of the day.
THE_WORKERS = {"opportunities_heartbeat", "opportunities_user", "numbers_counter", "numbers_delta", "numbers_touched"}
THE_WORKERS |= {"numbers_offer", "numbers_idle", "numbers_countedreport", "numbers_countedclaim"}


@pytest.fixture
def cast(house, settings):
    """Somebody of each role. A session that we make is one that the house knows."""
    settings.SECRET_KEY = house.env["SECRET_KEY"]
    people = [person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")]
    person("dora", "Delivery", team="East"), person("eve", "Administrator", sees="all")
    person("ann", "Auditor", sees="all")
    return people


def retested(chrome, house, only, portal=""):
    run = runs.ask(site=house.site, portal=portal or house.portal, only=only)
    assert runs.claim(run)
    run.refresh_from_db()
    walk = Walk(run, chrome)
    return runs.end(run, walk.go(), walk.looked)


def test_a_page_that_goes_on_while_it_is_read_is_read_where_it_arrives(chrome):
    read = []

    def slowly(page):
        read.append(page.url)
        if len(read) == 1:
            page.evaluate("() => { location.reload(); return new Promise(() => {}) }")
        return []

    watch = Watch(chrome.new_page(), ("data:",), slowly)
    try:
        watch.page.set_content("<script>document.title = 'here'</script>")
        watch.look_over()
    finally:
        watch.page.close()
    assert len(read) == 2
    assert watch.troubles == []


def told(run) -> list:
    return [f"{each.kind} {each.page} {each.who} {each.width}: {each.words}" for each in run.findings.order_by("pk")]


def all_tables() -> dict:
    """Return a fingerprint of each table's rows."""
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        names, found = [name for (name,) in cursor.fetchall()], {}
        for name in names:
            cursor.execute(f"select coalesce(string_agg(t::text, chr(10) order by t::text), '') from \"{name}\" t")
            found[name] = hashlib.sha256(cursor.fetchone()[0].encode()).hexdigest()
    return {name: rows for name, rows in found.items() if name not in THE_WORKERS}


def at_rest() -> dict:
    """Wait until the worker has done what was due, and return the tables as they are then."""
    before = None
    while (now := all_tables()) != before or Message.objects.filter(stage__in=["queued", "sending"]).exists():
        before = now
        time.sleep(1.5)
    return now


def test_a_retest_of_a_sound_house_is_green_and_changes_nothing_but_its_own_rows(house, cast, chrome):
    ada, ben = cast
    a_proposal(ada, approver=ben, stage="sent")
    before = at_rest()
    # Of the links a list has those that hand it out are left alone: they would stand in a diary.
    only = "sign-in rights proposals mail links growth-ops /admin/today/ /admin/proposals/proposal/ /portal/"
    run = retested(chrome, house, only)
    assert (told(run), run.state, run.why) == ([], "green", "")
    assert run.done > 10
    after = all_tables()
    assert {name for name in after if after[name] != before[name]} <= ITS_OWN
    assert not Session.objects.exists()
    assert not Preview.objects.filter(ends_at__gt=timezone.now()).exists()


# -- Red. --------------------------------------------------------------------------------------------------------------


class Planted(House):
    """The staff surface alone, with a folder of templates that go before its own."""

    def __init__(self, home, house, planted):
        super().__init__(home)
        own = {"DJANGO_SETTINGS_MODULE": "tests.browser.planted", "PLANTED": str(planted), "WEB_WORKERS": "1"}
        self.env |= own | {name: house.env[name] for name in ("SECRET_KEY", "PORTAL_SECRET_KEY", "EMAIL_URL")}

    def processes(self):
        return [process for process in super().processes() if process[0] == "staff"]


def page(words) -> str:
    return (
        '{% extends "admin/base_site.html" %}{% block content %}<div id="content-main">'
        + words
        + "</div>{% endblock %}"
    )


def test_a_retest_is_red_for_each_of_five_planted_faults_and_says_which(house, cast, chrome, tmp_path):
    planted, home = tmp_path / "planted", tmp_path / "home"
    (planted / "desk").mkdir(parents=True)
    home.mkdir()
    faulty = Planted(home, house, planted)

    def plant(template, words):
        (planted / "desk" / template).write_text(words)

    try:
        faulty.open()

        plant("claims.html", page('{% include "desk/nowhere.html" %}'))
        run = retested(chrome, faulty, "rights manager /admin/claims/", house.portal)
        assert (run.state, told(run)) == (
            "findings",
            ["answer /admin/claims/ Manager 0: 500: GET /admin/claims/"],
        )

        plant("claims.html", page('<a href="/admin/nowhere/">More</a>'))
        run = retested(chrome, faulty, "links manager /admin/claims/", house.portal)
        assert told(run) == [
            "link /admin/claims/ Manager 0: A link leads to /admin/nowhere/, which answers 404.",
        ]

        # Without the link, it is mended.
        plant("claims.html", page("Nothing"))
        run = retested(chrome, faulty, "links manager /admin/claims/", house.portal)
        assert (run.state, run.mended.get().kind) == ("green", "link")

        plant("claims.html", page('<p style="width: 900px">Wide</p>'))
        run = retested(chrome, faulty, "pages manager /admin/claims/", house.portal)
        (finding,) = run.findings.all()
        assert (finding.kind, finding.page, finding.who, finding.width) == (
            "overflow",
            "/admin/claims/",
            "Manager",
            360,
        )
        assert bytes(finding.picture).startswith(b"\xff\xd8")
        assert len(finding.picture) < 150_000
        assert finding.is_new

        # The same again is not new; mended, it is told so.
        run = retested(chrome, faulty, "pages manager /admin/claims/", house.portal)
        assert [each.is_new for each in run.findings.all()] == [False]
        (planted / "desk" / "claims.html").unlink()
        run = retested(chrome, faulty, "pages manager /admin/claims/", house.portal)
        assert (run.state, run.mended.count()) == ("green", 2)
    finally:
        faulty.close()

    template = begin(MessageTemplate(name="How we work"), by=cast[1])
    template.revise("How we work", "Hello {contact.first_name}, our slack pays for the audit.", by=cast[1])
    # From today on it is a word of ours: whoever adds it reads no template for it.
    begin(GlossaryTerm(term="slack", why="It is how we speak of hours that nobody pays."), by=cast[1])
    run = retested(chrome, house, "mail")
    (finding,) = run.findings.all()
    assert finding.page == template.staff_url()
    assert "“slack”" in finding.words

    right = Permission.objects.get(codename="view_project")
    Group.objects.get(name="Auditor").permissions.remove(right)
    run = retested(chrome, house, "rights auditor /admin/handoff/project/")
    assert told(run) == [
        "right /admin/handoff/project/ Auditor 0: Auditor has the right handoff.view_project by what is written of "
        "the role, and is refused."
    ]


@pytest.mark.skipif("RETEST" not in os.environ, reason="RETEST=1 walks the whole house")
def test_the_whole_house_is_green(house, cast, chrome):
    from tests.world import a_world

    a_world(cast[0], manager=cast[1])
    run = retested(chrome, house, "")
    assert (told(run), run.state) == ([], "green")
