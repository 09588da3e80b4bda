"""What a payment is made with: the device, the network and the instrument of a customer on a day."""

import numpy as np

from risk_platform.transactions.simulator.ledger import NONE, Bools, Channel, Ints
from risk_platform.transactions.simulator.world import World

# Code numbers of the device and network spaces; customers' own devices are customer * 8 + slot, far below.
ONE_OFF_DEVICES = 1 << 36
CREW_DEVICES = 1 << 35
CARRIER_NETWORKS = 1 << 35
CREW_NETWORKS = 1 << 36
SLOTS = 8
NEW_PHONE = 3
VPA, ACCOUNT, DEBIT_CARD, CREDIT_CARD, NEW_DEBIT_CARD, NEW_CREDIT_CARD, NEW_VPA, WALLET = range(SLOTS)
_ONE_OFF_SHARE = 0.004


def devices(world: World, customer: Ints, day: Ints, rng: np.random.Generator) -> Ints:
    """Device codes: mostly the first phone or its successor, at times another or the family's."""
    people, n = world.customers, len(customer)
    slot = np.where(rng.random(n) < 0.85, 0, rng.integers(0, people.devices[customer]))
    own = customer * SLOTS + np.where((slot == 0) & (people.new_phone_day[customer] <= day), NEW_PHONE, slot)
    household = world.household[customer]
    borrowed = (household >= 0) & (rng.random(n) < 0.04)
    one_off = rng.random(n) < _ONE_OFF_SHARE
    code = np.where(borrowed, household * SLOTS, own)
    return np.where(one_off, ONE_OFF_DEVICES + rng.integers(0, 1 << 33, n), code)


def networks(customer: Ints, city: Ints, rng: np.random.Generator) -> Ints:
    """Network codes: the home network, or one of the carrier's shared exits of the city."""
    n = len(customer)
    return np.where(rng.random(n) < 0.45, customer, carrier_networks(city, rng))


def carrier_networks(city: Ints, rng: np.random.Generator) -> Ints:
    """One of the sixty shared exits that mobile carriers have in each city."""
    return CARRIER_NETWORKS + city * 60 + rng.integers(0, 60, len(city))


def instruments(world: World, customer: Ints, day: Ints, channel: Ints) -> Ints:
    """Instrument codes: VPA, account, card or wallet, as the channel wants; renewed ones after their day."""
    people = world.customers
    reregistered = (people.new_phone_day[customer] <= day) & (customer % 3 == 0)
    vpa = np.where(reregistered, NEW_VPA, VPA)
    renewed = people.new_card_day[customer] <= day
    credit = (channel == Channel.CARD) & (people.card_love[customer] > 0.8)
    card = np.where(credit, CREDIT_CARD, DEBIT_CARD) + np.where(renewed, NEW_DEBIT_CARD - DEBIT_CARD, 0)
    slot = np.full(len(customer), ACCOUNT)
    slot = np.where(channel == Channel.UPI, vpa, slot)
    slot = np.where((channel == Channel.CARD) | (channel == Channel.ATM), card, slot)
    slot = np.where(channel == Channel.WALLET, WALLET, slot)
    codes: Ints = customer * SLOTS + slot
    return codes


def at_terminal(channel: Ints, online: Bools) -> Bools:
    """Payments made on the payee's terminal, which show no device and no network of the customer."""
    cash = (channel == Channel.ATM) | (channel == Channel.AEPS)
    terminal: Bools = cash | ((channel == Channel.CARD) & ~online)
    return terminal


def hidden(codes: Ints, where: Bools) -> Ints:
    """`codes` with none where `where` holds."""
    return np.where(where, NONE, codes)
