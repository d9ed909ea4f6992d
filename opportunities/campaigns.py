"""Campaigns: who of many lost deals is written to, who is left out and why, and how far it has come."""

import logging
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, Subquery, When, Window
from django.db.models.functions import Lower, RowNumber

from . import clock, filling, secondtries
from .models import Campaign, CampaignEntry, Consent, Contact, Message, Task, User, WinBack
from .records import Refused, begin, lock, perform

log = logging.getLogger("zarts.campaigns")
# So many lost deals are taken in one round.
BATCH = 100
# So many are looked at before it starts.
LOOK = 500
# Of one person so many deals are looked at for the first whose letter can be written.
FIRST_FEW = 10


# -- Who is chosen. ----------------------------------------------------------------------------------------------------


def chosen(campaign, of=None):
    """Return the second tries that a campaign chose, each once, by number.

    They are within the reach of whoever owns it, and of whoever started it: how far they saw then was kept. `of`
    narrows them to what somebody else may see, too.
    """
    said = campaign.chosen
    rows = WinBack.objects.exclude(stage__in=WinBack.CLOSED)
    # Whoever looks is often its owner: said twice, the database would look twice.
    for user in dict.fromkeys(filter(None, (of, campaign.owner))):
        rows = rows.visible_to(user)
    if sight := said.get("sight"):
        rows = rows.visible_to(User.who_saw(sight))
    if reasons := said.get("reasons"):
        rows = rows.filter(closing__reason__in=reasons)
    if service := said.get("service"):
        # The relation is named by the app above; a deal is about several services at most once each.
        rows = rows.filter(opportunity__services=service)
    if first := said.get("from"):
        rows = rows.filter(ends_on__gte=date.fromisoformat(first))
    if last := said.get("to"):
        rows = rows.filter(opens_on__lte=date.fromisoformat(last))
    if upto := said.get("upto"):
        rows = rows.filter(pk__lte=upto)
    return rows.order_by("pk")


@dataclass
class Verdict:
    """One lost deal before a campaign: who is written to, or why nobody is."""

    win_back: WinBack
    contact: Contact | None = None
    why_not: str = ""


def judge(campaign, rows, of=None) -> list[Verdict]:
    """Say of each of these second tries who is written to, or why nobody is, in a bounded number of questions.

    `of` is who asks, when that is not the campaign's owner: the others of a person are looked for where they see.
    """
    return once_a_person(campaign, judge_alone(campaign, rows), of)


@dataclass
class Foreseen:
    """How many of the first lost deals that a campaign chose are written to."""

    written: int
    left_out: int
    more: bool

    def __str__(self):
        first = f"Of the first {LOOK:,}: " if self.more else ""
        return f"{first}{self.written:,} {'is' if self.written == 1 else 'are'} written to, {self.left_out:,} left out."


def foresee(campaign, of) -> tuple[list[Verdict], Foreseen]:
    """Return what a start would do: a verdict for each of the first lost deals, and how many those come to."""
    verdicts, more = judged(campaign, of, LOOK)
    written = sum(verdict.contact is not None for verdict in verdicts)
    return verdicts, Foreseen(written, len(verdicts) - written, more)


def judged(campaign, of, most, after=0) -> tuple[list[Verdict], bool]:
    """Return a verdict for each of the next so many lost deals that a campaign chose, and whether there are more."""
    pks = list(chosen(campaign, of).filter(pk__gt=after).values_list("pk", flat=True)[: most + 1])
    return judge(campaign, chosen(campaign, of).filter(pk__in=pks[:most]), of), len(pks) > most


def judge_alone(campaign, rows) -> list[Verdict]:
    """Say it of each as if there were no other."""
    agreed = Prefetch("consents", consents(), to_attr="ok")
    there = Contact.objects.reachable().order_by("pk").annotate(mail=Lower("email")).prefetch_related(agreed)
    rows = rows.select_related("opportunity__client", "opportunity__decision_owner", "closing", "owner")
    rows = rows.prefetch_related(Prefetch("opportunity__client__contacts", there, to_attr="there"))
    rows = rows.annotate(elsewhere=is_elsewhere(campaign), waits=has_a_letter())
    version, today = campaign.template.current, clock.today()
    return [verdict_of(win_back, version, today) for win_back in rows]


