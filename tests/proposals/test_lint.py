"""What lint marks in words for clients, and what it lets pass: real sentences of both kinds."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opportunities.models import Client, Contact, Evidence, Note
from opportunities.records import begin, edit, perform
from proposals import coverage, glossary, lint, promises
from proposals.house import furnish
from proposals.models import Claim, GlossaryTerm, Proposal
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal, a_summary

pytestmark = pytest.mark.django_db

NOTE = (
    "The owner's nephew built the booking form in 2019, nobody there dares to touch it, and the hosting bill is paid "
    "from a private card. Call Bo before ten."
)


@pytest.fixture
def deal(ada):
    """A deal with a note, and another client with people of their own."""
    deal = an_opportunity(ada, stage="proposal")
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=NOTE), by=ada)
    other = begin(Client(name="Alder & Co", owner=ada), by=ada)
    for name in ("Ines Okafor", "Mark Long", "Grace", "Jan van Dyk"):
        begin(Contact(client=other, name=name, email=f"{name.split()[0].lower()}@alder.example"), by=ada)
    return deal


def marks_on(deal, words, title="What we found"):
    return lint.check(deal, title, words)


# Each passes without any mark.
SOUND = [
    "On a phone, the first page takes nearly seven seconds until somebody can read it.",
    "Half of your visitors come from a phone, and most of them look for your opening hours.",
    "We measured on 3 November 2026, in the morning, when fewest people call.",
    "Your booking form asks for nine things; a short one asks for three.",
    "People who search for a dentist near the harbor find two others before you.",
    "Nobody can promise a first place, and this is no guarantee of one.",
    "We give no guarantee for what others change on their side.",
    "Please double-check the opening hours on your site.",
    "Your double rooms are on a page that nothing links to.",
    "We look at the numbers 3 times a week and write to you on Mondays.",
    "The form was filled in by hand ten times per day before the summer.",
    "Opening the page on a slow line took until 2026-11-03 to be measured well.",
    "Call us between nine and five; the number is at the foot of each mail.",
    "Bo Larsen told us which pages matter to you.",
    "In May we begin with the ten slowest pages.",
    "A good time to call you is in the morning, you said.",
    "The page is 1920 x 1080 dots large, which is more than a phone shows.",
    "We mend the pictures first: they are larger than they need to be.",
    "Your site runs on a shared machine, and shares its speed with others.",
    "Two of five calls in October were not taken.",
    "What you pay to advertising networks is your own.",
    "The old booking form is hard to change, so we leave it as it is for now.",
    "A report comes every two weeks, in words and with the numbers that this page names.",
    "We did not look at your books, and need not.",
    "The marginal notes in your leaflet are well written.",
    "Your pages are internally consistent, which helps people who search.",
    "Write to hello@zarts.example whenever something is unclear.",
    "There are 12 pages that open slowly and 48 that do not.",
    "The nephew who built the form did good work for its time.",
    "Most of this can be done without closing the shop for a day.",
    "Mark your calendar: the first report comes in January.",
    "We will write again when the last page is mended.",
    "Grown-ups read this, too: short words help everybody.",
    # Beside numbers in words that promise something.
    "Twenty-five pages open slowly, and eighteen of them hold a form.",
    "Five people wait for an answer on a Monday.",
    "We write to you twice a month.",
    "Twice in October the line was down.",
    "We begin by half past nine.",
    "The booking form was built by a third party.",
    "It is used by half of your visitors, and by a third of those who call.",
    "A third of the pages opens slowly.",
    "We wait half a day for an answer, and a quarter of an hour for a call.",
    "The leaflet has one fold, and a hundred copies were printed.",
    "We tried it nine times before it opened, and twice more on Tuesday.",
    "Half the time nobody answers.",
]

# Each is stopped: the words, the kind of the mark and what it is on.
STOPPED = [
    ("We will double your bookings by spring.", "outcome", "double"),
    ("Your revenue triples within a year.", "outcome", "triples"),
    ("We guarantee a first place.", "outcome", "guarantee"),
    ("Results are guaranteed.", "outcome", "guaranteed"),
    ("Expect 35% more calls.", "outcome", "35%"),
    ("Expect 35 percent more calls.", "outcome", "35 percent"),
    ("Expect 12,5 per cent more calls.", "outcome", "12,5 per cent"),
    ("Expect twenty percent more calls.", "outcome", "twenty percent"),
    ("You get 3x the calls.", "outcome", "3x"),
    ("You get 2.5 x the calls.", "outcome", "2.5 x"),
    ("A tenfold return is usual.", "outcome", "tenfold"),
    ("A 10-fold return is usual.", "outcome", "10-fold"),
    ("You will see ten times the traffic.", "outcome", "ten times"),
    ("We halve the time that a page takes.", "outcome", "halve"),
    ("You get twice as many calls.", "outcome", "twice as many"),
    ("Twenty-five percent more bookings.", "outcome", "Twenty-five percent"),
    ("Twenty five per cent more bookings.", "outcome", "Twenty five per cent"),
    ("Calls rise by eighteen percent.", "outcome", "eighteen percent"),
    ("Five percent is what you can hope for.", "outcome", "Five percent"),
    ("A hundred percent of them come back.", "outcome", "A hundred percent"),
    ("Half a percent more is usual.", "outcome", "Half a percent"),
    ("Twice the bookings in spring.", "outcome", "Twice the"),
    ("Thrice the bookings in spring.", "outcome", "Thrice the"),
    ("Double the bookings in spring.", "outcome", "Double"),
    ("Twelve times the traffic.", "outcome", "Twelve times"),
    ("A twentyfold return.", "outcome", "twentyfold"),
    ("Bookings are up by half.", "outcome", "by half"),
    ("Your costs fall by about a third.", "outcome", "by about a third"),
    ("A third more bookings.", "outcome", "A third more"),
    ("Two thirds fewer lost calls.", "outcome", "Two thirds fewer"),
    ("Half again as many calls.", "outcome", "Half again as many"),
    ("You have it at half the price.", "outcome", "at half the price"),
    ("Our margin on this is small.", "glossary", "margin"),
    ("The gross\nmargin stays as it is.", "glossary", "gross\nmargin"),
    ("Two caveats stand in our file.", "glossary", "caveats"),
    ("The INTERNAL COST is known.", "glossary", "INTERNAL COST"),
    ("Our raw notes say more.", "glossary", "raw notes"),
    ("A pricing assumption of ours was wrong.", "glossary", "pricing assumption"),
    ("There is some padding in the plan.", "glossary", "padding"),
    ("Your win probability is high.", "glossary", "win probability"),
    ("This is an upsell.", "glossary", "upsell"),
    ("Write to ines@alder.example about it.", "private", "ines@alder.example"),
    ("Ring +45 20 30 40 50 at night.", "private", "+45 20 30 40 50"),
    ("Ring (020) 7946-0958 at night.", "private", "(020) 7946-0958"),
    ("Ines Okafor asked us the same thing.", "private", "Ines Okafor"),
    ("We did it for Ines Okafor, too.", "private", "Ines Okafor"),
    (
        "We hear that the owner’s nephew built the booking form in 2019, and more.",
        "copied",
        "the owner’s nephew built the booking form in 2019",
    ),
    ("Nobody there dares to touch it and the hosting bill is high.", "copied", None),
    ("And the hosting bill is paid from a private card, too.", "copied", None),
]

# Each is doubtful: it warns, and the writer decides.
DOUBTFUL = [
    ("We are the best agency in town.", "doubtful", "the best"),
    ("You get a world-class site.", "doubtful", "world-class"),
    ("We are number one in the region.", "doubtful", "number one"),
    ("It is risk-free.", "doubtful", "risk-free"),
    ("Mark Long is a name, or two words.", "private", "Mark Long"),
    ("Grace is what the page lacks.", "private", "Grace"),
    ("The pain points are three.", "glossary", "pain points"),
    ("The price of the second step is TBD.", "glossary", "TBD"),
    ("A workaround helps until then.", "glossary", "workaround"),
]


# What we do and what it costs, with numbers, and what was found: each passes in summary and proposal.
WORK = [
    "We deliver 12 articles a month.",
    "The workshop takes 2 days.",
    "We begin within 10 days of your signature.",
    "You will get the first draft within 5 days.",
    "You will receive a report within 30 days, and the next one in March.",
    "We send you the results within 3 days.",
    "In 2 weeks we show you the first two pages.",
    "You have two more calls with us before the start.",
    "We write three more pages about your treatments.",
    "Two new people of ours join in May.",
    "The form asks for a dozen things.",
    "A hundred copies of the leaflet are printed.",
    "We look through a thousand pages.",
    "Care costs €900 a month, and more when you ask for more.",
    "For $50 more a month a second page is kept.",
    "A second language costs €500 extra.",
    "The budget for advertising is £2,000 or more; you pay it yourself.",
    "We charge €80 an hour for additional work.",
    "The picture is 1920 x 1080 dots large.",
    "There are 3 x 20 minutes for questions.",
    "We go through five of the 48 pages each week.",
    "Your half of the work is done within a week.",
    "The results of the survey come in April.",
    "We promise nothing that we cannot show.",
    "We make sure that each page has a title.",
    "Forty of your bookings in May came from a phone.",
    "We ship the first part in ten days, the second in twenty.",
    "We reduce the form from nine questions to three.",
    "The two-day workshop is held twice: in May and in June.",
    "Version 2.5 of the plan has 4 parts.",
    "Whoever pays $10,000 or more has a person of their own.",
    "It runs on Windows 11 (x64) as well.",
    "We measure again before we promise anything.",
    "It was good to meet you at Halvorsen & Pike.",
]

# Each promises in words of its own, and is stopped in summary and proposal.
PROMISED = [
    ("You earn $50,000 more each month.", "$50,000"),
    ("You will get €12,000 of extra revenue.", "€12,000"),
    ("It saves you £300 a month.", "£300"),
    ("You save USD 5,000 in a year.", "USD 5,000"),
    ("A profit of $20k is usual.", "$20k"),
    ("You gain 12,000 euros a year.", "12,000 euros"),
    ("Your income grows to €90,000.", "€90,000"),
    ("You will get fifty more bookings a month.", "fifty more bookings"),
    ("You will get 50 more bookings a month.", "50 more bookings"),
    ("A dozen more patients each week.", "A dozen more patients"),
    ("Thousands of new visitors come.", "Thousands of new visitors"),
    ("Another forty calls a week.", "forty calls"),
    ("You have 1,200 additional visitors.", "1,200 additional visitors"),
    ("Ten fewer no-shows a month.", "Ten fewer no-shows"),
    ("Bookings rise to eighty a month.", "eighty"),
    ("Bookings x2 in spring.", "x2"),
    ("Bookings ×2 in spring.", "×2"),
    ("You have 2x the bookings.", "2x"),
    ("Bookings grow by a factor of three.", "factor of three"),
    ("Bookings rise a thousand per cent.", "a thousand per cent"),
    ("Bookings rise by two hundred percent.", "two hundred percent"),
    ("Bookings rise 50 pct.", "50 pct"),
    ("Bookings rise 50 percents.", "50 percents"),
    ("Bookings grow 1,000 %.", "1,000 %"),
    ("Two-times as many calls.", "Two-times"),
    ("Results in 10 days.", "10 days"),
    ("Within 30 days you will be at the top.", "30 days"),
    ("You will see results within six weeks.", "six weeks"),
    ("It pays for itself within 3 months.", "3 months"),
    ("Your pages will open in two seconds.", "two seconds"),
    ("Your pages will open in 2 to 3 seconds.", "2 to 3 seconds"),
    ("Bookings will rise from 40 to 80.", "40 to 80"),
    ("Money back if it fails.", "Money back"),
    ("You get your money back.", "your money back"),
    ("It works, or you pay nothing.", "or you pay nothing"),
    ("We promise that people find you.", "We promise"),
    ("We ensure results.", "ensure results"),
    ("You will be number 1 on Google.", "be number 1 on Google"),
    ("Your bookings will multiply.", "will multiply"),
    ("You will rank first.", "will rank first"),
    ("It is a five-figure return.", "five-figure"),
    ("Bookings go up by one-half.", "by one-half"),
]


@pytest.mark.parametrize("words", SOUND)
def test_a_sound_sentence_passes_unmarked(deal, words):
    assert marks_on(deal, words) == []


@pytest.mark.parametrize(("words", "kind", "on"), STOPPED)
def test_a_sentence_that_a_client_must_not_read_is_stopped_where_it_is_wrong(deal, words, kind, on):
    found = marks_on(deal, words)
    assert [mark.kind for mark in found] == [kind]
    mark = found[0]
    assert mark.blocking
    assert mark.why
    assert on is None or mark.words == on
    text = f"What we found\n{words}"
    assert text[mark.start : mark.end] == mark.words
    assert lint.in_field(mark, "What we found")[0] == "words"


@pytest.mark.parametrize(("words", "kind", "on"), DOUBTFUL)
def test_a_doubtful_sentence_warns_and_does_not_stop(deal, words, kind, on):
    found = marks_on(deal, words)
    assert [(mark.kind, mark.words, mark.blocking) for mark in found] == [(kind, on, False)]
    assert lint.blocking(found) == []


ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thir", "four", "fif", "six", "seven", "eigh", "nine"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ONE_TO_A_HUNDRED = [
    *ONES,
    *(f"{word}teen" if place > 2 else word for place, word in enumerate(TEENS)),
    *(f"{tens}-{ones}".strip("-") for tens in TENS for ones in ["", *ONES]),
    "a hundred",
]


def test_every_number_from_one_to_a_hundred_is_read_in_words():
    for number, words in enumerate(ONE_TO_A_HUNDRED, 1):
        for said in (words, words.replace("-", " "), words.title()):
            (mark,) = lint.outcomes(f"Then {said} percent more people call.", promises.Backing())
            assert mark.words == f"{said} percent"
            assert promises.number_of(mark.words) == number


@pytest.fixture
def offer(ada):
    return a_proposal(ada)


@pytest.mark.parametrize("words", WORK)
def test_what_we_do_and_what_it_costs_is_no_promise(offer, ada, words):
    assert marks_on(offer.opportunity, words) == []
    edit(offer, by=ada, intro=words)
    assert not [mark for mark in coverage.unclaimed(Proposal.objects.get(pk=offer.pk)) if mark.blocking]


@pytest.mark.parametrize(("words", "on"), PROMISED)
def test_a_promise_is_stopped_however_it_is_said_in_summary_proposal_and_mail(offer, ada, words, on):
    assert [(mark.kind, mark.words) for mark in marks_on(offer.opportunity, words)] == [("outcome", on)]
    assert [mark.words for mark in lint.read_mailed(words, offer.opportunity.client, offer.opportunity)] == [on]
    edit(offer, by=ada, intro=words)
    found = coverage.unclaimed(Proposal.objects.get(pk=offer.pk))
    assert [mark.words for mark in found if mark.blocking] == [on]


def test_the_offers_own_prices_are_no_promise_until_they_are_said_to_be_won(ada):
    deal = a_proposal(ada, currency="EUR").opportunity
    for words in ("More care, €900 a month.", "Mending, €3,000, and you save a new site."):
        assert [mark.kind for mark in marks_on(deal, words.replace("€", "£"))] == ["outcome"]
        assert marks_on(deal, words) == []
    assert [mark.words for mark in marks_on(deal, "You save €900 a month.")] == ["€900"]
    assert [mark.words for mark in marks_on(deal, "You have €900 more.")] == ["€900"]


def test_there_are_sixty_sentences_and_half_of_them_pass():
    assert len(SOUND) + len(STOPPED) >= 60
    assert len(SOUND) >= 30
    assert len(set(SOUND)) == len(SOUND)


# -- Copies. -----------------------------------------------------------------------------------------------------------


def test_seven_words_in_a_row_are_no_copy_and_eight_are(deal):
    words = NOTE.split()
    for start in range(len(words) - 8):
        seven, eight = " ".join(words[start : start + 7]), " ".join(words[start : start + 8])
        assert not [mark for mark in marks_on(deal, seven) if mark.kind == "copied"]
        assert [mark.kind for mark in marks_on(deal, eight) if mark.kind == "copied"] == ["copied"], eight


@pytest.mark.parametrize(
    "words",
    [
        "NOBODY THERE DARES TO TOUCH IT AND THE HOSTING",
        "nobody there… dares — to touch “it”, and the hosting!",
        "nobody\nthere\ndares\nto\ntouch\nit\nand\nthe",
        "• nobody there dares to touch it / and the • hosting",
    ],
)
def test_a_copy_is_known_whatever_stands_between_its_words(deal, words):
    assert [mark.kind for mark in marks_on(deal, words)] == ["copied"]


def test_a_copied_run_is_marked_whole_and_says_where_it_comes_from(deal):
    mark = marks_on(deal, f"Here it is: {NOTE} So.")[0]
    assert mark.words == NOTE.rstrip(".")
    assert mark.why == "It is copied from what we wrote for ourselves: note."


def test_two_copies_are_two_marks(deal):
    words = NOTE.split()
    two = f"{' '.join(words[:9])}. Something else. {' '.join(words[10:20])}"
    assert len([mark for mark in marks_on(deal, two) if mark.kind == "copied"]) == 2


def test_a_copy_is_known_from_every_place_in_which_we_write_for_ourselves(ada, ben, world):
    """Each field of the list is one that there is, and each text of the world's deal is known when it is copied."""
    internal = lint.internal_of(world)
    places = {"opportunities.discovery", "proposals.priceline", "handoff.launchblocker"}
    assert {it.record_type for it in internal} >= places
    for source in internal:
        copied = " ".join(source.words.split())
        assert source.what
        assert source.url.startswith("/admin/")
        if len(lint.words_of(copied)) >= lint.RUN:
            assert "copied" in {mark.kind for mark in marks_on(world, copied)}, source


