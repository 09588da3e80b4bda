"""The fraud typologies: how common each is, who makes it, and how and when it is found out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from risk_platform.transactions.simulator.scene import Episode, Scene
from risk_platform.transactions.simulator.typologies.account_takeover import account_takeover
from risk_platform.transactions.simulator.typologies.aeps_cash_out import aeps_cash_out
from risk_platform.transactions.simulator.typologies.card_testing import card_testing
from risk_platform.transactions.simulator.typologies.compromised_merchant import compromised_merchant
from risk_platform.transactions.simulator.typologies.merchant_collusion import merchant_collusion
from risk_platform.transactions.simulator.typologies.mule_ring import mule_ring
from risk_platform.transactions.simulator.typologies.push_payment_scam import push_payment_scam
from risk_platform.transactions.simulator.typologies.rented_account import rented_account
from risk_platform.transactions.simulator.typologies.sim_swap import sim_swap
from risk_platform.transactions.simulator.typologies.structuring import structuring

JudgedBy = Literal["customer", "chargeback", "simulator"]


@dataclass(frozen=True)
class Reporting:
    """How a typology comes to light: the share ever reported, and the log-normal delay in hours."""

    share: float
    median_hours: float
    spread: float
    judged_by: JudgedBy
    earliest_hours: float = 0.2
    latest_hours: float = 24 * 60


@dataclass(frozen=True)
class Typology:
    """One way of fraud: its name, its share of all fraud payments, its generator and its reporting."""

    name: str
    share: float
    generate: Callable[[Scene], Episode]
    reporting: Reporting


_CHARGEBACK = Reporting(0.88, 24 * 14, 0.5, "chargeback", earliest_hours=24 * 5, latest_hours=24 * 40)

# The number of a typology in a ledger is its position here plus one.
TYPOLOGIES: tuple[Typology, ...] = (
    Typology("account_takeover", 0.15, account_takeover, Reporting(0.93, 14, 0.9, "customer")),
    Typology("sim_swap", 0.09, sim_swap, Reporting(0.95, 18, 0.8, "customer")),
    Typology("mule_ring", 0.17, mule_ring, Reporting(0.85, 40, 1.0, "customer")),
    Typology("card_testing", 0.12, card_testing, _CHARGEBACK),
    Typology("compromised_merchant", 0.14, compromised_merchant, _CHARGEBACK),
    Typology("push_payment_scam", 0.13, push_payment_scam, Reporting(0.78, 60, 1.1, "customer")),
    Typology("merchant_collusion", 0.07, merchant_collusion, Reporting(0.70, 24 * 12, 0.5, "simulator", 24)),
    Typology("structuring", 0.05, structuring, Reporting(0.65, 24 * 10, 0.6, "simulator", 24)),
    Typology("rented_account", 0.05, rented_account, Reporting(0.85, 48, 0.9, "simulator", 6)),
    Typology("aeps_cash_out", 0.03, aeps_cash_out, Reporting(0.85, 70, 0.9, "customer")),
)
