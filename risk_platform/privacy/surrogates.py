"""The one seam every identifier passes on its way in; surrogates will be made here.

For now an identifier is only brought into one spelling: Unicode form NFC, no surrounding white space. It is
neither hashed nor replaced, so what the source calls an identifier is what the lake holds.
"""

from collections.abc import Sequence

import polars as pl


def surrogate_ids(identifiers: pl.Series) -> pl.Series:
    """The spelling under which the platform knows each of `identifiers` (strings; null stays null)."""
    return one_spelling(identifiers)


def surrogate_texts(identifiers: Sequence[str | None]) -> list[str | None]:
    """`surrogate_ids` for the few identifiers of live payments, where a call of Polars would cost the most."""
    return spelled_texts(identifiers)


def spelled_texts(texts: Sequence[str | None]) -> list[str | None]:
    """`one_spelling` of a list."""
    distinct = set(texts)
    distinct.discard(None)
    written = "".join(filter(None, distinct))
    if written.isascii() and all(text == text.strip() for text in distinct if text):
        return list(texts)
    return one_spelling(pl.Series(texts, dtype=pl.String)).to_list()


def one_spelling(text: pl.Series) -> pl.Series:
    """Text in Unicode form NFC without surrounding white space; null stays null."""
    stripped = text.str.strip_chars()
    if stripped.str.len_bytes().sum() == stripped.str.len_chars().sum():
        return stripped
    return stripped.str.normalize("NFC")
