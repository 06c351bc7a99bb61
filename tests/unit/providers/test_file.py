"""The file of providers: what stands in it is checked before anybody starts."""

import re

import pytest

from deploy.local.invoices.countries import CODES, NOWHERE
from deploy.local.topology import ROOT
from deploy.providers.file import DEFAULT_FILE, FileWrong, file_from, read_cast
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

ONE = '[[providers]]\nid = "ace"\nname = "Ace"\n'
LEVEL = '[[providers.service_terms]]\nservice_level = "STANDARD"\n'
HOURS = "[providers.working_hours]\n"


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "providers.toml"
        path.write_text(text)
        return path

    return write


def test_the_usual_providers_go_wherever_an_invoice_does():
    cast = read_cast(DEFAULT_FILE)

    everyday = [each for each in cast.characters if each.rank == 10]
    assert everyday
    assert all(set(each.regions) >= {*CODES.values(), NOWHERE} for each in everyday)


def test_nobody_goes_everywhere_by_accident():
    assert all(each.regions for each in read_cast(DEFAULT_FILE).characters)


def test_nobody_plays_those_whom_a_document_has_its_reader_play():
    pages = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    by_hand = set(re.findall(r'\\?"providerId\\?": \\?"([a-z-]+)', pages))

    assert by_hand
    assert by_hand.isdisjoint(each.id for each in read_cast(DEFAULT_FILE).characters)


def test_a_provider_is_known_to_fulfillment_as_the_file_says(file):
    cast = read_cast(
        file(
            ONE + 'regions = ["GB"]\nrank = 3\ndaily_capacity = 40\n'
            "[[providers.service_terms]]\n"
            'service_level = "EXPRESS"\ncost = 895\ntransit_days = [0, 1]\n'
            '[providers.working_hours]\ntime_zone = "Europe/London"\nweekdays = [6, 7]\n'
        )
    )

    (ace,) = cast.characters
    assert ace.to_wire(suspended=True) == pb.Provider(
        provider_id="ace",
        name="Ace",
        regions=["GB"],
        rank=3,
        suspended=True,
        daily_capacity=40,
        service_terms=[
            pb.ServiceTerms(
                service_level="SERVICE_LEVEL_EXPRESS",
                cost={"currency_code": "GBP", "units": 8, "nanos": 950_000_000},
                transit_days_min=0,
                transit_days_max=1,
            )
        ],
        working_hours=pb.WorkingHours(time_zone="Europe/London", weekdays=[6, 7], cutoff="16:00"),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("seed = 1\nproviders = =\n", "line 2"),
        (ONE + "rnk = 1\n", "`rnk` - at `$.providers[0]`"),
        (ONE + 'rank = "first"\n', "$.providers[0].rank"),
        (ONE + "[providers.habits]\nloses = 1.5\n", "$.providers[0].habits.loses"),
        (ONE + "[providers.habits]\nloses = 0.6\nsends_back = 0.6\n", "more than 1"),
        (ONE + "[providers.rejects]\ncountries = ['Fiji']\n", "rejects.countries"),
        ('[[providers]]\nid = "Ace!"\nname = "Ace"\n', "$.providers[0].id"),
        (ONE + ONE, "two providers with the id ace"),
        ('[[providers]]\nid = "ace"\nname = ""\n', "$.providers[0].name"),
        (ONE + "rank = 9999999999\n", "$.providers[0].rank"),
        (ONE + "daily_capacity = 9999999999\n", "$.providers[0].daily_capacity"),
        (ONE + LEVEL + "transit_days = [5, 1]\n", "least and the most, not 5 and 1 - at `$."),
        (ONE + LEVEL + LEVEL, "second time - at `$.providers[0]`"),
        (ONE + HOURS + 'time_zone = "Mars/Base"\n', "time_zone Mars/Base is no IANA name"),
        (ONE + HOURS + "weekdays = []\n", "weekdays are some of 1 to 7"),
        (ONE + HOURS + 'cutoff = "29:00"\n', "working_hours.cutoff"),
        (ONE + HOURS + 'holidays = ["2027-13-01"]\n', "$.providers[0].working_hours"),
        ("[[warehouses]]\nmissing = 0.7\nrefused = 0.7\n", "$.warehouses[0]"),
    ],
)
def test_what_is_wrong_with_it_is_said_by_line_or_key(file, text, where):
    path = file(text)

    with pytest.raises(FileWrong) as wrong:
        read_cast(path)

    assert str(path) in str(wrong.value)
    assert where in str(wrong.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileWrong, match=r"nowhere\.toml cannot be read: No such file"):
        read_cast(tmp_path / "nowhere.toml")


def test_an_empty_name_means_nobody():
    assert file_from({}) is None
    assert file_from({"PROVIDERS": ""}) is None
