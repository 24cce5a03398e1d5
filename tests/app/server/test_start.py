"""The server answers before torch is there, and keeps what its pages say of the bin for as long as it serves."""

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import dashboard
from minigpt_core.configs import TrainConfig
from minigpt_core.errors import RunNotFound
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import BIN_SECONDS, RunStore
from tests.app.server.loop import result_of

ROOT = Path(__file__).parents[3]


def test_the_server_does_not_wait_for_torch() -> None:
    program = "import dashboard, sys; print(sorted({'torch', 'pandas', 'minigpt_core.store.runs'} & {*sys.modules}))"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]", said.stdout


async def gone(store: RunStore, run_id: str) -> None:
    """Wait until a run is in the store no longer."""
    with suppress(RunNotFound):
        while True:
            store.run(run_id)
            await asyncio.sleep(0.02)


def test_the_bin_is_emptied_as_long_as_the_server_serves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs whose time is over one after the other, the second one while the server has long been up."""
    monkeypatch.setattr(dashboard, "PURGE_SECONDS", 0.05)
    store = RunStore(home)
    first, second, third = (
        new_run(
            store, text="le chat dort. " * 9, title="chat", model_fields={}, training=TrainConfig(steps=1)
        ).id
        for _ in range(3)
    )

    def delete(run_id: str, ago: float) -> None:
        store.delete(run_id)
        with store._database.writing() as db:
            db.execute("UPDATE runs SET deleted = ? WHERE id = ?", (time.time() - ago, run_id))

    async def serve() -> None:
        async with dashboard.lifespan(dashboard.app):
            for run_id in (first, second):
                delete(run_id, BIN_SECONDS + 1)
                await asyncio.wait_for(gone(store, run_id), 60)

    delete(third, BIN_SECONDS - 3600)
    result_of(serve())
    assert store.run(third).deleted is not None
