"""Tasks come in, one by one: born open, and done, cancelled or paused by the same moves as any other."""

from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Lower

from .. import clock
from ..models import Contact, Lead, Opportunity, Task
from ..records import begin, erased, perform, words_of_erased
from .home import numbered
from .singly import Singly, choice, fields_of, lowered, typed
from .values import Bad

# A task may be due so many years ahead.
AHEAD = 10
STAGES = {"": "", "open": "", "not started": "", "in progress": "", "done": "done", "completed": "done"}
STAGES |= {"complete": "done", "closed": "done", "finished": "done", "cancelled": "cancelled", "canceled": "cancelled"}
STAGES |= {"paused": "paused", "waiting": "paused", "deferred": "paused"}
NO_WHY = "The file does not say why."


class Parents:
    """The deals and leads that some rows name: by what our own files call them, or by client and name."""

    def __init__(self, record, home):
        self.by, self.home = record.runner, home
        self.known: dict = {}
        self.named: dict = {}

    def know(self, chunk):
        self.known, self.named = {}, {}
        self.know_by_reference(Opportunity, {row.said["deal_known"] for row in chunk if row.said.get("deal_known")})
        self.know_by_reference(Lead, {row.said["lead_known"] for row in chunk if row.said.get("lead_known")})
        deals = Opportunity.objects.alias(lower=Lower("name"), at=Lower("client__name"))
        deals = deals.filter(lower__in=lowered(chunk, "deal"), at__in=lowered(chunk, "client_name"))
        for deal, may in self.reachable(Opportunity, deals.select_related("client", "owner")):
            self.named.setdefault((deal.client.name.lower(), deal.name.lower()), []).append((deal, may))

    def know_by_reference(self, model, words):
        numbers = {number: word for word in words if (number := numbered(word, model, self.home))}
        rows = model.objects.filter(Q(external_ref__in=words) | Q(pk__in=numbers)).select_related("owner")
        rows = rows.select_related("client" if model is Opportunity else "opportunity__client")
        for record, may in self.reachable(model, rows):
            word = numbers.get(record.pk) or record.external_ref
            self.known[model, word] = record, may

    def reachable(self, model, rows):
        rows = list(rows)
        may = model.objects.filter(pk__in=[row.pk for row in rows])
        if self.by is not None:
            may = may.filter(model.reach(self.by, "change") if model is Opportunity else model.reach(self.by))
        may = set(may.values_list("pk", flat=True))
        return [(row, row.pk in may) for row in rows]

    def deal(self, said) -> Opportunity:
        """Return the deal that a row names. Raises Bad when there is none, several, or when it is somebody else's."""
        found = [self.known[key]] if (key := (Opportunity, said.get("deal_known"))) in self.known else []
        if not found:
            found = self.named.get((said["client_name"].lower(), said["deal"].lower()), [])
        if not found:
            raise Bad("deal", f"“{said['deal'][:60]}” is no deal that is here; bring the deals in first")
        if len(found) > 1:
            raise Bad("deal", f"{len(found)} deals of this client are called so; say by “Deal known as” which is meant")
        return self.mine("deal", *found[0])

    def parent(self, said):
        """Return the deal or the lead that a row names."""
        if not said.get("lead_known"):
            return self.deal(said)
        found = self.known.get((Lead, said["lead_known"]))
        if found is None:
            raise Bad("lead_known", f"“{said['lead_known'][:60]}” is no lead that is here; bring the leads in first")
        return self.mine("lead_known", *found)

    def mine(self, column, record, may):
        if who := erased(record):
            raise Bad(column, words_of_erased(who))
        if not may:
            raise Bad(column, f"Somebody else’s {record._meta.verbose_name}: ask {record.owner}.")
        return record


def deal_said(texts) -> dict:
    """Return what a row says of its deal."""
    return {
        "deal_known": texts.get("deal_known", ""),
        "client_name": texts.get("client", ""),
        "deal": texts.get("deal", ""),
    }


def refuse_no_deal(rows, said):
    if not said["deal_known"] and not (said["client_name"] and said["deal"]):
        empty = "deal" if said["client_name"] else "client"
        rows.faults.append(Bad(empty, "is empty; name the client and the deal"))


