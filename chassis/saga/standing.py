"""Where sagas stand, as those who look after them see it; pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# How the name of somebody begins who is waited for and must look into it. What waits so, and what
# has failed, is stuck.
A_PERSON = "a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    Where one saga stands.

    Attributes:
        waits_for: Who is waited for; empty if nobody.
        since: Since when it stands there and waits for the same; kept when a step runs again.
        due_at: When its step runs next by itself.
        attempts: How often the step has failed since.
    """

    id: UUID
    step: str
    waits_for: str
    since: datetime
    due_at: datetime
    attempts: int
    last_error: str
    began_at: datetime

    @property
    def is_stuck(self) -> bool:
        return self.attempts > 0 or self.waits_for.startswith(A_PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingQuery:
    """
    Which sagas to list, those that have stood longest first.

    Attributes:
        after: Only those past the saga that has stood since then; `None`: from the first.
        step: Only those at this step; empty: all.
        waits_for: Only those that wait for somebody whose name begins so; empty: all.
        before: Only those that have stood since then or longer; `None`: all.
        stuck: Only those whose step has failed, and those that wait for a person.
    """

    after: tuple[datetime, UUID] | None = None
    step: str = ""
    waits_for: str = ""
    before: datetime | None = None
    stuck: bool = False
    limit: int
