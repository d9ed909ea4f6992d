"""Notes, objections and promises said aloud: what was heard, in words that nobody changes behind anybody's back."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from guardian.shortcuts import assign_perm

from opportunities.models import Event, Note, Objection, UnwrittenPromise
from opportunities.records import Refused, begin, perform
from tests.makers import a_lead, an_opportunity
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.django_db
IN_PLACE = {"X-Requested-With": "staff.js"}


def now(record):
    return type(record).objects.get(pk=record.pk)


def an_objection(opportunity, by, **fields):
    fields = {"kind": "price", "words": "It is dear.", "owner": by, **fields}
    return begin(Objection(opportunity=opportunity, **fields), by=by, past="noted")


def a_promise(opportunity, by, words="A free month."):
    return begin(UnwrittenPromise(opportunity=opportunity, words=words, owner=by), by=by, past="noted")


def hear(browser, discovery, **fields):
    """Add something without leaving the discovery's page."""
    return browser.post(discovery.staff_url(), fields, headers=IN_PLACE)


@pytest.fixture
def discovery(ada):
    return an_opportunity(ada, stage="discovery").discoveries.get()


# -- Notes. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "update opportunities_note set words = 'Other'",
        "update opportunities_note set kind = 'call'",
        "update opportunities_note set author_id = null",
        "delete from opportunities_note",
    ],
)
def test_a_note_is_never_changed_and_never_removed(ada, statement):
    note = Note.take(a_lead(ada), "They answer in the morning.", by=ada)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    note.words = "Other"
    with pytest.raises(DatabaseError), transaction.atomic():
        note.save()
    assert now(note).words == "They answer in the morning."


def test_the_words_of_a_note_stand_in_the_diary(ada):
    lead = a_lead(ada)
    note = Note.take(lead, "They answer in the morning.", by=ada, kind="call")
    told = Event.objects.get(verb="note.create")
    assert (told.past, told.actor, told.diary_id) == ("wrote down", ada, lead.diary_id)
    assert told.facts.values["words"] == "They answer in the morning."
    assert (note.author, note.parent) == (ada, lead)


def test_a_correction_is_a_new_note_that_names_the_old_one(ada, ben):
    opportunity = an_opportunity(ada)
    old = Note.take(opportunity, "Bo signs.", by=ada, kind="call")
    new = old.correct("His sister signs.", by=ben)
    assert (new.corrects, new.kind, new.author, new.parent) == (old, "call", ben, opportunity)
    assert now(old).words == "Bo signs."
    assert list(opportunity.notes.current()) == [new]
    told = Event.objects.filter(verb="note.create").order_by("pk").last()
    assert told.facts.values["instead of"] == "Bo signs."
    with pytest.raises(Refused, match="corrected already"):
        old.correct("Nobody signs.", by=ada)
    assert Note.objects.count() == 2


def test_a_note_is_corrected_on_its_page_and_only_once(ada, as_user):
    old = Note.take(an_opportunity(ada), "Bo signs.", by=ada)
    address = reverse("admin:opportunities_note_correct", args=[old.pk])
    browser = as_user(ada)
    assert "Bo signs." in browser.get(address).content.decode()
    typed = {"note-kind": "meeting", "note-words": "His sister signs."}
    assert browser.post(address, {**typed, "note-words": " "}).status_code == 200
    assert browser.post(address, typed).status_code == 302
    new = old.corrected_by
    assert (new.kind, new.words) == ("meeting", "His sister signs.")
    assert browser.post(address, typed, follow=True).redirect_chain[-1][0] == new.staff_url()
    assert Note.objects.count() == 2


