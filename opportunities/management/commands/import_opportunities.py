import json
import re

from django.core.management.base import CommandError

from opportunities.importing.amounts import SIGNS
from opportunities.importing.columns import ORDERS

from .import_leads import Command as ImportLeads

# What a file is called that says more of what the rows name.
BESIDE = re.compile("account|client|customer|product|service|team|agent|contact|activit|lead", re.IGNORECASE)


class Command(ImportLeads):
    help = "Bring the opportunities of a CSV or Excel file in, with their clients, services and owners, each once."
    kind, noun = "opportunities", "opportunities"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--accounts", help="the file that says more of each client")
        parser.add_argument(
            "--products", help="the file that lists what is sold; what we do not sell yet becomes a service"
        )
        parser.add_argument("--teams", help="the file that says more of each owner")
        parser.add_argument("--companion", action="append", default=[], help="any other file that the rows point into")
        parser.add_argument(
            "--match",
            action="append",
            default=[],
            metavar='"WORD=SERVICE"',
            help="which service a product's name means",
        )
        parser.add_argument(
            "--without-account",
            default="refuse",
            metavar='"NAME"|refuse',
            help="whose the rows are that name no client",
        )
        parser.add_argument(
            "--stage", action="append", default=[], metavar='"WORD=won"', help="what a stage's name means"
        )
        parser.add_argument("--dates", choices=sorted(ORDERS), help="how dates are written that can be read two ways")
        parser.add_argument(
            "--cents", choices=sorted(SIGNS), help="the sign before the cents where an amount does not tell"
        )

    def companions(self, file, options) -> list:
        """Return the files that the rows point into: those that were named, else those that lie beside it."""
        named = [options[name] for name in ("contacts", "accounts", "products", "teams") if options[name]]
        named += options["companion"]
        beside = [other for other in sorted(file.parent.glob("*.csv")) if other != file and BESIDE.search(other.stem)]
        return named or beside

    def choices(self, options) -> dict:
        without = options["without_account"]
        return {
            "product": pairs(options["match"], "--match"),
            "status": pairs(options["stage"], "--stage"),
            "without_client": "" if without == "refuse" else without,
            "dates": {"*": options["dates"]} if options["dates"] else {},
            "numbers": {"*": options["cents"]} if options["cents"] else {},
            "create_services": True,
        }

    def came(self, report) -> tuple[int, str]:
        if not report.joined:
            return report.added, ""
        some = f"{report.joined} of them " if report.added else ""
        return report.added + report.joined, f", {some}at clients that are here"


def pairs(given, option) -> dict:
    found = {}
    for one in given:
        word, mark, meaning = one.partition("=")
        if not mark or not word.strip() or not meaning.strip():
            raise CommandError(f"{option} wants a word and what it means, such as {json.dumps('GTXPro=GTX Pro')}.")
        found[word.strip()] = meaning.strip()
    return found
