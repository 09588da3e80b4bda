"""The business calendar: Indian days, festivals, salary days and how busy a day is."""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources

import numpy as np

from risk_platform.errors import InputError
from risk_platform.transactions.simulator.ledger import Floats, Ints

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
# India keeps one time zone without summer time, so a business day is a fixed shift of the UTC day.
IST_MS = 19_800_000
_WEEKDAY = (0.95, 0.95, 0.97, 0.98, 1.04, 1.10, 1.01)
_SALARY_GLOW = (1.30, 1.35, 1.25, 1.18, 1.12, 1.06)
NO_SALARY, FIRST_DAY, LAST_WORKING_DAY, SEVENTH_DAY = range(4)


@dataclass(frozen=True)
class Festival:
    """One festival: its day, how many days before it shopping grows, and by which share at its height."""

    name: str
    day: date
    lead_days: int
    boost: float


@cache
def festivals() -> tuple[Festival, ...]:
    """The festival table that ships with the package, 2018 to 2030."""
    text = (
        resources.files("risk_platform.transactions.simulator")
        .joinpath("data/festivals.csv")
        .read_text("utf-8")
    )
    return tuple(
        Festival(row["festival"], date.fromisoformat(row["date"]), int(row["lead_days"]), float(row["boost"]))
        for row in csv.DictReader(text.splitlines())
    )


def last_working_day(day: date) -> date:
    """The last Monday to Friday of the month of `day`."""
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return last - timedelta(days=max(0, last.weekday() - 4))


def is_salary_day(rule: int, day: date) -> bool:
    """Whether salaries of `rule` are paid on `day`: on the 1st, the last working day or the 7th."""
    return (
        (rule == FIRST_DAY and day.day == 1)
        or (rule == LAST_WORKING_DAY and day == last_working_day(day))
        or (rule == SEVENTH_DAY and day.day == 7)
    )


@dataclass(frozen=True)
class Calendar:
    """The simulated period: `days` business days from `start`.

    `start_ms` is its first instant in milliseconds since 1970 UTC, `dates` are its days,
    `activity` (days,) is how busy each day is, about 1; `glow` (4 salary rules, days) is the factor
    by which people spend more after their salary.
    """

    start: date
    start_ms: int
    dates: tuple[date, ...]
    activity: Floats
    glow: Floats

    @property
    def days(self) -> int:
        return len(self.dates)

    @property
    def end_ms(self) -> int:
        """First instant after the period."""
        return self.start_ms + self.days * DAY_MS

    def instants(self, day: Ints, within_ms: Ints) -> Ints:
        """UTC milliseconds of an Indian clock time on a day of the period."""
        return self.start_ms + day * DAY_MS + within_ms


def build_calendar(start: date, days: int) -> Calendar:
    """The calendar of a period; raises InputError when the festival table does not reach that far."""
    dates = tuple(start + timedelta(days=offset) for offset in range(days))
    years = {festival.day.year for festival in festivals()}
    if not {dates[0].year, dates[-1].year} <= years:
        raise InputError(
            f"The period {dates[0]} to {dates[-1]} leaves the festival table; "
            f"simulate within {min(years)} to {max(years)}."
        )
    activity = np.array([_WEEKDAY[day.weekday()] * _festive_factor(day) for day in dates])
    glow = np.array([[_glow(rule, day) for day in dates] for rule in range(4)])
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return Calendar(start, int(midnight.timestamp()) * 1000 - IST_MS, dates, activity, glow)


def _festive_factor(day: date) -> float:
    growth = 0.0
    for festival in festivals():
        ahead = (festival.day - day).days
        if -1 <= ahead <= festival.lead_days:
            growth += festival.boost * (1 - max(0, ahead) / (festival.lead_days + 1))
    return 1 + growth


def _glow(rule: int, day: date) -> float:
    if rule == NO_SALARY:
        return 1.0
    for age, factor in enumerate(_SALARY_GLOW):
        if is_salary_day(rule, day - timedelta(days=age)):
            return factor
    return 0.93
