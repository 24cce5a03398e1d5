"""The house keeps its rooms apart: what is named in one place only. What may import what: `lint-imports`."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from ui.journey import ABOUT, PAGES, SPEAKERS, TEACHERS
from ui.words.languages import LANGUAGES, SOURCE

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("minigpt_core", "ui", "pages", "tests", "benchmarks", "scripts")
OURS = {*ROOMS, "dashboard"}
UI = ROOT / "ui"
# Tools that are started, not imported.
STARTED = {"ruff", "mypy", "import-linter", "oxlint", "pytest-xdist", "pytest-timeout"}


packages_distributions = cache(metadata.packages_distributions)


def _sources(*rooms: str) -> list[Path]:
    files = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return [*files, ROOT / "dashboard.py"] if rooms == ROOMS else files


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, with what is taken from it: `ui`, `ui.state`, …"""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full, from the project's root"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _lines_with(path: Path, *names: str) -> list[str]:
    """The lines of a file where one of these is used, by itself or as in `st.cache_data`."""
    used = {
        node.lineno
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
    }
    return [f"{path.relative_to(ROOT)}:{line}" for line in sorted(used)]


def _requirements(name: str) -> dict[str, str]:
    """{package: rest of the line} of a requirements file, without those it includes."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    listed = [line.partition("==") for line in lines if line and not line.startswith(("#", "-r"))]
    return {package: version for package, _, version in listed}


def _cached_functions(path: Path) -> dict[str, list[ast.expr]]:
    """The functions of a file that are cached, with the decorators that do so."""
    functions = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)]
    found = {f.name: [d for d in f.decorator_list if ast.unparse(d) == "byte_cached"] for f in functions}
    return {name: decorators for name, decorators in found.items() if decorators}


def test_caches_live_in_the_room_that_uses_them_and_shared_ones_in_one_file() -> None:
    """A cached function of `ui/resources.py` is for all, as what mounts components; another one for its room alone."""
    sources = _sources("minigpt_core", "ui", "pages")
    imported = {path: {*_imports(path)} for path in sources}
    cached = {path: names for path in sources if (names := _cached_functions(path))}
    marked = {path: len(_lines_with(path, "byte_cached")) for path in sources}
    assert {path: n for path, n in marked.items() if n} == {
        path: len(names) for path, names in cached.items()
    }
    assert cached.pop(UI / "resources.py") and cached.pop(UI / "components" / "mounting.py")
    for path, names in cached.items():
        assert path.parent.parent == UI, f"{path} is in no room of ui/"
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        elsewhere = [imported[other] for other in sources if path.parent not in other.parents]
        assert all(used.isdisjoint(f"{module}.{name}" for name in names) for used in elsewhere), path


def test_no_cache_grows_without_end() -> None:
    """`byte_cached` counts bytes; a visitor can have Streamlit's caches emptied, which count entries."""
    sources = _sources("ui", "pages")
    assert [line for path in sources for line in _lines_with(path, "cache_data", "cache_resource")] == []


def test_session_keys_are_named_in_one_place() -> None:
    """Elsewhere the session is reached by a name from there: `st.session_state[state.LANGUAGE_SWITCH]`."""
    by_name = re.compile(r"session_state(\[|\.(get|pop|setdefault)\()state\.[A-Z_]+\b")
    owners = {
        ROOT / "ui" / "state.py",
        ROOT / "ui" / "words" / "i18n.py",  # of the language spoken
        ROOT / "ui" / "server" / "streamlit_changes.py",  # of Streamlit's own objects
    }
    for path in _sources("minigpt_core", "ui", "pages"):
        if path not in owners:
            text = path.read_text(encoding="utf-8")
            assert len(by_name.findall(text)) == text.count("session_state"), path


def test_only_who_owns_a_run_asks_anything_of_it() -> None:
    """`state.steer(run_id)` looks whose it is; what it gives is called `jobs`."""
    asks = re.compile(r"\bjobs(\(\))?\.(submit|pause|resume|step|change|stop)\(")
    for path in _sources("ui", "pages"):
        for function in (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)):
            for asked in asks.finditer(body := ast.unparse(function)):
                steers = not asked[1] and "jobs = state.steer(" in body
                assert steers, f"{path}: {function.name}"


