"""Audits: whoever verifies is somebody else, and is asked."""

from opportunities.models import Task
from opportunities.records import perform
from tests.conftest import person
from tests.makers import an_audit, an_opportunity, some_evidence


def submitted(owner):
    """Return the open task about an audit that its collector has just submitted."""
    audit = perform(an_audit(an_opportunity(owner, stage="audit"), owner).submit, by=owner)
    return Task.objects.about(audit).open().get()


def test_verifying_is_asked_of_somebody_who_may(ada, ben, cem):
    assert submitted(ada).owner == ben


def test_of_those_who_may_the_least_busy_of_the_team_is_asked(ada, ben):
    person("hal", "Manager", team="West", sees="all")
    gus = person("gus", "Growth ops", team="East", sees="team")
    assert [submitted(ada).owner for _ in range(4)] == [ben, gus, ben, gus]


def test_where_nobody_else_may_the_owner_finds_somebody(ada, cem):
    assert submitted(ada).owner == ada


def test_a_correction_keeps_whatever_it_does_not_change(ada):
    audit = an_audit(an_opportunity(ada, stage="audit"), ada)
    first = some_evidence(audit, ada, metric="Calls", raw_note="They think it is more.", link="https://a.example/1")
    second = first.correct(by=ada, value=7, reason="Counted again.")
    kept = {name: getattr(second, name) for name in first.SAYS}
    assert kept == {name: getattr(first, name) for name in first.SAYS} | {"value": 7}
    assert (second.version, second.corrects, second.key) == (2, first, first.key)
