"""The benchmark of the feature mart: the whole build against pandas, and its growth with the payments."""

import resource
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from risk_platform.cli.figures import Figure
from risk_platform.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd

    from risk_platform.models.scratch import Scratch

# Share of the customers, counterparties and pairs that pandas computes; its time is extrapolated per payment.
PANDAS_SHARE = 0.01
LIMIT_MEMORY_MB = 4096.0
_NOW = datetime(2027, 1, 1, tzinfo=UTC)
# The simulator makes about a million payments of 5,500 customers in ninety days.
_SMALL_CUSTOMERS, _LARGE_CUSTOMERS = 2_750, 27_500


@dataclass(frozen=True)
class _Build:
    payments: int
    seconds: float
    processor_seconds: float
    peak_mb: float


def feature_figures(file: Path, mapping: str) -> list[Figure]:
    """Seconds of the whole mart of a labelled file against pandas on a part of it, values compared."""
    from risk_platform.features.spec import load_feature_spec

    with TemporaryDirectory() as folder:
        build = _in_own_process(Path(folder), file, mapping)
        seconds, features = _pandas(Path(folder), mapping)
    mart = len(load_feature_spec().names)
    per_feature = seconds / features * mart
    return [
        Figure(
            "features_seconds",
            build.seconds,
            "s",
            f"pandas, {features} of the {mart} features",
            seconds,
            seconds / build.seconds,
        ),
        Figure(
            "features_seconds_per_feature",
            build.seconds / mart,
            "s",
            "pandas",
            seconds / features,
            per_feature / build.seconds,
        ),
        Figure(
            "features_peak", build.peak_mb, "MB", "limit", LIMIT_MEMORY_MB, LIMIT_MEMORY_MB / build.peak_mb
        ),
    ]


def scaling_figures() -> list[Figure]:
    """Seconds per million payments and peak memory, at half a million and at five million payments."""
    small, large = _simulated(_SMALL_CUSTOMERS), _simulated(_LARGE_CUSTOMERS)
    return [
        _pace(
            "features_5m_seconds_per_million", small.seconds / small.payments, large.seconds / large.payments
        ),
        _pace(
            "features_5m_processor_seconds_per_million",
            small.processor_seconds / small.payments,
            large.processor_seconds / large.payments,
        ),
        Figure(
            "features_5m_peak", large.peak_mb, "MB", "limit", LIMIT_MEMORY_MB, LIMIT_MEMORY_MB / large.peak_mb
        ),
    ]


def _pace(name: str, small: float, large: float) -> Figure:
    return Figure(name, large * 1e6, "s", "at half a million", small * 1e6, small / large)


def _simulated(customers: int) -> _Build:
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import write_simulation

    with TemporaryDirectory() as folder:
        file = Path(folder) / "payments.parquet"
        write_simulation(SimulationConfig(customers, 90), file)
        return _in_own_process(Path(folder), file, "canonical")


def _in_own_process(folder: Path, file: Path, mapping: str) -> _Build:
    """Ingest here, build in a process of its own, so that its peak memory is its own."""
    from risk_platform.lake.contract import build_transactions
    from risk_platform.models.scratch import LabelledFile, ingest_labelled
    from risk_platform.transactions.mapping import load_mapping

    scratch = _scratch(folder, mapping)
    first, last = ingest_labelled(
        scratch, LabelledFile(file, load_mapping(mapping), None), _NOW, lambda _: None
    )
    build_transactions(scratch.lake, first, last, now=_NOW)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_build, scratch).result()


def _scratch(folder: Path, mapping: str) -> "Scratch":
    from risk_platform.models.scratch import Scratch
    from risk_platform.transactions.mapping import load_mapping

    return Scratch(folder, "UTC", load_mapping(mapping).label_delay or timedelta(days=7))


def _build(scratch: "Scratch") -> _Build:
    from risk_platform.features.build import build_features
    from risk_platform.lake.tables import PAYMENT_FEATURES, TRANSACTIONS

    days = scratch.lake.read(TRANSACTIONS, columns=["event_date"])["event_date"].unique().to_pylist()
    began, worked = perf_counter(), process_time()
    build_features(
        scratch.lake,
        from_date=min(days),
        to_date=max(days),
        label_maturity=scratch.maturity,
        timezone=scratch.timezone,
        work_dir=scratch.folder / "work",
    )
    seconds, processor_seconds = perf_counter() - began, process_time() - worked
    rows = scratch.lake.dataset(PAYMENT_FEATURES).count_rows()
    return _Build(rows, seconds, processor_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _pandas(folder: Path, mapping: str) -> tuple[float, int]:
    """Seconds pandas would take for its plan, and its features; raises ContractError where values differ."""
    import numpy as np

    from risk_platform.cli.pandas_features import PLAN, run

    scratch = _scratch(folder, mapping)
    result = run(_payments(scratch), np.timedelta64(scratch.maturity), PANDAS_SHARE)
    _compare(scratch, result.values)
    return result.seconds, sum(len(plan) for plan in PLAN.values())


def _payments(scratch: "Scratch") -> "pd.DataFrame":
    with scratch.lake.connect() as session:
        frame: pd.DataFrame = session.sql(
            """
            select transaction_id, event_time at time zone 'UTC' as event_time, customer_id, counterparty_id,
              customer_id || '/' || counterparty_id as pair, amount_minor::double as amount,
              (judgement_id is not null)::double as fraud,
              case when judgement_id is null then amount_minor::double end as good_amount,
              epoch_us(event_time) / 86400000000.0 as days,
              case when judgement_id is not null then days end as fraud_days,
              case when judgement_id is null then days end as good_days,
              dense_rank() over (order by customer_id)::double as customer_code,
              dense_rank() over (order by counterparty_id)::double as counterparty_code
            from transactions left join judgements using (source, transaction_id)
            """
        ).df()
        return frame


def _compare(scratch: "Scratch", values: "pd.DataFrame") -> None:
    from numpy import isclose

    with scratch.lake.connect() as session:
        names = ", ".join(values.columns)
        mart = (
            session.sql(f"select transaction_id, {names} from payment_features")  # noqa: S608  # names of the plan
            .df()
            .set_index("transaction_id")
        )
    for name, column in values.items():
        expected = column.dropna()
        found = mart.loc[expected.index, str(name)].to_numpy()
        if not isclose(found, expected.to_numpy(), rtol=1e-6, atol=1e-3).all():
            raise ContractError(f"pandas and the mart disagree on {name}.")
