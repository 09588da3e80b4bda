"""Decisions written as a message of Arrow, column after column in the order of the lake table."""

from typing import Any

from risk_platform.decisions.arrow_message import (
    close_page,
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
from risk_platform.kernels import uncounted

# Words that all decisions of an engine have in common, behind the names of levels and those of advice.
ADVICE, DECIDED_BY, RULES, THRESHOLDS, BUNDLE = 4, 8, 9, 10, 11
# Bytes of a row beside texts and lists, at most: numbers and dates, ends of texts and lists, and bits.
_ROW = 8 * 8 + 4 * 15 + 4
# Bytes of a number of a list with its bit, with room to spare.
_NUMBER = 9


@uncounted
def write_decisions(page: Any, form: Any, keys: Any, shared: Any, judged: Any, seen: Any, told: Any) -> Any:
    """Write the message of decisions: header and places of `Form`, then what `decision_rows` hands over.

    Returns how many words it has.
    """
    header, places = form
    open_page(page, header, places, len(judged[0]))
    _put_keys(page, keys)
    _put_judged(page, shared, judged)
    _put_told(page, shared, seen, told)
    return close_page(page)


@uncounted
def decisions_size(keys: Any, shared: Any, seen: Any, told: Any) -> Any:
    """Bytes that the columns take at most."""
    decision, source, name = keys[:3]
    _, words = shared[-1]
    reasons, _, codes, _, hits, _ = told
    rows = len(seen[-1]) * (_ROW + len(words))
    numbers = len(seen[0]) + len(seen[2]) + len(seen[4])
    given = _length(decision) + _length(source) + _length(name)
    return rows + _NUMBER * numbers + given + _length(reasons) + _length(codes) + _length(hits)


@uncounted
def _length(texts: Any) -> Any:
    """Bytes of texts and of where they end."""
    ends, _ = texts
    return 4 * len(ends) + ends[-1] - ends[0]


@uncounted
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


@uncounted
def _put_judged(page: Any, shared: Any, judged: Any) -> None:
    decided_time, _, _, words = shared
    probabilities, scores, margins, ranks, advice, alerted = judged
    put_repeated(page, decided_time, len(ranks))
    put_word(page, DECIDED_BY, words, len(ranks))
    put_numbers(page, probabilities)
    put_numbers(page, scores)
    put_numbers(page, margins)
    put_words(page, ranks, words)
    put_words(page, advice, words)
    put_all_valid(page, len(ranks))
    put_bits(page, alerted)


@uncounted
def _put_told(page: Any, shared: Any, seen: Any, told: Any) -> None:
    _, version, bundle, words = shared
    values, width, beside, width_beside, shares, width_shares, everyone, explained = seen
    reasons, degraded, codes, code_ends, hits, hit_ends = told
    count = len(explained)
    put_valid(page, degraded)
    put_texts(page, reasons)
    put_word(page, BUNDLE if bundle else -1, words, count)
    put_word(page, RULES, words, count)
    put_word(page, THRESHOLDS, words, count)
    put_repeated(page, version, count)
    put_number_lists(page, values, width, everyone)
    put_number_lists(page, beside, width_beside, everyone)
    put_number_lists(page, shares, width_shares, explained)
    put_text_lists(page, code_ends, codes)
    put_text_lists(page, hit_ends, hits)
