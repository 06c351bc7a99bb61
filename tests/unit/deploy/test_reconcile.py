"""`make reconcile`, without a cluster."""

from argparse import Namespace
from types import SimpleNamespace

import grpc
import pytest

from deploy.local.errors import ServerAway
from deploy.local.reconcile import reconcile_account
from deploy.local.world.patience import Patience


async def test_a_psp_that_stays_away_is_said_in_a_sentence():
    async def call(_request, **_more):
        nothing = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, "")

    services = SimpleNamespace(reconciliation=SimpleNamespace(ReconcileAccount=call))

    with pytest.raises(ServerAway, match="make psp"):
        await reconcile_account(services, Patience(attempts=1), Namespace(account="main"))
