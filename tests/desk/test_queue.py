"""The queue: what waits for whom, page by page, and what is said of one and of several."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Event, Letter
from opportunities.records import begin, edit, perform
from proposals.models import Approval, ApprovalRule, Delegation, Service
from tests.conftest import person, taken_away
from tests.makers_proposals import a_proposal, a_summary, approve_all, decide
from zarts.desk import queue

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def page(client, name, *args, **query):
    return client.get(reverse(name, args=args), query)


def asked_of(proposal, aspect="pricing"):
    return proposal.approvals.get(aspect=aspect, stage="pending")


def priced(owner):
    return asked_of(a_proposal(owner, stage="in_review"))


# -- The parts of the list. --------------------------------------------------------------------------------------------


def test_the_list_has_four_parts_and_says_how_many_each_holds(as_user, ada, ben, fay):
    asked = priced(ada)
    everything = set(asked.subject.approvals.all())
    Approval.objects.update(owner=ben)
    Approval.objects.filter(pk=asked.pk).update(owner=fay)

    of_ben = as_user(ben)
    for show, rows in {"mine": everything - {asked}, "groups": {asked}, "lent": set(), "all": everything}.items():
        assert set(page(of_ben, "approvals", show=show).context["rows"]) == rows, show
    tabs = {name: count for name, _, count in page(of_ben, "approvals").context["tabs"]}
    assert tabs == {"mine": str(len(everything) - 1), "groups": "1", "lent": "0", "all": ""}
    # A part is taken away as it stands; where none is named it is the one that the page shows.
    for asked_for, count in (({}, len(everything) - 1), ({"show": "groups"}, 1), ({"show": "lent"}, 0)):
        head, *lines = taken_away(of_ben, reverse("approvals"), **asked_for)
        assert (head[:4], len(lines)) == (["Client", "Deal", "About", "Aspect"], count), asked_for
    (line,) = taken_away(of_ben, reverse("approvals"), show="groups")[1:]
    assert (line[3], line[9]) == ("Pricing", str(fay))


def test_what_somebody_lent_stands_in_a_part_of_its_own(as_user, ada, ben):
    gus, day = person("gus", "Manager", team="East", sees="team"), timezone.localdate()
    rule = begin(ApprovalRule(aspect="pricing", person=ben), by=ben)
    asked = a_proposal(ada, stage="in_review").approvals.get(rule=rule)
    begin(Delegation(giver=ben, taker=gus, starts_on=day, ends_on=day), by=ben)
    assert asked in page(as_user(gus), "approvals", show="lent").context["rows"]
    assert f"You stand in for {ben} until" in page(as_user(gus), "approval", asked.pk).text


def test_it_opens_at_the_first_part_that_holds_something(as_user, ada, ben, fay):
    Approval.objects.filter(pk=priced(ada).pk).update(owner=fay)
    Approval.objects.exclude(aspect="pricing").update(owner=fay)
    assert page(as_user(ben), "approvals").context["show"] == "groups"
    assert page(as_user(fay), "approvals").context["show"] == "mine"
    assert page(as_user(ben), "approvals", show="a part that is not there").context["show"] == "groups"


def test_an_empty_part_says_so(as_user, ben):
    text = page(as_user(ben), "approvals").text
    assert "<strong>Nothing stands with you.</strong> What is submitted for review" in text
    assert "Choose one from the list." not in text
    assert "Nothing is in review." in page(as_user(ben), "approvals", show="all").text


def test_pages_follow_each_other_by_deadline_and_leave_nothing_out(as_user, ada, ben, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 2)
    for _ in range(2):
        a_proposal(ada, stage="in_review")
    # Two of one deadline are told apart by their number.
    Approval.objects.update(due=timezone.now() + timedelta(days=1))
    Approval.objects.filter(pk=Approval.objects.last().pk).update(due=timezone.now())
    browser, seen, after = as_user(ben), [], ""
    while True:
        answer = page(browser, "approvals", show="all", after=after)
        seen += answer.context["rows"]
        after = answer.context["more"]
        if not after:
            break
    assert seen == list(Approval.objects.filter(stage="pending").order_by("due", "pk"))
    assert len(seen) == 6


@pytest.mark.parametrize("after", ["~", "1~1", "2026-01-01~1", "\0~1", "2026-01-01T00:00:00+00:00~", "9" * 400])
def test_a_page_that_is_not_there_is_the_first(as_user, ada, ben, after):
    asked = priced(ada)
    assert asked in page(as_user(ben), "approvals", show="all", after=after).context["rows"]


def test_a_question_that_was_opened_from_a_later_page_stands_in_that_page(as_user, ada, ben, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 2)
    for _ in range(2):
        a_proposal(ada, stage="in_review")
    browser = as_user(ben)
    mark = page(browser, "approvals", show="all").context["more"]
    later = page(browser, "approvals", show="all", after=mark)
    row = later.context["rows"][0]
    [address] = re.findall(rf'href="({re.escape(row.staff_url())}\?[^"]*)"', later.text)
    assert row in browser.get(address.replace("&amp;", "&")).context["rows"]


def test_the_old_page_of_a_question_leads_to_the_one_where_it_is_decided(as_user, ada, ben, cem):
    asked = priced(ada)
    address = reverse("admin:proposals_approval_change", args=[asked.pk])
    assert as_user(ben).get(address).url == asked.staff_url() == reverse("approval", args=[asked.pk])
    assert as_user(cem).get(address).status_code in (302, 404)
    assert as_user(cem).get(asked.staff_url()).status_code == 404
    assert as_user(ben).post(address, {"stage": "approved"}).status_code == 403


def test_a_question_tells_what_happened_to_it(as_user, ada, ben, fay):
    asked = priced(ada)
    perform(asked.reassign, by=ben, to=ben if asked.owner == fay else fay, reason="Somebody is away.")
    assert "gave to somebody else" in page(as_user(ben), "approval", asked.pk).text


def test_many_are_counted_as_far_as_it_matters(as_user, ada, ben, fay, monkeypatch):
    monkeypatch.setattr(queue, "MOST_TOLD", 2)
    priced(ada)
    Approval.objects.update(owner=ben)
    assert queue.how_many(all=queue.Queue(ben).all_open(), mine=queue.Queue(ben).mine()) == {"all": "2+", "mine": "2+"}
    Approval.objects.exclude(aspect="pricing").update(owner=fay)
    assert queue.how_many(all=queue.Queue(ben).all_open(), mine=queue.Queue(fay).mine()) == {"all": "2+", "mine": "2"}


def test_each_row_says_client_worth_age_deadline_and_proof(as_user, ada, ben):
    asked = priced(ada)
    text = page(as_user(ben), "approvals").text
    for words in (
        str(asked.opportunity.client),
        "$13,800 firm, up to $15,600",
        "Pricing",
        "due ",
        "asked today",
        "proof 100 %",
    ):
        assert words in text, words


def test_a_question_costs_a_bounded_number_of_queries_with_the_list_beside_it(
    as_user, ada, ben, django_assert_max_num_queries
):
    asked, browser = priced(ada), as_user(ben)
    page(browser, "approval", asked.pk)
    with django_assert_max_num_queries(27) as few:  # 12 of a list, 15 of a record
        page(browser, "approval", asked.pk)
    for _ in range(2):
        priced(ada)
    with django_assert_max_num_queries(len(few)):
        page(browser, "approval", asked.pk)


# -- One question. -----------------------------------------------------------------------------------------------------


def test_a_question_shows_proof_and_marks(as_user, ada, ben, fay):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(title="Call tracking"), by=ada, evidence=None)
    proposal = perform(again(proposal).submit, by=fay, override="They choose it or not.")
    text = page(as_user(ben), "approval", asked_of(proposal).pk).text
    assert re.search(r'<meter min="0" max="100" value="83"', text)
    assert "no proof" in text
    assert "Passed without proof: “Call tracking”" in text
    assert "“6.8”" not in text, "a claim makes that number"
    asked = a_summary(ada, words="We are the best, and your pages are slow.", stage="in_review").approvals.get()
    assert "leave “the best” out" in page(as_user(ben), "approval", asked.pk).text


def test_what_was_decided_before_stands_with_its_reason(as_user, ada, ben):
    first = asked_of(a_proposal(ada, stage="in_review"))
    decide(first, "request_changes", by=ben, reason="The care is too cheap.")
    perform(again(first.proposal).submit, by=ada)
    asked = asked_of(again(first.proposal))
    text = page(as_user(ben), "approval", asked.pk).text
    assert "Decided before" in text
    assert "“The care is too cheap.”" in text


def test_whoever_looks_at_it_says_so_and_binds_nobody(as_user, ada, ben, fay):
    asked = priced(ada)
    answer = as_user(ben).post(reverse("approval", args=[asked.pk]) + "?show=mine", {"move": "look_at"})
    assert answer.url == reverse("approval", args=[asked.pk]) + "?show=mine"
    assert "You are looking at it since" in page(as_user(ben), "approval", asked.pk).text
    assert f"{ben} is looking at it" in page(as_user(fay), "approvals", show="all").text
    assert f"{ben} is looking at it since" in page(as_user(ada), "approval", asked.pk).text
    assert Event.objects.filter(verb="approval.look_at", actor=ben).count() == 1

    given = decide(asked, by=fay)
    assert (given.stage, given.looked_at_by) == ("approved", None)


def test_who_may_not_decide_cannot_say_that_they_look_at_it(as_user, ada, cem):
    asked = priced(ada)
    assert as_user(ada).post(reverse("approval", args=[asked.pk]), {"move": "look_at"}).status_code == 403
    assert as_user(cem).post(reverse("approval", args=[asked.pk]), {"move": "look_at"}).status_code == 404
    assert as_user(ada).get(reverse("approval", args=[asked.pk]), {"move": "look_at"}).status_code == 200
    assert again(asked).looked_at_by is None


def test_deciding_stays_in_the_part_that_one_was_in(as_user, ada, ben):
    first, *others = a_proposal(ada, stage="in_review").approvals.order_by("due", "pk")
    address = reverse("approval", args=[first.pk]) + "?show=all"
    answer = as_user(ben).post(address, {"move": "approve", "digest": first.digest})
    assert answer.url == reverse("approval", args=[others[0].pk]) + "?show=all"


def test_giving_it_to_somebody_else_is_offered_to_whoever_may(as_user, ada, ben):
    asked = priced(ada)
    offered = reverse("admin:proposals_approval_move", args=[asked.pk, "reassign"])
    assert offered in page(as_user(ben), "approval", asked.pk).text
    assert offered not in page(as_user(ada), "approval", asked.pk).text


# -- Several at once. --------------------------------------------------------------------------------------------------


def together(client, asked, rows, move="approve", **data):
    data = {f"digest-{row.pk}": row.digest for row in rows} | data
    return client.post(
        reverse("approvals_alike", args=[asked.pk]), {"move": move, "pick": [row.pk for row in rows]} | data
    )


@pytest.fixture
def three(ada):
    return [priced(ada) for _ in range(3)]


def test_questions_of_one_aspect_and_rule_are_shown_together_and_no_other(as_user, ada, ben, three):
    own, words = priced(ben), a_summary(ada, stage="in_review").approvals.get()
    browser = as_user(ben)
    assert "2 more like this" in page(browser, "approval", three[0].pk).text
    answer = page(browser, "approvals_alike", three[0].pk)
    assert set(answer.context["rows"]) == set(three)
    assert not {own, words} & set(answer.context["rows"])
    assert answer.text.count("Care each month") >= 3, "each is there whole"


def test_the_one_that_somebody_came_from_is_among_them_however_late_it_is(as_user, ben, three, monkeypatch):
    monkeypatch.setattr(queue, "AT_ONCE", 2)
    last = max(three, key=lambda each: (each.due, each.pk))
    assert page(as_user(ben), "approvals_alike", last.pk).context["rows"][0] == last


def test_summaries_of_another_kind_are_not_alike(as_user, ada, ben):
    finding, scope = (a_summary(ada, kind=kind, stage="in_review").approvals.get() for kind in ("finding", "scope"))
    assert page(as_user(ben), "approvals_alike", finding.pk).context["rows"] == [finding]
    assert "more like this" not in page(as_user(ben), "approval", scope.pk).text


@pytest.mark.parametrize(
    ("price", "other", "is_alike"),
    [
        (3000, {}, True),
        (16_000, {}, True),
        (17_000, {}, False),
        (3000, {"currency": "EUR"}, False),
        (3000, {"service": "another"}, False),
    ],
)
def test_only_what_is_of_one_service_and_currency_and_worth_about_as_much_is_alike(
    as_user, ada, ben, price, other, is_alike
):
    if "service" in other:
        other = {"service": Service.objects.exclude(name="Search and speed").first()}
    first, proposal = priced(ada), a_proposal(ada, **other)
    proposal.change(proposal.price_lines.get(title="Mending"), by=ada, unit_price=price)
    asked = asked_of(perform(again(proposal).submit, by=ada))
    assert (asked.rule, asked.aspect) == (first.rule, first.aspect)
    assert (asked in page(as_user(ben), "approvals_alike", first.pk).context["rows"]) == is_alike
    assert ("1 more like this" in page(as_user(ben), "approval", first.pk).text) == is_alike


def test_each_of_several_says_why_it_is_asked_and_what_is_marked_in_it(as_user, ada, ben):
    first, marked = (a_proposal(ada, stage="in_review") for _ in range(2))
    edit(marked, by=ada, intro="We have 40 ideas for you.")
    text = page(as_user(ben), "approvals_alike", asked_of(again(first)).pk).text
    assert text.count("Pricing always needs a second person.") == 2
    assert "“40” in the opening words belongs to no claim." in text


def test_what_a_manager_let_pass_is_not_decided_with_others_and_says_why(as_user, ada, ben, fay):
    first, passed = priced(ada), a_proposal(ada)
    passed.change(passed.price_lines.get(title="Care each month"), by=ada, evidence=None)
    passed = asked_of(perform(again(passed).submit, by=fay, override="They pay it today."))
    browser, why = as_user(ben), "A manager let something in it pass"
    text = page(browser, "approvals_alike", first.pk).text
    assert why in text
    assert "Passed without proof: “Care each month”. Fay: “They pay it today.”" in text
    answer = together(browser, first, [first, passed])
    assert (answer.status_code, why in answer.text) == (409, True)
    assert [again(row).stage for row in (first, passed)] == ["approved", "pending"]


def test_what_has_a_mark_that_stops_is_not_decided_with_others_and_says_why(as_user, ada, ben):
    first, marked = (a_proposal(ada, stage="in_review") for _ in range(2))
    edit(marked, by=ada, intro="Our margin on this is fine.")
    first, asked = asked_of(first), asked_of(again(marked))
    answer = together(as_user(ben), first, [first, asked], move="reject", reason="No.")
    assert (answer.status_code, "is marked and stops it" in answer.text) == (409, True)
    assert [again(row).stage for row in (first, asked)] == ["rejected", "pending"]


def test_those_that_were_ticked_are_approved_each_by_itself(as_user, ben, three):
    answer = together(as_user(ben), three[0], three[:2])
    assert answer.status_code == 302
    assert [again(row).stage for row in three] == ["approved", "approved", "pending"]
    assert Event.objects.filter(verb="approval.approve", actor=ben).count() == 2
    assert "Done: you approved 2 questions." in page(as_user(ben), "approvals").text


def test_one_that_changed_meanwhile_stays_and_says_why_and_the_others_are_decided(as_user, ada, ben, three):
    proposal = three[1].proposal
    proposal.change(proposal.price_lines.first(), by=ada, unit_price=2000)
    answer = together(as_user(ben), three[0], three)
    assert answer.status_code == 409
    assert "not asked of you any more" in answer.text
    assert [again(row).stage for row in three] == ["approved", "lapsed", "approved"]
    fresh = asked_of(again(proposal))
    assert fresh.stage == "pending"

    answer = together(as_user(ben), fresh, [fresh], **{f"digest-{fresh.pk}": three[1].digest})
    assert answer.status_code == 409
    assert "It changed since you opened it. Read it again." in answer.text
    assert again(fresh).stage == "pending"


def test_without_a_digest_nothing_is_approved(as_user, ben, three):
    address = reverse("approvals_alike", args=[three[0].pk])
    assert as_user(ben).post(address, {"move": "approve", "pick": three[0].pk}).status_code == 409
    assert again(three[0]).stage == "pending"


def test_several_are_sent_back_with_one_reason_and_not_without(as_user, ben, three):
    answer = together(as_user(ben), three[0], three, move="reject")
    assert answer.status_code == 200
    assert "Say why" in answer.text
    assert answer.text.count(" checked>") == 3, "what was ticked stays ticked"
    assert {again(row).stage for row in three} == {"pending"}

    assert together(as_user(ben), three[0], three, move="reject", reason="No more discounts.").status_code == 302
    assert {again(row).decision for row in three} == {"No more discounts."}


@pytest.mark.parametrize("pick", [[], ["0"], ["x"], ["9" * 30], ["-1"], ["\0"]])
def test_nothing_ticked_is_said(as_user, ben, three, pick):
    address = reverse("approvals_alike", args=[three[0].pk])
    answer = as_user(ben).post(address, {"move": "approve", "pick": pick})
    assert answer.status_code in (200, 409)
    assert re.search("Tick those that you answer.|not asked of you any more", answer.text)
    assert {again(row).stage for row in three} == {"pending"}


def test_whose_question_it_is_not_decides_none_of_several(as_user, ada, cem, three):
    assert together(as_user(ada), three[0], three).status_code == 409
    assert together(as_user(cem), three[0], three).status_code == 404
    assert together(as_user(ada), three[0], three, move="recall").status_code == 404
    assert {again(row).stage for row in three} == {"pending"}


def test_several_cost_a_bounded_number_of_questions(as_user, ada, ben, three, django_assert_max_num_queries):
    browser = as_user(ben)
    browser.get(reverse("approval", args=[three[0].pk]))
    with django_assert_max_num_queries(60):
        page(browser, "approvals_alike", three[0].pk)
    with django_assert_max_num_queries(40):
        page(browser, "approval", three[0].pk)


# -- How long it takes. ------------------------------------------------------------------------------------------------


def test_the_pace_is_told_to_whoever_manages_who_approves_and_of_their_own(as_user, ada, ben, cem):
    approve_all(a_proposal(ada, stage="in_review"), ben)
    text = page(as_user(ben), "approvals_pace").text
    assert re.search(r'<th scope="row">Ben</th>', text)
    assert "By rule" in text
    assert page(as_user(ada), "approvals_pace").status_code == 403
    wes = person("wes", "Manager", team="West", sees="team")
    assert "Nothing was decided in these 30 days." in page(as_user(wes), "approvals_pace").text
    assert page(as_user(ben), "approvals_pace", days="nonsense").context["days"] == 30
    assert page(as_user(ben), "approvals_pace", days="365").context["days"] == 365


def test_a_colleague_of_the_same_group_may_answer_though_it_stands_with_another(as_user, ada, ben, fay):
    """The mail goes to one; nobody has to wait for them."""
    asked = priced(ada)
    edit(asked, by=None, owner=ben)
    assert Group.objects.filter(user=fay, name="Manager").exists()
    assert asked in page(as_user(fay), "approvals", show="groups").context["rows"]
    answer = as_user(fay).post(reverse("approval", args=[asked.pk]), {"move": "approve", "digest": asked.digest})
    assert answer.status_code == 302
    assert again(asked).decided_by == fay


def test_a_condition_on_what_has_no_numbers_is_refused_for_what_it_is(as_user, ada, ben):
    asked = asked_of(a_proposal(ada, stage="in_review"), "claims")
    sent = {"move": "approve_on", "digest": asked.digest, "measure": "discount", "number": "10"}
    answer = as_user(ben).post(asked.staff_url(), sent)
    assert answer.status_code == 409
    assert "Only the pricing can be approved on a condition." in answer.text
    assert "already" not in answer.text


def test_the_mail_of_a_question_has_a_short_subject(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    proposal.change(proposal.price_lines.first(), by=ada, title="All of the mending, whatever it is", unit_price=3100)
    letter = Letter.objects.filter(user=ben).order_by("pk").last()
    worth = "$13,900 firm, up to $15,700 with every option"
    assert letter.subject == f"Pricing to approve: {proposal.opportunity.client}, {worth}"
    assert "Since you approved it:" in letter.body
