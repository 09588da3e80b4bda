"""Time spent by stage of a benchmark."""

from collections import defaultdict
from collections.abc import Callable
from time import perf_counter, process_time
from typing import TypeVar

_Result = TypeVar("_Result")


class Stopwatch:
    """Seconds spent by stage: by the clock, and by all processors for this process."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor: dict[str, float] = defaultdict(float)

    def time(self, stage: str, work: Callable[[], _Result]) -> _Result:
        """What `work` gives, its time added to `stage`."""
        worked, began = process_time(), perf_counter()
        result = work()
        self.seconds[stage] += perf_counter() - began
        self.processor[stage] += process_time() - worked
        return result

    @property
    def total(self) -> float:
        return sum(self.seconds.values())
