"""What decisions were made with, kept by hash for good: bundles, rule books and thresholds."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.decisions.rules.lists import Lists
from risk_platform.decisions.rules.rule_set import RuleSet
from risk_platform.errors import InputError
from risk_platform.home import Home
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import stored_bundle

RULES_FILE, LISTS_FILE = "rules.yaml", "lists.yaml"


@dataclass(frozen=True)
class Archive:
    """The folders of an installation in which every bundle, rule book and thresholds lie under their hash."""

    bundles: Path
    rules: Path
    thresholds: Path

    @classmethod
    def of(cls, home: Home) -> "Archive":
        """The archive of an installation."""
        return cls(home.bundles, home.rules, home.thresholds)

    def keep(self, rules: RuleBook, thresholds: Thresholds) -> None:
        """Keep both under their hashes; what is there already stays as it is."""
        _keep(self.rules / f"{rules.hash}.json", rules.document)
        _keep(self.thresholds / f"{thresholds.hash}.json", thresholds.document)

    def bundle(self, digest: str) -> Bundle:
        """The bundle with that hash; raises BundleError when it is not there intact."""
        return stored_bundle(self.bundles, digest)

    def rule_book(self, digest: str, features: Sequence[str], reasons: ReasonDictionary) -> RuleBook:
        """The rule book with that hash; raises InputError when it is not there intact."""
        return RuleBook.parse(_kept(self.rules / f"{digest}.json", digest), features, reasons)

    def threshold_set(self, digest: str) -> Thresholds:
        """The thresholds with that hash; raises InputError when they are not there intact."""
        return Thresholds.parse(_kept(self.thresholds / f"{digest}.json", digest))


def current_rule_book(home: Home, features: Sequence[str], reasons: ReasonDictionary) -> RuleBook:
    """The rules and lists of the installation: its own files in RISK_HOME where it has them, else the shipped.

    Raises InputError with file and line of what is wrong in them.
    """
    own_rules, own_lists = home.root / RULES_FILE, home.root / LISTS_FILE
    rules = (
        RuleSet.parse(_text(own_rules), features, reasons, str(own_rules))
        if own_rules.exists()
        else RuleSet.starter(features, reasons)
    )
    lists = Lists.parse(_text(own_lists), str(own_lists)) if own_lists.exists() else Lists.shipped()
    return RuleBook(rules, lists)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); make it a readable UTF-8 file.") from error


def _keep(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _kept(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); restore it from a backup.") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path} is not the bytes its name promises; restore it from a backup.")
    return content
