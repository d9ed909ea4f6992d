"""Discovery: what is asked, what is written, and that nobody's words are lost."""

import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from guardian.shortcuts import assign_perm

from opportunities.models import Answer, Discovery, Event, Note, Question, Questionnaire
from opportunities.records import Refused, begin, edit, perform
from proposals.house import furnish
from proposals.models import Service
from tests.makers import a_written_discovery, an_opportunity

pytestmark = pytest.mark.django_db
ALWAYS = "What we always ask"


def now(record):
    return type(record).objects.get(pk=record.pk)


def a_questionnaire(by, *questions, name=ALWAYS, always=True):
    questionnaire = begin(Questionnaire(name=name, for_every_deal=always), by=by)
    for position, words in enumerate(questions or ["Why now?"]):
        Question.objects.create(questionnaire=questionnaire, position=position, words=words, required=position == 0)
    return questionnaire


def a_discovery(owner):
    """An open discovery with nothing written in it."""
    return an_opportunity(owner, stage="discovery").discoveries.get()


def asked(discovery):
    return [question.words for question in now(discovery).questions]


def opened(browser, discovery):
    """Return what the page sends back when nothing is typed: its fields, and the marks of what stood there."""
    form = browser.get(discovery.staff_url()).context["form"]
    sent = {name: "" if value is None else getattr(value, "pk", value) for name, value in form.initial.items()}
    return {**sent, "seen": form.marks}


def save(browser, discovery, fields, **typed):
    return browser.post(discovery.staff_url(), {**fields, **typed})


def raw(statement, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


# -- What is asked. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "update opportunities_question set words = 'Other' where id = %s",
        "update opportunities_question set required = not required where id = %s",
        "delete from opportunities_question where id = %s",
        "insert into opportunities_question (questionnaire_id, position, part, words, help, required)"
        " select questionnaire_id, 9, part, 'One more', '', false from opportunities_question where id = %s",
    ],
)
def test_the_questions_of_a_version_that_was_asked_stay(ada, eve, statement):
    questionnaire = a_questionnaire(eve)
    assert now(questionnaire).asked_at is None
    raw(statement.replace("delete", "select 1"), questionnaire.questions.get().pk)
    discovery = a_discovery(ada)
    before, asked_of = list(Question.objects.order_by("pk").values()), now(questionnaire)
    assert asked_of.asked_at is not None
    with pytest.raises(DatabaseError, match="never changed or removed"):
        raw(statement, discovery.questions[0].pk)
    with pytest.raises(DatabaseError):
        raw("update opportunities_questionnaire set asked_at = null where id = %s", questionnaire.pk)
    assert list(Question.objects.order_by("pk").values()) == before


def test_a_question_does_not_move_into_a_version_that_was_asked(ada, eve):
    questionnaire = a_questionnaire(eve)
    a_discovery(ada)
    revision = questionnaire.revise(by=eve)
    question = revision.questions.get()
    with pytest.raises(DatabaseError, match="never changed or removed"):
        raw(
            "update opportunities_question set questionnaire_id = %s where id = %s",
            questionnaire.pk,
            question.pk,
        )


def test_a_new_version_has_the_same_questions_and_is_asked_when_somebody_says_so(ada, eve):
    first = a_questionnaire(eve, "Why now?", "Who signs?")
    began = a_discovery(ada)
    second = first.revise(by=eve)
    assert (second.version, second.is_current, second.asked_at) == (2, False, None)
    assert [it.words for it in second.questions.all()] == ["Why now?", "Who signs?"]
    Question.objects.create(questionnaire=second, words="What else?", position=9)
    assert asked(a_discovery(ada)) == ["Why now?", "Who signs?"]
    second.make_current(by=eve)
    assert not now(first).is_current
    assert asked(a_discovery(ada)) == ["Why now?", "Who signs?", "What else?"]
    assert asked(began) == ["Why now?", "Who signs?"], "what began keeps its version"
    assert Event.objects.filter(verb="questionnaire.edit", record_id=second.pk, actor=eve).exists()


