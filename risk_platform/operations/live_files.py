"""Live files in the operational store: how far each is taken in, committed with what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.operations.database import writing
from risk_platform.operations.schema import LIVE_FILES, LIVE_REFUSALS


@dataclass(frozen=True)
class LiveFile:
    """A file by its content: `file_id` is SHA-256 of its mapping and bytes, whatever it is called."""

    file_id: str
    file_name: str
    mapping: str
    source: str
    record_kind: str


@dataclass(frozen=True)
class RefusedLine:
    """One line of a live file that was refused, and why."""

    source_line: int
    transaction_id: str | None
    rule: str
    column: str
    value: str | None


@dataclass(frozen=True)
class FileAdvance:
    """What became of the lines of a file behind those done before, up to `lines_done`; `changed_time` in µs."""

    file: LiveFile
    lines_done: int
    accepted: int
    duplicates: int
    refused: Sequence[RefusedLine]
    changed_time: int


@dataclass(frozen=True)
class FileProgress:
    """How far a live file is: its last line done, what became of the lines, and its number once it is taken in."""

    file: LiveFile
    lines_done: int
    accepted: int
    refused: int
    duplicates: int
    finished_number: int | None
    changed_time: int


def write_advances(connection: Connection, advances: Sequence[FileAdvance]) -> None:
    """Note within the caller's transaction how far the files are; of one file, in the order of its lines."""
    for advance in advances:
        added = {
            "accepted": advance.accepted,
            "refused": len(advance.refused),
            "duplicates": advance.duplicates,
        }
        reached = {"lines_done": advance.lines_done, "changed_time": advance.changed_time}
        mine = LIVE_FILES.c.file_id == advance.file.file_id
        grown = {name: LIVE_FILES.c[name] + count for name, count in added.items()}
        if not connection.execute(LIVE_FILES.update().where(mine).values(**grown, **reached)).rowcount:
            connection.execute(LIVE_FILES.insert(), {**asdict(advance.file), **added, **reached})
        if advance.refused:
            rows = [{"file_id": advance.file.file_id, **asdict(line)} for line in advance.refused]
            connection.execute(LIVE_REFUSALS.insert(), rows)


class LiveFiles:
    """The live files that the store knows, for any process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, file_id: str) -> FileProgress | None:
        """How far a file is; None while nothing of it was taken in."""
        query = sa.select(LIVE_FILES).where(LIVE_FILES.c.file_id == file_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _progress(row)

    def finish(self, file: LiveFile, now: int) -> FileProgress:
        """Note (at `now`, µs) that every line of the file is done; doing it again changes nothing."""
        mine = LIVE_FILES.c.file_id == file.file_id
        number = sa.select(sa.func.coalesce(sa.func.max(LIVE_FILES.c.finished_number), 0) + 1)
        with writing(self._engine) as connection:
            if connection.execute(sa.select(LIVE_FILES.c.file_id).where(mine)).first() is None:
                write_advances(connection, [FileAdvance(file, 0, 0, 0, (), now)])
            following: int = connection.execute(number).scalar_one()
            unfinished = sa.and_(mine, LIVE_FILES.c.finished_number.is_(None))
            values = {"finished_number": following, "changed_time": now}
            connection.execute(LIVE_FILES.update().where(unfinished).values(**values))
            return _progress(connection.execute(sa.select(LIVE_FILES).where(mine)).one())

    def finished(self, after: int) -> list[FileProgress]:
        """The files taken in whole behind the number `after`, in that order."""
        query = sa.select(LIVE_FILES).where(LIVE_FILES.c.finished_number > after)
        with self._engine.connect() as connection:
            return [
                _progress(row) for row in connection.execute(query.order_by(LIVE_FILES.c.finished_number))
            ]

    def refused(self, file_id: str) -> list[RefusedLine]:
        """The refused lines of a file, in its order."""
        query = sa.select(*(LIVE_REFUSALS.c[each.name] for each in fields(RefusedLine)))
        query = query.where(LIVE_REFUSALS.c.file_id == file_id).order_by(LIVE_REFUSALS.c.source_line)
        with self._engine.connect() as connection:
            return [RefusedLine(**row._mapping) for row in connection.execute(query)]


def _progress(row: sa.Row[Any]) -> FileProgress:
    stored = dict(row._mapping)
    file = LiveFile(**{each.name: stored.pop(each.name) for each in fields(LiveFile)})
    return FileProgress(file, **stored)
