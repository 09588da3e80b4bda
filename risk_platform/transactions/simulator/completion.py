"""What the stories of episodes leave open, filled in at once: rails, status, equipment, city."""

from dataclasses import replace

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS
from risk_platform.transactions.simulator.equipment import at_terminal, devices, hidden, instruments, networks
from risk_platform.transactions.simulator.everyday import ordinary_statuses, transfer_channels
from risk_platform.transactions.simulator.ledger import NONE, OWN, Bools, Ints, Ledger
from risk_platform.transactions.simulator.world import World


def completed(world: World, told: Ledger, rng: np.random.Generator) -> Ledger:
    """`told` with every OWN replaced by what the payer uses, does and is near to on that day."""
    day = (told.time_ms - world.calendar.start_ms) // DAY_MS
    channel = _filled(told.channel, transfer_channels(told.amount_minor, rng))
    town, online = _shop_towns(world, told)
    city = _filled(told.city, np.where(town == NONE, world.customers.whereabouts(told.payer, day), town))
    terminal = at_terminal(channel, online)
    return replace(
        told,
        channel=channel,
        city=city,
        status=_filled(told.status, ordinary_statuses(len(told), rng)),
        instrument=_filled(told.instrument, instruments(world, told.payer, day, channel)),
        device=_filled(told.device, hidden(devices(world, told.payer, day, rng), terminal)),
        network=_filled(told.network, hidden(networks(told.payer, city, rng), terminal)),
    )


def _filled(told: Ints, own: Ints) -> Ints:
    return np.where(told == OWN, own, told)


def _shop_towns(world: World, told: Ledger) -> tuple[Ints, Bools]:
    """City of the payee where it is a shop in town, else none, and which payees are online merchants."""
    merchant = world.parties.is_merchant(told.payee)
    town = world.merchants.city[np.where(merchant, world.merchants.position(told.payee), 0)]
    return np.where(merchant, town, NONE), merchant & (town < 0)
