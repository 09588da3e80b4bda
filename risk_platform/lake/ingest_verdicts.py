"""Which staged rows are new: duplicates, conflicting bodies and unknown payments are found in SQL."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from risk_platform.lake.table import Table
from risk_platform.lake.tables import PAYMENT_KEY, RAW_TRANSACTIONS
from risk_platform.transactions.mapper import SOURCE_LINE

CONFLICTING_BODY = "conflicting_body"
UNKNOWN_PAYMENT = "unknown_payment"

_BATCH_ROWS = 65_536
# Fixed when a payment is first written, or made of its other columns; not what its source says.
_NO_BODY = frozenset({"sequence", "partition", "event_date", "file_id", SOURCE_LINE})


@dataclass(frozen=True)
class Verdicts:
    """Staged rows that are new, that this very file brought in before, are duplicates, or break a rule."""

    new: int
    resumed: int
    duplicates: int
    refused: dict[str, int]


class Judge:
    """Sorts the staged rows in the Parquet file `rows` into new ones, duplicates and refused ones.

    A row is a duplicate when its key is taken by a row with the same body, in the lake or earlier in the
    file; with another body it is refused. A row that this very file brought in before counts as new:
    inserting it again adds nothing. `session` sees the lake's tables.
    """

    def __init__(self, session: duckdb.DuckDBPyConnection, rows: Path, table: Table, file_id: str) -> None:
        self._session = session
        self._table = table
        self._file_id = file_id
        self._key = ", ".join(f'"{name}"' for name in table.key)
        self._body = [name for name in table.column_names if name not in (*table.key, *_NO_BODY)]
        path = str(rows).replace("'", "''")
        session.execute(f"CREATE TEMP VIEW staged AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
        session.execute(
            "CREATE TEMP TABLE verdicts (source_line BIGINT, rule VARCHAR, name VARCHAR, value VARCHAR)"
        )
        session.execute("CREATE TEMP TABLE resumed (source_line BIGINT)")

    def judge(self) -> Verdicts:
        """How many rows are what; afterwards `new_rows`, `labels` and `refusals` give them."""
        if self._refers_to_payments:
            self._refuse_unknown_payments()
        self._compare_with_lake()
        self._compare_within_file()
        refused = dict(self._session.execute("SELECT rule, count(*) FROM verdicts GROUP BY rule").fetchall())
        duplicates = refused.pop(None, 0)
        resumed = self._count("resumed")
        new = self._count("staged") - resumed - duplicates - sum(refused.values())
        return Verdicts(new, resumed, duplicates, refused)

    def new_rows(self) -> pa.RecordBatchReader:
        """The rows to insert, in the columns of the table."""
        literal = {"file_id": f"'{self._file_id}' AS file_id"}
        columns = ", ".join(literal.get(name, f'"{name}"') for name in self._table.column_names)
        return self._read(
            f"""SELECT {columns} FROM staged
            ANTI JOIN verdicts USING (source_line) ANTI JOIN resumed USING (source_line)"""  # noqa: S608
        )

    def refusals(self) -> pa.RecordBatchReader:
        """The rows refused here: source_line, transaction_id, rule, column, value."""
        identifier = "transaction_id" if "transaction_id" in self._table.column_names else "NULL::VARCHAR"
        return self._read(
            f"""SELECT source_line, left({identifier}, 200) AS transaction_id, rule, name AS "column", value
            FROM verdicts JOIN staged USING (source_line) WHERE rule IS NOT NULL"""  # noqa: S608
        )

    def labels(self, delay: timedelta, judged_by: str) -> pa.RecordBatchReader:
        """Judgements on the payments the file calls fraud, known `delay` after them unless it says when.

        A payment that it does not call fraud is one that nobody reported: it gets none. Duplicates count too:
        the label may be what is new of them.
        """
        microseconds = delay // timedelta(microseconds=1)
        return self._read(
            f"""SELECT source || ':' || transaction_id || ':label' AS judgement_id,
                source, transaction_id, is_fraud,
                coalesce(reported_time, event_time + to_microseconds({microseconds})) AS known_time,
                '{judged_by}' AS judged_by, NULL::DOUBLE AS confidence
            FROM staged WHERE is_fraud
            AND source_line NOT IN (SELECT source_line FROM verdicts WHERE rule IS NOT NULL)"""  # noqa: S608
        )

    @property
    def _refers_to_payments(self) -> bool:
        return self._table.key != PAYMENT_KEY and set(PAYMENT_KEY) <= set(self._table.column_names)

    def _refuse_unknown_payments(self) -> None:
        self._session.execute(
            f"""INSERT INTO verdicts
            SELECT source_line, '{UNKNOWN_PAYMENT}', 'transaction_id', left(transaction_id, 200)
            FROM staged ANTI JOIN {RAW_TRANSACTIONS.name} USING (source, transaction_id)"""  # noqa: S608
        )

    def _compare_with_lake(self) -> None:
        """Rows whose key the lake has; its bodies are only read when there are any."""
        self._session.execute(
            f"""CREATE TEMP TABLE present AS SELECT source_line, {self._key}
            FROM (FROM staged ANTI JOIN verdicts USING (source_line))
            SEMI JOIN {self._table.name} USING ({self._key})"""  # noqa: S608
        )
        if not self._count("present"):
            return
        kept = f"{self._table.name} AS kept JOIN present USING ({self._key})"
        if "file_id" in self._table.column_names:
            self._session.execute(
                f"""INSERT INTO resumed SELECT present.source_line FROM {kept}
                WHERE kept.file_id = '{self._file_id}' AND kept.source_line = present.source_line"""  # noqa: S608
            )
        self._compare(
            f"""SELECT present.source_line AS staged_line, kept.* FROM {kept}
            ANTI JOIN resumed ON resumed.source_line = present.source_line"""  # noqa: S608
        )

    def _compare_within_file(self) -> None:
        """Rows whose key came earlier in the file, among those whose key the lake lacks."""
        self._session.execute(
            f"""CREATE TEMP TABLE firsts AS SELECT {self._key}, min(source_line) AS first_line
            FROM staged ANTI JOIN verdicts USING (source_line) ANTI JOIN present USING (source_line)
            GROUP BY {self._key} HAVING count(*) > 1"""  # noqa: S608
        )
        if self._count("firsts"):
            self._compare(
                f"""SELECT later.source_line AS staged_line, kept.*
                FROM staged AS later JOIN firsts USING ({self._key})
                JOIN staged AS kept ON kept.source_line = first_line
                WHERE later.source_line > first_line"""  # noqa: S608
            )

    def _compare(self, kept_rows: str) -> None:
        """Judge each staged row that `kept_rows` pairs, by `staged_line`, with the kept row of its key."""
        cases = [(name, f'staged."{name}" IS DISTINCT FROM kept."{name}"') for name in self._body]
        names = " ".join(f"WHEN {differs} THEN '{name}'" for name, differs in cases)
        values = " ".join(
            f"""WHEN {differs} THEN left(staged."{name}"::VARCHAR, 200)""" for name, differs in cases
        )
        self._session.execute(
            f"""INSERT INTO verdicts
            SELECT source_line, if(name IS NULL, NULL, '{CONFLICTING_BODY}'), name, value FROM (
                SELECT staged.source_line, CASE {names} END AS name, CASE {values} END AS value
                FROM staged JOIN ({kept_rows}) AS kept ON staged.source_line = kept.staged_line
            )"""  # noqa: S608
        )

    def _count(self, table: str) -> int:
        return int(self._session.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608

    def _read(self, query: str) -> pa.RecordBatchReader:
        return self._session.sql(query).to_arrow_reader(_BATCH_ROWS)