def test_another_deals_notes_are_no_source(ada, deal):
    other = an_opportunity(ada)
    assert marks_on(other, NOTE) == []


ENDLESS = [
    "1," * 9000,
    "1" * 20000,
    "a hundred " * 3000,
    "$1 more " * 2000,
    "bookings rise by " * 1500,
    "a-" * 9000,
    "d\u043e" * 9000,
]


@pytest.mark.parametrize(
    "words", ["", " ", "…", "🙂" * 50, "'’'", "a " * 5000, "\u0301" * 9, "ÅÄÖ ß İ " * 20, *ENDLESS]
)
def test_whatever_is_typed_is_read(deal, words):
    marks_on(deal, words)
    marks_on(deal, words, title="")


# -- Words of ours. ----------------------------------------------------------------------------------------------------


def test_the_house_brings_its_list_once(db):
    assert {term.term for term in glossary.terms()} == {term.term for term in glossary.TERMS}
    furnish()
    assert GlossaryTerm.objects.count() == len(glossary.TERMS)
    furnish()
    assert GlossaryTerm.objects.count() == len(glossary.TERMS)


def test_a_term_marks_from_the_moment_in_which_it_is_kept_until_it_is_not_used_any_more(ada, deal):
    furnish()
    words = "It is a bread-and-butter job."
    assert marks_on(deal, words) == []
    term = GlossaryTerm(term="bread-and-butter", why="It sounds as if we were bored.", suggestion="usual")
    begin(term, by=ada)
    mark = marks_on(deal, words)[0]
    assert (mark.why, mark.suggestion, mark.blocking) == (term.why, "usual", True)
    edit(term, by=ada, blocking=False)
    assert not marks_on(deal, words)[0].blocking
    edit(term, by=ada, is_used=False)
    assert marks_on(deal, words) == []


