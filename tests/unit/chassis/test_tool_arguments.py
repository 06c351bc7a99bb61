from argparse import ArgumentParser

import pytest

from chassis.events.tools.arguments import add_by


def by(*arguments):
    parser = ArgumentParser()
    add_by(parser)
    return parser.parse_args(arguments).by


def test_who_has_no_name_is_named_by_number(monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 54321)

    assert by() == "uid 54321"


def test_nobody_decides_in_the_name_of_nobody(capsys):
    with pytest.raises(SystemExit):
        by("--by", " ")

    assert "must not be empty" in capsys.readouterr().err
