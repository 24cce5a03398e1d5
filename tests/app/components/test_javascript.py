"""What the components' scripts share: imported where it is used, and in one piece for the browser."""

import re
from pathlib import Path

import pytest

from ui.components.javascript import IMPORT, files, in_one_piece

UI = Path(__file__).parents[3] / "ui"
SCRIPTS = sorted(UI.rglob("*.js"))
COMPONENTS = [path for path in SCRIPTS if "export default" in path.read_text(encoding="utf-8")]
EXPORTED = re.compile(r"^export (?:const|(?:async )?function\*?) (\w+)", re.MULTILINE)
NAMED = re.compile(r"^(?:export )?(?:const|let|(?:async )?function\*?) (\w+)", re.MULTILINE)
NOT_CODE = re.compile(r'"(?:[^"\\\n]|\\.)*"|//.*|/\*(?:.|\n)*?\*/')


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def imported(path: Path) -> dict[str, Path]:
    """{name: the file that it comes from}."""
    return {
        name.strip(): (path.parent / place).resolve()
        for names, place in IMPORT.findall(source(path))
        for name in names.split(",")
    }


def code(path: Path) -> str:
    """Without imports, comments and quoted texts."""
    return NOT_CODE.sub("", IMPORT.sub("", source(path)))


def ids(path: Path) -> str:
    return str(path.relative_to(UI))


def test_a_script_stands_behind_what_it_imports_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep.js").write_text("export const deep = 1;\n")
    (tmp_path / "one.js").write_text('import { deep } from "./deep.js";\nexport const one = deep;\n')
    script = tmp_path / "script.js"
    script.write_text(
        'import { deep } from "./deep.js";\nimport { one } from "./one.js";\nexport default one + deep;\n'
    )
    assert in_one_piece(script) == "const deep = 1;\nconst one = deep;\nexport default one + deep;\n"


@pytest.mark.parametrize("path", SCRIPTS, ids=ids)
def test_what_a_script_imports_is_there_and_used(path: Path) -> None:
    for name, place in imported(path).items():
        assert name in EXPORTED.findall(source(place))
        assert re.search(rf"\b{name}\b", code(path)), f"{name} is not used"


@pytest.mark.parametrize("path", COMPONENTS, ids=ids)
def test_the_files_of_a_component_give_no_name_twice(path: Path) -> None:
    names = [name for file in files(path) for name in NAMED.findall(source(file))]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("path", COMPONENTS, ids=ids)
def test_what_a_file_calls_of_another_it_imports(path: Path) -> None:
    """In one piece it would be found all the same, but not by a reader."""
    exported = {name for file in files(path) for name in EXPORTED.findall(source(file))}
    for file in files(path):
        here = {*imported(file), *NAMED.findall(source(file))}
        called = {*re.findall(r"(?<![\w.])(\w+)\(", code(file))}
        assert (called & exported) - here == set(), file