def test_the_newer_version_is_asked_on_wish_and_answers_to_unchanged_questions_go_along(ada, eve, as_user):
    first = a_questionnaire(eve, "Why now?", "Who signs?")
    discovery = a_discovery(ada)
    why, who = discovery.questions
    discovery.write({why.field: "They moved.", who.field: "Bo."}, by=ada, seen={})
    second = first.revise(by=eve)
    Question.objects.filter(questionnaire=second, words="Who signs?").update(words="Who signs it?")
    second.make_current(by=eve)
    browser = as_user(ada)
    assert "is newer than what is asked here" in browser.get(discovery.staff_url()).content.decode()
    assert save(browser, discovery, opened(browser, discovery), ask="1").status_code == 302
    assert [(it.words, it.answer and it.answer.words) for it in now(discovery).questions] == [
        ("Why now?", "They moved."),
        ("Who signs it?", None),
    ]
    assert Answer.objects.get(question=who).words == "Bo.", "what was answered stays"
    told = Event.objects.filter(verb="discovery.ask", record_id=discovery.pk, actor=ada).latest("pk")
    assert told.facts.values["questionnaires"] == [[f"{ALWAYS}, version 1"], [f"{ALWAYS}, version 2"]]


def test_a_version_without_questions_is_not_asked(eve):
    questionnaire = begin(Questionnaire(name="Empty", is_current=False), by=eve)
    with pytest.raises(Refused, match="Add a question"):
        questionnaire.make_current(by=eve)


def test_services_ask_theirs_and_are_chosen_on_the_page(ada, as_user):
    furnish()
    discovery, browser = a_discovery(ada), as_user(ada)
    service = Service.objects.get(name="Paid search")
    own = "Whose is the advertising account?"
    assert own not in asked(discovery)
    fields = opened(browser, discovery)
    assert save(browser, discovery, fields, services=[service.pk]).status_code == 302
    assert list(discovery.opportunity.services.all()) == [service]
    assert own in asked(discovery)
    told = Event.objects.get(verb="opportunity.services", actor=ada)
    assert told.facts.values["services"] == [[], ["Paid search"]]
    # Whoever opened the page before takes nothing back.
    assert save(browser, discovery, fields, notes="Busy.", services=[]).status_code == 302
    assert list(discovery.opportunity.services.all()) == [service]
    assert save(browser, discovery, opened(browser, discovery), services=[]).status_code == 302
    assert own not in asked(discovery)


def test_a_new_version_of_a_services_questionnaire_is_the_services_own(ada, eve):
    furnish()
    service = Service.objects.get(name="Paid search")
    second = service.questionnaire.revise(by=eve)
    second.make_current(by=eve)
    assert now(service).questionnaire == second


def test_only_who_may_changes_questionnaires(ada, eve, as_user):
    questionnaire = a_questionnaire(eve)
    for name in ("revise", "make_current"):
        address = reverse(f"admin:opportunities_questionnaire_{name}", args=[questionnaire.pk])
        assert as_user(ada).post(address).status_code in (403, 404)
    assert Questionnaire.objects.count() == 1
    address = reverse("admin:opportunities_questionnaire_revise", args=[questionnaire.pk])
    assert as_user(eve).post(address).status_code == 302
    assert Questionnaire.objects.count() == 2


# -- Completing. -------------------------------------------------------------------------------------------------------


def test_completing_takes_five_parts_and_every_answer_that_must_be(ada, eve):
    a_questionnaire(eve, "Why now?", "What else?")
    discovery = a_discovery(ada)
    with pytest.raises(Refused) as refusal:
        perform(discovery.complete, by=ada)
    assert refusal.value.reasons == [
        "Write the discovery notes.",
        "Write the pain points.",
        "Write the current lead flow.",
        "Write the provider stack.",
        "Write the decision criteria.",
        "Write the decision path.",
        "Answer “Why now?”",
    ]
    links = [lack.url for lack in refusal.value.lacks]
    assert links[-1].endswith(f"#id_{discovery.questions[0].field}")
    discovery = discovery.write(dict.fromkeys(Discovery.PARTS, "Words."), by=ada, seen={})
    with pytest.raises(Refused, match="Why now"):
        perform(discovery.complete, by=ada)
    discovery = discovery.write({discovery.questions[0].field: "They moved."}, by=ada, seen={})
    assert perform(discovery.complete, by=ada).stage == "complete"


