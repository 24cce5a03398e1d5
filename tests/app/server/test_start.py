"""The server answers before torch is there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_server_does_not_wait_for_torch() -> None:
    program = "import dashboard, sys; print(sorted({'torch', 'pandas', 'minigpt_core.store.runs'} & {*sys.modules}))"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]", said.stdout
