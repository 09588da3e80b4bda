"""Canonical JSON (RFC 8785): the bytes of a leaf are the same wherever and whenever it is written."""

from collections.abc import Mapping
from typing import Any

import rfc8785

from risk_platform.errors import ContractError


def canonical_bytes(value: Mapping[str, Any]) -> bytes:
    """`value` as RFC 8785 writes it: numbers as ECMAScript, keys in UTF-16 order, no white space.

    Raises ContractError for what it cannot hold: NaN, infinities, integers beyond 2^53 − 1, lone surrogates.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ContractError(f"{str(error).rstrip('.')}; canonical JSON (RFC 8785) cannot hold it.") from error