@pytest.mark.parametrize("about", ["lead", "opportunity"])
def test_who_reads_what_a_note_is_about_reads_it_and_who_changes_it_adds_one(about, ada, ben, cem, ann, as_user):
    record = a_lead(ada) if about == "lead" else an_opportunity(ada)
    note = Note.take(record, "Bo signs.", by=ada)
    address = reverse(f"admin:opportunities_{about}_note", args=[record.pk])
    typed = {"note-kind": "note", "note-words": "Mine."}
    for somebody, reads, adds in [(ada, 200, 302), (ben, 200, 302), (cem, 404, 404), (ann, 200, 403)]:
        browser = as_user(somebody)
        assert browser.get(note.staff_url()).status_code == reads, somebody
        assert browser.post(address, typed).status_code == adds, somebody
    assert set(Note.objects.values_list("author__username", flat=True)) == {"ada", "ben"}


def test_whoever_was_lent_a_deal_to_read_reads_its_notes_and_adds_none(ada, cem, as_user):
    opportunity = an_opportunity(ada)
    note = Note.take(opportunity, "Bo signs.", by=ada)
    assign_perm("view_opportunity", cem, opportunity)
    browser, typed = as_user(cem), {"note-kind": "note", "note-words": "Mine."}
    address = reverse("admin:opportunities_opportunity_note", args=[opportunity.pk])
    assert browser.get(note.staff_url()).status_code == 200
    assert browser.post(address, typed).status_code == 403
    assert browser.post(reverse("admin:opportunities_note_correct", args=[note.pk]), typed).status_code == 403
    assert list(Note.objects.all()) == [note]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\0b", "ab"),
        ("pay\u202eecnerefer\u202c now", "payecnerefer now"),
        ("\0\u200b", None),
        ("x" * 1_000_000, None),
        ("", None),
    ],
)
def test_a_note_holds_what_can_be_read_or_says_what_to_do(ada, as_user, typed, kept):
    record = an_opportunity(ada)
    address = reverse("admin:opportunities_opportunity_note", args=[record.pk])
    answer = as_user(ada).post(address, {"note-kind": "note", "note-words": typed})
    assert answer.status_code == (302 if kept else 200)
    assert [note.words for note in Note.objects.all()] == ([kept] if kept else [])
    if not kept:
        said = str(answer.context["form"].errors["words"])
        assert "Write the note first." in said or "Shorten this to 20,000 letters" in said
        assert ("x" * 20_001 in answer.content.decode()) == ("x" in str(typed))


def test_a_note_is_about_one_thing(ada, as_user):
    lead, opportunity = a_lead(ada), an_opportunity(ada)
    browser, words = as_user(ada), {"kind": "note", "words": "Mine."}
    for about in ({}, {"lead": lead.pk, "opportunity": opportunity.pk}):
        answer = browser.post("/admin/opportunities/note/add/", {**words, **about})
        assert answer.status_code == 200
        assert "Choose an opportunity or a lead" in answer.content.decode()
    assert browser.post("/admin/opportunities/note/add/", {**words, "lead": lead.pk}).status_code == 302
    assert Note.objects.get().parent == lead


# -- Beside the writing. -----------------------------------------------------------------------------------------------


def test_each_is_added_beside_the_writing_and_what_is_typed_in_the_others_stays(ada, discovery, as_user):
    browser = as_user(ada)
    others = {"objection-kind": "proof", "objection-words": "Half a doubt"}
    answer = hear(browser, discovery, heard="note", **{"note-kind": "call", "note-words": "Busy on Fridays."}, **others)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Half a doubt" in text
    assert "Busy on Fridays." in text
    assert (Note.objects.get().kind, Objection.objects.count()) == ("call", 0)
    bo = discovery.opportunity.decision_owner
    hear(browser, discovery, heard="objection", **others, **{"objection-raised_by": bo.pk})
    hear(
        browser,
        discovery,
        heard="unwrittenpromise",
        **{"unwrittenpromise-words": "A month.", "unwrittenpromise-said_by": "Ada"},
    )
    objection, promise = Objection.objects.get(), UnwrittenPromise.objects.get()
    assert (objection.kind, objection.raised_by, objection.owner, objection.stage) == ("proof", bo, ada, "raised")
    assert (promise.words, promise.said_by, promise.stage) == ("A month.", "Ada", "noted")
    assert Event.objects.filter(past="noted", actor=ada).count() == 2
    assert now(discovery).notes == ""