def consents():
    """Return the consents that count for a campaign."""
    return Consent.objects.valid(clock.now()).filter(purpose=secondtries.PURPOSE)


def is_elsewhere(campaign):
    """Return the condition for second tries that another campaign writes to."""
    entries = CampaignEntry.objects.filter(win_back=OuterRef("pk"), campaign__stage="running")
    return Exists(entries.exclude(contact=None).exclude(campaign=campaign.pk))


def has_a_letter():
    """Return the condition for second tries about which a letter of no campaign waits to go."""
    letters = Task.objects.filter(record_type=WinBack.label(), record_id=OuterRef("pk"), campaign_entry=None)
    return Exists(letters.exclude(contact=None).unfinished())


def verdict_of(win_back, version, today) -> Verdict:
    deal = win_back.opportunity
    if deal.stage != "lost":
        return Verdict(win_back, why_not="The deal is open again.")
    if win_back.opens_on > today or win_back.ends_on < today:
        return Verdict(win_back, why_not=f"Its window is from {win_back.opens_on:%-d %b %Y} on.")
    if win_back.elsewhere:
        return Verdict(win_back, why_not="Another campaign that runs writes to them.")
    if win_back.waits:
        return Verdict(win_back, why_not="A letter to them waits already.")
    people = sorted(deal.client.there, key=lambda contact: contact.pk != deal.decision_owner_id)
    if not people:
        return Verdict(win_back, why_not="Nobody there can be reached by mail.")
    # Whoever asks for a letter of a campaign is asked the rest at the moment of sending.
    fit = [contact for contact in people if contact.ok and not contact.mail_failed_at]
    if not fit:
        whose = people[0]
        bounced = "Mail to {} comes back." if whose.mail_failed_at else "{} has not agreed to marketing mail."
        return Verdict(win_back, why_not=bounced.format(whose))
    if version is None:
        return Verdict(win_back, why_not="The template has no words yet.")
    try:
        filling.fill(version, contact=fit[0], owner=win_back.owner, opportunity=deal, record=win_back)
    except Refused as refusal:
        return Verdict(win_back, why_not=refusal.reasons[0][:300])
    return Verdict(win_back, fit[0])


def once_a_person(campaign, verdicts, of) -> list[Verdict]:
    """Write to nobody twice: of two deals of one person that is taken already, or else the first, counts."""
    mails = {verdict.contact.mail for verdict in verdicts if verdict.contact}
    if not mails:
        return verdicts
    taken = CampaignEntry.objects.filter(campaign=campaign.pk).exclude(contact=None)
    taken = taken.annotate(mail=Lower("contact__email")).filter(mail__in=mails)
    known = dict(taken.values_list("mail", "win_back"))
    others = judge_alone(campaign, before(campaign, verdicts, mails, of))
    for verdict in sorted([*others, *verdicts], key=lambda verdict: verdict.win_back.pk):
        if verdict.contact:
            known.setdefault(verdict.contact.mail, verdict.win_back.pk)
    for verdict in verdicts:
        if verdict.contact and known[verdict.contact.mail] != verdict.win_back.pk:
            verdict.why_not = f"{verdict.contact} is written to about another deal."
            verdict.contact = None
    return verdicts


def before(campaign, verdicts, mails, of):
    """Return the second tries before these that write to the same addresses: of each the first few, on no other page.

    What they lack is asked as `verdict_of` asks it, but for the words of the letter.
    """
    shown, today = [verdict.win_back.pk for verdict in verdicts], clock.today()
    clients = Contact.objects.annotate(mail=Lower("email")).filter(mail__in=mails).values("client")
    rows = chosen(campaign, of).filter(pk__lt=max(shown), opportunity__client__in=clients).exclude(pk__in=shown)
    rows = rows.filter(opportunity__stage="lost", opens_on__lte=today, ends_on__gte=today)
    rows = rows.exclude(is_elsewhere(campaign)).exclude(has_a_letter()).exclude(Exists(done(campaign)))
    fit = Contact.objects.reachable().filter(Exists(consents().filter(contact=OuterRef("pk"))), mail_failed_at=None)
    decides = Case(When(pk=OuterRef("opportunity__decision_owner"), then=0), default=1)
    fit = fit.filter(client=OuterRef("opportunity__client")).annotate(place=decides).order_by("place", "pk")
    rows = rows.annotate(mail=Subquery(fit.values(mail=Lower("email"))[:1])).filter(mail__in=mails)
    turn = Window(RowNumber(), partition_by=F("mail"), order_by=F("pk").asc())
    few = rows.annotate(turn=turn).filter(turn__lte=FIRST_FEW)
    return WinBack.objects.filter(pk__in=list(few.values_list("pk", flat=True)))


