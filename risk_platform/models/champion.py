"""The champion: every bundle in a folder named by its hash, and one small file that says which serves."""

import json
import os
from pathlib import Path

from risk_platform.errors import BundleError
from risk_platform.models.bundle import Bundle

_POINTER = "champion.json"


def store_bundle(bundles: Path, bundle: Bundle) -> Path:
    """The folder of the bundle, named by its hash; written whole or not at all, and only once."""
    folder = bundles / bundle.hash
    if not folder.exists():
        unfinished = bundles / f".{bundle.hash}.{os.getpid()}"
        bundle.save(unfinished)
        unfinished.rename(folder)
    return folder


def crown(bundles: Path, bundle: Bundle, model_version: str) -> None:
    """Make the bundle the champion, atomically."""
    store_bundle(bundles, bundle)
    unfinished = bundles / f".{_POINTER}.{os.getpid()}"
    unfinished.write_text(json.dumps({"bundle_hash": bundle.hash, "model_version": model_version}) + "\n")
    unfinished.replace(bundles / _POINTER)


def champion_pointer(bundles: Path) -> Path:
    """The file that says which bundle serves; it is replaced whenever that changes."""
    return bundles / _POINTER


def has_champion(bundles: Path) -> bool:
    """True once a model was promoted."""
    return (bundles / _POINTER).exists()


def load_champion(bundles: Path) -> Bundle:
    """The bundle that serves; raises BundleError when there is none yet or its files are not intact."""
    if not has_champion(bundles):
        raise BundleError(f"No model was promoted yet in {bundles}; train a challenger and promote it.")
    try:
        promised = str(json.loads((bundles / _POINTER).read_text())["bundle_hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{bundles / _POINTER} cannot be read; promote a model anew.") from error
    return stored_bundle(bundles, promised)


def stored_bundle(bundles: Path, digest: str) -> Bundle:
    """The bundle with that hash; raises BundleError when it is not there or its files are not intact."""
    bundle = Bundle.load(bundles / digest)
    if bundle.hash != digest:
        raise BundleError(f"The bundle {bundles / digest} is another one than its name promises.")
    return bundle
