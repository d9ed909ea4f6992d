"""A form that makes something is saved once, however often it is sent: by a double click, or after a lost answer.

Each carries a key that is made when it is shown. What was saved is known by its key and its words: the same again makes
nothing. Other words under an old key, on a page that the browser brought back, are something new.
"""

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from django.contrib import messages
from django.db import connection, transaction
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html

from .models import SavedForm

NAME = "once"
# What a page may send differently each time, and says nothing.
ASIDE = {"csrfmiddlewaretoken", "back"}
# Nobody sends a form again later than this.
KEPT = timedelta(days=3)


def hidden_key(name=NAME, form="") -> str:
    """Return the hidden field with a new key. The browser fills no old one in when the page is loaded anew."""
    belongs = format_html(' form="{}"', form) if form else ""
    return format_html('<input type="hidden" name="{}" value="{}" autocomplete="off"{}>', name, uuid4(), belongs)


def mark_of(user, place, words) -> str:
    """Return the mark of what somebody sends to a place: the digest of its key and its words."""
    return sha256(repr((user.pk, place, sorted(words))).encode()).hexdigest()


def take(mark) -> bool:
    """Take a mark with this transaction. False when it is taken; while it is being taken, this waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into opportunities_savedform (mark, at) values (%s, %s) on conflict do nothing",
            [mark, timezone.now()],
        )
        return cursor.rowcount == 1


def saved(request, view, again=None):
    """Answer a form that makes something by `view`, which leads on once it is saved; without a key, each time.

    An answer that leads a script on says where in `led_to`. The same form again is answered by `again` from there.
    """
    if request.method != "POST" or not request.POST.get(NAME):
        return view()
    words = [pair for pair in request.POST.lists() if pair[0] not in ASIDE]
    files = [(name, [f"{file.name} {file.size}" for file in files]) for name, files in request.FILES.lists()]
    mark = mark_of(request.user, request.path, words + files)
    with transaction.atomic():
        if not take(mark):
            led_to = SavedForm.objects.get(pk=mark).led_to
            if again:
                return again(led_to)
            messages.info(request, "This was saved already.")
            return redirect(led_to or request.get_full_path())
        answer = view()
        # A window that a picker opened leads nowhere: it hands what was made over, and closes.
        hands_over = "popup_response_data" in (getattr(answer, "context_data", None) or {})
        if led_to := answer.url if answer.status_code == 302 else getattr(answer, "led_to", ""):
            SavedForm.objects.filter(pk=mark).update(led_to=led_to)
        elif not hands_over:
            transaction.set_rollback(True)  # nothing was made: the key is free again
    return answer


def forget() -> int:
    """Forget the forms that were saved long ago."""
    return SavedForm.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
