"""What a client could read on a day, and that nothing which they were shown is ever changed."""

from datetime import datetime, time, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities.records import perform
from portal.models import Guest, ProposalLink, Publication
from proposals import seen
from tests import database
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def page_of(deal):
    return reverse("seen", args=[deal.pk])


def today():
    return timezone.localdate(timezone=timezone.get_default_timezone())


def at(day, hour=12):
    return timezone.make_aware(datetime.combine(day, time(hour)), timezone.get_default_timezone())


def published(deal, day, *, title="The offer", ref="proposals.proposal:900", **fields):
    """A publication as it would stand there had it been made on that day."""
    return Publication.publish(
        client_id=deal.client_id,
        opportunity_id=deal.pk,
        kind="proposal",
        ref=ref,
        title=title,
        body={"intro": f"Words of {title}"},
        approved_by="Ben (proposal)",
        published_at=at(day),
        **fields,
    )


def a_guest(deal, day, **fields):
    fields.setdefault("email", "bo@client.example")
    return Guest.objects.create(client_id=deal.client_id, contact_id=1, name="Bo", created_at=at(day, 9), **fields)


def titles(deal, day):
    return [each.publication.title for each in seen.on(deal, day).shown]


def read_by(deal, day):
    return {
        reader.name: [way["shown"].publication.title for way in reader.ways] for reader in seen.on(deal, day).readers
    }


def test_a_sent_proposal_is_shown_with_who_read_it_and_how(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="viewed")
    page = as_user(ada).get(page_of(proposal.opportunity))
    text = page.content.decode()
    assert page.status_code == 200
    assert proposal.title in text
    assert "We mend the ten slowest pages." in text
    assert "by the link in their mail" in text
    assert "signed in to the portal as" in text
    assert "Ben (proposal)" in text
    assert "pricing_assumption" not in text
    assert "the cheaper tool is enough" not in text
    reader = page.context["day"].readers[0]
    assert reader.name == proposal.recipient.name
    ways = [way["words"].split(" as ")[0] for way in reader.ways if way["shown"].publication.kind == "proposal"]
    assert ways == ["signed in to the portal", "by the link in their mail"]


def test_what_was_withdrawn_is_told_on_its_day_and_is_gone_on_the_next(ada, ben, as_user):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    deal = proposal.opportunity
    perform(proposal.withdraw, by=ada, reason="The price was wrong.")
    text = as_user(ada).get(page_of(deal)).content.decode()
    assert "Withdrawn on this day" in text
    assert "The price was wrong." in text
    assert proposal.title in titles(deal, today())
    assert proposal.title not in titles(deal, today() + DAY)
    assert titles(deal, today() - DAY) == []


def test_a_newer_one_takes_the_place_of_the_older_from_its_day_on(ada):
    deal, day = an_opportunity(ada), today() - 10 * DAY
    a_guest(deal, day - 5 * DAY)
    published(deal, day, title="First")
    published(deal, day + 2 * DAY, title="Second")
    published(deal, day + 2 * DAY, title="Another", ref="proposals.proposal:901")
    assert titles(deal, day - DAY) == []
    assert titles(deal, day) == ["First"]
    assert titles(deal, day + DAY) == ["First"]
    assert titles(deal, day + 2 * DAY) == ["First", "Second", "Another"]
    assert titles(deal, day + 3 * DAY) == ["Second", "Another"]
    assert read_by(deal, day + 3 * DAY) == {"Bo": ["Second", "Another"]}


def test_an_older_one_comes_back_when_the_newer_is_withdrawn(ada):
    deal, day = an_opportunity(ada), today() - 3 * DAY
    published(deal, day, title="First")
    published(deal, day + DAY, title="Second").withdraw("A slip.")
    assert titles(deal, day + 2 * DAY) == ["Second"]
    assert titles(deal, today()) == ["First", "Second"]
    assert titles(deal, today() + DAY) == ["First"]


def test_somebody_reads_only_from_the_day_on_which_they_were_let_in_until_they_were_kept_out(ada):
    deal, day = an_opportunity(ada), today() - 10 * DAY
    published(deal, day)
    a_guest(deal, day + 2 * DAY, revoked_at=at(day + 4 * DAY))
    assert [bool(read_by(deal, day + number * DAY)) for number in range(6)] == [False, False, True, True, True, False]
    assert titles(deal, day + 5 * DAY) == ["The offer"]


def test_a_link_is_read_until_it_ends(ada):
    deal, day = an_opportunity(ada), today() - 10 * DAY
    one = published(deal, day)
    ProposalLink.objects.create(
        publication=one,
        client_id=deal.client_id,
        contact_id=7,
        contact_name="Bo Larsen",
        sender_name="Ada",
        token_hash="x" * 64,
        created_at=at(day + DAY),
        expires_at=at(day + 3 * DAY),
        opened_at=at(day + 2 * DAY),
    )
    assert [bool(read_by(deal, day + number * DAY)) for number in range(5)] == [False, True, True, True, False]
    ways = seen.on(deal, day + 2 * DAY).readers[0].ways
    assert "opened_at" in ways[0]
    assert "opened_at" not in seen.on(deal, day + DAY).readers[0].ways[0]