def test_a_list_of_which_nothing_is_used_marks_nothing(ada, deal):
    begin(GlossaryTerm(term="margin", why="Ours.", is_used=False), by=ada)
    assert marks_on(deal, "Our margin and its caveat.") == []


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        ("One guesstimate.", "estimate"),
        ("Guesstimates help.", "Estimates"),
        ("A low-hanging fruit.", "quick improvement"),
    ],
)
def test_a_suggestion_is_written_as_the_words_that_it_stands_for(deal, words, suggestion):
    assert marks_on(deal, words)[0].suggestion == suggestion


@pytest.mark.parametrize("term", ["a+b (c)", "[x]", "50% rule", "c:\\temp", "(?P<x>"])
def test_a_term_of_odd_signs_is_found_and_breaks_nothing(ada, deal, term):
    begin(GlossaryTerm(term=term, why="Ours."), by=ada)
    assert term in {mark.words for mark in marks_on(deal, f"Here {term} stands.")}


def test_the_longest_term_counts_and_another_place_counts_for_itself(deal):
    found = marks_on(deal, "The gross margin and the margin.")
    assert [mark.words for mark in found] == ["gross margin", "margin"]


# -- Outcomes, people. -------------------------------------------------------------------------------------------------


def test_what_a_supported_claim_says_passes(ada):
    proposal = a_proposal(ada)
    deal, claim = proposal.opportunity, proposal.claims.get()
    assert [mark.words for mark in marks_on(deal, "Expect 20 % more calls.")] == ["20 %"]
    proposal.change(claim, by=ada, text="Calls grow by 20 % in a year.", method="Counted.")
    assert marks_on(deal, "Expect 20 % more calls.") == []
    claim.evidence.clear()
    assert [mark.words for mark in marks_on(deal, "Expect 20 % more calls.")] == ["20 %"]


