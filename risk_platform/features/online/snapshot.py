"""The state on disk: one file of arrays, promised by hash, replaced as a whole."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from risk_platform.errors import ContractError
from risk_platform.features.online.early import Early, Verdict
from risk_platform.features.online.index import filled
from risk_platform.features.online.kernel import grown
from risk_platform.features.online.ledger import ROWS_DROPPED, TEXT_FIRST, TEXT_NEXT, Ledger
from risk_platform.features.online.pool import contents
from risk_platform.features.online.rows import FIRST, NEXT, Rows, Turns
from risk_platform.features.online.state import State
from risk_platform.features.online.store import row_numbers, rows_with_room, short_places
from risk_platform.features.online.table import FREED, USED, Table, fill_slots

Arrays = dict[str, npt.NDArray[Any]]
_CURRENT, _ARRAYS, _MANIFEST = "current", "arrays.npz", "manifest.json"


def arrays_of(state: State) -> Arrays:
    """What the state holds, without spare room, equal for equal histories however they were batched."""
    first_row, first_turn, first_byte = state.needed()
    ledger, rows = state.ledger, state.rows
    clock = ledger.clock.copy()
    clock[TEXT_FIRST] = first_byte
    spare = int(ledger.clock[TEXT_FIRST])
    following = int(rows.span[NEXT])
    arrays: Arrays = {
        "rows.wide": rows.wide[row_numbers(rows, first_row, following)],
        "rows.first": np.array([first_row, *rows.short_first]),
        "turns.ints": state.turns.ints[
            first_turn - int(state.turns.span[FIRST]) : int(state.turns.span[NEXT] - state.turns.span[FIRST])
        ],
        "turns.first": np.array([first_turn]),
        **_of_table("instants", ledger.instants),
        "latest": ledger.latest[: ledger.instants.counts[USED]],
        "text": ledger.text[first_byte - spare : int(clock[TEXT_NEXT]) - spare],
        "clock": clock,
        "early": _text_array(_early_facts(state.early)),
        "last_known": np.array([state.last_known]),
    }
    for column, begin in enumerate(rows.short_first.tolist()):
        arrays[f"rows.short{column}"] = rows.short[short_places(rows, column, begin, following)]
    for at, (space, users) in enumerate(zip(ledger.spaces, ledger.users, strict=True)):
        arrays |= {**_of_table(f"space{at}", space), f"users{at}": users[: space.counts[USED]]}
    for name, host in state.hosts.items():
        lists, entries = contents(host.log)
        arrays |= {
            f"host.{name}.lists": lists,
            f"host.{name}.entries": entries,
            f"host.{name}.progress": host.progress,
        }
    return arrays


def put_back(state: State, arrays: Arrays) -> None:
    """Make the fresh `state` hold what `arrays_of` told of another."""
    state.rows = _rows(state.rows, arrays)
    turns, first = arrays["turns.ints"], int(arrays["turns.first"][0])
    state.turns = Turns(grown(turns, _room(len(turns))), np.array([first, first + len(turns)]))
    instants = _table("instants", arrays)
    spaces = tuple(_table(f"space{at}", arrays) for at in range(len(state.ledger.spaces)))
    clock, following = arrays["clock"], int(state.rows.span[NEXT])
    live = following - int(clock[ROWS_DROPPED])
    state.ledger = Ledger(
        filled(2 * _room(live), state.rows, int(clock[ROWS_DROPPED]), following),
        spaces,
        tuple(grown(arrays[f"users{at}"], len(space.keys)) for at, space in enumerate(spaces)),
        instants,
        grown(arrays["latest"], len(instants.keys)),
        grown(arrays["text"], _room(len(arrays["text"]))),
        clock,
    )
    state.early = Early(
        {
            int(word): [Verdict(*verdict) for verdict in verdicts]
            for word, verdicts in json.loads(bytes(arrays["early"])).items()
        }
    )
    state.last_known = int(arrays["last_known"][0])
    for name in state.hosts:
        parts = (arrays[f"host.{name}.{part}"] for part in ("lists", "entries", "progress"))
        state.relist(name, *parts)


def state_hash(state: State) -> str:
    """SHA-256 of everything the state holds."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays_of(state).items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save(folder: Path, state: State, facts: dict[str, Any]) -> None:
    """Write the state beside `facts` below `folder`; until all of it is on disk the one before stays in force."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / uuid4().hex
    target.mkdir()
    with (target / _ARRAYS).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays_of(state))
        _sync(file.fileno())
    digest = _digest(target / _ARRAYS)
    _write(target / _MANIFEST, json.dumps({"sha256": digest, "facts": facts}))
    _sync_folder(target)
    pointer = folder / f"{_CURRENT}.{target.name}"
    _write(pointer, target.name)
    pointer.replace(folder / _CURRENT)
    _sync_folder(folder)
    for other in folder.iterdir():
        if other.is_dir() and other != target:
            rmtree(other)


def load(folder: Path) -> tuple[dict[str, Any], Arrays]:
    """The facts and arrays of the snapshot in force.

    Raises ContractError when there is none or it does not hold the bytes that were promised.
    """
    try:
        place = folder / (folder / _CURRENT).read_text()
        manifest = json.loads((place / _MANIFEST).read_text())
        found = _digest(place / _ARRAYS)
    except (OSError, ValueError) as error:
        raise ContractError(
            f"{folder} holds no readable snapshot of features; start from the lake."
        ) from error
    if found != manifest["sha256"]:
        raise ContractError(f"The snapshot in {place} is damaged; remove it and start from the lake.")
    with np.load(place / _ARRAYS, allow_pickle=False) as arrays:
        return manifest["facts"], {name: arrays[name] for name in arrays.files}


def _of_table(name: str, table: Table) -> Arrays:
    used, freed = table.counts[USED], table.counts[FREED]
    return {f"{name}.keys": table.keys[:used], f"{name}.freed": table.freed[:freed]}


def _table(name: str, arrays: Arrays) -> Table:
    keys, freed = arrays[f"{name}.keys"], arrays[f"{name}.freed"]
    room = _room(len(keys))
    counts = np.array([len(keys), len(freed)])
    table = Table(np.full(2 * room, -1, np.int32), grown(keys, room), grown(freed, room), counts)
    fill_slots(table)
    return table


def _rows(fresh: Rows, arrays: Arrays) -> Rows:
    wide, firsts = arrays["rows.wide"], arrays["rows.first"].tolist()
    fresh.span[:] = firsts[0]
    rows = rows_with_room(fresh, max(len(wide), 1))
    rows.span[NEXT] += len(wide)
    rows.short_first[:] = firsts[1:]
    rows.wide[row_numbers(rows, firsts[0], int(rows.span[NEXT]))] = wide
    for column, begin in enumerate(firsts[1:]):
        places = short_places(rows, column, begin, int(rows.span[NEXT]))
        rows.short[places] = arrays[f"rows.short{column}"]
    return rows


def _room(length: int) -> int:
    return max(64, 1 << (length - 1).bit_length()) if length else 64


def _early_facts(early: Early) -> dict[str, list[tuple[bool, str, int]]]:
    return {
        str(word): sorted((v.is_fraud, v.judgement_id, v.known) for v in verdicts)
        for word, verdicts in sorted(early.waiting.items())
    }


def _text_array(facts: object) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(facts).encode(), np.uint8)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leaves(value: object) -> Iterator[npt.NDArray[Any]]:
    """Every array of nested tuples."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from leaves(item)


def nbytes(state: State) -> int:
    """Bytes of all arrays of the state, spare room included."""
    rows = state.rows._replace(cells=state.rows.cells[:0])
    parts = (rows, state.turns, state.ledger, *state.hosts.values())
    return sum(array.nbytes for part in parts for array in leaves(part))
