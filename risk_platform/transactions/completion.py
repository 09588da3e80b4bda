"""What a canonical row has beyond what its source said: derived identifiers, times, day and partition."""

import polars as pl

from risk_platform.transactions.canonical import Record
from risk_platform.transactions.partition import partitions_of


def completed(frame: pl.DataFrame, record: Record, timezone: str) -> pl.DataFrame:
    """The rows with every derived column.

    A payment without `known_time` was known when it happened, a party when it became valid. `event_date` is
    the day in `timezone`. A judgement or outcome without an identifier is named by what it says.
    """
    if record.kind == "payments":
        return frame.with_columns(
            pl.col("known_time").fill_null(pl.col("event_time")),
            pl.col("event_time").dt.convert_time_zone(timezone).dt.date().alias("event_date"),
            partitions_of(frame["customer_id"]).alias("partition"),
            pl.lit(None, dtype=pl.Int64).alias("sequence"),
        )
    if record.kind == "parties":
        return frame.with_columns(pl.col("known_time").fill_null(pl.col("valid_from")))
    derived = pl.concat_str([_written(frame, name) for name in record.identified_by], separator=":")
    return frame.with_columns(pl.col(record.key[0]).fill_null(derived))


def _written(frame: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(frame.schema[name], pl.Datetime):
        return column.dt.strftime("%Y%m%dT%H%M%S%.6f")
    return column.cast(pl.String)
