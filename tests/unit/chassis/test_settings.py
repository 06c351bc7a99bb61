import pytest

from chassis.settings import BadSettings, ServiceSettings, read_settings

SOUND = {"DATABASE_URL": "postgresql+asyncpg://u@h/d", "NATS_URL": "nats://h"}


def test_settings_are_read_from_variables_of_the_same_name():
    settings = read_settings(
        ServiceSettings, SOUND | {"TRACES_SAMPLE_RATIO": "0.5", "GRPC_REFLECTION": "1"}
    )

    assert settings.traces_sample_ratio == 0.5
    assert settings.grpc_reflection is True


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"NATS_URL": "x"}, "database_url"),
        (SOUND | {"GRPC_REFLECTION": "maybe"}, "grpc_reflection"),
        (SOUND | {"ROLES": "wroker"}, "roles"),
        (SOUND | {"TRACES_SAMPLE_RATIO": "7"}, "traces_sample_ratio"),
        (SOUND | {"LOG_LEVEL": "loud"}, "log_level"),
    ],
)
def test_a_missing_or_malformed_variable_is_named(environment, named):
    with pytest.raises(BadSettings, match=named):
        read_settings(ServiceSettings, environment)


def test_roles_say_what_a_process_does():
    settings = read_settings(ServiceSettings, SOUND | {"ROLES": "api"})

    assert settings.plays("api")
    assert not settings.plays("worker")