@pytest.fixture
def bouncing(ada):
    """A deal of which a bounce rate of 31 % was measured, beside 6.8 seconds and 41 bookings a month."""
    deal = an_opportunity(ada, stage="proposal")
    fields = {"provider": "Interview", "captured_at": timezone.now()}
    Evidence.ready(deal.audits.get(), by=ada, metric="Bounce rate", value=Decimal(31), unit="%", **fields).save()
    return deal


@pytest.mark.parametrize(
    ("words", "on"),
    [
        ("A bounce rate of 31 % was measured in October.", None),
        ("We found a bounce rate of 31 %, more than half of it on a phone.", None),
        ("Thirty-one percent is the rate.", None),
        ("31 % of those who open the page leave at once.", "31 %"),
        ("Your costs are 31 percent too high.", "31 percent"),
        ("41% of patients leave.", "41%"),
        ("Bookings are 41 percent too low.", "41 percent"),
        ("The largest page is 6.8x as quick.", "6.8x"),
        ("You will get a bounce rate of 31 %.", "31 %"),
        ("31 % more bookings.", "31 %"),
        ("The bounce rate falls by 31 %.", "31 %"),
        ("An increase of 31 % is usual.", "31 %"),
        ("Expect a rate of 31 %.", "31 %"),
        ("31 % of the bookings from phones are lost.", "31 %"),
        ("Thirty-one percent more people stay.", "Thirty-one percent"),
        ("The rate is 31 times as high.", "31 times"),
    ],
)
def test_a_number_that_was_measured_excuses_only_what_was_measured_in_its_unit(bouncing, words, on):
    assert [mark.words for mark in marks_on(bouncing, words)] == [on] * bool(on)


