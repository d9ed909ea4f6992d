"""A proposal is written on one page: by keyboard alone, by two at once, and on a phone."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from opportunities.records import edit, perform
from proposals.models import PriceLine, Proposal, ScopeItem
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal, approve_all

SAVED = re.compile(r"Saved \d\d:\d\d")


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


class Writer:
    """Somebody who writes at the page of a proposal, without a mouse."""

    def __init__(self, somebody):
        self.somebody, self.page = somebody, somebody.page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def type(self, words):
        self.page.keyboard.type(words)
        return self

    def goes_to(self, selector):
        """Go with Tab until the focus is there."""
        for _ in range(120):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return self
            self.press("Tab")
        raise AssertionError(f"Tab never came to {selector}.")

    def is_saved(self):
        expect(self.page.locator("#saved")).to_have_text(SAVED)
        return self

    def adds(self, section, **fields):
        """Add a row with Enter, Tab and letters alone."""
        self.page.locator(f"#{section} [data-add]").focus()
        self.press("Enter")
        self.page.locator(f"#{section} form[data-write] :focus").wait_for()
        for name, value in fields.items():
            self.goes_to(f"#{section} [name={name}]")
            if value is True:
                self.press("Space")
            elif self.page.evaluate("document.activeElement.matches('select')"):
                self.type(value)
            else:
                self.press("Control+a").type(value)
        self.press("Control+Enter")
        self.page.locator(f"#{section} form[data-write]").wait_for(state="detached")
        self.somebody.look()
        return self

    def client_reads(self, words):
        frame = self.page.frame_locator("#preview iframe")
        expect(frame.get_by_text(words).first).to_be_visible()
        return self


@pytest.mark.screens("desktop")
def test_a_whole_proposal_is_composed_by_keyboard(ada, at_browser):
    opportunity = an_opportunity(ada, stage="proposal")
    somebody = at_browser(ada, looks=violations).open(f"/admin/proposals/proposal/add/?opportunity={opportunity.pk}")
    somebody.write(title="More bookings").save()
    writer = Writer(somebody)
    assert Proposal.objects.get().title == "More bookings"

    # The title and the opening words: they save by themselves while they are typed.
    writer.goes_to("#words a.z-row-open").press("Enter").goes_to("#words [name=intro]")
    writer.type("You asked how to win more bookings.").is_saved()
    assert Proposal.objects.get().intro == "You asked how to win more bookings."
    writer.press("Escape").client_reads("You asked how to win more bookings.")

    # A row of each kind.
    writer.adds("included", title="Booking page", text="We mend the booking page first.", evidence="L")
    writer.adds("included", title="Search pages", evidence="L")
    writer.adds("excluded", title="A new design")
    writer.adds("timeline", title="Mend the booking page", weeks="3", evidence="L")
    writer.adds("pricing", title="Mending", recurring="O", unit_price="3000.50", evidence="L")
    writer.adds("claims", text="The booking page is slow on phones.", evidence=True)
    writer.client_reads("The booking page is slow on phones.").client_reads("$3,000.50")
    expect(somebody.page.locator("#top")).to_contain_text("$3,000.50")

    # Another order, by keys; a row out, and back.
    somebody.page.locator("#included .z-row >> nth=1 >> a.z-row-open").focus()
    writer.press("Alt+ArrowUp")
    expect(somebody.page.locator("#included .z-row").first).to_contain_text("Search pages")
    expect(somebody.page.locator(":focus")).to_contain_text("Search pages")
    writer.goes_to("#included .z-row:first-child [value^=remove]").press("Enter")
    somebody.sees("Taken out by Ada")
    assert list(ScopeItem.objects.filter(kind="included").values_list("title", flat=True)) == ["Booking page"]
    writer.press("Enter")
    expect(somebody.page.locator("#included .z-row").first).to_contain_text("Search pages")

    # What is missing is said with the step, and then there is the step.
    somebody.look()
    somebody.move("Submit for review")
    assert Proposal.objects.get().stage == "in_review"


@pytest.mark.screens("desktop")
def test_what_is_wrong_is_said_where_it_was_typed_and_stays(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url())
    somebody.page.locator("#price_lines-group a.z-row-open").first.click()
    with somebody.refused(422):
        somebody.page.get_by_label("Discount, percent").fill("120")
        somebody.sees("Write 100 or less.").sees("Not saved")
        expect(somebody.page.get_by_label("Discount, percent")).to_have_value("120")
        expect(somebody.page.get_by_label("Discount, percent")).to_be_focused()
    somebody.page.get_by_label("Discount, percent").fill("12")
    Writer(somebody).is_saved()
    assert PriceLine.objects.order_by("pk").first().discount == 12
    assert not somebody.page.get_by_text("Write 100 or less.").count()


@pytest.mark.screens("desktop")
def test_an_answer_that_comes_late_takes_nothing_back(ada, at_browser):
    proposal = a_proposal(ada)
    proposal.add(ScopeItem(title="Search pages", position=20), by=ada)
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url())
    held = []

    def hold(route):
        """Keep back the first answer that has rows in it."""
        answer = route.fetch()
        if "parts" in answer.json() and not held:
            held.append((route, answer))
        else:
            route.fulfill(response=answer)

    somebody.page.route("**/now/*", hold)
    proposal.change(proposal.milestones.get(), by=ada, title="Mend them all")
    while not held:
        somebody.page.wait_for_timeout(100)
    somebody.page.locator("#included .z-row >> nth=1 >> a.z-row-open").focus()
    somebody.page.keyboard.press("Alt+ArrowUp")
    expect(somebody.page.locator("#included .z-row").first).to_contain_text("Search pages")
    [(route, answer)] = held
    with somebody.page.expect_response("**/now/*"):
        route.fulfill(response=answer)
    somebody.page.wait_for_timeout(300)
    assert "Search pages" in somebody.page.locator("#included .z-row").first.inner_text()
    assert "Mend them all" in somebody.page.locator("#timeline.z-part-of").inner_text()


@pytest.mark.screens("desktop")
def test_a_save_whose_answer_is_lost_makes_one_row_and_nothing_typed_since_is_lost(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url())

    lost = []

    def lose(route):
        """Let the first save arrive, and lose its answer."""
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort("internetdisconnected")
        else:
            route.fallback()

    somebody.page.route("**/change/", lose)
    somebody.page.locator("#excluded [data-add]").click()
    somebody.page.locator("#excluded [name=title]").fill("Hosting")
    somebody.sees("Not saved: the server was not reached.")
    somebody.page.locator("#excluded [name=title]").fill("Hosting and mail")
    Writer(somebody).is_saved()
    expect(somebody.page.locator("#excluded .z-row").filter(has_text="Hosting")).to_have_count(0)
    somebody.page.keyboard.press("Escape")
    expect(somebody.page.locator("#excluded .z-row").filter(has_text="Hosting")).to_have_count(1)
    assert list(ScopeItem.objects.filter(title__startswith="Host").values_list("title", flat=True)) == [
        "Hosting and mail"
    ]
    assert lost == [200]
    somebody.troubles = [trouble for trouble in somebody.troubles if "ERR_INTERNET_DISCONNECTED" not in trouble]
    somebody.look()


@pytest.mark.screens("desktop")
def test_the_first_rows_are_in_sight_and_a_claim_stays_there_when_it_is_saved(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada, looks=violations)
    page = somebody.page
    page.set_viewport_size({"width": 1366, "height": 768})
    somebody.open(proposal.staff_url())
    box = page.locator("#included .z-row").first.bounding_box()
    assert box["y"] + box["height"] < 768
    claim = page.locator("#claims .z-row").first
    claim.locator("a.z-row-open").click()
    claim.get_by_label("Text").fill("Your largest page is slow on phones.")
    claim.get_by_role("button", name="Save").click()
    expect(claim.locator("form")).to_have_count(0)
    expect(claim).to_be_in_viewport()
    somebody.look()


@pytest.mark.screens("desktop")
def test_a_link_to_a_field_opens_it_and_a_drop_changes_the_order(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url("id_valid_until"))
    expect(somebody.page.locator("[name=valid_until]")).to_be_focused()
    rows = somebody.page.locator("#pricing .z-row")
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 40, "y": 5})
    Writer(somebody).is_saved()
    assert [line.title for line in proposal.price_lines.all()] == ["Call tracking", "Mending", "Care each month"]


@pytest.mark.screens("desktop")
def test_two_people_write_and_nobody_loses_a_word(ada, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    proposal = a_proposal(ada)
    first = at_browser(ada, looks=violations).open(proposal.staff_url())
    second = at_browser(ben, looks=violations).open(proposal.staff_url())
    for somebody in (first, second):
        somebody.page.locator("#included a.z-row-open").click()
        somebody.page.locator("#included [name=title]").wait_for()
    first.page.locator("#included [name=title]").fill("Fast pages")
    Writer(first).is_saved()
    second.sees("Ada is writing here, too.")
    with second.refused(409):
        second.page.locator("#included [name=title]").fill("The fastest pages")
        second.sees("Ada changed this")
    expect(second.page.locator("#saved")).to_have_text("Not saved: somebody else wrote here.")
    second.look()
    assert ScopeItem.objects.get(kind="included").title == "Fast pages"
    second.press("Keep mine")
    second.sees("The fastest pages")
    first.page.keyboard.press("Escape")
    expect(first.page.locator("#included .z-row")).to_contain_text("The fastest pages")
    first.sees("Ben is writing here, too.")


@pytest.mark.screens("phone")
def test_a_phone_shows_the_rows_or_the_clients_page(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url())
    assert not somebody.page.locator("#preview").is_visible()
    somebody.choose("#pricing a.z-row-open")
    somebody.page.locator("#pricing [name=title]").fill("Mending it all")
    Writer(somebody).is_saved()
    somebody.look()
    somebody.press("Preview", within=".z-switch")
    Writer(somebody).client_reads("Mending it all")
    assert not somebody.page.locator("#rows").is_visible()


@pytest.mark.screens("phone")
def test_the_most_that_can_be_billed_fits_the_phone_of_whoever_is_asked_for_it(ada, house, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    opportunity = an_opportunity(ada, stage="proposal")
    proposal = a_proposal(ada, opportunity=opportunity, decide_on=timezone.localdate() + timedelta(days=7))
    proof = proposal.evidence().first()
    most = {"recurring": "once", "quantity": Decimal("9999999.99"), "unit_price": Decimal("999.99"), "internal_cost": 0}
    proposal.add(PriceLine(title="Allofitatonceandthensome" * 3, optional=True, evidence=proof, **most), by=ada)
    proposal.change(proposal.price_lines.first(), by=ada, unit_price=Decimal("99999999.99"))
    proposal.add(PriceLine(title="Ads", evidence=proof, **most | {"quantity": 1}), by=ada)
    edit(proposal, by=ada, discount=Decimal("12.34"))
    perform(approve_all(perform(proposal.submit, by=ada), ben).send, by=ada, contact=opportunity.decision_owner)
    client = at_browser(looks=violations)
    link = house.mailbox.link_to(opportunity.decision_owner.email, "Our proposal", "/p/")
    client.open(link[link.index("/p/") :]).press("Open")
    for option in client.page.locator("[name=option]:visible").all():
        option.check()
    expect(client.page.get_by_role("status").filter(has_text="First year")).to_be_visible()
    client.look()


@pytest.mark.screens("desktop")
def test_an_approved_proposal_goes_back_to_review_under_whoever_writes_and_their_row_stays_open(ada, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    proposal = a_proposal(ada, approver=ben, stage="approved")
    somebody = at_browser(ada, looks=violations).open(proposal.staff_url())
    page = somebody.page
    page.evaluate("window.isTheSame = true")
    page.locator("#pricing a.z-row-open").first.click()
    page.locator("#pricing [name=unit_price]").fill("3100")
    Writer(somebody).is_saved()
    expect(page.locator("#where [aria-current=step]")).to_contain_text("In review")
    expect(page.locator("#pricing [name=unit_price]")).to_be_focused()
    somebody.sees("Being changed by Ada.")
    page.locator("#pricing [name=unit_price]").fill("3200")
    Writer(somebody).is_saved()
    assert not proposal.approvals.filter(stage="pending").exists()
    somebody.look()
    page.keyboard.press("Escape")
    expect(page.locator("#pricing form")).to_have_count(0)
    expect(page.get_by_text("Being changed by Ada.")).to_have_count(0)
    assert proposal.approvals.get(stage="pending").aspect == "pricing"
    assert page.evaluate("window.isTheSame")


@pytest.mark.screens("desktop")
def test_whoever_leaves_with_a_row_open_has_it_asked(ada, at_browser):
    ben = person("ben", "Manager", team="East", sees="team")
    proposal = a_proposal(ada, approver=ben, stage="approved")
    somebody = at_browser(ada).open(proposal.staff_url())
    somebody.page.locator("#pricing a.z-row-open").first.click()
    somebody.page.locator("#pricing [name=unit_price]").fill("3100")
    Writer(somebody).is_saved()
    somebody.open("/admin/today/")
    for _ in range(50):
        if proposal.approvals.filter(stage="pending").exists():
            break
        somebody.page.wait_for_timeout(100)
    assert proposal.approvals.get(stage="pending").aspect == "pricing"


@pytest.mark.screens("desktop")
def test_whoever_is_signed_out_keeps_their_words_until_they_sign_in_again(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada).open(proposal.staff_url())
    page = somebody.page
    page.locator("#included a.z-row-open").click()
    page.locator("#included [name=title]").wait_for()
    cookies = somebody.browser.cookies()
    somebody.browser.clear_cookies()
    somebody.browser.add_cookies([each for each in cookies if "csrf" in each["name"]])
    posts = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    page.locator("#included [name=title]").fill("Fast pages")
    somebody.sees("Not saved: you are signed out. Sign in in another tab")
    page.wait_for_timeout(6000)
    assert len(posts) == 1
    other = somebody.browser.new_page()
    other.goto(somebody.home + "/admin/login/")
    other.fill("[name=username]", "ada")
    other.fill("[name=password]", somebody.password)
    other.get_by_role("button", name="Log in").click()
    other.wait_for_url("**/today/**")
    Writer(somebody).is_saved()
    assert ScopeItem.objects.get(kind="included").title == "Fast pages"


@pytest.mark.screens("desktop")
def test_words_for_one_that_was_withdrawn_are_not_tried_for_ever(ada, at_browser):
    proposal = a_proposal(ada)
    somebody = at_browser(ada).open(proposal.staff_url())
    page = somebody.page
    page.locator("#included a.z-row-open").click()
    page.locator("#included [name=title]").wait_for()
    perform(proposal.withdraw, by=ada, reason="Another offer stands in for it.")
    posts = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    with somebody.refused(403):
        page.locator("#included [name=title]").fill("Fast pages")
        somebody.sees("It does not change any more. A change is a new revision. Copy your words.")
        page.wait_for_timeout(6000)
        page.locator("#included [name=title]").fill("Fast pages, all of them")
        page.wait_for_timeout(1500)
    assert len(posts) <= 1
    somebody.sees("It does not change any more.")
    expect(page.locator("#included [name=title]")).to_have_value("Fast pages, all of them")


@pytest.mark.screens("phone")
def test_the_preview_shows_its_beginning_from_far_down_and_the_rows_where_one_was(ada, at_browser):
    somebody = at_browser(ada, looks=violations).open(a_proposal(ada).staff_url())
    page = somebody.page
    page.locator("#claims").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 200)")
    before = page.evaluate("scrollY")
    page.locator(".z-switch a", has_text="Preview").click()
    box = page.locator("#preview").bounding_box()
    assert 0 <= box["y"] < 200
    page.locator(".z-switch a", has_text="Write").click()
    assert abs(page.evaluate("scrollY") - before) < 3


@pytest.mark.screens("desktop")
def test_a_new_row_that_is_wrong_is_discarded_and_a_row_that_cannot_be_opened_says_so(ada, at_browser):
    proposal = a_proposal(ada)
    writer = at_browser(ada, looks=violations).open(proposal.staff_url())
    page = writer.page
    page.locator("#pricing [data-add]").click()
    form = page.locator("#pricing form[data-write]")
    form.locator("[name=title]").fill("Extra")
    form.locator("[name=discount]").fill("120")
    with writer.refused(422):
        form.get_by_role("link", name="Close").click()
        expect(form.locator(".z-wrong").first).to_be_visible()
    form.get_by_role("link", name="Discard").click()
    expect(form).to_have_count(0)
    expect(page.locator("#pricing [data-add]")).to_be_focused()
    assert not proposal.price_lines.filter(title="Extra").exists()

    page.context.set_offline(True)
    page.locator("#pricing a.z-row-open").first.click()
    expect(page.locator("#saved")).to_have_text("Not opened: the server was not reached. Try again.")
    page.context.set_offline(False)
    page.locator("#pricing a.z-row-open").first.click()
    expect(form).to_have_count(1)


@pytest.mark.screens("phone")
def test_long_sums_stand_apart_on_a_phone(ada, at_browser):
    proposal = a_proposal(ada)
    proposal.change(proposal.price_lines.get(title="Mending"), by=ada, unit_price=Decimal(4_480_000))
    page = at_browser(ada, looks=violations).open(proposal.staff_url()).page
    page.set_viewport_size({"width": 360, "height": 740})
    # How far each sum reaches, and where the next of its line begins.
    touching = page.evaluate(
        """() => [...document.querySelectorAll(".z-money tbody td")].filter((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          const [own, next] = [range.getBoundingClientRect(), cell.nextElementSibling?.getBoundingClientRect()];
          const beside = next && next.top === cell.getBoundingClientRect().top;
          return own.right > innerWidth || (beside && own.right + 8 > next.left);
        }).map((cell) => cell.textContent)"""
    )
    assert touching == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
