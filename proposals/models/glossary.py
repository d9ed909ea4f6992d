"""Words of ours that clients should not meet."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from opportunities.records import DiaryKeeper
from opportunities.words import plain_words


class GlossaryTerm(DiaryKeeper):
    """A word that a client should not meet, with the reason and a better one. One that is not used marks nothing."""

    term = models.CharField(max_length=80, help_text="As it is said of one: its plural is found, too.")
    why = models.CharField("why clients should not meet it", max_length=200)
    suggestion = models.CharField(
        "what to say instead", max_length=120, blank=True, validators=[plain_words], help_text="Taken with one key."
    )
    blocking = models.BooleanField(
        "stops the words", default=True, help_text="Without this it warns: the writer decides."
    )
    is_used = models.BooleanField("in use", default=True)

    class Meta(DiaryKeeper.Meta):
        verbose_name, verbose_name_plural = "word of ours", "words of ours"
        ordering = ["term"]
        constraints = [
            models.UniqueConstraint(
                Lower("term"), name="glossary_term_once", violation_error_message="This word is in the list already."
            )
        ]

    def __str__(self):
        return self.term

    def save(self, *args, **kwargs):
        self.term = " ".join(self.term.split())
        super().save(*args, **kwargs)

    def clean(self):
        self.term = " ".join((self.term or "").split())
        if not any(letter.isalnum() for letter in self.term):
            raise ValidationError({"term": "Write a word."})
