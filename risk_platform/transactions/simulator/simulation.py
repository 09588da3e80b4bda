"""One simulation from its configuration: in blocks of days, so that memory does not grow with the period."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.episodes import expected_everyday_payments, plan_episodes
from risk_platform.transactions.simulator.everyday import everyday_payments
from risk_platform.transactions.simulator.judgements import judge
from risk_platform.transactions.simulator.ledger import Ledger, concatenate
from risk_platform.transactions.simulator.standing import (
    StandingOrders,
    build_standing_orders,
    standing_payments,
)
from risk_platform.transactions.simulator.tables import (
    Spaces,
    identifier_spaces,
    judgements_table,
    numbered_judgements,
    parties_table,
    payments_table,
    truth_table,
)
from risk_platform.transactions.simulator.world import World, build_world

Progress = Callable[[int, int], None]
_BLOCK_PAYMENTS = 250_000


@dataclass(frozen=True)
class SimulatedPayments:
    """Arrow tables of one simulation, ready for the canonical mappings.

    `ground_truth` (transaction_id, typology, episode_id) is what no payment system knows; never ingest it.
    """

    payments: pa.Table
    judgements: pa.Table
    parties: pa.Table
    ground_truth: pa.Table


@dataclass(frozen=True)
class Block:
    """The payments of some days in the order of their times, and what belongs to them."""

    payments: pa.Table
    judgements: pa.Table
    ground_truth: pa.Table


class Simulation:
    """A world and its plan of episodes; `blocks` makes the payments, always the same ones."""

    def __init__(self, config: SimulationConfig) -> None:
        """Draw the world of `config`; raises InputError when the festival table does not cover the period."""
        self.config = config
        self.spaces: Spaces = identifier_spaces(config.seed)
        self.world: World = build_world(config, self._generator(0))
        self._orders: StandingOrders = build_standing_orders(self.world, self._generator(1))
        self._expected = expected_everyday_payments(self.world, self._orders)
        self._episodes: Ledger = plan_episodes(self.world, self._expected, self._generator(2))

    @property
    def parties(self) -> pa.Table:
        """Canonical parties of the world."""
        return parties_table(self.world, self.spaces)

    def blocks(self, progress: Progress | None = None) -> Iterator[Block]:
        """Blocks of whole days in order; `progress` is told the days done and the days in all."""
        first, later = 0, concatenate([])
        for days in self._day_blocks():
            made = concatenate([later, self._payments_of(days)])
            end = self.world.calendar.start_ms + days.stop * 86_400_000
            later = made.take(made.time_ms >= end)
            payments = made.take(made.time_ms < end).by_time()
            yield self._block(payments, first, days.start)
            first += len(payments)
            if progress is not None:
                progress(days.stop, self.config.days)

    def _day_blocks(self) -> list[range]:
        days = self.config.days
        length = max(1, min(days, int(days * _BLOCK_PAYMENTS / max(1.0, self._expected))))
        return [range(start, min(start + length, days)) for start in range(0, days, length)]

    def _payments_of(self, days: range) -> Ledger:
        start = self.world.calendar.start_ms
        low, high = np.searchsorted(
            self._episodes.time_ms, [start + days.start * 86_400_000, start + days.stop * 86_400_000]
        )
        return concatenate(
            [
                everyday_payments(self.world, days, self._generator(3, days.start)),
                standing_payments(self.world, self._orders, days, self._generator(4, days.start)),
                self._episodes.take(np.arange(low, high)),
            ]
        )

    def _block(self, payments: Ledger, first: int, day: int) -> Block:
        judged = judge(payments, self.config.fraud_share, self._generator(5, day))
        return Block(
            payments_table(self.world, self.spaces, payments, first, self._generator(6, day)),
            judgements_table(self.spaces, judged, first),
            truth_table(self.spaces, payments, first),
        )

    def _generator(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, *stream])


def simulate(config: SimulationConfig, progress: Progress | None = None) -> SimulatedPayments:
    """The whole simulation of `config` in memory (about 400 bytes a payment)."""
    simulation = Simulation(config)
    blocks = list(simulation.blocks(progress))
    return SimulatedPayments(
        pa.concat_tables(block.payments for block in blocks),
        numbered_judgements(simulation.spaces, pa.concat_tables(block.judgements for block in blocks)),
        simulation.parties,
        pa.concat_tables(block.ground_truth for block in blocks),
    )
