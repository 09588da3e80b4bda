"""What decides: bundle, thresholds, rule book and kill switch, each put in place by a control event."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

from risk_platform.decisions.archive import Archive
from risk_platform.decisions.engine import NO_BUNDLE, DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.errors import BundleError, ContractError, InputError
from risk_platform.models.bundle import Bundle

ControlName = Literal["history", "bundle", "thresholds", "rules", "kill_switch"]
CONTROL_NAMES: tuple[ControlName, ...] = get_args(ControlName)


@dataclass(frozen=True)
class Policy:
    """All that turns features into a decision; without a bundle `no_bundle_reason` says why."""

    thresholds: Thresholds
    rules: RuleBook
    reasons: ReasonDictionary
    bundle: Bundle | None = None
    kill_switch: bool = False
    no_bundle_reason: str = NO_BUNDLE

    @cached_property
    def engine(self) -> DecisionEngine:
        """The decision engine of this policy."""
        return DecisionEngine(
            self.bundle,
            self.thresholds,
            self.reasons,
            self.rules,
            kill_switch=self.kill_switch,
            no_bundle_reason=self.no_bundle_reason,
        )


class PolicyMaker:
    """Reads control events into policies; `features` are what bundles and rules may look at.

    Bundles come from the archive; rules and thresholds put in place are kept there.
    """

    def __init__(self, archive: Archive, features: Sequence[str]) -> None:
        self._archive = archive
        self.features = tuple(features)
        self._reasons = ReasonDictionary.shipped()

    def first(self, thresholds: Thresholds) -> Policy:
        """The policy before any control event: shipped rules, no bundle."""
        return Policy(thresholds, RuleBook.shipped(self.features, self._reasons), self._reasons)

    def check(self, policy: Policy, name: str, value: Mapping[str, Any]) -> Policy:
        """The policy after a control event that is about to be accepted.

        Raises InputError when it cannot be put in place as it is; the policy in force stays.
        """
        if name not in CONTROL_NAMES:
            raise InputError(f"No control event is called {name!r}; there are {', '.join(CONTROL_NAMES)}.")
        try:
            changed = self.after(policy, name, value)
            if name == "bundle":
                self._bundle(value)
            self._archive.keep(changed.rules, changed.thresholds)
        except (BundleError, ContractError) as error:
            raise InputError(f"The control event {name} is refused: {error}") from error
        return changed

    def after(self, policy: Policy, name: str, value: Mapping[str, Any]) -> Policy:
        """The policy after a control event of the inbox.

        A bundle that cannot be loaded any more leaves none: payments are decided by rules, and say so.
        """
        match name:
            case "bundle":
                try:
                    return replace(policy, bundle=self._bundle(value), no_bundle_reason=NO_BUNDLE)
                except BundleError as error:
                    return replace(policy, bundle=None, no_bundle_reason=str(error))
            case "thresholds":
                return replace(policy, thresholds=Thresholds.parse(json.dumps(value).encode()))
            case "rules":
                book = RuleBook.parse(json.dumps(value).encode(), self.features, self._reasons)
                return replace(policy, rules=book)
            case "kill_switch":
                return replace(policy, kill_switch=_switched_on(value))
            case _:
                return policy

    def _bundle(self, value: Mapping[str, Any]) -> Bundle:
        bundle = self._archive.bundle(str(value.get("bundle_hash")))
        strange = [name for name in bundle.features if name not in self.features]
        if strange:
            raise BundleError(f"The bundle wants features that the engine has not: {', '.join(strange)}.")
        # Before it is in place: the first payment under it must not wait for its kernels.
        bundle.prepare()
        return bundle


def thresholds_value(thresholds: Thresholds) -> Mapping[str, Any]:
    """The value of the control event that puts the thresholds in place."""
    value: Mapping[str, Any] = json.loads(thresholds.document)
    return value


def rules_value(rules: RuleBook) -> Mapping[str, Any]:
    """The value of the control event that puts the rule book in place."""
    value: Mapping[str, Any] = json.loads(rules.document)
    return value


def _switched_on(value: Mapping[str, Any]) -> bool:
    stated = value.get("on")
    if not isinstance(stated, bool):
        raise InputError("The control event kill_switch says `on`: true or false.")
    return stated
