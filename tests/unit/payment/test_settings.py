import pytest

from chassis.settings import BadSettings, read_settings
from services.payment.settings import Settings

GIVEN = {"DATABASE_URL": "postgresql+asyncpg://u:p@host/name", "NATS_URL": "nats://host"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PSP_TIMEOUT_SECONDS", "0"),
        ("PSP_TIMEOUT_SECONDS", "nan"),
        ("PSP_CONNECTIONS", "0"),
        ("WEBHOOKS_KEPT_DAYS", "1000000000"),
        ("REFUND_DAYS", "1000000000"),
        ("RECONCILE_HOURS", "inf"),
        ("RECONCILE_MARGIN_SECONDS", "1e300"),
    ],
)
def test_a_time_that_nobody_can_wait_for_is_named_at_start(name, value):
    with pytest.raises(BadSettings, match=name.lower()):
        read_settings(Settings, GIVEN | {name: value})


def test_what_is_not_said_has_a_default():
    assert read_settings(Settings, GIVEN).refund_days == 180
