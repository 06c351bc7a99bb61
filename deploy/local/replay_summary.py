"""What a replay comes to."""

from collections import Counter
from typing import Any

from chassis.terminal import print_table
from deploy.local.invoices.accounts import Accounts
from deploy.local.replay_state import ReplayState
from deploy.local.returns_summary import counted, rows_of_returns
from deploy.local.verdict import Verdict
from deploy.local.world.latency import latency_of
from deploy.local.world.outcomes import Outcomes


def summary_of(
    accounts: Accounts, outcomes: Outcomes, state: ReplayState, verdict: Verdict
) -> dict[str, Any]:
    """
    Return all that is known of the replay, fit for JSON.
    """
    state.note(outcomes.followed)
    statuses = Counter(order.status or "NOT_ENDED" for order in outcomes.followed)
    times = [state.times[order.order_id] for order in outcomes.followed]
    completed = {o.order_id for o in outcomes.followed if o.status == "COMPLETED"}
    return {
        "lines": accounts.lines,
        "lines_mapped": accounts.mapped_lines,
        "lines_skipped": accounts.skipped_lines,
        "invoices": accounts.invoices,
        "invoices_skipped": accounts.skipped_invoices,
        "notes": accounts.notes,
        "orders": accounts.orders,
        "placed": len(outcomes.followed),
        "refused": outcomes.refused,
        "completed": statuses["COMPLETED"],
        "rejected": by_reason(outcomes, "REJECTED"),
        "cancelled": by_reason(outcomes, "CANCELLED"),
        "not_ended": accounts.orders
        - outcomes.refused.total()
        - len(outcomes.followed)
        + statuses["NOT_ENDED"],
        "runs": state.runs,
        "seconds": round(state.seconds, 3),
        "orders_per_second": round(len(outcomes.followed) / state.seconds, 1),
        "place_to_confirmed": latency_of([c for c, _ in times if c is not None]),
        "place_to_completed": latency_of(
            [
                ended
                for order_id, (_, ended) in zip(
                    (o.order_id for o in outcomes.followed), times, strict=True
                )
                if ended is not None and order_id in completed
            ]
        ),
        "verify": verdict.for_json(),
    }


def by_reason(outcomes: Outcomes, status: str) -> Counter[str]:
    return Counter(o.reason for o in outcomes.followed if o.status == status)


def show_accounts(accounts: Accounts) -> None:
    """
    Say what became of every line and invoice.
    """
    print(
        f"{accounts.lines:,} lines on {accounts.invoices:,} invoices:"
        f" {accounts.mapped_lines.total():,} lines become {accounts.orders:,} orders"
        f" and {accounts.returns:,} returns"
        f" ({', '.join(f'{n:,} {what}' for what, n in accounts.mapped_lines.most_common())});"
        f" {accounts.skipped_lines.total():,} lines and"
        f" {accounts.skipped_invoices.total():,} invoices are skipped:\n"
    )
    reasons = accounts.skipped_lines | accounts.skipped_invoices
    rows = [
        (
            f"{accounts.skipped_lines[reason]:,}",
            f"{accounts.skipped_invoices[reason]:,}",
            reason,
        )
        for reason, _ in reasons.most_common()
    ]
    print_table(("LINES", "INVOICES", "WHY"), rows)
    if accounts.notes:
        print()
        for note, count in accounts.notes.most_common():
            print(f"{count:,} {note}")
    print()


def show_summary(summary: dict[str, Any], verdict: Verdict) -> None:
    rows = [
        ("orders placed", f"{summary['placed']:,}"),
        ("completed", f"{summary['completed']:,}"),
        ("rejected", counted(summary["rejected"])),
        ("cancelled", counted(summary["cancelled"])),
        ("refused", counted(summary["refused"])),
        ("not ended", f"{summary['not_ended']:,}"),
        ("orders a second", f"{summary['orders_per_second']:,} over {summary['seconds']:,.1f} s"),
        ("placed → confirmed", str(summary["place_to_confirmed"])),
        ("placed → completed", str(summary["place_to_completed"])),
        *rows_of_returns(summary),
        ("calls repeated", counted(summary["repeated_calls"])),
        ("killed meanwhile", f"{summary['kills']:,} of {summary['kills_asked']:,} times"),
    ]
    print()
    print_table(("WHAT", "HOW MUCH"), rows)
    print()
    verdict.show()
