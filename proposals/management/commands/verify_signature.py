from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal import seals
from portal.models import Paper


class Command(BaseCommand):
    help = "Say whether a PDF is ours and unchanged since we sealed or published it, and what it is."

    def add_arguments(self, parser):
        parser.add_argument("file", help="the PDF file")

    def handle(self, *, file, **options):
        content = read(file)
        if not content:
            raise CommandError(seals.EMPTY)
        paper = Paper.objects.filter(sha256=seals.digest(content)).select_related("publication").defer("bytes").first()
        verdict = seals.verdict(content, known(paper))
        if not verdict.ours:
            raise CommandError(verdict.words)
        self.stdout.write(verdict.words)
        if paper:
            body = paper.publication.body
            self.stdout.write(f"It is for {body.get('client')}: {paper.publication.title}. We keep the same file.")
        else:
            self.stdout.write("Its seal is ours and intact, but this database does not keep the same file.")


def read(file) -> bytes:
    """Return what is in a file, or refuse it in words."""
    path = Path(file)
    try:
        if path.stat().st_size > seals.LARGEST:
            raise CommandError(seals.TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.") from error


def known(paper):
    """Return what stands on a paper that we keep, as the public page's door gives it."""
    if paper is None:
        return None
    body, at = paper.publication.body, paper.made_at if paper.kind == "sealed" else paper.publication.published_at
    return {
        "kind": paper.publication.kind,
        "paper": paper.kind,
        "number": body.get("number"),
        "revision": body.get("revision"),
        "at": at,
    }
