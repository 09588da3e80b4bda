"""Times as sources write them (ISO 8601, formats, epochs, steps since an origin) to instants in UTC."""

from datetime import UTC, datetime, timedelta

import polars as pl

from risk_platform.transactions.mapping import ColumnMapping, TimeUnit

INSTANT = pl.Datetime("us", "UTC")
_NAIVE = pl.Datetime("us")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS: dict[TimeUnit, float] = {
    "ns": 1e-3,
    "us": 1,
    "ms": 1e3,
    "s": 1e6,
    "m": 60e6,
    "h": 3600e6,
    "d": 86400e6,
}
_ISO_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z")
_ISO_NAIVE = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_ZONED_DIRECTIVES = ("%z", "%:z", "%#z", "%Z", "%+")
# Seconds from year 1 to year 9999 in microseconds, the instants that both Arrow and Python can hold.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


def to_instants(values: pl.Series, column: ColumnMapping) -> pl.Series:
    """`values` as instants in UTC, microseconds; null where a value is none under the mapping.

    A time without an offset is one of the mapping's time zone; of an hour that occurs twice the first is
    taken, one that is skipped is unreadable.
    """
    if column.unit is not None:
        return _since_origin(values, column.unit, column.origin or _EPOCH)
    if isinstance(values.dtype, pl.Datetime):
        return _localized(values.cast(pl.Datetime("us", values.dtype.time_zone)), column.timezone)
    if values.dtype == pl.Date:
        return _localized(values.cast(_NAIVE), column.timezone)
    text = values.cast(pl.String)
    return _parsed(text, column.formats or (*_ISO_NAIVE, *_ISO_ZONED), column.timezone)


def to_dates(values: pl.Series, column: ColumnMapping) -> pl.Series:
    """`values` as calendar days; null where a value is none under the mapping."""
    if values.dtype == pl.Date:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.date()
    text = values.cast(pl.String)
    dates = pl.Series([None] * len(text), dtype=pl.Date)
    for written in column.formats or ("%Y-%m-%d", *_ISO_NAIVE):
        dates = dates.fill_null(text.str.to_date(_directives(written), strict=False))
    return dates


def _since_origin(values: pl.Series, unit: TimeUnit, origin: datetime) -> pl.Series:
    """Whole counts are exact; a count with a fraction is taken as a double."""
    start = (origin - _EPOCH) // timedelta(microseconds=1)
    size = _MICROSECONDS[unit]
    frame = pl.DataFrame({"count": values}).select(
        whole=pl.col("count").cast(pl.Int64, strict=False),
        real=pl.col("count").cast(pl.Float64, strict=False),
    )
    within = (pl.col("real") * size + start).is_between(_FIRST, _LAST)
    rounded = (pl.col("real") * size).round(0) + start
    is_whole = pl.col("whole").cast(pl.Float64) == pl.col("real")
    exact = pl.col("whole") * int(size) + start if size >= 1 else pl.col("whole") // round(1 / size) + start
    return frame.select(
        pl.when(within & is_whole)
        .then(exact)
        .when(within)
        .then(rounded.cast(pl.Int64, strict=False))
        .cast(INSTANT)
    ).to_series()


def _parsed(text: pl.Series, formats: tuple[str, ...], timezone: str) -> pl.Series:
    """Formats are tried in turn, each on what the ones before could not read."""
    instants = pl.Series([None] * len(text), dtype=INSTANT)
    for written in formats:
        if instants.null_count() == text.null_count():
            break
        read = _parsed_one(text, _directives(written), timezone)
        instants = instants.fill_null(read)
    return instants


def _parsed_one(text: pl.Series, written: str, timezone: str) -> pl.Series:
    if any(directive in written for directive in _ZONED_DIRECTIVES):
        return text.str.to_datetime(written, strict=False, time_unit="us", time_zone="UTC")
    dated_only = not any(directive in written for directive in ("%H", "%I", "%T", "%R", "%X", "%c", "%s"))
    if dated_only:
        return _localized(text.str.to_date(written, strict=False).cast(_NAIVE), timezone)
    return _localized(text.str.to_datetime(written, strict=False, time_unit="us"), timezone)


def _directives(written: str) -> str:
    """Python's `.%f`, a fraction of a second, in the parser's own writing."""
    return written.replace(".%f", "%.f")


def _localized(values: pl.Series, timezone: str) -> pl.Series:
    zoned = values
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is None:
        zoned = values.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")
