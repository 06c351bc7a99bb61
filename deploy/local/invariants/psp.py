"""The PSP's records, which are another company's, say the same as ours."""

from typing import Any

from deploy.local.invariants.evidence import PSP, Evidence
from deploy.local.invariants.invariant import Finding, Invariant
from deploy.local.invariants.merging import side_by_side
from deploy.psp.currencies import minor_units

_OURS = """
    SELECT payments.id::text, authorized - voided AS set_aside, captured, refunded, charged_back,
        authorized_pending + captured_pending + voided_pending + refunded_pending AS pending,
        counts.captures, counts.refunds
    FROM payments LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE kind = 'CAPTURE') AS captures,
            count(*) FILTER (WHERE kind = 'REFUND') AS refunds
        FROM payment_transactions WHERE payment_id = payments.id AND state = 'SUCCEEDED'
    ) AS counts ON true
    ORDER BY payments.id
"""
# A payment that the merchant has not named is one that nobody here knows of.
_NAME = """coalesce(metadata ->> 'payment_id', id) COLLATE "C" """
# What was never set aside was not authorized: what has ended was either taken or given up.
_THEIRS = f"""
    SELECT {_NAME} AS name, min(currency) AS currency,
        sum(set_aside)::bigint AS set_aside, sum(captured)::bigint AS captured,
        sum(refunded)::bigint AS refunded, sum(disputed)::bigint AS disputed
    FROM payments, LATERAL (
        SELECT CASE WHEN status = 'requires_capture' THEN amount - released ELSE captured END
            AS set_aside
    ) AS now
    GROUP BY name ORDER BY name
"""
_DEEDS = f"""
    SELECT {_NAME} AS name, sum(done.authorizations)::bigint AS authorizations,
        sum(done.captures)::bigint AS captures, sum(done.taken)::bigint AS taken,
        sum(captured)::bigint AS captured, sum(given.refunds)::bigint AS refunds
    FROM payments, LATERAL (
        SELECT count(*) FILTER (WHERE kind = 'authorization') AS authorizations,
            count(*) FILTER (WHERE kind = 'capture') AS captures,
            coalesce(sum(moved) FILTER (WHERE kind = 'capture'), 0) AS taken
        FROM operations WHERE payment = payments.id
    ) AS done, LATERAL (
        SELECT count(*) AS refunds FROM refunds
        WHERE payment = payments.id AND status <> 'failed'
    ) AS given
    GROUP BY name ORDER BY name
"""


async def psp_agrees(evidence: Evidence) -> Finding:
    finding = Finding()
    async for id_, (ours, theirs) in side_by_side(
        evidence.rows("payment", _OURS), evidence.rows(PSP, _THEIRS)
    ):
        finding.checked += 1
        # While something is pending, the PSP may know more than we do.
        if ours is None or ours["pending"] == 0:
            we_say = amounts_in(ours, "set_aside", "captured", "refunded", "charged_back")
            psp_says = amounts_in(theirs, "set_aside", "captured", "refunded", "disputed")
            if theirs:
                psp_says = tuple(minor_units(each, theirs["currency"]) for each in psp_says)
            if we_say != psp_says:
                finding.violate(
                    id_,
                    f"set aside, captured, refunded, charged back: we say {we_say},"
                    f" the PSP says {psp_says}",
                )
    return finding


def amounts_in(row: Any, *names: str) -> tuple[int, ...]:
    return tuple(row[name] for name in names) if row else (0,) * len(names)


async def charged_once(evidence: Evidence) -> Finding:
    finding = Finding()
    async for id_, (ours, done) in side_by_side(
        evidence.rows("payment", _OURS), evidence.rows(PSP, _DEEDS)
    ):
        if done is None:
            continue
        finding.checked += 1
        if done["authorizations"] > 1:
            finding.violate(id_, f"was authorized {done['authorizations']} times")
        if done["taken"] != done["captured"]:
            finding.violate(
                id_, f"the PSP took {done['captured']} in captures of {done['taken']} in all"
            )
        if ours is None or ours["pending"] == 0:
            for what in ("captures", "refunds"):
                asked = ours[what] if ours else 0
                if done[what] != asked:
                    finding.violate(id_, f"the PSP made {done[what]} {what}, we know of {asked}")
    return finding


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "psp-agrees",
        "What we believe was set aside, taken and given back is what the PSP's records say.",
        psp_agrees,
    ),
    Invariant(
        "charged-once",
        "The PSP set money aside once for a payment, and took and gave back once what was asked.",
        charged_once,
    ),
)
