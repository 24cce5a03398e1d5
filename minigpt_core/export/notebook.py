"""A run as a notebook of three cells: prepare, train, generate."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from minigpt_core.export.script import ENGLISH, export_parts
from minigpt_core.store.runs import Run, RunStore

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def export_notebook(store: RunStore, run: Run, language: str = ENGLISH) -> tuple[str, dict[str, bytes]]:
    """The run as a notebook in JSON, and the files that must lie beside it. Raises `StoreError`."""
    exported = export_parts(store, run, language)
    cells = [new_code_cell(code.rstrip("\n"), id=name) for name, code in exported.parts.items()]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    return nbformat.writes(notebook), exported.files
