"""Providers: with whom clients keep their numbers and their mail, and how they let us in."""

from django.db import models

from opportunities.records import DiaryKeeper
from opportunities.words import plain_words


class Provider(DiaryKeeper):
    """Somebody with whom clients have an account that we need. Managers keep its words: clients read the first two."""

    name = models.CharField(
        max_length=80, unique=True, validators=[plain_words], help_text="Clients read it in their portal."
    )
    how = models.TextField(
        "how to let us in",
        blank=True,
        max_length=600,
        validators=[plain_words],
        help_text="Clients read it beside the access. One step a line.",
    )
    called = models.CharField(
        "what people call it",
        max_length=200,
        blank=True,
        help_text="Words by which discovery names it, with commas between. Without one it is only chosen by hand.",
    )
    is_offered = models.BooleanField("can be chosen", default=True)
    names_account = models.BooleanField(
        "has to say which account", default=False, help_text="For one that stands for many. Clients do not read which."
    )

    class Meta(DiaryKeeper.Meta):
        ordering = ["names_account", "name"]

    def __str__(self):
        return self.name

    @property
    def words(self) -> list[str]:
        """Return what people call it, each as it is looked for."""
        return [word.strip().lower() for word in self.called.split(",") if word.strip()]

    @classmethod
    def named_in(cls, text: str) -> list:
        """Return those on offer that a text names, in the order of their names."""
        text = text.lower()
        return [one for one in cls.objects.filter(is_offered=True) if any(word in text for word in one.words)]