def test_what_was_measured_excuses_nothing_at_another_client(ada, bouncing):
    assert marks_on(an_opportunity(ada), "We measured a bounce rate of 31 %.") != []


@pytest.fixture
def rising(ada):
    """A proposal that claims: bookings may rise by 20 to 40 %; 40 % of the pages are double-checked."""
    proposal = a_proposal(ada)
    bookings = Evidence.objects.get(audit__opportunity=proposal.opportunity, metric__startswith="Bookings")
    fields = {"kind": "projection", "method": "As with three others.", "low": 20, "high": 40}
    claim = Claim(text="Bookings may rise by 20 to 40 % in six months.", metric="Bookings", unit="", **fields)
    proposal.add(claim, by=ada, evidence=[bookings])
    proposal.add(Claim(text="We double-check 40 % of your pages.", method="Counted."), by=ada, evidence=[bookings])
    return proposal


BACKED = [
    ("Bookings may rise by 20 to 40 %.", []),
    ("You can have thirty percent more bookings.", []),
    ("We double-check 40 % of the pages.", []),
    ("Bookings may rise by 20 to 60 %.", ["20 to 60 %"]),
    ("Bookings rise by 41 %.", ["41 %"]),
    ("We make your site 40 times faster.", ["40 times"]),
    ("Bookings are 40 times as many.", ["40 times"]),
    ("We cut your costs by 40 %.", ["40 %"]),
    ("You get 20x of what you pay.", ["20x"]),
    ("Bookings bring you $30 more.", ["$30"]),
    ("We double your revenue and raise bookings by 40 %.", ["double"]),
    ("We double the bookings.", ["double"]),
    ("Your staff needs 40% less time.", ["40%"]),
]