def test_days_are_counted_by_the_agencys_midnight(ada, settings):
    deal, day = an_opportunity(ada), today() - 10 * DAY
    late = timezone.make_aware(datetime.combine(day, time(23, 59)), timezone.get_default_timezone())
    one = published(deal, day)
    with timezone.override("Pacific/Auckland"):
        assert titles(deal, day) == ["The offer"]
        assert titles(deal, day - DAY) == []
    assert one.published_at < late


def test_another_deals_publications_are_not_among_them(ada):
    deal, other = an_opportunity(ada), an_opportunity(ada)
    published(other, today() - DAY)
    assert titles(deal, today()) == []


def test_a_day_on_which_nothing_was_shown_says_so(as_user, ada):
    text = as_user(ada).get(page_of(an_opportunity(ada))).content.decode()
    assert "Nothing of this deal was published on this day." in text
    assert "Nobody at the client could read anything of this deal." in text


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2026-02-31", "Choose a day that there is"),
        ("tomorrow", "Choose a day that there is"),
        ("", "Fill this in."),
        ("2149-01-01", "Choose today or a day that has passed."),
        ("0001-01-01", "Check the year."),
        ("9999-12-31", "Check the year."),
        ("2026-01-01\0", "Choose a day that there is"),
    ],
)
def test_a_wrong_day_is_refused_at_its_field(as_user, ada, on, said):
    page = as_user(ada).get(page_of(an_opportunity(ada)), {"on": on})
    assert page.status_code == 422
    assert said in page.content.decode()


def test_only_whoever_may_see_the_deal_sees_it(as_user, ada, ben, cem, ann):
    deal = an_opportunity(ada)
    for user, status in ((ada, 200), (ben, 200), (ann, 200), (cem, 404)):
        assert as_user(user).get(page_of(deal)).status_code == status
    assert as_user(ada).post(page_of(deal)).status_code == 405


def test_the_deal_leads_to_it(as_user, ada):
    deal = an_opportunity(ada, stage="proposal")
    for address in (f"{deal.staff_url()}?tab=proposals", reverse("outputs", args=[deal.pk])):
        assert page_of(deal) in as_user(ada).get(address).content.decode()


def test_it_asks_no_more_however_much_was_shown(as_user, ada):
    deal = an_opportunity(ada)
    published(deal, today() - DAY)
    a_guest(deal, today() - DAY)
    browser = as_user(ada)

    def queries():
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(page_of(deal)).status_code == 200
        return len(caught)

    before = queries()
    for number in range(10):
        published(deal, today() - DAY, title=f"Offer {number}", ref=f"proposals.proposal:{number}")
        a_guest(deal, today() - DAY, email=f"bo{number}@client.example")
    assert queries() == before <= 12


# -- Withdrawing is a new fact. ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Other"},
        {"body": {"intro": "Other"}},
        {"digest": "0" * 64},
        {"approved_by": "Nobody"},
        {"published_at": timezone.now() - 9 * DAY},
        {"client_id": 99},
        {"opportunity_id": 99},
        {"kind": "report"},
        {"ref": "other:1"},
        {"withdrawn_reason": "A reason without a day"},
        {"withdrawn_at": timezone.now(), "title": "Withdrawn"},
        {"withdrawn_at": timezone.now(), "approved_by": ""},
    ],
)
def test_nothing_of_a_publication_changes_but_that_it_is_withdrawn(ada, fields):
    one = published(an_opportunity(ada), today() - DAY)
    with pytest.raises(DatabaseError, match="frozen|permission denied"), transaction.atomic():
        Publication.objects.filter(pk=one.pk).update(**fields)


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_of_the_database_changes_what_was_shown(ada):
    one = published(an_opportunity(ada), today() - DAY)
    with database.login("owner") as owner:
        for column in (field.column for field in Publication._meta.concrete_fields if field.name != "withdrawn_at"):
            value = "'{}'::jsonb" if column == "body" else f"left(md5({column}), 9)"
            value = f"{column} + interval '1 day'" if column.endswith("_at") else value
            value = f"{column} + 1" if column.endswith("id") else value
            # Only of a contract it can change until when it is open.
            value = "now()" if column == "open_until" else value
            with pytest.raises(psycopg.Error, match="frozen"):
                owner.execute(f"update portal_publication set {column} = {value} where id = {one.pk}")
            owner.rollback()
        with pytest.raises(psycopg.Error, match="frozen"):
            owner.execute("truncate portal_publication cascade")


def test_it_is_withdrawn_once_with_its_reason_and_never_comes_back(ada):
    one = published(an_opportunity(ada), today() - DAY)
    one.withdraw("A slip.")
    for fields in ({"withdrawn_at": None}, {"withdrawn_reason": "Another"}, {"withdrawn_at": timezone.now()}):
        with pytest.raises(DatabaseError, match="frozen|permission denied"), transaction.atomic():
            Publication.objects.filter(pk=one.pk).update(**fields)
    with pytest.raises(DatabaseError), transaction.atomic():
        one.delete()
    one.withdraw("Again.")
    one.refresh_from_db()
    assert one.withdrawn_reason == "A slip."


def test_a_contract_that_was_signed_is_shown_as_it_was_on_each_day(as_user, ada, ben):
    contract = a_contract(ada, approver=ben, stage="active")
    day = seen.on(contract.opportunity, today())
    found = [each.publication for each in day.shown if each.publication.kind == "contract"]
    assert [bool(one.body["countersigned"]) for one in found] == [False, True]
    text = as_user(ada).get(page_of(contract.opportunity)).content.decode()
    assert "signed for" in text
    assert "What we do" in text
