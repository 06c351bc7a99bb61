"""Providers on the wire."""

import re
from collections.abc import Mapping, Set
from functools import cache
from zoneinfo import available_timezones

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_text, check_words
from chassis.rpc.money import money_from_wire, money_to_wire
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.domain.calendar import USUAL_HOURS, WorkingHours
from services.fulfillment.domain.provider import USUAL_TERMS, Provider, ServiceTerms
from services.fulfillment.domain.values import ServiceLevel
from services.fulfillment.wire.days import day_from_wire, time_from_wire
from services.fulfillment.wire.fields import provider_id_from_wire

MOST_TRANSIT_DAYS = 60
MOST_CAPACITY = 1_000_000
MOST_HOLIDAYS = 100

_COUNTRY = re.compile(r"[A-Z]{2}")

_LEVELS: Mapping[int, ServiceLevel] = {
    pb.SERVICE_LEVEL_UNSPECIFIED: ServiceLevel.STANDARD,
    pb.SERVICE_LEVEL_STANDARD: ServiceLevel.STANDARD,
    pb.SERVICE_LEVEL_EXPRESS: ServiceLevel.EXPRESS,
}


class RegionMalformed(InvalidInput):
    pass


class ServiceLevelUnknown(InvalidInput):
    pass


class ServiceLevelRepeated(InvalidInput):
    pass


class CostNegative(InvalidInput):
    pass


class TransitDaysOutOfRange(InvalidInput):
    pass


class CapacityOutOfRange(InvalidInput):
    pass


class TimeZoneUnknown(InvalidInput):
    pass


class WeekdaysMalformed(InvalidInput):
    pass


class HolidaysOutOfRange(InvalidInput):
    pass


def provider_from_wire(wire: pb.Provider) -> Provider:
    """
    Raises:
        InvalidInput: Something is missing or malformed; names the field.
    """
    regions = [
        country_from_wire(region, f"provider.regions[{number}]")
        for number, region in enumerate(wire.regions)
    ]
    if not 0 <= wire.daily_capacity <= MOST_CAPACITY:
        field = "provider.daily_capacity"
        raise CapacityOutOfRange(f"{field} must be 0 to {MOST_CAPACITY:,}", field=field)
    reason = check_words(wire.suspension_reason, "provider.suspension_reason", most=200)
    return Provider(
        id=provider_id_from_wire(wire.provider_id, "provider.provider_id"),
        name=check_text(wire.name, "provider.name", least=1, most=200),
        regions=frozenset(regions),
        rank=wire.rank,
        suspended=wire.suspended,
        suspension_reason=reason if wire.suspended else "",
        terms=_all_terms_from_wire(wire),
        daily_capacity=wire.daily_capacity,
        hours=_hours_from_wire(wire.working_hours)
        if wire.HasField("working_hours")
        else USUAL_HOURS,
    )


def country_from_wire(code: str, field: str) -> str:
    if not _COUNTRY.fullmatch(code):
        raise RegionMalformed(f"{field} must be two capital letters (ISO 3166-1)", field=field)
    return code


def level_from_wire(level: int, field: str) -> ServiceLevel:
    """
    Return the level that is meant: STANDARD, if none is said.
    """
    if level not in _LEVELS:
        raise ServiceLevelUnknown(f"{field} {level} is none", field=field)
    return _LEVELS[level]


def _all_terms_from_wire(wire: pb.Provider) -> tuple[ServiceTerms, ...]:
    terms: dict[ServiceLevel, ServiceTerms] = {}
    for number, some in enumerate(wire.service_terms):
        path = f"provider.service_terms[{number}]"
        read = _terms_from_wire(some, path)
        if read.service_level in terms:
            field = f"{path}.service_level"
            raise ServiceLevelRepeated(f"{field} says a level for a second time", field=field)
        terms[read.service_level] = read
    return tuple(terms.values()) or (USUAL_TERMS,)


def _terms_from_wire(wire: pb.ServiceTerms, path: str) -> ServiceTerms:
    cost = money_from_wire(wire.cost, f"{path}.cost") if wire.HasField("cost") else None
    if cost and cost.minor_units < 0:
        raise CostNegative(f"{path}.cost must not be negative", field=f"{path}.cost")
    least, most = wire.transit_days_min, wire.transit_days_max
    for name, days, lowest in (("min", least, 0), ("max", most, max(least, 0))):
        if not lowest <= days <= MOST_TRANSIT_DAYS:
            field = f"{path}.transit_days_{name}"
            raise TransitDaysOutOfRange(
                f"{field} must be {lowest} to {MOST_TRANSIT_DAYS}, not {days}", field=field
            )
    return ServiceTerms(
        service_level=level_from_wire(wire.service_level, f"{path}.service_level"),
        cost=cost,
        transit_days_min=least,
        transit_days_max=most,
    )


def _hours_from_wire(wire: pb.WorkingHours) -> WorkingHours:
    path = "provider.working_hours"
    if wire.time_zone not in _time_zones():
        field = f"{path}.time_zone"
        raise TimeZoneUnknown(f"{field} must be an IANA name of a time zone", field=field)
    weekdays = frozenset(wire.weekdays)
    if not weekdays or len(weekdays) != len(wire.weekdays) or not weekdays <= set(range(1, 8)):
        field = f"{path}.weekdays"
        raise WeekdaysMalformed(f"{field} must be some of 1 to 7, each once", field=field)
    if len(wire.holidays) > MOST_HOLIDAYS:
        field = f"{path}.holidays"
        raise HolidaysOutOfRange(f"{field} must be at most {MOST_HOLIDAYS} days", field=field)
    return WorkingHours(
        time_zone=wire.time_zone,
        weekdays=weekdays,
        cutoff=time_from_wire(wire.cutoff, f"{path}.cutoff"),
        holidays=frozenset(
            day_from_wire(day, f"{path}.holidays[{number}]")
            for number, day in enumerate(wire.holidays)
        ),
    )


@cache  # Hundreds of files are looked at, while nothing else is done.
def _time_zones() -> Set[str]:
    # These name no place: one is for machines that were never told, one differs by machine.
    return available_timezones() - {"Factory", "localtime"}


def provider_to_wire(provider: Provider) -> pb.Provider:
    return pb.Provider(
        provider_id=provider.id,
        name=provider.name,
        regions=sorted(provider.regions),
        rank=provider.rank,
        suspended=provider.suspended,
        suspension_reason=provider.suspension_reason,
        service_terms=[_terms_to_wire(terms) for terms in provider.terms],
        daily_capacity=provider.daily_capacity,
        working_hours=pb.WorkingHours(
            time_zone=provider.hours.time_zone,
            weekdays=sorted(provider.hours.weekdays),
            cutoff=provider.hours.cutoff.isoformat("minutes"),
            holidays=[day.isoformat() for day in sorted(provider.hours.holidays)],
        ),
    )


def _terms_to_wire(terms: ServiceTerms) -> pb.ServiceTerms:
    return pb.ServiceTerms(
        service_level=f"SERVICE_LEVEL_{terms.service_level}",
        cost=money_to_wire(terms.cost) if terms.cost else None,
        transit_days_min=terms.transit_days_min,
        transit_days_max=terms.transit_days_max,
    )
