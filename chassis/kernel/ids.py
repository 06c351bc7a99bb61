"""Identities that sort by age."""

from uuid import UUID

from uuid_utils.compat import uuid7

from chassis.kernel.errors import InvalidInput


class NotAUuid(InvalidInput):
    pass


def new_id() -> UUID:
    """
    Return a UUIDv7 (RFC 9562): unique, and later ones sort after earlier ones.
    """
    return uuid7()


def parse_id(text: str, field: str) -> UUID:
    """
    Return the UUID that *text* spells.

    Raises:
        NotAUuid: It spells none; names *field*.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotAUuid(f"{field} must be a UUID, not {text[:64]!r}", field=field) from None
