"""Who calls: a program with a token. Never a browser by its cookie, so that no page can be made to write."""

from dataclasses import dataclass
from functools import cached_property

from ninja.security import HttpBearer

from opportunities.models import User
from opportunities.programs import Program
from zarts.reads.asking import TOKENS, token_of
from zarts.reads.models import Token

from .problems import Refusal
from .refusals import refuse_the_refused


@dataclass
class Caller:
    """A program that calls: as the member of staff whose token it has, or as a service within its scopes.

    A service sees the whole house, and may no more than whoever answers for it.
    """

    token: Token

    @property
    def program(self) -> Program:
        return Program(self.token.name, self.token.is_service)

    @property
    def by(self) -> User | None:
        """Return in whose name a record moves. A service is nobody of ours."""
        return None if self.token.is_service else self.token.owner

    @property
    def answers(self) -> User:
        """Return who answers for what it writes."""
        return self.token.owner

    @cached_property
    def eyes(self) -> User:
        """Return whose eyes it has: a service sees the whole house."""
        if not self.token.is_service:
            return self.token.owner
        return User.who_saw({**self.token.owner.sight, "sees": User.Reach.ALL})

    def may(self, right: str) -> bool:
        return self.token.owner.has_perm(right)

    def needs(self, right: str):
        if not self.may(right):
            of = f", who answers for {self.token.name}," if self.token.is_service else ""
            words = f"The role of {self.answers}{of} does not include this. An administrator can change that."
            raise Refusal(403, words)

    def reaches(self, record):
        """Refuse to add to what its person may only read."""
        if not record.within_reach(self.eyes, "change"):
            raise Refusal(403, f"You may read this, but not add to it: {record}.")


class Bearer(HttpBearer):
    """The token of a call, which must have one scope."""

    def __init__(self, scope: str):
        super().__init__()
        self.scope = scope

    def __call__(self, request) -> Caller:
        said = request.headers.get("Authorization")
        if said is None:
            raise Refusal(401, "Send a token: “Authorization: Bearer …”. Tokens are made by staff.", see=TOKENS)
        return self.authenticate(request, said)

    def authenticate(self, request, token: str) -> Caller:
        found = request.token = token_of(token)
        if request.method == "POST":
            refuse_the_refused(found)
        if not found.allows(self.scope):
            has = ", ".join(found.scopes)
            raise Refusal(
                403, f"This token’s scopes do not cover this. It needs {self.scope}, and has {has}.", see=TOKENS
            )
        if words := found.why_not_write:
            raise Refusal(403, words, see=TOKENS)
        return Caller(found)
