from django.core.management.base import BaseCommand, CommandError

from opportunities.chain import broken, erased


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
        events, times = erased()
        if times:
            erases = "1 privacy erase" if times == 1 else f"{times} privacy erases"
            self.stdout.write(f"In {events} of them {erases} took words away; what is left is proved.")
