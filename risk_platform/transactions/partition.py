"""The engine partition of a customer: stable for ever, so that several engines can share the customers."""

import zlib

import polars as pl

PARTITIONS = 256


def partitions_of(customer_ids: pl.Series) -> pl.Series:
    """CRC-32 of each identifier's UTF-8 bytes modulo 256, Int16; null stays null."""
    distinct = customer_ids.drop_nulls().unique()
    partitions = [zlib.crc32(identifier.encode()) % PARTITIONS for identifier in distinct]
    return customer_ids.replace_strict(
        distinct, pl.Series(partitions, dtype=pl.Int16), default=None, return_dtype=pl.Int16
    )
