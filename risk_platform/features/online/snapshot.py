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
from risk_platform.features.online.heap import Heap
from risk_platform.features.online.kernel import grown
from risk_platform.features.online.ledger import TEXT_FIRST, TEXT_NEXT, Ledger
from risk_platform.features.online.pool import BLOCK, BUMP, Log
from risk_platform.features.online.rows import FIRST, NEXT, Rows, Turns
from risk_platform.features.online.state import State
from risk_platform.features.online.table import FREED, USED, Table, fill_slots
from risk_platform.features.online.unit import WAITS_FOR, Unit

Arrays = dict[str, npt.NDArray[Any]]
_CURRENT, _ARRAYS, _MANIFEST = "current", "arrays.npz", "manifest.json"


def arrays_of(state: State) -> Arrays:
    """What the state holds, without spare room, equal for equal histories however they were batched."""
    first_row, first_turn, first_byte = state.needed()
    ledger = state.ledger
    clock = ledger.clock.copy()
    clock[TEXT_FIRST] = first_byte
    spare = int(ledger.clock[TEXT_FIRST])
    arrays: Arrays = {
        "rows.ints": _from(state.rows.ints, state.rows.span, first_row),
        "rows.codes": _from(state.rows.codes, state.rows.span, first_row),
        "rows.floats": _from(state.rows.floats, state.rows.span, first_row),
        "rows.span": np.array([first_row, state.rows.span[NEXT]]),
        "turns.ints": _from(state.turns.ints, state.turns.span, first_turn),
        "turns.span": np.array([first_turn, state.turns.span[NEXT]]),
        **_of_table("identities", ledger.identities),
        "numbers": ledger.numbers[: ledger.identities.counts[USED]],
        **_of_table("instants", ledger.instants),
        "latest": ledger.latest[: ledger.instants.counts[USED]],
        "text": ledger.text[first_byte - spare : int(clock[TEXT_NEXT]) - spare],
        "due": ledger.heap.due[: ledger.heap.size[0]],
        "number": ledger.heap.number[: ledger.heap.size[0]],
        "clock": clock,
        "early": _text_array(_early_facts(state.early)),
        "last_known": np.array([state.last_known]),
    }
    for at, (space, users) in enumerate(zip(ledger.spaces, ledger.users, strict=True)):
        arrays |= {**_of_table(f"space{at}", space), f"users{at}": users[: space.counts[USED]]}
    for name, unit in state.units.items():
        arrays |= _of_unit(name, unit)
    return arrays


def put_back(state: State, arrays: Arrays) -> None:
    """Make the fresh `state` hold what `arrays_of` told of another."""
    ints, codes, floats = (_roomy(arrays[f"rows.{name}"]) for name in ("ints", "codes", "floats"))
    state.rows = Rows(ints, codes, floats, arrays["rows.span"])
    state.turns = Turns(_roomy(arrays["turns.ints"]), arrays["turns.span"])
    identities, instants = _table("identities", arrays), _table("instants", arrays)
    spaces = tuple(_table(f"space{at}", arrays) for at in range(len(state.ledger.spaces)))
    state.ledger = Ledger(
        identities,
        grown(arrays["numbers"], len(identities.keys)),
        spaces,
        tuple(grown(arrays[f"users{at}"], len(space.keys)) for at, space in enumerate(spaces)),
        instants,
        grown(arrays["latest"], len(instants.keys)),
        _roomy(arrays["text"]),
        Heap(_roomy(arrays["due"]), _roomy(arrays["number"]), np.array([len(arrays["due"])])),
        arrays["clock"],
    )
    state.early = Early(
        {
            int(word): [Verdict(*verdict) for verdict in verdicts]
            for word, verdicts in json.loads(bytes(arrays["early"])).items()
        }
    )
    state.last_known = int(arrays["last_known"][0])
    for name in state.units:
        state.units[name] = _unit(name, arrays)


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


def _of_unit(name: str, unit: Unit) -> Arrays:
    progress = unit.progress.copy()
    progress[WAITS_FOR] = 0
    arrays = {**_of_table(name, unit.keys), f"{name}.progress": progress}
    for stream, log in (("payments", unit.payments), ("resolutions", unit.resolutions)):
        bump = int(log.meta[BUMP])
        arrays |= {
            f"{name}.{stream}.pool": log.pool[:bump],
            f"{name}.{stream}.sums": log.sums[: bump // BLOCK],
            f"{name}.{stream}.tops": log.tops[: bump // BLOCK],
            f"{name}.{stream}.spans": log.spans[: unit.keys.counts[USED]],
            f"{name}.{stream}.free": log.free,
            f"{name}.{stream}.meta": log.meta,
        }
    return arrays


def _unit(name: str, arrays: Arrays) -> Unit:
    keys = _table(name, arrays)
    logs = []
    for stream in ("payments", "resolutions"):
        pool, sums, tops, spans, free, meta = (
            arrays[f"{name}.{stream}.{part}"] for part in ("pool", "sums", "tops", "spans", "free", "meta")
        )
        room = _room(len(pool))
        logs.append(
            Log(
                grown(pool, room),
                grown(sums, room // BLOCK),
                grown(tops, room // BLOCK),
                grown(spans, len(keys.keys)),
                free,
                meta,
            )
        )
    return Unit(keys, logs[0], logs[1], arrays[f"{name}.progress"])


def _from(array: npt.NDArray[Any], span: npt.NDArray[np.int64], first: int) -> npt.NDArray[Any]:
    return array[first - int(span[FIRST]) : int(span[NEXT] - span[FIRST])]


def _room(length: int) -> int:
    return max(64, 1 << (length - 1).bit_length()) if length else 64


def _roomy(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return grown(array, _room(len(array)))


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
    parts = (state.rows, state.turns, state.ledger, *state.units.values())
    return sum(array.nbytes for part in parts for array in leaves(part))
