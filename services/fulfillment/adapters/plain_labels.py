"""Labels that need no carrier: made here, for whoever carries things by hand."""

import re
from collections.abc import Sequence

from services.fulfillment.application.labels import Label, LabelRequest

MEDIA_TYPE = "application/zpl"

# What commands of the printer's language begin with, and control characters.
_COMMANDS = re.compile(r"[\^~\x00-\x1f]")


class PlainLabels:
    """
    The tracking number follows from the id of what is labelled, so that asked again it is the same.
    """

    async def make(self, requests: Sequence[LabelRequest]) -> Sequence[Label]:
        return [_label(request) for request in requests]


def _label(request: LabelRequest) -> Label:
    tracking_number = f"WB{request.id.hex.upper()}"
    address = request.address
    consignee = [
        address.name,
        *address.lines,
        f"{address.postal_code} {address.city}",
        address.country_code,
    ]
    lines = ["RETURN TO", request.location_id] if request.is_return else consignee
    fields = [
        f"^FO40,{40 + 40 * number}^A0N,32^FD{_COMMANDS.sub(' ', line)}^FS"
        for number, line in enumerate(lines)
    ]
    barcode = f"^FO40,{80 + 40 * len(lines)}^BCN,120^FD{tracking_number}^FS"
    zpl = "\n".join(["^XA", "^CI28", *fields, barcode, "^XZ"])
    return Label(
        tracking_number=tracking_number, media_type=MEDIA_TYPE, content=zpl.encode("utf-8")
    )
