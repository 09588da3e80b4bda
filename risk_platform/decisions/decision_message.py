"""Decisions written as a message of Arrow, column after column in the order of the lake table."""

from typing import Any

import numpy as np

from risk_platform.decisions.arrow_message import (
    closed,
    open_page,
    put_all_valid,
    put_bits,
    put_ints,
    put_longs,
    put_number_lists,
    put_numbers,
    put_repeated,
    put_text_lists,
    put_texts,
    put_valid,
    put_word,
    put_words,
)
from risk_platform.kernels import kernel

# Words that all decisions of an engine have in common, behind the names of levels and those of advice.
DECIDED_BY, RULES, THRESHOLDS, BUNDLE = range(8, 12)
_ADVICE = 4
# Bytes of a row beside texts and lists, at most: numbers and dates, ends of texts and lists, and bits.
_ROW = 8 * 8 + 4 * 15 + 4
# Bytes of a number of a list with its bit, with room to spare.
_NUMBER = 9


@kernel
def write_decisions(form: Any, keys: Any, shared: Any, judged: Any, advice: Any, seen: Any, told: Any) -> Any:
    """The message of decisions: `Form`, then what `decision_rows` hands over, each a tuple of arrays and numbers."""
    header, places, padding = form
    page = open_page(header, places, len(judged[0]), padding + _size(keys, shared, seen, told))
    _put_keys(page, keys)
    _put_judged(page, shared, judged, advice)
    _put_told(page, shared, seen, told)
    return closed(page)


@kernel
def _size(keys: Any, shared: Any, seen: Any, told: Any) -> Any:
    """Bytes that the columns take at most."""
    decision, source, name = keys[:3]
    _, words = shared[-1]
    reasons, _, codes, _, hits, _ = told
    rows = len(seen[3]) * (_ROW + len(words))
    numbers = seen[0].size + seen[1].size + seen[2].size
    given = _length(decision) + _length(source) + _length(name)
    return rows + _NUMBER * numbers + given + _length(reasons) + _length(codes) + _length(hits)


@kernel
def _length(texts: Any) -> Any:
    """Bytes of texts and of where they end."""
    ends, _ = texts
    return 4 * len(ends) + ends[-1] - ends[0]


@kernel
def _put_keys(page: Any, keys: Any) -> None:
    decision, source, name, times, days, sequence, queued = keys
    count = len(queued)
    put_all_valid(page, count)
    put_texts(page, decision)
    put_all_valid(page, count)
    put_texts(page, source)
    put_all_valid(page, count)
    put_texts(page, name)
    put_valid(page, queued)
    put_longs(page, sequence)
    put_all_valid(page, count)
    put_longs(page, times)
    put_all_valid(page, count)
    put_ints(page, days, 0)


@kernel
def _put_judged(page: Any, shared: Any, judged: Any, advice: Any) -> None:
    decided_time, _, _, words = shared
    probabilities, scores, margins, ranks, alerted = judged
    of_level, of_rules = advice
    put_repeated(page, decided_time, len(ranks))
    put_word(page, DECIDED_BY, words, len(ranks))
    put_numbers(page, probabilities)
    put_numbers(page, scores)
    put_numbers(page, margins)
    put_words(page, ranks, words)
    put_words(page, np.maximum(of_level[ranks], of_rules) + _ADVICE, words)
    put_all_valid(page, len(ranks))
    put_bits(page, alerted)


@kernel
def _put_told(page: Any, shared: Any, seen: Any, told: Any) -> None:
    _, version, bundle, words = shared
    values, beside, attributions, explained = seen
    reasons, degraded, codes, code_ends, hits, hit_ends = told
    count = len(explained)
    put_valid(page, degraded)
    put_texts(page, reasons)
    put_word(page, BUNDLE if bundle else -1, words, count)
    put_word(page, RULES, words, count)
    put_word(page, THRESHOLDS, words, count)
    put_repeated(page, version, count)
    everyone = np.ones(count, dtype=np.bool_)
    put_number_lists(page, values, everyone)
    put_number_lists(page, beside, everyone)
    put_number_lists(page, attributions, explained)
    put_text_lists(page, code_ends, codes)
    put_text_lists(page, hit_ends, hits)
