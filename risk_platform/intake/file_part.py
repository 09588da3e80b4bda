"""Some lines of a live file on their way through the engine."""

from collections.abc import Sequence
from dataclasses import dataclass

from risk_platform.intake.outcome import Outcome
from risk_platform.operations.live_files import FileAdvance, LiveFile, RefusedLine


@dataclass(frozen=True)
class FilePart:
    """The lines whose events are one submission: event i stands on line `lines[i]` and is called `names[i]`.

    With it the file is done up to `lines_done`; `read_time` is when it was read (µs).
    """

    file: LiveFile
    lines: Sequence[int]
    names: Sequence[str | None]
    lines_done: int
    read_time: int

    def advance(self, outcome: Outcome) -> FileAdvance:
        """How far the file is once the outcome is committed."""
        refused = [
            RefusedLine(
                self.lines[item.position], self.names[item.position], item.rule, item.column, item.value
            )
            for item in outcome.refusals
        ]
        accepted = len(outcome.positions) - len(outcome.duplicates)
        return FileAdvance(
            self.file, self.lines_done, accepted, len(outcome.duplicates), refused, self.read_time
        )
