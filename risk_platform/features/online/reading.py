"""The loop that reads a batch of payments out of Arrow's memory."""

import numpy as np

from risk_platform.features.online.arrow_memory import column_at, read_numbers, read_whole_numbers, texts_at
from risk_platform.features.online.derive import BASE_NUMBERS, BASE_TEXTS
from risk_platform.features.online.kernel import Bytes, Codes, Ints, Scalar, Words, kernel, part
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.rows import DAYPART_BIT, GATE_BIT, SHIFTED_BIT
from risk_platform.features.online.text import NULL, hash_texts, join, joined_length, word_of

# Columns of the payment that features read.
COLUMNS = (
    "source", "transaction_id", "partition", "event_time", "known_time", "kind", "status", "customer_id",
    "instrument_id", "counterparty_id", "counterparty_type", "amount_minor", "channel", "mcc", "device_id",
    "latitude", "longitude", "city",
)  # fmt: skip
_SOURCE, _ID, _EVENT_TIME, _KNOWN_TIME = map(
    COLUMNS.index, ("source", "transaction_id", "event_time", "known_time")
)
_AMOUNT_MINOR, _NORTH, _EAST = map(COLUMNS.index, ("amount_minor", "latitude", "longitude"))
_AMOUNT, _CLOCK, _WEEKDAY, _LATITUDE, _LONGITUDE = map(
    BASE_NUMBERS.index, ("amount", "hour", "weekday", "latitude", "longitude")
)
_PAYEE_TYPE = BASE_TEXTS.index("counterparty_type")
_MERCHANT = word_of("merchant")
_HOUR = 3_600_000_000
# What stands for a missing whole number or time: no payment with it is ever taken in.
MISSING = np.int64(-(1 << 62))


@kernel
def joined_bytes(batch: Scalar, count: Scalar, places: Ints) -> Scalar:
    """How many bytes the identities of a batch take; `places` begin with those of source and transaction_id."""
    return joined_length(texts_at(batch, places[0]), texts_at(batch, places[1]), count)


@kernel
def read_identities(batch: Scalar, places: Ints, offsets: Codes, data: Bytes, words: Words) -> None:
    """Source and transaction_id of each row as one text and its hash."""
    join(texts_at(batch, places[0]), texts_at(batch, places[1]), offsets, data, words)


@kernel
def read_payments(
    batch: Scalar, places: Ints, wanted: Ints, begins: Ints, offsets: Ints, arrivals: Arrivals
) -> None:
    """Fill `arrivals` but for the verdicts.

    `places` are those of COLUMNS in the batch, `wanted` the places in COLUMNS of the identifiers and then of the
    texts; `begins` and `offsets` (µs) are the offsets of the time zone and where they begin.
    """
    a = arrivals
    join(texts_at(batch, places[_SOURCE]), texts_at(batch, places[_ID]), a.offsets, a.text, a.identity)
    read_whole_numbers(column_at(batch, places[_EVENT_TIME]), MISSING, a.time)
    read_whole_numbers(column_at(batch, places[_KNOWN_TIME]), MISSING, a.known)
    read_whole_numbers(column_at(batch, places[_AMOUNT_MINOR]), MISSING, a.ints[:, 0])
    read_numbers(column_at(batch, places[_NORTH]), a.base[:, _LATITUDE])
    read_numbers(column_at(batch, places[_EAST]), a.base[:, _LONGITUDE])
    codes = a.words.shape[1]
    for at in range(len(wanted)):
        texts = texts_at(batch, places[wanted[at]])
        if at < codes:
            hash_texts(texts, a.words[:, at])
        else:
            hash_texts(texts, a.texts[at - codes])
    for i in range(len(a.time)):
        amount = a.ints[i, 0]
        a.base[i, _AMOUNT] = np.nan if amount == MISSING else np.float64(amount)
        local = a.time[i] + offsets[_last_before(a.time[i], begins)]
        hour = local // _HOUR % 24
        a.base[i, _CLOCK] = hour
        # 1970 began on a Thursday.
        a.base[i, _WEEKDAY] = (local // (24 * _HOUR) + 3) % 7 + 1
        a.bits[i] = _first_bits(hour, a.texts[_PAYEE_TYPE, i])


@part
def _last_before(moment: Scalar, begins: Ints) -> Scalar:
    """The last place in `begins`, which ascend, that is not after `moment`."""
    low, high = np.int64(0), np.int64(len(begins))
    while high - low > 1:
        middle = (low + high) >> 1
        if begins[middle] <= moment:
            low = middle
        else:
            high = middle
    return low


@part
def _first_bits(hour: Scalar, payee: Scalar) -> Scalar:
    """The bits known at the door: whether an account was paid, parts of the day, and those shifted by two hours."""
    account = np.int64(payee != NULL and payee != _MERCHANT)
    return account << GATE_BIT | hour // 4 << DAYPART_BIT | (hour + 2) % 24 // 4 << SHIFTED_BIT
