"""What the engine asks of the feature state: the online features, seen from the intake."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.lake.lake import Lake


class FeatureState(Protocol):
    """The part of `features.online.engine.OnlineFeatures` that the intake uses."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of the columns that `observe` returns."""
        ...

    def observe(self, payments: pa.Table) -> npt.NDArray[np.float64]:
        """Features of each payment; afterwards later payments see them."""
        ...

    def report(self, judgements: pa.Table) -> None:
        """Take note of what payments were found to be."""
        ...

    def refuse_late(self, payments: pa.Table) -> npt.NDArray[np.bool_]:
        """True for each payment that is too late for the state."""
        ...

    def warm(self, lake: Lake, *, until: date, progress: Callable[[int, int], None]) -> int:
        """Take in the history that payments after `until` can see; returns how many payments."""
        ...

    def snapshot(self, folder: Path) -> None:
        """Write the state into `folder`."""
        ...

    def state_hash(self) -> str:
        """A hash over everything that later payments can see."""
        ...
