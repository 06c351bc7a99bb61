"""What the returns of a replay come to."""

from collections import Counter
from typing import Any

from deploy.local.invoices.accounts import Accounts
from deploy.local.invoices.returning import Returning
from deploy.local.world.latency import latency_of


def summary_of_returns(accounts: Accounts, returning: Returning) -> dict[str, Any]:
    """
    Return all that is known of the returns, fit for JSON.
    """
    states = Counter(each.state or "NOT_ENDED" for each in returning.followed)
    return {
        "cancelled_units": accounts.cancelled_units,
        "cancelled_units_matched": accounts.returned_units,
        "cancelled_units_unmatched": accounts.unmatched_units,
        "returns": accounts.returns,
        "returns_closed": states.pop("CLOSED", 0),
        "returns_not_closed": states,
        "returns_without_order": returning.without_order,
        "refunded_minor_units": sum(each.refunded for each in returning.followed),
        "requested_to_closed": latency_of(
            [each.seconds for each in returning.followed if each.seconds is not None]
        ),
    }


def returns_ended_well(summary: dict[str, Any]) -> bool:
    """
    Whether every return is closed, but those whose order never became one to return goods of.
    """
    without = summary["returns_without_order"].total()
    return bool(summary["returns_closed"] + without == summary["returns"])


def rows_of_returns(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """
    Return what is to be shown of it.
    """
    pounds, pennies = divmod(summary["refunded_minor_units"], 100)
    return [
        ("returns closed", f"{summary['returns_closed']:,} of {summary['returns']:,}"),
        ("returns not closed", counted(summary["returns_not_closed"])),
        ("returns without order", counted(summary["returns_without_order"])),
        (
            "units given back",
            f"{summary['cancelled_units_matched']:,} of {summary['cancelled_units']:,}",
        ),
        ("units unmatched", counted(summary["cancelled_units_unmatched"])),
        ("refunded", f"{pounds:,}.{pennies:02}"),
        ("requested → closed", str(summary["requested_to_closed"])),
    ]


def counted(reasons: Counter[str]) -> str:
    more = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total():,}" + (f" ({more})" if more else "")
