"""Who asks: somebody who is signed in, or a program with a token."""

from dataclasses import dataclass

from opportunities.models import User

from .models import Token
from .reading import Problem

TOKENS = "/admin/tokens/"


@dataclass
class Asker:
    """Whoever asks. `user` is None where a service reads the whole house within its scopes."""

    user: User | None
    token: Token | None = None

    def may_not(self, view) -> str:
        """Say what is missing for this view. Empty when nothing is."""
        if not self.is_covered(view):
            return f"This token’s scopes do not cover {view}. It needs {view.scope}, and has {self.scopes}."
        if self.user and not all(self.user.has_perm(right) for right in view.rights):
            return f"Your role does not include {view}. An administrator can change that."
        return ""

    def is_covered(self, view) -> bool:
        return self.token is None or self.token.allows(view.scope)

    @property
    def scopes(self) -> str:
        return ", ".join(self.token.scopes) if self.token else ""

    def refuse(self, view):
        if words := self.may_not(view):
            # Another token helps where this one's scopes do not reach, and not where a role does not.
            raise Problem(403, words, "/admin/catalogue/" if self.is_covered(view) else TOKENS)


def who_asks(request) -> Asker:
    """Return who asks, or say why nobody that we know does."""
    said = request.headers.get("Authorization")
    if said is None:
        user = request.user
        if not (user.is_authenticated and user.is_active and user.is_staff):
            raise Problem(401, "Sign in, or send a token: “Authorization: Bearer …”. Tokens are made by staff.", TOKENS)
        return Asker(user)
    token = token_of(said)
    return Asker(None if token.is_service else token.owner, token)


def token_of(said: str) -> Token:
    """Return the token that stands in an Authorization header, or say why it opens nothing."""
    scheme, _, secret = said.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(401, "Send the token as “Authorization: Bearer …”.", TOKENS)
    token = Token.of(secret.strip())
    if token is None:
        raise Problem(401, "This token is none of ours. Copy it again as a whole, or make another.", TOKENS)
    if token.why_not:
        raise Problem(401, token.why_not, TOKENS)
    token.note_use()
    return token