@pytest.mark.parametrize(("words", "on"), BACKED)
def test_a_claim_excuses_its_own_numbers_of_its_own_thing_in_proposals_summaries_and_mails(rising, ada, words, on):
    deal = rising.opportunity
    assert [mark.words for mark in marks_on(deal, words)] == on
    assert [mark.words for mark in lint.read_mailed(words, deal.client, deal)] == on
    edit(rising, by=ada, intro=words)
    found = coverage.unclaimed(Proposal.objects.get(pk=rising.pk))
    assert [mark.words for mark in found if mark.blocking] == on


@pytest.mark.parametrize(
    ("words", "on"),
    [
        ("Your bookings double.", []),
        ("We are doubling the bookings of your clinic.", []),
        ("We double your revenue.", ["double"]),
        ("You get three times the bookings.", ["three times"]),
        ("We triple your bookings.", ["triple"]),
    ],
)
def test_an_outcome_word_is_excused_by_a_claim_that_says_it_of_the_same(rising, ada, words, on):
    bookings = Evidence.objects.get(audit__opportunity=rising.opportunity, metric__startswith="Bookings")
    fields = {"kind": "projection", "method": "As with three others.", "low": 80, "high": 90}
    rising.add(Claim(text="We double your bookings.", metric="Bookings", **fields), by=ada, evidence=[bookings])
    assert [mark.words for mark in marks_on(rising.opportunity, words)] == on


