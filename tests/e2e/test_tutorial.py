"""The tutorial's commands do what it says."""

import asyncio
import re
import sys

from deploy.local.topology import ROOT


async def test_the_tutorial_leads_to_a_completed_order(cluster, tmp_path):
    page = (ROOT / "docs/tutorial.md").read_text()
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    # The same commands, but for this cluster instead of the one in the checkout.
    script = (
        commands.replace("make up\n", "")
        .replace("make down\n", "")
        .replace("make verify", ".venv/bin/python -m deploy.local verify --state $STATE")
        .replace(".venv/bin/", f"{sys.prefix}/bin/")
        .replace("'.run/cluster.json'", f"'{cluster.state}/cluster.json'")
    )

    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "STATE": str(cluster.state), "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    assert '"status": "ORDER_STATUS_COMPLETED"' in output.decode()
