"""What oxlint can't see of the components' scripts: how their files become the one piece that Streamlit takes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ui.components.javascript import in_one_piece

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "ui").rglob("*.js"))
COMPONENTS = [path for path in SCRIPTS if "export default" in path.read_text(encoding="utf-8")]
LISTENS = re.compile(r"\b(?:document|window|body)\.(?:addEventListener\(\s*|on)\W?(\w+)")
OXLINT = Path(sys.executable).parent / "oxlint"


def lint(folder: Path) -> str:
    """What cannot be run of the scripts in a folder, or names what is not there; "" if nothing."""
    only = ["--allow", "all", "--deny", "no-undef"]
    command = [str(OXLINT), "--config", str(ROOT / ".oxlintrc.json"), *only, "--format", "unix", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return done.stdout + done.stderr if done.returncode else ""


def test_a_script_stands_behind_what_it_imports_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep.js").write_text("export const deep = 1;\n")
    (tmp_path / "one.js").write_text('import { deep } from "./deep.js";\nexport const one = deep;\n')
    script = tmp_path / "script.js"
    script.write_text(
        'import { deep } from "./deep.js";\nimport { one } from "./one.js";\nexport default one + deep;\n'
    )
    assert in_one_piece(script) == "const deep = 1;\nconst one = deep;\nexport default one + deep;\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("const limit = 2;", "Identifier `limit` has already been declared"),
        ("const two = three;", "'three' is not defined"),
        ("const two = 2;", ""),
    ],
)
def test_a_name_that_two_files_give_or_none_is_found(tmp_path: Path, line: str, found: str) -> None:
    (tmp_path / "one.js").write_text("export const one = 1;\nconst limit = 1;\n")
    script = tmp_path / "script.js"
    script.write_text(f'import {{ one }} from "./one.js";\n{line}\nexport default one;\n')
    (whole := tmp_path / "whole").mkdir()
    (whole / "script.js").write_text(in_one_piece(script))
    assert found in (said := lint(whole)) and bool(found) == bool(said)


def test_each_component_in_one_piece_is_a_script_that_lacks_nothing_and_gives_no_name_twice(
    tmp_path: Path,
) -> None:
    (whole := tmp_path / "whole").mkdir()
    for path in COMPONENTS:
        (whole / path.name).write_text(in_one_piece(path), encoding="utf-8")
    assert len(COMPONENTS) == len([*whole.iterdir()]) > 10
    assert lint(whole) == ""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT / "ui")))
def test_a_script_listens_to_nothing_that_is_not_its_own(path: Path) -> None:
    """Whether the tab is seen or printed is nobody's. A click belongs to the component that was clicked; one key is the
    whole page's, so are a gesture that goes on after the page was drawn anew and a text that outlasts its field."""
    nobodys = {"visibilitychange", "beforeprint", "afterprint", "pagehide", "beforeunload"}
    whole_pages = {
        "projector.js": {"keydown"},
        "one_gesture.js": {"click", "keydown"},
        "typed_text.js": {"focusin", "input", "focusout"},
    }.get(path.name, set())
    assert {*LISTENS.findall(path.read_text(encoding="utf-8"))} <= nobodys | whole_pages
