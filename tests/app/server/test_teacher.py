"""The teacher's page is for who has the link, and nobody else learns that there is one: on a real server."""

import http.client
import io
import json
import stat
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from minigpt_core.configs import TrainConfig
from minigpt_core.limits import Limits
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from scripts.running_app import RunningApp, running_app
from scripts.serve import command_line, given_door, welcome, what_fits
from scripts.visitor import Visitor
from ui import teacher
from ui.people import invented_names
from ui.workspace import LEFT, new_token, well_formed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home = tmp_path_factory.mktemp("taught") / "home"
    teacher.keep_secret(home)
    with running_app(home, env={"MINIGPT_SERVE": "1", "MINIGPT_WARM_WORKER": "0"}) as app:
        yield app


@pytest.fixture
def key(server: RunningApp) -> str:
    return teacher.keep_secret(server.home)


def asked(
    server: RunningApp, path: str, cookie: str = "", headers: Mapping[str, str] = MappingProxyType({})
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", path, headers={**headers, **({"Cookie": cookie} if cookie else {})})
    return connection.getresponse()


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_secret_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    secret = teacher.keep_secret(tmp_path / "home")
    file = tmp_path / "home" / teacher.FILE
    assert well_formed(secret) and stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    assert teacher.keep_secret(tmp_path / "home") == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert teacher.keep_secret(tmp_path / "home", new=True) != secret


def test_the_terminal_has_the_way_in_for_both_and_their_squares() -> None:
    words = welcome(["http://192.0.2.7:8501/lab", "http://198.51.100.7:8501/lab"], "s" * 22)
    assert "http://198.51.100.7:8501/lab\n" in words
    assert f"http://192.0.2.7:8501/lab/class?key={'s' * 22}\n" in words
    assert teacher.class_code("s" * 22) in words
    assert words.count("█") > 100


def test_what_fits_is_said_in_whole_numbers() -> None:
    most = Limits(minutes=2.5, parameters=2_000_000, megabytes=500)
    assert "minutes 2.5, parameters 2,000,000," in what_fits(most)


def test_help_is_about_the_class_and_one_screen_long(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line().parse_known_args(["--help"])
    said = capsys.readouterr().out
    assert "--new-link" in said and said.count("\n") < 30


def test_the_way_in_can_be_named() -> None:
    assert given_door("https://lab.example/gpt/") == (["https://lab.example/gpt"], "gpt", "lab.example")
    assert given_door("http://lab.example:8600") == (["http://lab.example:8600"], "", "lab.example")
    for wrong in ("lab.example", "ftp://lab.example", "https://", "https://lab.example/?key=1"):
        with pytest.raises(SystemExit, match="no address of a page"):
            given_door(wrong)


def test_the_link_leaves_a_cookie_and_the_address(server: RunningApp, key: str) -> None:
    answer = asked(server, f"/class?key={key}")
    assert (answer.status, answer.headers["location"]) == (303, "./class")
    cookie, *flags = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
    assert key not in str(answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert asked(server, "/class", cookie).status == 200


NO_LINKS = ["", "x", "é" * 22, "x" * 22, "x" * 5000, "\0", "' OR 1=1 --"]


@pytest.mark.parametrize("wrong", NO_LINKS)
def test_a_guessed_link_names_no_page(server: RunningApp, wrong: str) -> None:
    answer = asked(server, f"/class?key={quote(wrong)}")
    assert answer.headers["location"].startswith("./?missing=class")
    assert teacher.COOKIE not in answer.headers.get("set-cookie", "")


def test_no_other_cookie_opens_the_page(server: RunningApp, key: str) -> None:
    for cookie in (
        "",
        key,
        "x" * 64,
        teacher.cookie_of(new_token()),
        teacher.cookie_of(key)[:-1],
        "é",
        "x" * 3000,
    ):
        answer = asked(server, "/class", f"minigpt_workspace={new_token()}; {teacher.COOKIE}={cookie}")
        assert (answer.status, answer.headers["location"]) == (307, "./?missing=class")


def test_a_pupil_who_asks_for_it_by_hand_gets_the_first_page(server: RunningApp, key: str) -> None:
    pupil, forger = Visitor(server.url), Visitor(server.url, teacher="x" * 64)
    for visitor in (pupil, forger):
        visitor.open("class")
        assert "Who is here" not in visitor.words()
        assert "Type this address" not in visitor.words()
        visitor.close()
    taught = Visitor(server.url, teacher=teacher.cookie_of(key))
    taught.open("class")
    assert "Type this address" in taught.words() and teacher.class_code(key) in taught.words()
    taught.close()


def test_who_serves_nobody_has_no_such_page(tmp_path: Path) -> None:
    key = teacher.keep_secret(tmp_path / "home")
    with running_app(tmp_path / "home", env={"MINIGPT_SERVE": "0", "MINIGPT_WARM_WORKER": "0"}) as app:
        assert asked(app, f"/class?key={key}").headers["location"] == "./?missing=class"
        cookie = f"{teacher.COOKIE}={teacher.cookie_of(key)}"
        assert asked(app, "/class", cookie).headers["location"] == "./?missing=class"


def test_a_pupil_appears_and_only_the_teacher_is_told(server: RunningApp, key: str) -> None:
    pupil = Visitor(server.url)
    pupil.open("training", lang="fr")
    mine = f"{teacher.COOKIE}={teacher.cookie_of(key)}"
    answer = asked(server, "/api/class/pupils", mine)
    pupil.close()
    body = answer.read().decode()
    told = json.loads(body)["pupils"][-1]
    assert told["name"] in set(invented_names("fr", "any")) and (told["here"], told["page"]) == (
        True,
        "training",
    )
    assert told["run"] is None
    assert pupil.workspace not in body, "her page could act as the pupil"
    assert asked(server, "/api/class/pupils", f"minigpt_workspace={pupil.workspace}").status == 404
    assert asked(server, "/api/class/pupils").status == 404
    assert asked(server, "/api/wall", mine).status == 200
    assert asked(server, "/api/wall", f"minigpt_workspace={pupil.workspace}").status == 404
    assert asked(server, "/api/class/nosuch", mine).status == asked(server, "/api/class/pupils").status


def test_news_cost_a_number(server: RunningApp) -> None:
    answer = asked(server, "/api/class", f"minigpt_workspace={new_token()}")
    assert answer.status == 200 and len(answer.read()) < 20


def test_what_is_asked_of_all_is_news_at_once(server: RunningApp, key: str) -> None:
    cookie = f"minigpt_workspace={new_token()}"
    known = asked(server, "/api/class", cookie).read().decode()
    taught = Visitor(server.url, teacher=teacher.cookie_of(key))
    taught.open("class")
    press = WidgetState(id=taught.widget("hand_freeze"), trigger_value=True)
    assert asked(server, f"/api/class?version={known}", cookie).read().decode() == known, (
        "held back, not for ever"
    )
    taught.send_widgets(press, page="class")
    assert asked(server, f"/api/class?version={known}", cookie).read().decode() != known
    taught.send_widgets(WidgetState(id=taught.widget("hand_thaw"), trigger_value=True), page="class")
    taught.close()


def test_who_had_paused_stays_paused_when_all_go_on(server: RunningApp, key: str) -> None:
    """Two tabs of the teacher's, one of which does not know yet what the other one has done."""
    tabs = [Visitor(server.url, teacher=teacher.cookie_of(key)) for _ in range(2)]
    resting, going = Visitor(server.url), Visitor(server.url)
    for visitor, button in ((resting, "training_step"), (going, "start")):
        visitor.open("training", settings="notebook~steps~20000~pace~1")
        visitor.send_widgets(WidgetState(id=visitor.widget(button), trigger_value=True), page="training")
    store = RunStore(server.home)

    def statuses() -> list[str]:
        return [store.runs(visitor.workspace)[0].status for visitor in (resting, going)]

    wait_until(lambda: statuses() == ["paused", "running"])
    for tab in tabs:
        tab.open("class")
    for tab in tabs:
        tab.send_widgets(WidgetState(id=tab.widget("hand_pause"), trigger_value=True), page="class")
        wait_until(lambda: statuses() == ["paused", "paused"])
    tabs[0].open("class")
    tabs[0].send_widgets(WidgetState(id=tabs[0].widget("hand_resume"), trigger_value=True), page="class")
    wait_until(lambda: statuses() == ["paused", "running"])
    stop = WidgetState(id=tabs[0].widget("hand_stop_all"), trigger_value=True)
    tabs[0].send_widgets(stop, page="class")
    wait_until(lambda: statuses() == ["stopped", "stopped"])
    undo = WidgetState(id=tabs[0].widget("hand_unstop"), trigger_value=True)
    tabs[0].send_widgets(undo, page="class")
    wait_until(lambda: statuses() == ["running", "running"])
    tabs[0].send_widgets(stop, page="class")
    for visitor in (*tabs, resting, going):
        visitor.close()


def test_only_the_teachers_hand_holds_the_class(server: RunningApp, key: str) -> None:
    def version() -> bytes:
        return asked(server, "/api/class").read()

    taught, pupil = Visitor(server.url, teacher=teacher.cookie_of(key)), Visitor(server.url)
    taught.open("class")
    press, before = WidgetState(id=taught.widget("hand_freeze"), trigger_value=True), version()
    for page in ("class", "training", ""):
        pupil.send_widgets(press, page=page)
    assert version() == before
    taught.send_widgets(press, page="class")
    assert version() != before, "the very message of who may"
    pupil.open("training")
    pupil.send_widgets(WidgetState(id=pupil.widget("start"), trigger_value=True), page="training")
    assert "no new training" in pupil.words() and RunStore(server.home).runs(pupil.workspace) == []
    taught.send_widgets(WidgetState(id=taught.widget("hand_thaw"), trigger_value=True), page="class")
    taught.close()
    pupil.close()


def test_the_teacher_may_stop_a_pupils_run_and_no_other_pupil(server: RunningApp, key: str) -> None:
    taught, pupil, other = (
        Visitor(server.url, teacher=teacher.cookie_of(key)),
        Visitor(server.url),
        Visitor(server.url),
    )
    pupil.open("training")
    pupil.send_widgets(WidgetState(id=pupil.widget("training_step"), trigger_value=True), page="training")
    (run,) = RunStore(server.home).runs(pupil.workspace)
    wait_until(lambda: RunStore(server.home).run(run.id).status == "paused")
    taught.open("class")
    press = WidgetState(id=taught.widget("hand_stop_all"), trigger_value=True)
    other.open("training")
    other.send_widgets(press, page="class")
    assert RunStore(server.home).run(run.id).status == "paused"
    taught.send_widgets(press, page="class")
    wait_until(lambda: RunStore(server.home).run(run.id).status == "stopped")
    for visitor in (taught, pupil, other):
        visitor.close()


def test_the_whole_class_as_a_file_is_for_the_teacher(server: RunningApp, key: str) -> None:
    mine = f"{teacher.COOKIE}={teacher.cookie_of(key)}"
    assert asked(server, "/api/class/archive.zip", f"minigpt_workspace={new_token()}").status == 404
    answer = asked(server, "/api/class/archive.zip", mine)
    with zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
        assert answer.status == 200 and archive.testzip() is None


def test_a_new_pupil_at_the_same_computer_sees_nothing_of_the_last_one(server: RunningApp) -> None:
    before = Visitor(server.url)
    before.open("training")
    run = new_run(
        RunStore(server.home), text="abcdefgh" * 50, title="t", model_fields={"block_size": 4, "n_embd": 8},
        training=TrainConfig(steps=5), workspace=before.workspace, status="stopped", name="a name that is seen",
    )  # fmt: skip
    before.open("training")
    assert "a name that is seen" in before.words()
    cookie = f"minigpt_workspace={before.workspace}"
    assert asked(server, "/api/new-pupil", cookie).status == 404, (
        "no link from elsewhere takes somebody's runs away"
    )
    answer = asked(server, "/api/new-pupil", cookie, {"Sec-Fetch-Site": "same-origin"})
    without_encryption = {"Referer": f"{server.url}/training"}
    assert asked(server, "/api/new-pupil", cookie, without_encryption).status == 303
    foreign = {"Referer": "http://elsewhere.example/training"}
    assert asked(server, "/api/new-pupil", cookie, foreign).status == 404
    headers = answer.headers.get_all("set-cookie") or []
    given = {name: value for name, _, value in (header.split("; ")[0].partition("=") for header in headers)}
    assert answer.status == 303 and before.workspace not in str(answer.headers)
    after = Visitor(server.url, given["minigpt_workspace"], others=f"{LEFT}={given[LEFT]}")
    for page in ("training", "sampling"):
        after.open(page, run=run.id, author=run.id, text=run.text_id)
        assert "a name that is seen" not in after.words()
    stranger = Visitor(server.url)
    stranger.open("training", run=run.id)
    assert "a name that is seen" in stranger.words(), "who has the link may watch, as ever"
    for visitor in (before, after, stranger):
        visitor.close()


def test_the_teacher_removes_everything_and_tabs_begin_anew(server: RunningApp, key: str) -> None:
    taught, pupil = Visitor(server.url, teacher=teacher.cookie_of(key)), Visitor(server.url)
    pupil.open("training")
    new_run(
        RunStore(server.home), text="zaubermarker " * 50, title="zaubermarker", workspace=pupil.workspace,
        model_fields={"block_size": 4, "n_embd": 8}, training=TrainConfig(steps=5), status="stopped",
        name="zaubermarker",
    )  # fmt: skip
    pupil.open("training")
    assert "zaubermarker" in pupil.words()
    taught.open("class")
    press = WidgetState(id=taught.widget("wipe"), trigger_value=True)
    pupil.send_widgets(press, page="class")
    assert RunStore(server.home).runs(pupil.workspace) != []
    taught.send_widgets(press, page="class")
    found = [p for p in server.home.rglob("*") if p.is_file() and b"zaubermarker" in p.read_bytes()]
    assert found == [] and RunStore(server.home).runs(pupil.workspace) == []
    pupil.open("training")
    assert "zaubermarker" not in pupil.words() and "This class is over" in pupil.words()
    taught.close()
    pupil.close()
