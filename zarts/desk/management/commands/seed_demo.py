from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test.utils import override_settings

from handoff import house
from opportunities.models import Client, Lead
from portal.models import Guest
from proposals.models import Proposal
from zarts.desk import due
from zarts.desk.demo import hooks, people, plot, rules, visitor
from zarts.desk.demo.clock import Clock
from zarts.desk.demo.texts import won
from zarts.numbers import clock as numbers

SHOWN = ("ada", "ben", "dora", "eve", "ann")
# Long enough to finish a coffee first: a link that is asked for by mail lasts minutes.
LASTS = timedelta(hours=12)


class Command(BaseCommand):
    help = "Fill an empty database with a demo agency, once, and print how to enter."

    def handle(self, **options):
        if not settings.LOGINS["zarts_portal"]:
            raise CommandError("Set PORTAL_DATABASE_URL: the demo's clients answer through the portal's own login.")
        known = set(plot.CLIENTS)
        leads = set(Lead.objects.values_list("company", flat=True))
        # Whoever tried the demo added to it, and may have renamed what was there: both survive a restart.
        if known <= leads or (known & leads and self.told().exists()):
            self.stdout.write("The demo agency is there already.")
        elif others := (leads | set(Client.objects.values_list("name", flat=True))) - known:
            raise CommandError(
                f"This database holds somebody's real work ({min(others) or 'a lead without a company'}). "
                "The demo agency goes into an empty one only."
            )
        elif leads:
            raise CommandError("The demo agency is only half there: a run was stopped. Start with an empty database.")
        else:
            self.fill()
        self.stdout.write(self.sign_ins())

    def fill(self):
        """Make the agency, and let its clocks run once, so that nothing old waits for the worker."""
        with connection.cursor() as cursor:
            # If the machine fails now, the demo is made again: no commit has to wait for the disk.
            cursor.execute("set synchronous_commit = off")
        with override_settings(EMAIL_BACKEND="zarts.desk.demo.mail.Catcher"), visitor.Visitor() as client:
            with Clock() as clock:
                clock.begin_again()
                clock.to(-125)
                house.furnish()
                staff = people.hire()
                rules.write(staff["priya"])
                plot.tell(clock, client, staff, self.stdout.write)
            # The database counted it today: it is to be counted on the days on which it happened.
            numbers.tell_history()
            done, failed = due.run()
            hooks.connect(staff["eve"])
        if failed:
            raise CommandError(f"These parts failed, see the log: {', '.join(failed)}.")

    def sign_ins(self) -> str:
        """Return how to enter, and keep it beside the data."""
        staff = people.hire()
        lines = [f"Staff sign in at {settings.SITE_URL}/admin/ with the password {people.password()}"]
        for name in SHOWN:
            user = staff[name]
            lines.append(f"  {user.groups.get().name:<15}{name:<6}{user}, {user.title}")
        lines += ["", f"Clients sign in at {settings.PORTAL_URL}/portal/sign-in with their address."]
        lines.append(f"The mail with the link and the code is caught at {settings.SITE_URL}/admin/mail/")
        oakline, harbor = plot.CLIENTS["Oakline Chiropractic"], plot.CLIENTS["Harbor Dental"]
        for person, what in (
            (oakline.person, f"{oakline.name}: live, with reports"),
            (harbor.person, f"{harbor.name}: a contract to sign"),
            (harbor.second[0], f"{harbor.name}, too: signs after her"),
            (won.BOOKS, "keeps the books of both, and goes from one to the other at the top of each page"),
        ):
            guest = Guest.objects.filter(email=person.email, revoked_at=None).order_by("pk").first()
            if guest is None:
                continue
            lines.append(f"  {guest.email:<32}{guest.name}, {what}")
            lines.append(
                f"    or at once, good one time: {settings.PORTAL_URL}/portal/enter/{visitor.a_way_in(guest, LASTS)}"
            )
        # Somebody who tries the demo opens it and answers it, and then starts the demo again.
        sent = Proposal.objects.filter(recipient__email=plot.CLIENTS["Northwind Heating & Air"].person.email)
        proposal = sent.exclude(publication_id=None).order_by("pk").first()
        if token := proposal and visitor.link_of(proposal):
            waits = " that waits for its answer" if proposal.stage in ("sent", "viewed") else ""
            link = f"{settings.PORTAL_URL}/p/{token}/"
            lines += ["", f"A proposal{waits}, as {proposal.recipient} got it:", f"  {link}"]
        file = self.told()
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n")
        return "\n".join(["", *lines])

    def told(self):
        """Return where it is kept how to enter, written once the agency is whole."""
        return settings.DATA_DIR / "sign-ins.txt"
