"""From codes to canonical tables: payments, judgements, parties, and apart from them the ground truth."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from risk_platform.transactions.simulator.customers import AGE_BANDS
from risk_platform.transactions.simulator.identifiers import IdentifierSpace
from risk_platform.transactions.simulator.judgements import JUDGES, Judgements
from risk_platform.transactions.simulator.ledger import (
    LEGITIMATE,
    NONE,
    Bools,
    Channel,
    Floats,
    Ints,
    Ledger,
    PaymentKind,
    Status,
)
from risk_platform.transactions.simulator.places import categories, cities
from risk_platform.transactions.simulator.typologies.registry import TYPOLOGIES
from risk_platform.transactions.simulator.world import World

SOURCE = "simulator"
TIMESTAMP = pa.timestamp("us", tz="UTC")
# Payments that carry no position: the customer did not share it.
_NO_POSITION_SHARE = 0.12


@dataclass(frozen=True)
class Spaces:
    """The identifier spaces of one simulation."""

    payments: IdentifierSpace
    judgements: IdentifierSpace
    parties: IdentifierSpace
    instruments: IdentifierSpace
    devices: IdentifierSpace
    networks: IdentifierSpace


def identifier_spaces(seed: int) -> Spaces:
    """The spaces that belong to `seed`."""
    return Spaces(
        payments=IdentifierSpace("T", 12, seed),
        judgements=IdentifierSpace("J", 10, seed),
        parties=IdentifierSpace("P", 8, seed),
        instruments=IdentifierSpace("I", 8, seed),
        devices=IdentifierSpace("D", 8, seed),
        networks=IdentifierSpace("N", 8, seed),
    )


def payments_table(
    world: World, spaces: Spaces, payments: Ledger, first: int, rng: np.random.Generator
) -> pa.Table:
    """Canonical payments of a ledger whose first payment is the `first` of the whole simulation."""
    latitude, longitude = _positions(world, payments, rng)
    hidden = rng.random(len(payments)) < _NO_POSITION_SHARE
    numbers = np.arange(first, first + len(payments))
    table = cities()
    columns = {
        "source": _constant(SOURCE, len(payments)),
        "transaction_id": spaces.payments.encode(numbers),
        "event_time": _timestamps(payments.time_ms),
        "kind": _named(payments.kind, [kind.name.lower() for kind in PaymentKind]),
        "status": _named(payments.status, [status.name.lower() for status in Status]),
        "customer_id": spaces.parties.encode(payments.payer),
        "instrument_id": spaces.instruments.encode(payments.instrument),
        "counterparty_id": spaces.parties.encode(payments.payee),
        "counterparty_type": _named(
            _counterparty_types(world, payments.payee), ["person", "account", "merchant"]
        ),
        "amount_minor": _column(payments.amount_minor, pa.int64()),
        "currency": _constant("INR", len(payments)),
        "channel": _named(payments.channel, [channel.name for channel in Channel]),
        "mcc": _named(payments.category, list(categories().mccs)),
        "device_id": spaces.devices.encode(payments.device),
        "ip_token": spaces.networks.encode(payments.network),
        "latitude": _column(latitude, pa.float64(), hidden),
        "longitude": _column(longitude, pa.float64(), hidden),
        "city": _named(payments.city, list(table.names)),
        "country": _named(payments.city, list(table.countries)),
    }
    return pa.table(columns)


def truth_table(spaces: Spaces, payments: Ledger, first: int) -> pa.Table:
    """Typology and episode of every fraud of a ledger: transaction_id, typology, episode_id."""
    frauds = np.flatnonzero(payments.typology != LEGITIMATE)
    return pa.table(
        {
            "transaction_id": spaces.payments.encode(first + frauds),
            "typology": _named(payments.typology[frauds] - 1, [typology.name for typology in TYPOLOGIES]),
            "episode_id": _column(payments.episode[frauds], pa.int64()),
        }
    )


def judgements_table(spaces: Spaces, judged: Judgements, first: int) -> pa.Table:
    """Canonical judgements, still without judgement_id, on the ledger that begins with payment `first`."""
    return pa.table(
        {
            "source": _constant(SOURCE, len(judged.payment)),
            "transaction_id": spaces.payments.encode(first + judged.payment),
            "is_fraud": _flags(judged.is_fraud),
            "known_time": _timestamps(judged.known_ms),
            "judged_by": _named(judged.judge, list(JUDGES)),
            "confidence": _column(judged.confidence, pa.float64()),
        }
    )


def numbered_judgements(spaces: Spaces, judged: pa.Table) -> pa.Table:
    """The judgements in the order in which they become known, each with its judgement_id."""
    ordered = judged.sort_by([("known_time", "ascending"), ("transaction_id", "ascending")])
    return ordered.add_column(0, "judgement_id", spaces.judgements.encode(np.arange(len(ordered))))


def parties_table(world: World, spaces: Spaces) -> pa.Table:
    """Canonical parties: customers, institutions and merchants, each known since its relation began."""
    people, parties = world.customers, world.parties
    institutions = np.arange(parties.first_institution, parties.first_person)
    merchants = np.arange(parties.first_merchant, parties.first_merchant + parties.merchants)
    codes = np.concatenate([np.arange(len(people)), institutions, merchants])
    opened = np.concatenate(
        [people.opened_day, np.full(len(institutions), -4_000), world.merchants.opened_day]
    )
    ages = np.full(len(codes), NONE)
    ages[: len(people)] = people.age_band
    known = _timestamps(world.calendar.instants(opened, np.zeros(len(opened), dtype=np.int64)))
    return pa.table(
        {
            "party_id": spaces.parties.encode(codes),
            "kind": _named(_counterparty_types(world, codes), ["person", "account", "merchant"]),
            "age_band": _named(ages, list(AGE_BANDS)),
            "opened_date": _dates(world, opened),
            "valid_from": known,
            "known_time": known,
        }
    )


def _counterparty_types(world: World, party: Ints) -> Ints:
    return np.where(world.parties.is_merchant(party), 2, np.where(world.parties.is_institution(party), 1, 0))


def _positions(world: World, payments: Ledger, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each payment was made: in the shop, at home or somewhere in the city; degrees, five decimals."""
    shop = _shops_in_town(world, payments)
    customer = np.where(world.parties.is_customer(payments.payer), payments.payer, 0)
    at_home = world.parties.is_customer(payments.payer) & (world.customers.home[customer] == payments.city)
    places = []
    for towns, people, shops in (
        (cities().latitude, world.customers.latitude, world.merchants.latitude),
        (cities().longitude, world.customers.longitude, world.merchants.longitude),
    ):
        around = towns[payments.city] + 0.05 * rng.standard_normal(len(payments))
        home = people[customer] + 0.012 * rng.standard_normal(len(payments))
        place = np.where(at_home, home, around)
        spot: Floats = np.where(shop >= 0, shops[np.maximum(shop, 0)], place)
        places.append(spot.round(5))
    return places[0], places[1]