def test_what_is_typed_beside_the_writing_is_saved_with_it_or_nothing_is(ada, discovery, as_user):
    browser = as_user(ada)
    page = browser.get(discovery.staff_url()).content.decode()
    assert page.count('form="write"') >= 10, "the fields beside are sent by Save too"
    typed = {"notes": "Words.", "note-kind": "note", "note-words": "Busy."}
    wrong = browser.post(discovery.staff_url(), {**typed, "objection-words": "Dear.", "objection-kind": "moon"})
    assert wrong.status_code == 200
    assert all(words in wrong.content.decode() for words in ("Words.", "Busy.", "Dear."))
    assert (now(discovery).notes, Note.objects.count()) == ("", 0)
    assert browser.post(discovery.staff_url(), typed).status_code == 302
    assert (now(discovery).notes, Note.objects.get().words) == ("Words.", "Busy.")


@pytest.mark.parametrize(
    "fields",
    [
        {"heard": "note"},
        {"heard": "objection", "objection-words": "x" * 1_000_000, "objection-kind": "price"},
        {"heard": "objection", "objection-words": "Dear.", "objection-kind": "a\0b"},
        {"heard": "objection", "objection-words": "Dear.", "objection-kind": "price", "objection-raised_by": "9" * 40},
        {"heard": "objection", "objection-words": "Dear.", "objection-kind": "price", "objection-raised_by": "\0"},
        {"heard": "unwrittenpromise", "unwrittenpromise-words": "A", "unwrittenpromise-said_by": "x" * 121},
        {"heard": "unwrittenpromise", "unwrittenpromise-words": "A", "unwrittenpromise-said_by": "a\0b"},
        {"heard": "moon", "note-words": "Busy."},
        {"heard": "\0"},
        {},
    ],
)
def test_what_cannot_be_is_not_added(ada, discovery, as_user, fields):
    answer = hear(as_user(ada), discovery, **fields)
    assert answer.status_code == 422
    assert "Nothing was added." in answer.content.decode()
    assert not any(model.objects.exists() for model in (Note, Objection, UnwrittenPromise))


def test_nobody_at_another_client_raises_an_objection_here(ada, discovery, as_user):
    stranger = an_opportunity(ada).decision_owner
    fields = {"objection-words": "Dear.", "objection-kind": "price", "objection-raised_by": stranger.pk}
    assert hear(as_user(ada), discovery, heard="objection", **fields).status_code == 422
    assert not Objection.objects.exists()


# -- Objections. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "field", "stage"), [("reply", "answer", "answered"), ("accept", "reason", "accepted")]
)
def test_an_objection_is_answered_or_accepted_in_words_that_stay(move, field, stage, ada, as_user):
    objection = an_objection(an_opportunity(ada), ada)
    browser = as_user(ada)
    browser.post(objection.move_url(move), {field: " "})
    assert now(objection).stage == "raised"
    assert browser.post(objection.move_url(move), {field: "Paid by the month."}).status_code == 302
    assert (now(objection).stage, now(objection).answer) == (stage, "Paid by the month.")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update opportunities_objection set answer = 'Other' where id = %s", [objection.pk])
    with pytest.raises(Refused):
        perform(now(objection).accept, by=ada, reason="Again.")


def test_an_open_objection_shows_on_its_deal(ada, as_user):
    opportunity = an_opportunity(ada)
    an_objection(opportunity, ada, words="It is dear.")
    assert "It is dear." in as_user(ada).get(opportunity.staff_url("objections")).content.decode()
    assert opportunity.objections.open().count() == 1