def test_a_claim_backs_words_as_long_as_its_proposal_may_still_be_accepted(rising, ada):
    words = "Bookings may rise by 30 %."
    assert marks_on(rising.opportunity, words) == []
    perform(Proposal.objects.get(pk=rising.pk).withdraw, by=ada, reason="They wait.")
    assert [mark.words for mark in marks_on(rising.opportunity, words)] == ["30 %"]
    assert [mark.words for mark in lint.read_mailed(words, rising.opportunity.client, rising.opportunity)] == ["30 %"]


LOOK_ALIKE = [
    ("We \uff44\uff4f\uff55\uff42\uff4c\uff45 your bookings.", "\uff44\uff4f\uff55\uff42\uff4c\uff45", "double"),
    ("Our \uff4d\uff41\uff52\uff47\uff49\uff4e is small.", "\uff4d\uff41\uff52\uff47\uff49\uff4e", "margin"),
    ("Bookings rise 50\ufe6a.", "50\ufe6a", "50%"),
    ("Bookings rise by \U0001d7f1\U0001d7ec %.", "\U0001d7f1\U0001d7ec %", "50 %"),
    ("Bookings go up \u00bd.", "up \u00bd", "up 1\u20442"),
    ("We dou-ble your bookings.", "dou-ble", "double"),
    ("Our mar-\ngin is small.", "mar-\ngin", "margin"),
    ("We gua\u2010rantee it \u2026", "gua\u2010rantee", "guarantee"),
]
# With letters of Cyrillic or Greek among ours.
MIXED = [
    ("\u2026 we d\u043euble your bookings.", "d\u043euble", "outcome"),
    ("We guar\u0430ntee it.", "guar\u0430ntee", "outcome"),
    ("Our m\u03b1rgin is small.", "m\u03b1rgin", "glossary"),
    ("A p\u0430ge opens.", "p\u0430ge", None),
]
# A word in another alphabet, a unit or a note is what it seems to be.
FOREIGN = [
    "The sign says \u041c\u043e\u0441\u043a\u0432\u0430.",
    "It is 5 \u03bcm thin, and 3 k\u03a9.",
    "The page\u00b2 is 30 m\u00b2 large.",
    "Please double-check the well-known, low-lying third-party pages.",
]


@pytest.mark.parametrize(("words", "written", "read"), LOOK_ALIKE)
def test_letters_that_look_alike_hide_nothing_and_are_marked_where_they_stand(deal, words, written, read):
    (mark,) = marks_on(deal, words)
    assert (mark.words, mark.blocking) == (read, True)
    assert f"What we found\n{words}"[mark.start : mark.end] == written


@pytest.mark.parametrize(("words", "written", "kind"), MIXED)
def test_a_word_that_mixes_alphabets_is_stopped_for_itself_and_for_what_it_seems_to_say(deal, words, written, kind):
    found = marks_on(deal, words)
    assert {mark.kind for mark in found} == {"mixed", kind} - {None}
    assert {f"What we found\n{words}"[mark.start : mark.end] for mark in found} == {written}
    assert f"Type “{written}” anew: it mixes letters of two alphabets." in {mark.sentence for mark in found}
    assert {mark.kind for mark in lint.read_mailed(words, deal.client, deal)} == {"mixed", kind} - {None}


@pytest.mark.parametrize("words", FOREIGN)
def test_what_is_written_in_another_alphabet_is_what_it_seems_to_be(deal, words):
    assert marks_on(deal, words) == []


def test_a_hyphen_of_ours_and_one_of_theirs_part_no_copied_run(ada, deal):
    said = "A well-known family of three runs it, and they quarrel about it."
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=said), by=ada)
    for words in ("A well-known fam-ily of three runs it, and", "A well known family of three runs it"):
        assert [mark.words for mark in marks_on(deal, words) if mark.kind == "copied"]


