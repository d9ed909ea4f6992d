from django.core.management.base import BaseCommand
from django.db import transaction

from portal.models import Publication
from proposals import papers


class Command(BaseCommand):
    help = "Make the PDF of every proposal, contract and report that was published without one. Once is enough."

    def handle(self, **options):
        made = 0
        published = Publication.objects.filter(kind__in=["proposal", "contract", "report"], papers=None).order_by("id")
        for publication in published.iterator(chunk_size=100):
            with transaction.atomic():
                papers.keep(publication)
            made += 1
        self.stdout.write(f"{made} papers made." if made else "Every proposal, contract and report has its paper.")
