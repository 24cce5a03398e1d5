"""Taking a run up again: its record ends at the checkpoint that it goes on from."""

import json
import sqlite3
from collections.abc import Mapping

from minigpt_core.configs import TrainConfig
from minigpt_core.steering import ChangeEvent, Steering
from minigpt_core.store.curves import cut_buckets
from minigpt_core.store.metrics import finite, write_changes
from minigpt_core.store.schema import update
from minigpt_core.training import Checkpoint

NOTHING = -1  # where a run without a checkpoint ends: not even the evaluation at step 0 stays


def rewind(
    db: sqlite3.Connection, row: sqlite3.Row, checkpoint: Checkpoint | None, requested: Mapping[str, float]
) -> list[ChangeEvent]:
    """Cut everything beyond a checkpoint, or all of it if there is none, and bring the settings that were last asked
    for into force there: those recorded, also beyond the checkpoint, then `requested`.

    Args:
        row: of the run in the table `runs`.

    Returns:
        All settings that can be changed on the way, as changes at the checkpoint's step. The record names those that
        differ from what was in force there.
    """
    key, state = row["key"], checkpoint.state if checkpoint else {}
    last = checkpoint.step if checkpoint else NOTHING
    for table in ("steps", "checkpoints"):
        db.execute(f"DELETE FROM {table} WHERE run = ? AND step > ?", (key, last))
    for table in ("evaluations", "samples"):  # one at the checkpoint's own step may have come after it
        evaluated = state.get("evaluated_step", last)
        db.execute(f"DELETE FROM {table} WHERE run = ? AND step > ?", (key, evaluated))
    cut_buckets(db, key, last)
    changes = write_settings(db, row, max(0, last), state, requested)
    progress = {name: finite(state.get(name)) for name in ("seconds", "best_step", "best_val_loss")}
    progress |= {"step": max(0, last), "seconds": progress["seconds"] or 0.0, "steps_per_second": None}
    update(db, key, progress)
    return changes


def write_settings(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    step: int,
    state: Mapping[str, float],
    requested: Mapping[str, float],
) -> list[ChangeEvent]:
    """Put changes at `step` in the place of all that were recorded there and later."""
    key, training = row["key"], TrainConfig.from_dict(json.loads(row["training"]))
    earlier = "SELECT name, value FROM changes WHERE run = ? AND step < ? ORDER BY step, position"
    begun_with = Steering(training).in_force
    before = begun_with | dict(map(tuple, db.execute(earlier, (key, step))))
    changed = json.loads(row["in_force"] or "{}") | dict(requested)
    db.execute("DELETE FROM changes WHERE run = ? AND step >= ?", (key, step))
    changes = [
        ChangeEvent(step=step, name=name, value=value) for name, value in (begun_with | changed).items()
    ]
    write_changes(
        db, key, [c for c in changes if c.value != before[c.name] or c.value != state.get(c.name, c.value)]
    )
    update(db, key, {"in_force": json.dumps(changed)})
    return changes
