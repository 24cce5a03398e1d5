"""Whether the dashboard on this machine answers: exit status 0, else 1. For a container's health check, or a proxy's.

`python -m scripts.healthy [PORT]`; the path below which it answers is that of `MINIGPT_ADDRESS`.
"""

import os
import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from scripts.running_app import HEALTH

SECONDS = 4


def healthy(port: int, base: str = "") -> bool:
    """Whether the server at this port answers below this path."""
    ask = build_opener(ProxyHandler({})).open  # never through a proxy: it is on this machine
    try:
        with ask(f"http://127.0.0.1:{port}{base}{HEALTH}", timeout=SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    chosen = int(sys.argv[1]) if len(sys.argv) > 1 else 8501
    path = urlsplit(os.environ.get("MINIGPT_ADDRESS", "")).path.rstrip("/")
    sys.exit(0 if healthy(chosen, path) else 1)
