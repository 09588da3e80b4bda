"""dbt's manifest of the feature project, parsed anew when a file of the project is younger than it."""

from pathlib import Path

from risk_platform.defs.platform import Platform
from risk_platform.features.build import run_dbt
from risk_platform.features.project import PROJECT_FOLDER


def ready_manifest(platform: Platform) -> Path:
    """Path of an up-to-date manifest below RISK_HOME."""
    work = platform.folders.work / "dbt"
    manifest = work / "target" / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _last_change():
        run_dbt(platform.lake, ["parse"], {}, work)
    return manifest


def _last_change() -> float:
    sources = [
        *PROJECT_FOLDER.glob("*.yml"),
        *PROJECT_FOLDER.glob("models/**/*"),
        *PROJECT_FOLDER.glob("macros/**/*"),
    ]
    return max(path.stat().st_mtime for path in sources)
