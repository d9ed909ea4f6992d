"""The page on which words for a client are written: what stands beside them, what is marked, whose words are newer."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertInHTML

from opportunities.models import Evidence, Note
from opportunities.records import begin, edit, perform
from proposals.models import Summary
from proposals.wording import take
from tests.makers import an_opportunity
from tests.makers_handoff import a_report
from tests.makers_proposals import a_summary

pytestmark = pytest.mark.django_db
ADD = reverse("admin:proposals_summary_add")
LINT = reverse("admin:proposals_summary_lint")


def form_of(page, **changes) -> dict:
    """Return what a browser would send of the editor as it stands."""
    form = page.context["form"]
    sent = {name: form[name].value() for name in form.fields} | {"seen": form.marks} | changes
    return {name: getattr(value, "pk", value) for name, value in sent.items() if value is not None}


def save(browser, summary, **changes):
    return browser.post(summary.staff_url(), form_of(browser.get(summary.staff_url()), **changes))


def measured_in(deal, by):
    """Return evidence of a deal with words that are for us alone."""
    first = Evidence.objects.filter(audit__opportunity=deal).first()
    return first.correct(by=by, reason="More is known.", raw_note="They hid it.", provider_caveat="Phones only.")


def test_the_editor_shows_exactly_what_the_words_are_about_and_folds_the_rest(as_user, ada):
    deal = an_opportunity(ada, stage="proposal")
    measured = measured_in(deal, ada)
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words="Bo dislikes long mails."), by=ada)
    summary = a_summary(ada, opportunity=deal)
    edit(summary, by=ada, record_type=measured.label(), record_id=measured.pk)
    page = as_user(ada).get(summary.staff_url())
    assert [it.key for it in page.context["near"]] == [f"opportunities.evidence:{measured.pk}"] * len(
        page.context["near"]
    )
    assert {it.words for it in page.context["near"]} == {measured.raw_note, measured.provider_caveat} - {""}
    assert "Bo dislikes long mails." in {it.words for it in page.context["others"]}
    text = page.content.decode()
    assert text.index("Internal</span>") < text.index("What the client reads")
    assert text.index("Other internal texts") < text.index("Bo dislikes long mails.")


@pytest.mark.parametrize(
    ("kind", "words"), [("caveat", "Phones only."), ("finding", "They hid it."), ("revenue_proof", "They hid it.")]
)
def test_words_that_name_no_record_stand_beside_what_their_kind_is_about(as_user, ada, kind, words):
    deal = an_opportunity(ada, stage="proposal")
    measured_in(deal, ada)
    page = as_user(ada).get(a_summary(ada, opportunity=deal, kind=kind).staff_url())
    assert [it.words for it in page.context["near"]] == [words]


def test_what_stands_in_a_lead_leads_there_only_for_those_who_may_open_it(as_user, ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    deal = report.project.opportunity
    lead = deal.leads.first()
    edit(lead, by=ada, words="We lose calls at night.")
    summary = a_summary(ada, opportunity=deal)
    for somebody, leads_there in ((ada, True), (dora, False)):
        page = as_user(somebody).get(summary.staff_url()).text
        assert "We lose calls at night." in page
        assert (f'href="{lead.staff_url()}"' in page) == leads_there == lead.within_reach(somebody, "view")


def test_nothing_internal_yet_is_said_and_not_left_blank(as_user, ada):
    summary = a_summary(ada, opportunity=an_opportunity(ada))
    assert "Nothing internal is written about this deal yet." in as_user(ada).get(summary.staff_url()).content.decode()


def test_words_are_added_about_a_record_of_the_deal(as_user, ada):
    deal = an_opportunity(ada, stage="proposal")
    measured = measured_in(deal, ada)
    browser = as_user(ada)
    about = f"opportunities.evidence:{measured.pk}"
    address = f"{ADD}?opportunity={deal.pk}&kind=finding&about={about}"
    page = browser.get(address)
    assert page.context["form"]["kind"].value() == "finding"
    sent = form_of(page, title="Your pages are slow", words="They open late.", opportunity=deal.pk)
    assert sent["about"] == about
    answer = browser.post(address, sent)
    summary = Summary.objects.get()
    assert answer["Location"] == summary.staff_url()
    assert (summary.author, summary.record, summary.opportunity) == (ada, measured, deal)
    assert summary.next_action == "Write the words and submit them for review"


def test_words_are_about_no_record_of_another_deal(as_user, ada):
    deal, other = an_opportunity(ada, stage="proposal"), an_opportunity(ada, stage="proposal")
    theirs = Evidence.objects.filter(audit__opportunity=other).first()
    about = f"opportunities.evidence:{theirs.pk}"
    browser = as_user(ada)
    page = browser.get(f"{ADD}?opportunity={deal.pk}&about={about}")
    assert about not in dict(page.context["form"].fields["about"].choices)
    sent = form_of(page, title="Slow", kind="finding", about=about)
    refused = browser.post(f"{ADD}?opportunity={deal.pk}", sent)
    assert refused.status_code == 422
    assert refused.context["form"].errors["about"] == ["Choose one from the list."]
    assert not Summary.objects.exists()


def test_nobody_adds_words_to_a_deal_that_they_cannot_see(as_user, ada, cem):
    deal = an_opportunity(ada)
    page = as_user(cem).post(ADD, {"opportunity": deal.pk, "title": "Mine", "kind": "finding", "owner": cem.pk})
    assert page.status_code == 422
    assert page.context["deal"] is None
    assert not Summary.objects.exists()


def test_what_is_typed_is_saved_and_nothing_else_is_touched(as_user, ada):
    summary = a_summary(ada)
    answer = save(as_user(ada), summary, words="Nobody waits gladly.\r\nNot even for you.")
    assert answer.status_code == 302
    summary.refresh_from_db()
    assert (summary.words, summary.editors) == ("Nobody waits gladly.\nNot even for you.", [])
    told = summary.diary_id and summary.opportunity.diary.events.filter(verb="summary.edit").latest("pk")
    assert list(told.facts.values) == ["words"]


def test_a_save_that_changes_nothing_lapses_nothing_and_names_no_editor(as_user, ada, ben):
    summary = a_summary(ada, approver=ben, stage="approved")
    assert save(as_user(ada), summary).status_code == 302
    summary.refresh_from_db()
    assert (summary.stage, summary.editors) == ("approved", [])


def test_new_words_lapse_the_approval_of_the_old(as_user, ada, ben):
    summary = a_summary(ada, approver=ben, stage="approved")
    save(as_user(ben), summary, words="They take seven seconds to open.")
    summary.refresh_from_db()
    assert (summary.stage, summary.editors) == ("in_review", [ben.pk])
    assert set(summary.approvals.values_list("stage", flat=True)) == {"lapsed", "pending"}


def test_two_who_write_in_the_same_place_are_both_kept(as_user, ada, ben):
    summary = a_summary(ada, words="As it was.")
    browser = as_user(ben)
    sent = form_of(browser.get(summary.staff_url()), words="As Ben says it.")
    edit(summary, by=ada, words="As Ada says it.")
    late = browser.post(summary.staff_url(), sent)
    assert late.status_code == 409
    text = late.content.decode()
    assert "Somebody wrote in the same place" in text
    assert "As Ada says it." in text
    assert late.context["form"]["words"].value() == "As Ben says it."
    summary.refresh_from_db()
    assert summary.words == "As Ada says it."
    # They have read both now: what they save then counts.
    again = browser.post(summary.staff_url(), form_of(late, words="As both say it."))
    assert again.status_code == 302
    summary.refresh_from_db()
    assert summary.words == "As both say it."


def test_two_who_write_in_different_places_both_keep_theirs(as_user, ada, ben):
    summary = a_summary(ada, words="As it was.")
    browser = as_user(ben)
    sent = form_of(browser.get(summary.staff_url()), title="Ben's title")
    edit(summary, by=ada, words="As Ada says it.")
    assert browser.post(summary.staff_url(), sent).status_code == 302
    summary.refresh_from_db()
    assert (summary.title, summary.words) == ("Ben's title", "As Ada says it.")


@pytest.mark.parametrize("seen", ["", "no json", "[1]", json.dumps({"words": 3}), "[" * 5000])
def test_a_form_without_its_marks_overwrites_nothing(as_user, ada, seen):
    summary = a_summary(ada, words="As it was.")
    browser = as_user(ada)
    answer = browser.post(
        summary.staff_url(), form_of(browser.get(summary.staff_url()), words="Other words.", seen=seen)
    )
    assert answer.status_code == 409
    summary.refresh_from_db()
    assert summary.words == "As it was."


def test_words_that_were_published_meanwhile_are_not_changed_and_what_was_typed_is_shown(as_user, ada, ben):
    summary = a_summary(ada, approver=ben, stage="approved")
    browser = as_user(ada)
    sent = form_of(browser.get(summary.staff_url()), words="A late thought.")
    perform(summary.publish, by=ben)
    late = browser.post(summary.staff_url(), sent)
    assert late.status_code == 409
    assert "A late thought." in late.content.decode()
    assert "cannot be changed any more" in late.content.decode()
    summary.refresh_from_db()
    assert summary.words != "A late thought."


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 161}, "title"),
        ({"words": "Read <b>this</b>."}, "words"),
        ({"words": "x" * 20_001}, "words"),
        ({"kind": "secret"}, "kind"),
        ({"owner": "0"}, "owner"),
        ({"due_on": "31 February"}, "due_on"),
        ({"next_action": ""}, "next_action"),
        ({"about": "opportunities.user:1"}, "about"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_typed_is_lost(as_user, ada, changes, field):
    summary = a_summary(ada)
    answer = save(as_user(ada), summary, **{"title": "A new title", **changes})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"].errors[field][0]
    assert answer.context["form"][field].value() == changes[field]
    summary.refresh_from_db()
    assert summary.title != "A new title"


# -- Marks. ------------------------------------------------------------------------------------------------------------


def test_marks_stand_under_the_words_and_tell_what_stops_from_what_warns(as_user, ada):
    summary = a_summary(ada, words="Our margin is thin. We are the best.")
    text = as_user(ada).get(summary.staff_url()).content.decode()
    assert "1 to take out" in text
    assert "1 to look at again" in text
    assert "What we earn is ours alone." in text
    assert "Stops" in text
    assert "Look again" in text


def test_the_words_are_checked_without_scripts_and_not_saved(as_user, ada):
    summary = a_summary(ada)
    answer = save(as_user(ada), summary, words="Mind the caveat.", check="1")
    assert answer.status_code == 200
    assert "Nothing is saved yet" in answer.content.decode()
    assert [mark.words for mark in answer.context["checked"].marks] == ["caveat"]
    assert answer.context["form"]["words"].value() == "Mind the caveat."
    summary.refresh_from_db()
    assert "caveat" not in summary.words


def test_a_suggestion_is_taken_without_scripts(as_user, ada):
    summary = a_summary(ada)
    words = "First.\r\nCaveats there are: 🙂 mind this caveat."
    start = words.replace("\r\n", "\n").index("caveat.")
    answer = save(as_user(ada), summary, words=words, take=f"words:{start}")
    assert answer.status_code == 200
    taken = "First.\nCaveats there are: 🙂 mind this what to keep in mind."
    assert answer.context["form"]["words"].value() == taken


@pytest.mark.parametrize("place", ["", "words", "words:", "words:x", "title:0", "words:9999", "words:-1"])
def test_a_suggestion_that_is_not_there_changes_nothing(ada, rf, place):
    deal = an_opportunity(ada)
    data = rf.post("/", {"title": "T", "words": "Mind the caveat.", "take": place}).POST
    assert take(data, Summary(opportunity=deal))["words"] == "Mind the caveat."


def test_words_are_checked_as_one_types(as_user, ada):
    deal = an_opportunity(ada, stage="proposal")
    answer = as_user(ada).post(LINT, {"deal": deal.pk, "title": "Our margin", "words": "We guess: 12 % more."})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "“margin”" in text
    assert "in the title" in text
    assert "“12 %”" in text
    assert "<html" not in text
    assert not Summary.objects.exists()


def test_only_whoever_writes_words_has_them_checked_and_only_about_deals_within_reach(as_user, ada, cem, ann):
    deal = an_opportunity(ada)
    said = {"deal": deal.pk, "title": "T", "words": "Our margin."}
    assert as_user(ann).post(LINT, said).status_code == 403
    assert as_user(cem).post(LINT, said).status_code == 404
    assert as_user(ada).get(LINT).status_code == 405
    for deal_id in ("", "x", "0", "99999999", "9" * 40):
        assert as_user(ada).post(LINT, said | {"deal": deal_id}).status_code == 404


def test_what_is_typed_is_shown_as_letters_and_never_as_a_page(as_user, ada):
    deal = an_opportunity(ada)
    text = as_user(ada).post(LINT, {"deal": deal.pk, "title": "T", "words": "<img src=x> our margin"}).content.decode()
    assert "<img" not in text


# -- Moves. ------------------------------------------------------------------------------------------------------------


def test_what_stops_refuses_to_submit_and_what_warns_does_not(as_user, ada):
    summary = a_summary(ada, words="Mind the margin, and mind the internal cost: it is the internal cost that counts.")
    browser = as_user(ada)
    refused = browser.post(summary.move_url("submit"))
    assert refused.status_code == 409
    assert refused.content.decode().count("internal cost") == 1
    save(browser, summary, words="Seldom was a page so slow. We do the best that we can.")
    assert browser.post(summary.move_url("submit")).status_code == 302
    summary.refresh_from_db()
    assert summary.stage == "in_review"


def test_what_is_typed_is_saved_and_submitted_in_one_go(as_user, ada):
    summary = a_summary(ada)
    assert save(as_user(ada), summary, words="Nobody waits gladly.", then="submit").status_code == 302
    summary.refresh_from_db()
    assert (summary.words, summary.stage) == ("Nobody waits gladly.", "in_review")


def test_the_next_step_takes_along_what_is_typed_without_a_script(as_user, ada):
    page = as_user(ada).get(a_summary(ada).staff_url()).content.decode()
    button = '<button class="z-button" form="write" name="then" value="submit">Submit for review</button>'
    assertInHTML(button, page, count=1)


def test_words_that_are_stopped_at_their_submission_are_saved_all_the_same(as_user, ada):
    summary = a_summary(ada)
    refused = save(as_user(ada), summary, words="Mind the margin.", then="submit")
    assert refused.status_code == 409
    assert "margin" in refused.content.decode()
    summary.refresh_from_db()
    assert (summary.words, summary.stage) == ("Mind the margin.", "draft")


def test_words_that_cannot_be_saved_are_not_submitted_and_stay_in_their_fields(as_user, ada):
    summary = a_summary(ada)
    refused = save(as_user(ada), summary, title=" ", words="Nobody waits gladly.", then="submit")
    assert refused.status_code == 422
    assert refused.context["form"]["words"].value() == "Nobody waits gladly."
    summary.refresh_from_db()
    assert summary.stage == "draft"


def test_words_that_a_submission_needs_are_not_called_optional(as_user, ada):
    page = as_user(ada).get(a_summary(ada, words="").staff_url()).content.decode()
    assert 'Words for the client <span class="z-quiet">needed before you submit</span>' in page


def test_what_is_in_review_is_not_submitted_a_second_time(as_user, ada):
    summary = a_summary(ada, stage="in_review")
    assert "Save and submit" not in as_user(ada).get(summary.staff_url()).content.decode()
    assert save(as_user(ada), summary, then="submit").status_code == 302
    assert summary.approvals.filter(stage="pending").count() == 1


def test_a_managers_reason_to_pass_the_marks_stays_on_the_page_for_good(as_user, ada, ben):
    summary = a_summary(ada, words="The margin of the page is too small to read.")
    assert as_user(ada).post(summary.move_url("submit"), {"override": "I say so."}).status_code == 409
    as_user(ben).post(summary.move_url("submit"), {"override": "It is the margin of a page."})
    summary.refresh_from_db()
    assert summary.stage == "in_review"
    for number in range(30):
        edit(summary, by=ada, next_action=f"Wait {number}")
    text = as_user(ada).get(summary.staff_url()).content.decode()
    assert "Passed with marks" in text
    assert "It is the margin of a page." in text
    assert "margin” " in text or "“margin”" in text


def test_the_page_says_who_approves(as_user, ada, ben):
    text = as_user(ada).get(a_summary(ada, stage="in_review").staff_url()).content.decode()
    assert "but nobody who wrote in it" in text
    assert "waits for" in text


# -- Queries. ----------------------------------------------------------------------------------------------------------


def queries_of(call) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        answer = call()
    assert answer.status_code == 200
    return len(caught)


def test_the_editor_and_its_lint_ask_the_database_no_more_however_much_is_internal(as_user, ada):
    deal = an_opportunity(ada, stage="proposal")
    summary = a_summary(ada, opportunity=deal, words="Bo Larsen said so: 12 % more, 13 % more and 14 % more.")
    browser = as_user(ada)
    said = {"deal": deal.pk, "title": "T", "words": summary.words}
    page, typed = lambda: browser.get(summary.staff_url()), lambda: browser.post(LINT, said)
    before = queries_of(page), queries_of(typed)
    for number in range(20):
        begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=f"Note number {number} about them."), by=ada)
    assert (queries_of(page), queries_of(typed)) == before
    assert before[0] <= 15
    assert before[1] <= 12
