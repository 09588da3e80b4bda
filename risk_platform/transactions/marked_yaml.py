"""YAML that remembers its lines, so that a wrong entry is refused with the line it stands on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from risk_platform.errors import InputError

YamlPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong, in words, and where: the keys that lead to the entry."""

    path: YamlPath
    sentence: str


@dataclass(frozen=True)
class MarkedYaml:
    """A YAML document with every scalar left as the text that was written, and the line of every entry.

    Text keeps what the author wrote: a `Yes` in a list of source values is not turned into a boolean.
    """

    name: str
    data: Any
    lines: dict[YamlPath, int]

    def refusal(self, problems: Iterable[Problem]) -> InputError:
        """The error that names every problem with its line, in the order of the lines."""
        placed = sorted(
            ((self.line(problem.path), problem.sentence) for problem in problems), key=lambda pair: pair[0]
        )
        return InputError(
            f"{self.name}: " + "; ".join(f"line {line}: {sentence}" for line, sentence in placed) + "."
        )

    def line(self, path: YamlPath) -> int:
        """The line of the entry at `path`, or of the nearest entry around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path) -> MarkedYaml:
    """The document in the file; raises InputError when it cannot be read, is no YAML, or repeats a key."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> MarkedYaml:
    """The document that `text` is; raises InputError when it is no YAML or repeats a key."""
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}: line {line}: this is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: this is not YAML: {error}.") from error
    if node is None:
        raise InputError(f"{name} is empty.")
    document = MarkedYaml(name, None, {(): 1})
    return MarkedYaml(name, _construct(node, (), document), document.lines)


def _construct(node: yaml.Node, path: YamlPath, document: MarkedYaml) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, position), document) for position, item in enumerate(node.value)]
    return node.value


def _construct_mapping(node: yaml.MappingNode, path: YamlPath, document: MarkedYaml) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value in node.value:
        here = (*path, str(key.value))
        if here[-1] in entries:
            raise InputError(
                f"{document.name}: line {key.start_mark.line + 1}: {key.value!r} is given twice."
            )
        document.lines[here] = key.start_mark.line + 1
        entries[str(key.value)] = _construct(value, here, document)
    return entries


def problems_of(error: ValidationError, known_keys: Callable[[YamlPath], Iterable[str]]) -> list[Problem]:
    """What a pydantic model refused, in words; `known_keys` gives the keys that are right at a path."""
    return [_problem(item, known_keys) for item in error.errors()]


def _problem(item: Any, known_keys: Callable[[YamlPath], Iterable[str]]) -> Problem:
    path = tuple(item["loc"])
    name = path[-1] if path else "the document"
    if item["type"] == "extra_forbidden":
        return Problem(path, f"{name!r} is not a known key{suggestion(str(name), known_keys(path))}")
    if item["type"] == "missing":
        return Problem(path, f"{name!r} is missing")
    return Problem(path, f"{name}: {item['msg'].removeprefix('Value error, ')}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """A did-you-mean for `name`, or the list of what is known when nothing comes close."""
    candidates = list(known)
    folded = {candidate.casefold(): candidate for candidate in candidates}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f", did you mean {folded[close[0]]!r}?"
    return f" (known: {', '.join(candidates)})" if candidates else ""
