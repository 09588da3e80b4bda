"""The folder of an installation: what lies where."""

from dataclasses import dataclass
from pathlib import Path

from risk_platform.dagster_instance import keep_instance_file
from risk_platform.errors import SettingsError
from risk_platform.settings import Settings


@dataclass(frozen=True)
class Home:
    """Paths below RISK_HOME, all absolute."""

    root: Path

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def landing_history(self) -> Path:
        return self.root / "landing" / "history"

    @property
    def landing_live(self) -> Path:
        return self.root / "landing" / "live"

    @property
    def taken_files(self) -> Path:
        return self.root / "landing" / "taken"

    @property
    def refused_files(self) -> Path:
        return self.root / "landing" / "refused"

    @property
    def mappings(self) -> Path:
        return self.root / "mappings"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def bundles(self) -> Path:
        return self.root / "bundles"

    @property
    def rules(self) -> Path:
        return self.root / "rules"

    @property
    def thresholds(self) -> Path:
        return self.root / "thresholds"

    @property
    def data_docs(self) -> Path:
        return self.root / "data_docs"

    @property
    def run_failures(self) -> Path:
        return self.root / "run_failures.jsonl"


def prepare_home(settings: Settings) -> Home:
    """Create what is missing below RISK_HOME, bring Dagster's settings up to date, and return its paths.

    Raises SettingsError when the folder cannot be written.
    """
    home = Home(settings.home.absolute())
    try:
        for folder in (
            home.dagster,
            home.landing_history,
            home.landing_live,
            home.mappings,
            home.work,
            home.bundles,
            home.rules,
            home.thresholds,
            home.data_docs,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        keep_instance_file(home.dagster)
    except OSError as error:
        raise SettingsError(
            f"RISK_HOME {home.root} cannot be written ({error.strerror}); name another folder."
        ) from error
    return home