@pytest.mark.parametrize(
    "words",
    [
        "The owner's nephew built the b\u043eoking form in 2019, nobody",
        "The owner's nephew built the book-ing form in 2019, nobody",
        "The owner's neph-\new built the \uff42ooking form in 2019, nobody",
    ],
)
def test_look_alikes_and_hyphens_part_no_copied_run(deal, words):
    (mark,) = [mark for mark in marks_on(deal, words) if mark.kind == "copied"]
    assert f"What we found\n{words}"[mark.start : mark.end] == words


@pytest.mark.parametrize("hidden", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u200e", "\U000e0041"])
def test_what_nobody_sees_hides_no_word_and_parts_no_copied_run(ada, deal, hidden):
    margin = f"Our mar{hidden}gin, we gua{hidden}rantee, is thir{hidden}ty{hidden}{hidden} per{hidden}cent."
    found = marks_on(deal, margin)
    assert [mark.words for mark in found] == ["margin", "guarantee", "thirty percent"]
    text = f"What we found\n{margin}"
    assert [text[mark.start : mark.end].replace(hidden, "") for mark in found] == [mark.words for mark in found]
    copied = hidden.join("Nobody there dares to touch it and the hosting bill")
    assert [mark.kind for mark in marks_on(deal, copied)] == ["copied"]
    begin(
        Note(
            diary=deal.diary,
            opportunity=deal,
            author=ada,
            words=f"Their co{hidden}usin likes the old green door on the left.",
        ),
        by=ada,
    )
    assert [mark.kind for mark in marks_on(deal, "Their cousin likes the old green door on the left")] == ["copied"]
    assert [mark.words for mark in lint.outcomes(f"3{hidden}0 % more", promises.Backing())] == ["30 %"]


def test_a_name_that_is_the_clients_own_or_ours_passes(ada, deal):
    person = deal.decision_owner
    assert marks_on(deal, f"{person.name} asked, and {ada} answered.") == []
    namesake = Contact(client=Contact.objects.get(name="Ines Okafor").client, name=person.name, email="x@alder.example")
    begin(namesake, by=ada)
    assert marks_on(deal, f"{person.name} asked.") == []


def test_several_marks_stand_in_the_order_of_the_words(deal):
    found = marks_on(deal, "We guarantee it: the best, without a caveat.", title="Our margin")
    assert [mark.words for mark in found] == ["margin", "guarantee", "the best", "caveat"]
    assert lint.in_field(found[0], "Our margin") == ("title", 4, 10)


def test_the_pieces_of_the_words_are_the_words(deal):
    title, words = "Our margin", "We guarantee 🙂 it: the best, without a caveat. " + NOTE
    found = lint.check(deal, title, words)
    for name, said in (("title", title), ("words", words)):
        pieces = lint.pieces(said, name, found, title)
        assert "".join(piece for piece, _ in pieces) == said
        assert all(mark is None or mark.words.startswith(piece) for piece, mark in pieces)


def test_each_of_the_same_words_is_marked_and_told_once(ada):
    summary = a_summary(ada, words="A caveat, a Caveat and a caveat.")
    found = summary.marks_on(summary.title, summary.words)
    assert len(found) == 3
    assert [mark.words for mark in lint.blocking(found)] == ["caveat"]


# -- Queries. ----------------------------------------------------------------------------------------------------------


def test_however_much_is_internal_it_is_read_in_one_query(ada, deal):
    with CaptureQueriesContext(connection) as few:
        lint.internal_of(deal)
    for number in range(20):
        begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=f"Note {number}."), by=ada)
    with CaptureQueriesContext(connection) as many:
        assert len(lint.internal_of(deal)) >= 21
    assert len(few) == len(many) == 1


def test_a_text_without_a_name_or_a_number_is_read_in_three_queries(ada, deal):
    with CaptureQueriesContext(connection) as caught:
        lint.check(deal, "", "they wait long for it")
    assert len(caught) <= 3, [query["sql"][:80] for query in caught]


def test_claims_that_say_nothing_of_it_are_not_looked_into(ada):
    proposal = a_proposal(ada)
    with CaptureQueriesContext(connection) as caught:
        lint.check(Proposal.objects.get(pk=proposal.pk).opportunity, "", "expect 77 % more")
    assert len(caught) <= 8