def test_nothing_is_owed_on_a_complete_discovery_and_opening_it_again_takes_a_reason(ada, as_user):
    discovery = perform(a_written_discovery(a_discovery(ada).opportunity, ada).complete, by=ada)
    assert (now(discovery).next_action, now(discovery).due_on) == ("", None)
    browser = as_user(ada)
    assert "Say why" in browser.post(discovery.move_url("reopen"), {"reason": " "}).content.decode()
    assert now(discovery).stage == "complete"
    assert browser.post(discovery.move_url("reopen"), {"reason": "They have a new owner."}).status_code == 302
    assert (now(discovery).stage, now(discovery).next_action) == ("open", "Write what is missing")
    assert Event.objects.get(verb="discovery.reopen").reason == "They have a new owner."


def test_what_is_complete_is_not_written(ada, eve, as_user):
    a_questionnaire(eve)
    discovery = perform(a_written_discovery(a_discovery(ada).opportunity, ada).complete, by=ada)
    question = discovery.questions[0].field
    for name in ("notes", question):
        with pytest.raises(Refused, match="completed meanwhile"):
            discovery.write({name: "Other words."}, by=ada, seen={})
    browser = as_user(ada)
    assert 'name="notes"' not in browser.get(discovery.staff_url()).content.decode()
    assert [it.answer.words for it in now(discovery).questions] == ["They lose bookings on phones."]


def test_what_was_typed_while_somebody_completed_it_is_shown_again(ada, ben, as_user):
    discovery = a_written_discovery(a_discovery(ada).opportunity, ada)
    browser = as_user(ada)
    fields = opened(browser, discovery)
    perform(discovery.complete, by=ben)
    answer = save(browser, discovery, fields, notes="Long words of mine.")
    text = answer.content.decode()
    assert "completed meanwhile" in text
    assert "Long words of mine." in text
    assert "Nothing is saved yet." in text
    assert now(discovery).notes == "They lose bookings on phones."
    perform(now(discovery).reopen, by=ada, reason="More to write.")
    again = {**fields, "notes": "Long words of mine.", "next_action": "Write what is missing"}
    again["seen"] = answer.context["form"].marks
    # The next action is another one since then: that is said, and the words are kept until both agree.
    answer = save(browser, discovery, again)
    if answer.status_code == 409:
        answer = save(browser, discovery, again, seen=answer.context["form"].marks)
    assert answer.status_code == 302
    assert now(discovery).notes == "Long words of mine."


# -- Two people. -------------------------------------------------------------------------------------------------------


def test_a_save_over_newer_words_is_refused_with_both_texts_and_the_third_keeps(ada, ben, eve, client):
    a_questionnaire(eve)
    discovery = a_discovery(ada)
    question = discovery.questions[0].field
    client.force_login(ada)
    fields = opened(client, discovery)
    discovery.write({"notes": "Ben's notes.", question: "Ben's answer."}, by=ben, seen={})
    typed = {"notes": "Ada's notes.", question: "Ada's answer.", "lead_flow": "Forty a month."}
    refused = save(client, discovery, fields, **typed)
    text = refused.content.decode()
    assert refused.status_code == 409
    for words in (
        "Ben&#x27;s notes.",
        "Ben&#x27;s answer.",
        "Ada&#x27;s notes.",
        "Ada&#x27;s answer.",
        "Forty a month.",
    ):
        assert words in text
    assert "Ben wrote this meanwhile" in text
    assert (now(discovery).notes, now(discovery).lead_flow) == ("Ben's notes.", "")
    typed["notes"] = "Both notes."
    assert save(client, discovery, fields, **typed, seen=refused.context["form"].marks).status_code == 302
    assert (now(discovery).notes, now(discovery).lead_flow) == ("Both notes.", "Forty a month.")
    assert now(discovery).questions[0].answer.words == "Ada's answer."


def test_a_third_person_who_writes_between_is_not_overwritten_either(ada, ben, as_user):
    discovery, browser = a_discovery(ada), as_user(ada)
    fields = opened(browser, discovery)
    discovery.write({"notes": "First."}, by=ben, seen={})
    refused = save(browser, discovery, fields, notes="Mine.")
    edit(discovery, by=ben, notes="Second.")
    again = save(browser, discovery, fields, notes="Mine.", seen=refused.context["form"].marks)
    assert again.status_code == 409
    assert "Second." in again.content.decode()
    assert now(discovery).notes == "Second."