# -- Work, a batch in each round. --------------------------------------------------------------------------------------


def work() -> int:
    """Take the next lost deals of each campaign that runs, and end those that are through. Return how many."""
    taken = 0
    for campaign in Campaign.objects.filter(stage=Campaign.Stage.RUNNING).order_by("pk"):
        try:
            taken += take(campaign)
        except Exception:
            log.exception("Campaign %s could not go on.", campaign.pk)
    return taken


@transaction.atomic
def take(campaign) -> int:
    """Take the next batch of a campaign, or finish it. Two workers wait for each other at its lock."""
    campaign = lock(campaign)
    if campaign.stage != Campaign.Stage.RUNNING:
        return 0
    rows = chosen(campaign).exclude(Exists(done(campaign)))
    verdicts = judge(campaign, rows[:BATCH])
    for verdict in verdicts:
        entry = CampaignEntry(campaign=campaign, win_back=verdict.win_back, contact=verdict.contact)
        entry.left_out_because = verdict.why_not
        if verdict.contact:
            letter = {"title": campaign.name[:100], "template": campaign.template}
            entry.task = begin(
                secondtries.a_letter(verdict.win_back, verdict.contact, **letter), by=None, past="promised"
            )
        entry.save()
    if not verdicts and not waiting(campaign).exists():
        perform(campaign.finish, by=None)
    return len(verdicts)


def done(campaign):
    """Return the entry of a second try in a campaign, for a query of second tries."""
    return CampaignEntry.objects.filter(campaign=campaign.pk, win_back=OuterRef("pk"))


def waiting(campaign):
    """Return the entries of a campaign that are still to be written to."""
    return campaign.entries.exclude(task=None).exclude(task__stage__in=Task.CLOSED)


def stopped(task) -> str:
    """Return why a letter of a campaign must not go now, or nothing."""
    entry = getattr(task, "campaign_entry", None)
    return f"The campaign “{entry.campaign}” is stopped." if entry and entry.campaign.stage == "stopped" else ""


# -- How far it has come. ----------------------------------------------------------------------------------------------


@dataclass
class Progress:
    """How many lost deals of a campaign are where."""

    to_come: int
    waiting: int
    written: int
    answered: int
    reopened: int
    troubled: int
    left_out: int

    def rows(self) -> list[tuple[str, int]]:
        return [
            ("Still to be looked at", self.to_come),
            ("Waits to go", self.waiting),
            ("Written to", self.written),
            ("Answered", self.answered),
            ("Reopened", self.reopened),
            ("Failed or uncertain", self.troubled),
            ("Left out", self.left_out),
        ]

    @property
    def all(self) -> int:
        return self.to_come + self.waiting + self.written + self.troubled + self.left_out


def progress(campaign) -> Progress:
    """Return how far a campaign has come. Whoever answered or came back was written to as well."""
    entries = campaign.entries.all()
    mine = Message.objects.filter(task=OuterRef("task"))
    heard = Message.objects.filter(
        contact=OuterRef("contact"), stage="received", channel="mail", pk__gt=OuterRef("sent_as")
    )
    sent = entries.filter(task__messages__stage="sent").annotate(sent_as=mine.values("pk")[:1])
    taken = entries.count()
    return Progress(
        to_come=max(0, chosen(campaign).count() - taken) if campaign.stage != "finished" else 0,
        waiting=waiting(campaign).exclude(Exists(mine.filter(stage__in=["failed", "uncertain"]))).count(),
        written=sent.count(),
        answered=sent.filter(Exists(heard)).count(),
        reopened=sent.filter(win_back__stage="reopened").count(),
        troubled=entries.filter(Exists(mine.filter(stage__in=["failed", "uncertain"]))).count(),
        left_out=entries.filter(Q(contact=None) | Q(task__stage="cancelled")).count(),
    )