class Tasks(Singly):
    """A task is known by what it is about, its title, and when it is due.

    It does not mail by itself: whom it would mail may have agreed to nothing here.
    """

    right = "opportunities.add_task"

    def __init__(self, record):
        super().__init__(record)
        self.parents = Parents(record, self.home)

    @classmethod
    def said(cls, rows, texts) -> dict:
        from ..followups import end_of_day  # it knows the importers' models

        said = deal_said(texts) | {"lead_known": texts.get("lead_known", "")}
        if not said["lead_known"]:
            refuse_no_deal(rows, said)
        due = rows.ask(rows.day, texts, "due", AHEAD)
        if not texts.get("due"):
            rows.faults.append(Bad("due", "is empty; say when it is due"))
        elif due and len(texts["due"]) <= 11:
            due = end_of_day(due.date())
        until = rows.ask(rows.day, texts, "until", AHEAD)
        stage = STAGES.get(texts.get("status", "").casefold())
        if stage is None:
            word = texts["status"][:40]
            rows.faults.append(Bad("status", f"“{word}” is none of: Open, Done, Cancelled, Paused"))
        fields = {
            "of": Task,
            "title": texts.get("title", ""),
            "kind": rows.ask(choice, "kind", texts.get("kind", ""), Task.Kind.choices, "other") or "other",
            "due_at": due.isoformat() if due else None,
            "time_zone": texts.get("zone", ""),
            "repeats": rows.ask(choice, "repeats", texts.get("repeats", ""), Task.Repeats.choices) or "",
            "repeats_until": until.date().isoformat() if until else None,
        }
        if due is None:
            del fields["due_at"]  # said already
        fields = fields_of(rows, fields, {"time_zone": "zone", "repeats_until": "until"})
        said |= {"stage": stage, "reason": texts.get("reason", "")[:300], "outcome": texts.get("outcome", "")[:300]}
        said |= {"promised": texts.get("promised", ""), "fields": fields, "title": fields["title"]}
        return said | {"who": fields["title"], "what": " · ".join(filter(None, [said["client_name"], said["deal"]]))}

    def know(self, chunk):
        self.parents.know(chunk)
        deals, leads = set(), set()
        for row in chunk:
            try:
                parent = self.parents.parent(row.said)
            except Bad:
                continue
            (deals if isinstance(parent, Opportunity) else leads).add(parent.pk)
        tasks = Task.objects.alias(lower=Lower("title")).filter(lower__in=lowered(chunk, "title"))
        tasks = tasks.filter(Q(opportunity__in=deals) | Q(lead__in=leads, opportunity=None))
        self.here = {
            ("deal" if deal else "lead", deal or lead, title.lower(), due): (pk, "Here already")
            for deal, lead, title, due, pk in tasks.values_list("opportunity", "lead", "title", "due_at", "pk")
        }

    def key(self, row):
        parent = self.parents.parent(row.said)
        due = datetime.fromisoformat(row.said["fields"]["due_at"])
        return "deal" if isinstance(parent, Opportunity) else "lead", parent.pk, row.said["title"].lower(), due

    def make(self, row):
        said, parent = row.said, self.parents.parent(row.said)
        of = {"opportunity": parent} if isinstance(parent, Opportunity) else {"lead": parent}
        task = typed(Task(**said["fields"], **of, owner_id=row.owner_id), said["fields"])
        if said["promised"]:
            task.promised_to = self.promised(said["promised"], parent)
        task.clean()
        if task.due_at < clock.now():
            # Nobody is reminded of a hundred old tasks at once: they stand on their page as late.
            task.told_at = clock.now()
        task = begin(task, by=self.by, past="imported", reason=self.whence(row))
        if said["stage"] == "done":
            # Those that followed it stand in the file themselves.
            perform(task.finish, by=self.by, outcome=said["outcome"], series=True)
        elif said["stage"] == "cancelled":
            perform(task.cancel, by=self.by, reason=said["reason"] or NO_WHY)
        elif said["stage"] == "paused":
            perform(task.pause, by=self.by, reason=said["reason"] or NO_WHY)
        return task.pk

    def promised(self, word, parent):
        """Return whom it was promised to: somebody at the client of the deal."""
        at = parent.client_id if isinstance(parent, Opportunity) else None
        people = Contact.objects.filter(client=at, merged_into=None)
        found = people.with_mail(word).first() or people.filter(name__iexact=word).first()
        if found is None:
            raise Bad("promised", f"“{word[:60]}” is nobody at the client; bring the contacts in first")
        return found
