import pytest
from nats.errors import BadHeaderError

from chassis.events.broker import Broker, command_of


def test_a_command_says_how_long_headers_and_payload_are():
    assert command_of("a.b", b"xyz") == b"PUB a.b  3\r\nxyz\r\n"
    assert (
        command_of("a.b", b"xyz", {"One": "1", "Two": "zwö"})
        == b"HPUB a.b  31 34\r\nNATS/1.0\r\nOne: 1\r\nTwo: zw\xc3\xb6\r\n\r\nxyz\r\n"
    )


@pytest.mark.parametrize("headers", [{"One": "1\r\nTwo: 2"}, {"One\nTwo": "1"}])
def test_a_header_cannot_smuggle_in_another_one(headers):
    with pytest.raises(BadHeaderError):
        command_of("a.b", b"", headers)


@pytest.mark.parametrize(
    "line",
    [
        b"Name: value",
        b"Name: value: with a colon",
        b"Name: ",
        b"Name:value",
        b"Name:\tvalue",
        b"no header at all",
        b"Name: \xff",
    ],
)
def test_headers_are_read_as_the_client_itself_reads_them(line):
    lines = b"ce-id: 1\r\n" + line + b"\r\n\r\n"

    assert Broker._parse_header_lines(lines) == super(Broker, Broker)._parse_header_lines(lines)
