"""The feeder beside the engine: what lands in `landing/live` goes through the one door, each line once."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from risk_platform.errors import InputError, RiskPlatformError
from risk_platform.home import Home
from risk_platform.intake.engine import Clock, Engine
from risk_platform.intake.events import micros
from risk_platform.intake.failures import EngineBusy, EngineStopped
from risk_platform.intake.live_landing import WaitingFile, is_whole, mapping_of, waiting_files
from risk_platform.intake.live_reading import LiveReader, ReadPart, check_file
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.recovery import Told
from risk_platform.operations.live_files import FileProgress, LiveFile, LiveFiles
from risk_platform.transactions.mapping import SourceMapping, load_mapping

LOOK_SECONDS = 0.5
# Payments of a caller never wait for more lines of a file than these.
PART_LINES = 250
# Parts on their way through the engine: one is decided while another is committed.
_AHEAD = 2


class LiveFeeder:
    """Takes the landed files in, one after the other, and moves each to `landing/taken` or `landing/refused`.

    How far a file is stands in the store, committed with what came of its lines; so a feeder that was killed
    goes on behind the last line that is durable.
    """

    def __init__(self, home: Home, files: LiveFiles, engine: Engine, clock: Clock, told: Told) -> None:
        self._home = home
        self._files = files
        self._engine = engine
        self._clock = clock
        self._told = told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live files", daemon=True)

    def start(self) -> None:
        """Begin to look for files, at every LOOK_SECONDS."""
        self._thread.start()

    def close(self) -> None:
        """Stop behind the part that is on its way; the next feeder goes on there."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Take in every file that lies there whole."""
        for waiting in waiting_files(self._home):
            if self._stop.is_set():
                return
            if waiting.path.exists() and is_whole(waiting.path, self._clock().timestamp()):
                self._take(waiting)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except EngineStopped:
                return
            except (RiskPlatformError, OSError) as error:
                self._told(f"Live files wait: {error}")

    def _take(self, waiting: WaitingFile) -> None:
        try:
            mapping = load_mapping(mapping_of(self._home, waiting.mapping))
            file = check_file(waiting.path, mapping)
            is_done = self._take_in(waiting.path, mapping, file)
        except InputError as error:
            self._refuse(waiting, str(error))
            return
        if is_done:
            _move(waiting.path, self._home.taken_files / waiting.mapping)

    def _take_in(self, path: Path, mapping: SourceMapping, file: LiveFile) -> bool:
        """Whether the file is taken in whole, now or before."""
        progress = self._files.find(file.file_id)
        if progress is not None and progress.finished_number is not None:
            self._told(f"{path.name}: taken in before, nothing added")
            return True
        if not self._feed(path, mapping, file, progress.lines_done if progress else 0):
            return False
        self._tell(self._files.finish(file, micros(self._clock())))
        return True

    def _feed(self, path: Path, mapping: SourceMapping, file: LiveFile, lines_done: int) -> bool:
        """Whether every line behind `lines_done` was answered; not when the feeder is to stop."""
        reader = LiveReader(path, mapping, file, PART_LINES)
        ahead: deque[Future[Outcome]] = deque()
        for read in reader.parts(lines_done, self._clock()):
            if self._stop.is_set():
                break
            ahead.append(self._submitted(read))
            if len(ahead) >= _AHEAD:
                ahead.popleft().result()
        for future in ahead:
            future.result()
        return not self._stop.is_set()

    def _submitted(self, read: ReadPart) -> "Future[Outcome]":
        while True:
            try:
                return self._engine.submit_prepared(read.prepared, read.part)
            except EngineBusy:
                self._stop.wait(LOOK_SECONDS / 10)

    def _refuse(self, waiting: WaitingFile, reason: str) -> None:
        moved = _move(waiting.path, self._home.refused_files / waiting.mapping)
        moved.with_name(f"{moved.name}.reason.txt").write_text(f"{reason}\n")
        self._told(f"{waiting.path.name} is refused: {reason}")

    def _tell(self, progress: FileProgress) -> None:
        self._told(
            f"{progress.file.file_name}: {progress.accepted:,} accepted, {progress.refused:,} refused, "
            f"{progress.duplicates:,} duplicates"
        )


def _move(path: Path, folder: Path) -> Path:
    """Move the file into the folder, under another name where its own is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    target = next(place for place in _places(folder, path) if not place.exists())
    path.replace(target)
    return target


def _places(folder: Path, path: Path) -> Iterator[Path]:
    yield folder / path.name
    number = 2
    while True:
        yield folder / f"{path.stem}.{number}{path.suffix}"
        number += 1
