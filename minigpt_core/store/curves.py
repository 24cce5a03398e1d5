"""The loss of a run of any length as a few hundred points, from a pyramid of buckets.

A bucket of size s sums up the steps from `start` to `start + s - 1`: its lowest, highest and mean loss. Sizes
are 4, 8, 16, … up to the first that spans the whole run, so there are half as many buckets as steps. A curve
reads the one level that has the right number of them, and shows the lowest and highest loss of each: spikes
survive.
"""

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

SMALLEST = 4  # steps
SMOOTHED_SHARE = 1 / 40  # of the run's steps: how long the smoothed curve remembers, at most
EARLY_SHARE = 1 / 10  # of the steps made so far: less at the start, where the loss falls steeply


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Losses of a run, in nats per character, thinned out for a chart."""

    steps: list[int]
    losses: list[float]
    """What the raw curve looks like: every step of a short run, the extremes of each bucket of a long one."""

    mean_steps: list[float]
    """The middle of each bucket."""

    mean_losses: list[float]


def smoothed_losses(curve: Curve, steps: int) -> list[tuple[float, float]]:
    """The bucket means as an exponential moving average that remembers a part of the run, less of it at the start.

    The average starts at the first mean, not at 0: the bias correction of Adam (https://arxiv.org/abs/1412.6980,
    section 3), with weights that follow the distances between the means.

    Args:
        steps: how many the whole run has.

    Returns:
        (step, loss) for each mean, and again the last loss at the newest step.
    """
    line: list[tuple[float, float]] = []
    total = weight = 0.0
    before: float | None = None
    for step, loss in zip(curve.mean_steps, curve.mean_losses, strict=True):
        keep = 0.0 if before is None else math.exp(-(step - before) / smoothing_steps(step, steps))
        total, weight, before = keep * total + (1 - keep) * loss, keep * weight + (1 - keep), step
        line.append((step, total / weight))
    if line and curve.steps[-1] > line[-1][0]:
        line.append((curve.steps[-1], line[-1][1]))
    return line


def smoothing_steps(step: float, steps: int) -> float:
    """How many steps the smoothed curve remembers at this step: a longer memory would lag behind a steep fall."""
    return max(1.0, min(steps * SMOOTHED_SHARE, EARLY_SHARE * step))


class Bucket(NamedTuple):
    """What is known about the steps `start` … `start + size - 1`; `counted` of them have a finite loss."""

    start: int
    counted: int
    min_step: int
    min_loss: float
    max_step: int
    max_loss: float
    mean_loss: float


ONE_STEP_BUCKETS = """SELECT step, 1, step, loss, step, loss, loss FROM steps
    WHERE run = ? AND step >= ? AND step < ? AND loss IS NOT NULL ORDER BY step"""
BUCKETS = """SELECT start, counted, min_step, min_loss, max_step, max_loss, mean_loss FROM buckets
    WHERE run = ? AND size = ? AND start >= ? AND start < ? ORDER BY start"""
CLEAR = "DELETE FROM buckets WHERE run = ? AND size = ? AND start >= ? AND start < ?"
INSERT = "INSERT INTO buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
FIRST_POINT = "SELECT step, loss FROM steps WHERE run = ? AND loss IS NOT NULL ORDER BY step LIMIT 1"
LAST_POINT = "SELECT step, loss FROM steps WHERE run = ? AND loss IS NOT NULL ORDER BY step DESC LIMIT 1"
ALL_POINTS = "SELECT step, loss FROM steps WHERE run = ? AND loss IS NOT NULL ORDER BY step"


def merge(parts: Iterable[Bucket], size: int) -> list[Bucket]:
    """Buckets of `size` from smaller ones that come in the order of their steps."""
    merged: dict[int, Bucket] = {}
    for part in parts:
        start = part.start // size * size
        before = merged.get(start)
        merged[start] = Bucket(start, *part[1:]) if before is None else join(before, part)
    return list(merged.values())


def join(a: Bucket, b: Bucket) -> Bucket:
    """`a` with the later steps of `b` added. Of equal losses the earlier one counts."""
    lowest = b if b.min_loss < a.min_loss else a
    highest = b if b.max_loss > a.max_loss else a
    counted = a.counted + b.counted
    mean = a.mean_loss + (b.mean_loss - a.mean_loss) * b.counted / counted
    return Bucket(
        a.start, counted, lowest.min_step, lowest.min_loss, highest.max_step, highest.max_loss, mean
    )  # fmt: skip


def update_buckets(
    connection: sqlite3.Connection, run: int, first: int, last: int, newest_before: int
) -> None:
    """Bring every level up to date after the steps `first` … `last` have been written (again).

    Args:
        newest_before: the highest step that the run had before, -1 if none. Levels that it did not need
            yet are built over the whole run.
    """
    newest = max(last, newest_before)
    size = SMALLEST
    while size // 2 <= newest or size == SMALLEST:
        is_new = size // 2 > newest_before
        low = 0 if is_new else first // size * size
        high = (newest if is_new else last) // size * size + size
        _rebuild(connection, run, size, low, high)
        size *= 2


def cut_buckets(connection: sqlite3.Connection, run: int, last: int) -> None:
    """Bring every level up to date after the steps beyond `last` have been removed."""
    connection.execute("DELETE FROM buckets WHERE run = ? AND start + size > ?", (run, last + 1))
    if connection.execute(FIRST_POINT, (run,)).fetchone() is not None:
        update_buckets(connection, run, last, last, last)


def _rebuild(connection: sqlite3.Connection, run: int, size: int, low: int, high: int) -> None:
    if size == SMALLEST:
        rows = connection.execute(ONE_STEP_BUCKETS, (run, low, high))
    else:
        rows = connection.execute(BUCKETS, (run, size // 2, low, high))
    merged = merge(map(Bucket._make, rows), size)
    connection.execute(CLEAR, (run, size, low, high))
    connection.executemany(INSERT, [(run, size, *bucket) for bucket in merged])


def read_curve(connection: sqlite3.Connection, run: int, points: int, means: int) -> Curve:
    """At most `points` points, the first and the newest step among them, and at most `means` means."""
    assert points >= 4 and means >= 1
    ends = [connection.execute(query, (run,)).fetchone() for query in (FIRST_POINT, LAST_POINT)]
    if ends[0] is None:
        return Curve(steps=[], losses=[], mean_steps=[], mean_losses=[])
    first, last = ends[0]["step"], ends[1]["step"]
    size, buckets = _level(connection, run, first, last, means)
    middles = [(max(b.start, first) + min(b.start + size - 1, last)) / 2 for b in buckets]
    if last - first < points:
        raw = dict(map(tuple, connection.execute(ALL_POINTS, (run,))))
    else:
        raw = dict(map(tuple, ends))
        for bucket in _level(connection, run, first, last, (points - 2) // 2)[1]:
            raw |= {bucket.min_step: bucket.min_loss, bucket.max_step: bucket.max_loss}
    steps = sorted(raw)
    return Curve(
        steps=steps,
        losses=[raw[step] for step in steps],
        mean_steps=middles,
        mean_losses=[bucket.mean_loss for bucket in buckets],
    )


def _level(
    connection: sqlite3.Connection, run: int, first: int, last: int, most: int
) -> tuple[int, list[Bucket]]:
    """The finest level that has at most `most` buckets: their size, and the buckets."""
    size = SMALLEST
    while last // size - first // size + 1 > most:
        size *= 2
    rows = connection.execute(BUCKETS, (run, size, 0, last + 1))
    return size, [Bucket._make(row) for row in rows]
