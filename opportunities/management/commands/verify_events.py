from django.core.management.base import BaseCommand, CommandError

from opportunities.chain import broken


class Command(BaseCommand):
    help = "Prove the diaries: find every event that was changed, removed, added behind our back or put elsewhere."

    def handle(self, **options):
        found = False
        for words in broken():
            found = True
            self.stderr.write(words)
        if found:
            raise CommandError("The diaries do not prove themselves. Compare with a backup before you go on.")
        self.stdout.write("Every event stands where it was written, unchanged.")