def test_two_people_who_write_in_different_fields_both_keep_theirs(ada, ben, as_user):
    discovery, browser = a_discovery(ada), as_user(ada)
    fields = opened(browser, discovery)
    discovery.write({"notes": "Ben's notes."}, by=ben, seen={})
    assert save(browser, discovery, fields, lead_flow="Forty.").status_code == 302
    assert (now(discovery).notes, now(discovery).lead_flow) == ("Ben's notes.", "Forty.")


def test_a_newer_next_action_is_shown_too(ada, ben, as_user):
    discovery, browser = a_discovery(ada), as_user(ada)
    fields = opened(browser, discovery)
    edit(discovery, by=ben, next_action="Call Bo again")
    refused = save(browser, discovery, fields, next_action="Write to Bo")
    assert refused.status_code == 409
    text = refused.content.decode()
    assert "changed this meanwhile, to: Call Bo again" in text
    assert 'value="Write to Bo"' in text
    assert now(discovery).next_action == "Call Bo again"
    assert (
        save(browser, discovery, fields, next_action="Write to Bo", seen=refused.context["form"].marks).status_code
        == 302
    )
    assert now(discovery).next_action == "Write to Bo"


def test_the_answer_to_what_is_not_asked_any_more_is_given_back(ada, ben, as_user):
    furnish()
    discovery, browser = a_discovery(ada), as_user(ada)
    service = Service.objects.get(name="Paid search")
    Service.want(discovery.opportunity, [service], by=ada)
    question = next(it for it in now(discovery).questions if it.words == "What may a new customer cost?")
    fields = opened(browser, discovery)
    Service.want(discovery.opportunity, [], by=ben)
    refused = save(browser, discovery, fields, notes="Busy.", **{question.field: "Forty at most."})
    text = refused.content.decode()
    assert refused.status_code == 409
    assert "not asked any more" in text
    assert "Forty at most." in text
    assert "Busy." in text
    assert now(discovery).notes == ""
    assert save(browser, discovery, {"notes": "Busy.", "seen": refused.context["form"].marks}).status_code == 302
    assert now(discovery).notes == "Busy."


def test_each_answer_is_a_line_in_the_diary_old_and_new(ada, ben, eve):
    a_questionnaire(eve)
    discovery = a_discovery(ada)
    field = discovery.questions[0].field
    discovery = discovery.write({field: "First."}, by=ada, seen={})
    now(discovery).answer(now(discovery).questions[0], "Second.", by=ben)
    lines = Event.objects.filter(verb="discovery.answer", record_id=discovery.pk).order_by("pk")
    assert [(line.actor, line.facts.values["Why now?"]) for line in lines] == [
        (ada, ["", "First."]),
        (ben, ["First.", "Second."]),
    ]
    answer = Answer.objects.get()
    assert (answer.words, answer.answered_by) == ("Second.", ben)
    with pytest.raises(DatabaseError, match="permission denied"):
        raw("delete from opportunities_answer where id = %s", answer.pk)


# -- Who, and what else is sent. ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("ada", 302), ("ben", 302), ("cem", 404), ("ann", 403)])
def test_whoever_has_the_deal_in_reach_writes(who, status, ada, ben, cem, ann, as_user):
    discovery = a_discovery(ada)
    answer = save(as_user({"ada": ada, "ben": ben, "cem": cem, "ann": ann}[who]), discovery, {}, notes="Words.")
    assert answer.status_code == status
    assert now(discovery).notes == ("Words." if status == 302 else "")


