"""The one seam every identifier passes on its way in; surrogates will be made here.

For now an identifier is only brought into one spelling: Unicode form NFC, no surrounding white space. It is neither
hashed nor replaced, so what the source calls an identifier is what the lake holds.
"""

import polars as pl


def surrogate_ids(identifiers: pl.Series) -> pl.Series:
    """The spelling under which the platform knows each of `identifiers` (strings; null stays null)."""
    return identifiers.str.strip_chars().str.normalize("NFC")
