"""Payments in the order in which their labels come due: a binary heap."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, grown, part


class Heap(NamedTuple):
    """Due times (µs) and payment numbers; the first `size[0]` are in use."""

    due: Ints
    number: Ints
    size: Ints


def new_heap(room: int = 64) -> Heap:
    """An empty heap."""
    return Heap(np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(1, np.int64))


def heap_with_room(heap: Heap, more: int) -> Heap:
    """`heap`, or a larger copy of it, that can take `more` further payments."""
    room = len(heap.due)
    while int(heap.size[0]) + more > room:
        room *= 2
    if room == len(heap.due):
        return heap
    return Heap(grown(heap.due, room), grown(heap.number, room), heap.size)


@part
def push(heap: Heap, due: Scalar, number: Scalar) -> None:
    """Add a payment; the caller has seen to the room."""
    at = heap.size[0]
    heap.size[0] += 1
    while at > 0:
        parent = (at - 1) >> 1
        if not _earlier(due, number, heap.due[parent], heap.number[parent]):
            break
        heap.due[at], heap.number[at] = heap.due[parent], heap.number[parent]
        at = parent
    heap.due[at], heap.number[at] = due, number


@part
def pop(heap: Heap) -> None:
    """Remove the payment that comes due first."""
    heap.size[0] -= 1
    size = heap.size[0]
    due, number = heap.due[size], heap.number[size]
    at = np.int64(0)
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _earlier(
            heap.due[child + 1], heap.number[child + 1], heap.due[child], heap.number[child]
        ):
            child += 1
        if not _earlier(heap.due[child], heap.number[child], due, number):
            break
        heap.due[at], heap.number[at] = heap.due[child], heap.number[child]
        at = child
    heap.due[at], heap.number[at] = due, number


@part
def _earlier(due: Scalar, number: Scalar, other_due: Scalar, other_number: Scalar) -> Scalar:
    return due < other_due or (due == other_due and number < other_number)