def test_what_an_objection_is_about_is_said_with_its_line_in_the_diary(ada, ben):
    proposal = a_proposal(ada, approver=ben)
    objection = an_objection(proposal.opportunity, ada)
    line = proposal.price_lines.first()
    assert objection.point_at(line, by=ada).record == line
    objection.point_at(line, by=ada)
    told = Event.objects.get(verb="objection.about")
    assert told.facts.values["about"][0] is None
    assert str(line) in str(told.facts.values["about"][1])
    assert now(objection).point_at(None, by=ben).record is None
    assert Event.objects.filter(verb="objection.about").count() == 2


# -- Promises said aloud. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "stage"), [("write_in", "written_in"), ("exclude", "excluded"), ("withdraw", "withdrawn")]
)
def test_settling_a_promise_takes_the_words_that_say_where(move, stage, ada, as_user):
    promise = a_promise(an_opportunity(ada), ada)
    browser = as_user(ada)
    refused = browser.post(promise.move_url(move), {"reason": " "})
    assert refused.status_code in (200, 422)
    assert refused.context["form"].errors["reason"]
    assert now(promise).stage == "noted"
    assert browser.post(promise.move_url(move), {"reason": "Proposal, row 3."}).status_code == 302
    assert (now(promise).stage, now(promise).settled_as) == (stage, "Proposal, row 3.")
    assert Event.objects.get(verb=f"unwrittenpromise.{move}").reason == "Proposal, row 3."


def test_the_words_of_a_settled_promise_stay_and_its_page_does_not_offer_them(ada, as_user):
    promise = perform(a_promise(an_opportunity(ada), ada).exclude, by=ada, reason="Contract, row 2.")
    answer = as_user(ada).post(promise.staff_url(), {"words": "Two free months.", "said_by": "", "owner": ada.pk})
    assert answer.status_code == 302
    assert now(promise).words == "A free month."
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update opportunities_unwrittenpromise set words = 'Other' where id = %s", [promise.pk])


@pytest.mark.parametrize("move", ["write_in", "exclude", "withdraw"])
def test_a_promise_that_is_only_noted_stands_in_the_way_of_winning(move, ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    opportunity = contract.opportunity
    promise = a_promise(opportunity, ada)
    words = "Settle what was said aloud: “A free month.”."
    win = {"by": ada, "reason": "price", "words": "", "competitor": "Nobody"}
    with pytest.raises(Refused) as refusal:
        perform(now(opportunity).win, **win)
    assert words in refusal.value.reasons
    perform(getattr(promise, move), by=ada, reason="Contract, row 2.")
    assert words not in [
        lack.words for lack in next(it for it in now(opportunity).moves_for(ada) if it.name == "win").lacks
    ]


def test_whoever_cannot_change_the_deal_settles_nothing(ada, cem, ann, as_user):
    opportunity = an_opportunity(ada)
    promise, objection = a_promise(opportunity, ada), an_objection(opportunity, ada)
    assign_perm("view_opportunity", cem, opportunity)
    for somebody in (cem, ann):
        browser = as_user(somebody)
        assert browser.get(promise.staff_url()).status_code == 200
        assert browser.post(promise.move_url("write_in"), {"reason": "Row 3."}).status_code == 403
        assert browser.post(objection.move_url("reply"), {"answer": "No."}).status_code == 403
    assert (now(promise).stage, now(objection).stage) == ("noted", "raised")


def test_the_lists_ask_the_same_of_one_and_of_fifty(ada, as_user, django_assert_max_num_queries):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    for many in (1, 49):
        for number in range(many):
            Note.take(opportunity, f"Note {number}", by=ada)
            an_objection(opportunity, ada)
            a_promise(opportunity, ada)
        for name in ("note", "objection", "unwrittenpromise"):
            with django_assert_max_num_queries(12):
                browser.get(reverse(f"admin:opportunities_{name}_changelist"))
