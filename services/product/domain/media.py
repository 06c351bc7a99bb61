"""Pictures and films of a product."""

import re
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_text

MOST_MEDIA = 50
MOST_URI = 2_000

_URI = re.compile(r"https://[^\s/?#]+[^\s]*")
_CONTENT_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}", re.ASCII)


class MediaOutOfRange(InvalidInput):
    pass


class UriMalformed(InvalidInput):
    pass


class ContentTypeMalformed(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """
    A picture or a film; it lies elsewhere.

    Attributes:
        content_type: Such as "image/webp"; empty if not known.
        alt_text: What to say to those who do not see it.
    """

    uri: str
    content_type: str = ""
    alt_text: str = ""

    def __post_init__(self) -> None:
        check_text(self.uri, "uri", least=1, most=MOST_URI)
        if not _URI.fullmatch(self.uri):
            raise UriMalformed(f"{self.uri[:100]!r} is no https URI", field="uri")
        if self.content_type and not _CONTENT_TYPE.fullmatch(self.content_type):
            raise ContentTypeMalformed(
                f"{self.content_type[:100]!r} is no content type such as image/webp",
                field="content_type",
            )
        check_text(self.alt_text, "alt_text", most=1_000)