def test_nothing_begins_while_the_teacher_forbids_it() -> None:
    """`state.let_train()` asks; the teacher's own hand does not."""
    begins = re.compile(r"\.(submit|resume|step)\(run")
    for path in _sources("ui", "pages"):
        for function in (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)):
            if begins.search(body := ast.unparse(function)) and path.parent.name != "classroom":
                assert "state.let_train()" in body, f"{path}: {function.name}"


def test_no_code_knows_a_language_by_its_name() -> None:
    """What differs stands in the folders of a language. But texts are in one, ids in links, and a robot types words."""
    may = {
        "minigpt_core/texts/corpus.py",
        "minigpt_core/texts/downloads.py",
        "minigpt_core/store/prepared.py",
        "scripts/walk_lessons.py",
    }
    found = {
        str(path.relative_to(ROOT).as_posix())
        for path in _sources("minigpt_core", "ui", "pages", "scripts")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and str(node.value).lower() in LANGUAGES.keys() - {SOURCE}
    }
    assert found == may
    quoted = re.compile("|".join(f"[\"'`]{code}[\"'`]" for code in LANGUAGES if code != SOURCE))
    assert [path for path in UI.rglob("*.js") if quoted.search(path.read_text(encoding="utf-8"))] == []


def test_every_page_is_a_station() -> None:
    others = {station.name for station in (*TEACHERS, *ABOUT, *SPEAKERS)}
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == {*PAGES, *others}


def test_a_module_of_ui_hides_no_other_module() -> None:
    """Streamlit puts `ui/` first on the path: a `ui/code.py` would replace the standard library's `code`."""
    names = {path.stem for path in (ROOT / "ui").glob("*.py")} | {
        path.name for path in (ROOT / "ui").iterdir() if path.is_dir()
    }
    installed = {name for name in packages_distributions() if name.isidentifier()}
    assert "streamlit" in installed
    assert names & (set(sys.stdlib_module_names) | installed | OURS) == set()


def test_no_path_of_one_machine_is_written_down() -> None:
    here = [f"{path}/" for path in (ROOT.parent, Path.home()) if path != Path(path.anchor)]
    somewhere = re.compile(
        "|".join([*map(re.escape, here), r"(?<![\w.])/(home|Users)/\w", r"[A-Z]:\\+Users"])
    )
    texts = [ROOT / name for name in ("Makefile", "pyproject.toml", ".ci/run", ".streamlit/config.toml")]
    texts += [*_sources(*ROOMS), *ROOT.glob("*.md"), *ROOT.glob("*.txt"), *(ROOT / "ui").rglob("*.[mj][ds]")]
    assert [path.relative_to(ROOT) for path in texts if somewhere.search(path.read_text("utf-8"))] == []


def test_every_package_is_pinned_and_has_a_reason() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-ray.txt"):
        for package, rest in _requirements(name).items():
            assert re.fullmatch(r"[\w.]+\s+# .+", rest), f"{package} in {name}"


def test_what_is_imported_is_installed_and_what_is_installed_is_used() -> None:
    package_of = {
        module: {name.lower() for name in names} for module, names in packages_distributions().items()
    }
    run, dev = _requirements("requirements.txt"), _requirements("requirements-dev.txt")
    ray = _requirements("requirements-ray.txt")
    for rooms, listed in [(("minigpt_core", "ui", "pages"), {*run, *ray}), (ROOMS, {*run, *dev, *ray})]:
        modules = {name.split(".")[0] for path in _sources(*rooms) for name in _imports(path)}
        foreign = modules - OURS - set(sys.stdlib_module_names)
        missing = {module for module in foreign if listed.isdisjoint(package_of.get(module, {module}))}
        used = {package for module in foreign for package in package_of.get(module, {module})}
        assert missing == set()
        assert listed - used - STARTED == set()


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_files_that_the_documents_name_are_there(name: str) -> None:
    """But for those in recipes: a page called `hello`, a text about a wolf, a folder for German."""
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:minigpt_core|ui|pages|tests|scripts|benchmarks|docs)/[\w./-]+)`", text))
    made_up = re.compile(r"hello|the_wolf|/de/|\.de\.")
    assert [path for path in sorted(named) if not made_up.search(path) and not (ROOT / path).exists()] == []


def test_headings_go_down_one_level_at_a_time() -> None:
    """Below a page's title stand headings of the second level."""
    assert [path for path in _sources("ui", "pages") if "st.subheader(" in path.read_text("utf-8")] == []
