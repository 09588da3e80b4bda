"""One consistent look at the lake, shared by all sessions until a table gets a new version."""

from threading import Lock
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import streamlit as st

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import TABLES
from risk_platform.settings import load_settings

Parameters = dict[str, Any]
Options = tuple[tuple[str, str], ...]
FRESH_SECONDS = 10


class Snapshot:
    """A DuckDB session over the lake as it was at its table versions; one query at a time."""

    def __init__(self, root: str, options: Options) -> None:
        self._session = Lake(root, dict(options)).connect()
        self._lock = Lock()

    def table(self, query: str, parameters: Parameters) -> pa.Table:
        """Rows of `query`; raises LakeError when the files behind the snapshot are gone or broken."""
        with self._lock:
            try:
                return self._session.sql(query, params=parameters or None).to_arrow_table()
            except (duckdb.Error, OSError) as error:
                raise LakeError(f"The lake could not be read; reload the page ({error}).") from error


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False)
def _versions(root: str, options: Options) -> tuple[int, ...]:
    lake = Lake(root, dict(options))
    return tuple(lake.version(table) for table in TABLES)


@st.cache_resource(max_entries=2, show_spinner=False)
def _snapshot(root: str, options: Options, versions: tuple[int, ...]) -> Snapshot:  # noqa: ARG001 - the cache key
    return Snapshot(root, options)


@st.cache_data(max_entries=256, ttl="1h", show_spinner="Reading the lake …")
def _answer(
    root: str, options: Options, versions: tuple[int, ...], query: str, parameters: Parameters
) -> pa.Table:
    return _snapshot(root, options, versions).table(query, parameters)


def ask(query: str, **parameters: object) -> pa.Table:
    """Rows of `query` over the lake tables, cached until a table changes (noticed within FRESH_SECONDS).

    `parameters` are the values of $name in the query.
    """
    settings = load_settings()
    options = tuple(sorted(settings.lake_options.items()))
    versions = _versions(settings.lake_root, options)
    return _answer(settings.lake_root, options, versions, query, parameters)


def frame(query: str, **parameters: object) -> pd.DataFrame:
    """The rows of `ask` as a data frame."""
    rows: pd.DataFrame = ask(query, **parameters).to_pandas(date_as_object=False)
    return rows
