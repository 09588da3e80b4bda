"""Statements that run many times a second: built and compiled once for each kind of database."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy.engine import Connection, CursorResult, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

Values = Mapping[str, Any]


class Statement:
    """A statement of columns whose values the driver takes and gives as they are: text, numbers and bytes.

    SQLAlchemy looks up what it compiled by walking through the whole statement, which takes longer than a short
    statement itself.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, SQLCompiler] = {}

    def run(self, connection: Connection, values: Values) -> CursorResult[Any]:
        """Run it with those values of its parameters."""
        compiled = self._of(connection.dialect)
        return connection.exec_driver_sql(compiled.string, _parameters(compiled, values))

    def run_each(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run it once with the values of each row; not at all without any."""
        if rows:
            compiled = self._of(connection.dialect)
            connection.exec_driver_sql(compiled.string, [_parameters(compiled, values) for values in rows])

    def _of(self, dialect: Dialect) -> SQLCompiler:
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = cast(SQLCompiler, self._statement.compile(dialect=dialect))
        return self._compiled[dialect.name]


def _parameters(compiled: SQLCompiler, values: Values) -> Any:
    given = compiled.construct_params(values)
    order = compiled.positiontup
    return given if order is None else tuple([given[name] for name in order])
