"""The commands in the documents do what the documents say."""

import asyncio
import re
import sys

from deploy.local.topology import ROOT

LOCAL = f"{sys.prefix}/bin/python -m deploy.local"


async def commands_of(page, cluster, directory):
    """
    Run the commands of *page*, for this cluster instead of the one in the checkout; return how they
    ended and what they printed.
    """
    text = (ROOT / "docs" / page).read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    for written, meant in (
        (r"make (up|down)( PROVIDERS=)?\n", ""),
        (
            r"make replay-events SERVICE=(\w+) SINCE=([\w-]+)",
            rf"{LOCAL} replay-events \1 --since \2",
        ),
        (r" YES=1", " --yes"),
        (r"make provision", r".venv/bin/python -m deploy.local.provision .run"),
        (r"make import FILE=(\S+)", rf"{LOCAL} import \1"),
        (r"make reconcile FILE=(\S+)", r'make reconcile DO="file \1"'),
        (r"make reconcile(?! DO)", r'make reconcile DO=""'),
        (
            r"make (verify|events|sagas|psp|webhooks|dead-letters|rebuild-history)(?! DO)",
            rf"{LOCAL} \1",
        ),
        (rf"({re.escape(LOCAL)}.*)", r"\1 --state $STATE"),
        (r'make (sagas|psp|reconcile) DO="(.*)"', rf"{LOCAL} \1 --state $STATE \2"),
        (r"(?<!/)\.venv/bin/", f"{sys.prefix}/bin/"),
        (r"\.run\b", str(cluster.state)),
    ):
        script = re.sub(written, meant, script)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "STATE": str(cluster.state), "HOME": str(directory)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_tutorial_leads_to_a_completed_order(cluster, tmp_path):
    code, output = await commands_of("tutorial.md", cluster, tmp_path)

    assert code == 0, output
    assert '"status": "ORDER_STATUS_COMPLETED"' in output


async def test_events_can_be_looked_after(cluster, tmp_path):
    code, output = await commands_of("how-to/look-after-events.md", cluster, tmp_path)

    assert code == 0, output
    assert "DEAD LETTERS" in output
    assert "events are being published once more" in output


async def test_the_history_can_be_rebuilt(cluster, tmp_path):
    code, output = await commands_of("how-to/rebuild-the-history.md", cluster, tmp_path)

    assert code == 0, output
    assert "0 were missing, 0 were wrong" in output
    assert "invariants hold" in output


async def test_sagas_can_be_looked_after(cluster, tmp_path):
    code, output = await commands_of("how-to/look-after-sagas.md", cluster, tmp_path)

    assert code == 0, output
    assert "Nothing is stuck." in output or "Say --yes to do it." in output


async def test_the_psp_can_be_made_to_misbehave(cluster, tmp_path):
    code, output = await commands_of("how-to/make-the-psp-misbehave.md", cluster, tmp_path)

    assert code == 0, output
    assert "error_after_success for capture the next 3 times; so far 0 times" in output
    assert "It behaves." in output
    assert "row_id,kind,source_id" in output


async def test_webhooks_can_be_looked_after(cluster, tmp_path):
    code, output = await commands_of("how-to/look-after-webhooks.md", cluster, tmp_path)

    assert code == 0, output
    assert "No webhook waits, and none was given up." in output


async def test_chargebacks_can_be_answered(cluster, tmp_path):
    code, output = await commands_of("how-to/answer-chargebacks.md", cluster, tmp_path)

    assert code == 0, output
    assert '"state": "CHARGEBACK_STATE_UNDER_REVIEW"' in output
    assert '"state": "CHARGEBACK_STATE_WON"' in output


async def test_a_catalog_can_be_imported(cluster, tmp_path):
    code, output = await commands_of("how-to/import-a-catalog.md", cluster, tmp_path)

    assert code == 0, output
    assert "2 created, 0 updated, 0 unchanged, 1 refused" in output
    assert "PRICE_MALFORMED" in output
    assert "0 created, 0 updated, 2 unchanged, 1 refused" in output


async def test_providers_can_be_looked_after(cluster, tmp_path):
    code, output = await commands_of("how-to/look-after-providers.md", cluster, tmp_path)

    assert code == 0, output
    assert '"excluded": "SERVICE_LEVEL"' in output
    assert '"suspensionReason": "strike until Friday"' in output


async def test_something_can_be_sold(cluster, tmp_path):
    code, output = await commands_of("how-to/sell-something.md", cluster, tmp_path)

    assert code == 0, output
    assert "attributes['capacity'] is required" in output
    assert '"correctedQuery": "whistling kettle"' in output
    assert '"status": "ORDER_STATUS_PLACED"' in output
    assert '"available": "6"' in output


async def test_parcels_can_be_sent(cluster, tmp_path):
    code, output = await commands_of("how-to/send-parcels.md", cluster, tmp_path)

    assert code == 0, output
    assert "J_C3_B3n _26 Co. _5EFS" in output
    assert '"trackingState": "TRACKING_STATE_OUT_FOR_DELIVERY"' in output
    assert '"state": "SHIPMENT_STATE_LOST"' in output
    assert '"status": "FULFILLMENT_ORDER_STATUS_CLOSED"' in output


async def test_carts_can_be_sold_with(cluster, tmp_path):
    for _ in range(2):
        code, output = await commands_of("how-to/sell-with-carts.md", cluster, tmp_path)

    assert code == 0, output
    assert '"CART_ITEM_CHANGE_PRICE_UP"' in output
    assert "the order costs 53.00 EUR, not 49.00 EUR as expected" in output
    assert "one order: " in output
    assert '"state": "CART_STATE_CHECKED_OUT"' in output


async def test_a_flash_sale_can_be_watched(cluster, tmp_path):
    code, output = await commands_of("how-to/run-a-flash-sale.md", cluster, tmp_path)

    assert code == 0, output
    assert "waybill_outbox_oldest_seconds" in output
    assert "stock-conserved" in output


async def test_accounts_at_stripe_can_be_checked(cluster, tmp_path):
    code, output = await commands_of("how-to/take-payments-with-stripe.md", cluster, tmp_path)

    assert code == 0, output
    assert "PSP_ACCOUNTS: Object contains unknown field `curencies`" in output
    assert "main: not to be reached; test key at http://127.0.0.1:9" in output
    assert output.count("exit code 1") == 2


async def test_the_books_can_be_reconciled_with_the_psp(cluster, tmp_path):
    code, output = await commands_of("how-to/reconcile.md", cluster, tmp_path)

    assert code == 0, output
    assert "No difference is open." in output
    assert "invariants hold" in output
