"""The one seam every identifier passes on its way in; surrogates will be made here.

For now an identifier is only brought into one spelling: Unicode form NFC, no surrounding white space. It is
neither hashed nor replaced, so what the source calls an identifier is what the lake holds.
"""

import polars as pl


def surrogate_ids(identifiers: pl.Series) -> pl.Series:
    """The spelling under which the platform knows each of `identifiers` (strings; null stays null)."""
    return one_spelling(identifiers)


def one_spelling(text: pl.Series) -> pl.Series:
    """Text in Unicode form NFC without surrounding white space; null stays null."""
    stripped = text.str.strip_chars()
    if stripped.str.len_bytes().sum() == stripped.str.len_chars().sum():
        return stripped
    return stripped.str.normalize("NFC")