def _shops_in_town(world: World, payments: Ledger) -> Ints:
    merchant: Bools = world.parties.is_merchant(payments.payee)
    position = np.where(merchant, world.merchants.position(payments.payee), 0)
    return np.where(merchant & (world.merchants.city[position] >= 0), position, NONE)


def _named(codes: Ints, names: list[str]) -> pa.Array:
    indices = _column(codes, pa.int64(), codes < 0)
    return pa.DictionaryArray.from_arrays(indices, _words(names)).cast(pa.string())


def _constant(name: str, rows: int) -> pa.Array:
    return _named(np.zeros(rows, dtype=np.int64), [name])


def _words(names: list[str]) -> pa.Array:
    ends = np.cumsum([0, *(len(name.encode()) for name in names)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(names), pa.py_buffer(ends), pa.py_buffer("".join(names).encode()))


def _flags(values: Bools) -> pa.Array:
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])


def _timestamps(milliseconds: Ints) -> pa.Array:
    return _column(milliseconds * 1000, TIMESTAMP)


def _dates(world: World, day: Ints) -> pa.Array:
    first = (world.calendar.start - date(1970, 1, 1)).days
    return _column((first + day).astype(np.int32), pa.date32())


def _column(
    values: Ints | Floats | NDArray[np.int32], kind: pa.DataType, missing: Bools | None = None
) -> pa.Array:
    """An Arrow array over the bytes of `values`; `pa.array` would import pandas first."""
    validity = None
    if missing is not None and missing.any():
        validity = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(np.ascontiguousarray(values))])
