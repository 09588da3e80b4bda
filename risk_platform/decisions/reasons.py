"""The reason-code dictionary: what a feature means to an analyst, and the sentence for its value."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import product
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import ValidationError

from risk_platform.decisions.figures import FIGURES, plural
from risk_platform.decisions.reason_document import ReasonDocument, Rule, RuleReason, Word
from risk_platform.durations import parse_duration
from risk_platform.errors import ContractError

_WINDOWS = ("window", "habit")
Payment = Mapping[str, Any]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Wording:
    """How one feature is told: its reason code and title, its rule, and the words that its name fills in."""

    feature: str
    code: str
    title: str
    rule: Rule
    words: Mapping[str, Word]

    def tell(self, value: float, currency: str, payment: Payment | None = None) -> str:
        """The sentence for `value`; `currency` is used where the value is money.

        `payment` is the payment in its columns, which tells whether it names what the feature is about; without
        it, the sentence for a missing value leaves that open.
        """
        shown = "" if math.isnan(value) else FIGURES[self.rule.figure](value, currency)
        told = _capital(self.rule.sentence(value).format(value=shown, title=self.title, **self.words))
        entity = self.words.get("entity")
        if not math.isnan(value) or not isinstance(entity, dict) or "absent" not in entity:
            return told
        if payment is None:
            return f"{told.removesuffix('.')}, or {entity['absent']}."
        return told if payment[entity["column"]] is not None else _capital(f"{entity['absent']}.")


@dataclass(frozen=True)
class Reason:
    """One reason of a decision: code, sentence, and how far it moved the log odds (positive: riskier)."""

    code: str
    title: str
    sentence: str
    attribution: float
    feature: str


class ReasonDictionary:
    """Reason codes for features; the first rule whose pattern matches a feature's name speaks for it."""

    def __init__(
        self,
        words: Mapping[str, Mapping[str, Word]],
        rules: Sequence[Rule],
        beside: Sequence[RuleReason] = (),
    ) -> None:
        self._words = words
        self._beside = {reason.code: reason for reason in beside}
        self._patterns = [(self._compile(pattern), rule) for rule in rules for pattern in rule.features]
        self._known: dict[str, Wording] = {}
        self._titles = dict(reversed([entry for rule in rules for entry in self._titled(rule)]))
        self._titles |= {code: _capital(reason.title) for code, reason in self._beside.items()}

    @classmethod
    def shipped(cls) -> Self:
        """The dictionary of `reasons.yaml`."""
        text = resources.files("risk_platform.decisions").joinpath("reasons.yaml").read_text("utf-8")
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The dictionary written in YAML `text`; raises ContractError naming what is wrong in it."""
        try:
            stated = ReasonDocument.model_validate(yaml.safe_load(text))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ContractError(f"The reason dictionary is wrong at {place}: {first['msg']}.") from error
        return cls(stated.words, stated.reasons, stated.rules)

    @property
    def rule_codes(self) -> tuple[str, ...]:
        """Codes of the reasons that no feature speaks for: those of rules, and of a missing model."""
        return tuple(self._beside)

    def rule_reason(self, code: str) -> RuleReason | None:
        """The reason with that code, None when features speak for it."""
        return self._beside.get(code)

    def wording(self, feature: str) -> Wording:
        """How `feature` is told; raises ContractError when no rule covers it."""
        if feature not in self._known:
            self._known[feature] = self._find(feature)
        return self._known[feature]

    def title(self, code: str) -> str:
        """Short title of a reason code; raises ContractError when the dictionary has no such code."""
        try:
            return self._titles[code]
        except KeyError:
            raise ContractError(f"No reason is called {code!r} in decisions/reasons.yaml.") from None

    def _find(self, feature: str) -> Wording:
        for pattern, rule in self._patterns:
            if match := pattern.fullmatch(feature):
                found = match.groupdict()
                phrases = {name: self._phrase(name, part) for name, part in found.items()}
                code = rule.code.format(**{name: _code_part(part) for name, part in found.items()})
                return Wording(feature, code, _capital(rule.title.format(**phrases)), rule, phrases)
        raise ContractError(f"No reason code covers feature {feature!r}; add one to decisions/reasons.yaml.")

    def _phrase(self, name: str, part: str) -> Word:
        return window_words(part) if name in _WINDOWS else self._words[name][part]

    def _titled(self, rule: Rule) -> Iterator[tuple[str, str]]:
        names = _PLACEHOLDER.findall(rule.code)
        for parts in product(*(self._words[name] for name in names)):
            found = dict(zip(names, parts, strict=True))
            code = rule.code.format(**{name: _code_part(part) for name, part in found.items()})
            phrases = {name: self._words[name][part] for name, part in found.items()}
            yield code, _capital(rule.title.format(**phrases))

    def _compile(self, pattern: str) -> re.Pattern[str]:
        def group(match: re.Match[str]) -> str:
            name = match[1]
            if name in _WINDOWS:
                return rf"(?P<{name}>\d+[smhd])"
            choices = sorted(self._words[name], key=len, reverse=True)
            return f"(?P<{name}>{'|'.join(map(re.escape, choices))})"

        return re.compile(_PLACEHOLDER.sub(group, pattern))


def _code_part(part: str) -> str:
    return part.upper().replace("_", "-")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def window_words(window: str) -> str:
    """A window as it follows «in the last»: 1h is hour, 1d is 24 hours, 7d is 7 days."""
    seconds = round(parse_duration(window).total_seconds())
    if seconds == 3600:
        return "hour"
    if seconds % 86_400 == 0 and seconds > 86_400:
        return plural(seconds // 86_400, "day")
    return plural(seconds // 3600, "hour") if seconds % 3600 == 0 else plural(seconds // 60, "minute")


class ReasonGroups:
    """The features of one bundle grouped by reason code, so that attributions of one code add up."""

    def __init__(self, dictionary: ReasonDictionary, features: Sequence[str]) -> None:
        self.wordings = tuple(dictionary.wording(feature) for feature in features)
        self.codes = tuple(dict.fromkeys(wording.code for wording in self.wordings))

    @cached_property
    def _membership(self) -> npt.NDArray[np.float64]:
        codes = np.array([self.codes.index(wording.code) for wording in self.wordings], dtype=np.intp)
        return np.eye(len(self.codes))[codes]

    def strongest(self, attributions: npt.NDArray[np.float64], limit: int) -> list[list[str]]:
        """Codes that raised the risk of each row of (rows × features), strongest first, at most `limit`."""
        totals = attributions @ self._membership
        order = np.argsort(-totals, axis=1, kind="stable")[:, :limit]
        return [
            [self.codes[code] for code in codes if row[code] > 0]
            for codes, row in zip(order, totals, strict=True)
        ]

    def told(
        self,
        values: Sequence[float],
        attributions: Sequence[float],
        currency: str,
        payment: Payment | None = None,
    ) -> list[Reason]:
        """Every code of one decision with its total attribution and the sentence of its strongest feature.

        The most risk-raising first; `values` and `attributions` run over the features. `payment` as for
        `Wording.tell`.
        """
        reasons = [self.leading(code, values, attributions, currency, payment) for code in self.codes]
        return sorted(reasons, key=lambda reason: -reason.attribution)

    def leading(
        self,
        code: str,
        values: Sequence[float],
        attributions: Sequence[float],
        currency: str,
        payment: Payment | None = None,
    ) -> Reason:
        """One code of a decision, told by the feature that moved it most; arguments as for `told`."""
        members = [at for at, wording in enumerate(self.wordings) if wording.code == code]
        total = sum(attributions[at] for at in members)
        leading = max(members, key=lambda at: attributions[at] if total > 0 else -attributions[at])
        wording = self.wordings[leading]
        sentence = wording.tell(values[leading], currency, payment)
        return Reason(code, wording.title, sentence, total, wording.feature)
