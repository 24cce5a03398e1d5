"""Python code is parsed by one thread at a time: two at once can end each other."""

import ast
import inspect
import threading
import time
from typing import Any

import pytest

from minigpt_core.model import GPT, Block, TinyGPT, make_norm
from minigpt_core.source_code import parsed_expression, source_lines


def test_it_is_what_inspect_says() -> None:
    for shown in (GPT, GPT.forward, make_norm):
        assert source_lines(shown) == inspect.getsourcelines(shown)


def test_only_one_thread_parses(monkeypatch: pytest.MonkeyPatch) -> None:
    source_lines.cache_clear()
    parse, busy, most = ast.parse, 0, 0

    def noting(*args: Any, **options: Any) -> Any:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        time.sleep(0.02)  # here another thread could begin
        busy -= 1
        return parse(*args, **options)

    monkeypatch.setattr(ast, "parse", noting)
    works = [lambda each=each: source_lines(each) for each in (TinyGPT, GPT, Block)]
    threads = [threading.Thread(target=work) for work in (*works, lambda: parsed_expression("1 + 2"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
