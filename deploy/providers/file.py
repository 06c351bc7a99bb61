"""The file that says who plays, and how: TOML, checked before anybody starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec

from chassis.kernel.money import MOST_MINOR_UNITS, Money
from chassis.rpc.money import money_to_wire
from deploy.local.errors import LocalError
from deploy.providers.carrier import Manners
from deploy.providers.character import Character, Habits, Share
from deploy.providers.dice import chance
from deploy.providers.warehouse import Rules
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

DEFAULT_FILE = Path(__file__).with_name("providers.toml")

ProviderId = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]
CountryCode = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Days = Annotated[int, msgspec.Meta(ge=0, le=60)]


class FileWrong(LocalError):
    """
    The file of providers cannot be read. The message names the file, and the line or the key.
    """


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What a provider asks and promises for one service level.
    """

    service_level: Literal["STANDARD", "EXPRESS"]
    # In minor units of the currency.
    cost: Annotated[int, msgspec.Meta(ge=0, le=MOST_MINOR_UNITS)] = 0
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "GBP"
    transit_days: tuple[Days, Days] = (1, 5)

    def __post_init__(self) -> None:
        least, most = self.transit_days
        if least > most:
            raise ValueError(f"transit_days are the least and the most, not {least} and {most}")


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    When a provider works.
    """

    time_zone: str = "UTC"
    weekdays: tuple[Annotated[int, msgspec.Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    cutoff: Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "16:00"
    holidays: Annotated[tuple[Day, ...], msgspec.Meta(max_length=100)] = ()

    def __post_init__(self) -> None:
        if self.time_zone not in available_timezones():
            raise ValueError(f"time_zone {self.time_zone} is no IANA name of a time zone")
        if not self.weekdays or len(set(self.weekdays)) != len(self.weekdays):
            raise ValueError("weekdays are some of 1 to 7, each once")
        for day in self.holidays:
            date.fromisoformat(day)


class Rejects(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Which work a provider does not want.

    Attributes:
        share: So much of all, by chance.
        more_units_than: Work of more units.
        countries: Work for there.
        reason: What it says then.
    """

    share: Share = 0.0
    more_units_than: Annotated[int, msgspec.Meta(ge=0)] | None = None
    countries: tuple[CountryCode, ...] = ()
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "no vans today"

    def reason_for(self, work: pb.OfferedWork, *words: object) -> str:
        """
        Return why it does not want *work*; nothing if it does.
        """
        order = work.fulfillment_order
        units = sum(line.quantity for line in order.lines)
        rejected = (
            (self.more_units_than is not None and units > self.more_units_than)
            or order.ship_to.country_code in self.countries
            or chance("reject", *words, order.fulfillment_order_id) < self.share
        )
        return self.reason if rejected else ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One provider.
    """

    id: ProviderId
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    regions: tuple[CountryCode, ...] = ()
    rank: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] = 0
    daily_capacity: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    parcels: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    service_terms: tuple[Terms, ...] = ()
    working_hours: Hours | None = None
    rejects: Rejects = Rejects()
    habits: Habits = Habits()

    def __post_init__(self) -> None:
        if len({terms.service_level for terms in self.service_terms}) != len(self.service_terms):
            raise ValueError("service_terms say a service_level for a second time")

    def character(self, seed: int) -> Character:
        return Character(
            id=self.id,
            name=self.name,
            regions=self.regions,
            rank=self.rank,
            refuses=lambda work: self.rejects.reason_for(work, seed, self.id),
            parcels=self.parcels,
            terms=self._terms(),
            habits=self.habits,
            seed=seed,
        )

    def _terms(self) -> pb.Provider:
        hours = self.working_hours
        return pb.Provider(
            daily_capacity=self.daily_capacity,
            service_terms=[
                pb.ServiceTerms(
                    service_level=f"SERVICE_LEVEL_{terms.service_level}",
                    cost=money_to_wire(Money(terms.cost, terms.currency)),
                    transit_days_min=terms.transit_days[0],
                    transit_days_max=terms.transit_days[1],
                )
                for terms in self.service_terms
            ],
            working_hours=pb.WorkingHours(**msgspec.structs.asdict(hours)) if hours else None,
        )


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    All that a file may say.
    """

    seed: int = 0
    providers: tuple[Entry, ...] = ()
    carrier: Manners = Manners()
    warehouses: tuple[Rules, ...] = ()

    def __post_init__(self) -> None:
        ids = [entry.id for entry in self.providers]
        if twice := next((id_ for id_ in ids if ids.count(id_) > 1), ""):
            raise ValueError(f"there are two providers with the id {twice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """
    Who plays.

    Attributes:
        warehouses: What is found in them; none: nobody counts what comes back.
    """

    seed: int
    characters: tuple[Character, ...]
    manners: Manners
    warehouses: tuple[Rules, ...]


def read_cast(path: Path) -> Cast:
    """
    Raises:
        FileWrong: There is no such file, or it is not as it has to be.
    """
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=File)
    except OSError as error:
        raise FileWrong(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileWrong(f"{path}: {error}") from None
    return Cast(
        seed=file.seed,
        characters=tuple(entry.character(file.seed) for entry in file.providers),
        manners=file.carrier,
        warehouses=file.warehouses,
    )


def file_from(environ: Mapping[str, str]) -> Path | None:
    """
    Return which file the environment names in PROVIDERS; none if it names none.
    """
    name = environ.get("PROVIDERS", "")
    return Path(name).resolve() if name else None