def test_whoever_was_lent_it_to_read_reads_and_writes_nothing(ada, cem, as_user):
    discovery = a_discovery(ada)
    assign_perm("view_opportunity", cem, discovery.opportunity)
    browser = as_user(cem)
    page = browser.get(discovery.staff_url())
    assert page.status_code == 200
    assert page.context["form"] is None
    assert page.context["heard"] == []
    heard = {"heard": "note", "note-kind": "note", "note-words": "Mine."}
    assert save(browser, discovery, {}, notes="Words.").status_code == 403
    assert browser.post(discovery.staff_url(), heard, headers={"X-Requested-With": "staff.js"}).status_code == 403
    address = reverse("admin:opportunities_discovery_fields", args=[discovery.pk])
    assert browser.post(f"{address}?name=notes", {"notes": "Words."}).status_code == 403
    assert now(discovery).notes == ""
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "seen",
    ["", "nonsense", "[]", "null", "NaN", "1" * 5000, '{"notes": 1}', '{"notes": "\\ud800"}', '{"\\ud800": "x"}']
    + ["[" * 100_000, "\0", '{"services": []}', '{"notes": "' + "x" * 1_000_000 + '"}'],
)
def test_marks_that_are_none_overwrite_nothing(ada, as_user, seen):
    discovery = edit(a_discovery(ada), by=ada, notes="Words.")
    answer = save(as_user(ada), discovery, {}, notes="Other.", seen=seen)
    assert answer.status_code == 409
    assert "Words." in answer.content.decode()
    assert "Other." in answer.content.decode()
    assert now(discovery).notes == "Words."
    json.loads(answer.context["form"].marks)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\0b", "ab"),
        ("pay\u202eecnerefer\u202c now", "payecnerefer now"),
        ("\ufeffone\u200b two", "one two"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_words_lose_what_nobody_can_read(ada, eve, as_user, typed, kept):
    a_questionnaire(eve)
    discovery, browser = a_discovery(ada), as_user(ada)
    field = discovery.questions[0].field
    assert save(browser, discovery, opened(browser, discovery), **{"notes": typed, field: typed}).status_code == 302
    assert (now(discovery).notes, now(discovery).questions[0].answer.words) == (kept, kept)
    assert "<script>alert" not in browser.get(discovery.staff_url()).content.decode()


def test_half_a_letter_is_no_reason_to_break(ada, as_user):
    discovery = a_discovery(ada)
    half = "notes=a%ED%A0%80b&next_action=%00Call%ED%A0%80&seen=%ED%A0%80"
    answer = as_user(ada).post(discovery.staff_url(), half, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 409, "the marks are none, and a next action stands there"
    assert "a\ufffd\ufffd\ufffdb" in answer.content.decode()
    assert now(discovery).notes == ""


def test_a_megabyte_is_refused_at_its_field_and_nothing_is_lost(ada, as_user):
    discovery, browser = a_discovery(ada), as_user(ada)
    answer = save(browser, discovery, opened(browser, discovery), notes="x" * 1_000_000, lead_flow="Forty.")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Shorten this to 50,000 letters; it has 1000000." in text
    assert "x" * 1_000_000 in text
    assert "Forty." in text
    assert now(discovery).lead_flow == ""


@pytest.mark.parametrize(
    "typed",
    [
        {"due_on": "0001-01-01"},
        {"due_on": "9999-12-31"},
        {"due_on": "soon\0"},
        {"owner": "9" * 40},
        {"owner": "a\0b"},
        {"next_action": ""},
        {"services": "nothing"},
        {"services": "9" * 40},
        {"services": "\0"},
    ],
)
def test_what_cannot_be_is_said_at_its_field(ada, as_user, typed):
    discovery, browser = a_discovery(ada), as_user(ada)
    answer = save(browser, discovery, opened(browser, discovery), notes="Kept.", **typed)
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == typed.keys()
    assert "Nothing is saved yet." in answer.content.decode()
    assert now(discovery).notes == ""


@pytest.mark.parametrize("name", ["question_", "question_x", "question_" + "9" * 30, "question_²", "question_-1"])
def test_an_answer_to_nothing_is_no_answer(ada, as_user, name):
    discovery, browser = a_discovery(ada), as_user(ada)
    fields = opened(browser, discovery)
    assert save(browser, discovery, fields, **{name: "Words."}).status_code == 302
    assert not Answer.objects.exists()
    address = reverse("admin:opportunities_discovery_fields", args=[discovery.pk])
    assert browser.get(address, {"name": name}).status_code == 200


def test_the_page_asks_the_same_of_one_question_and_of_fifty(ada, eve, as_user, django_assert_max_num_queries):
    browser, counts = as_user(ada), []
    for many in (1, 50):
        name = f"{many} questions"
        Questionnaire.objects.filter(is_current=True).update(is_current=False)
        a_questionnaire(eve, *(f"Question {number}?" for number in range(many)), name=name)
        discovery = a_discovery(ada)
        discovery.write({question.field: "Yes." for question in discovery.questions}, by=ada, seen={})
        assert len(asked(discovery)) == many
        browser.get(discovery.staff_url())
        with django_assert_max_num_queries(15) as queries:
            browser.get(discovery.staff_url())
        counts.append(len(queries))
    assert counts[0] == counts[1], counts
