"""A lesson with a teacher and six pupils in real browsers, at the server of `make serve` bound to this machine.

    python -m benchmarks.lesson --out pictures

Each part prints how many seconds it took until the last screen had it, beside the machine's load; pictures of the
teacher, the wall and two pupils are taken on the way. Ends with an error where something did not happen. (Linux)
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, expect, sync_playwright

from minigpt_core.store.runs import RunStore
from scripts.browser import PATIENCE, find_chromium, launch, new_context, wait_until_idle
from scripts.running_app import HEALTH, free_port, stop
from scripts.screenshots import THEMES
from ui import teacher

PUPILS = 6
LANGUAGES = ("fr", "en")
# A name that a pupil's browser trusts as little as any in a school's network: not as it trusts its own machine's
HOST = "class.test"
NICKNAMES = ("Zoé 🦊", "<b>**Max**</b>", "Ź̴̢͓͉̮̭̫̳͠", "x" * 60, "", "O’Neil & Søn")
ENDED = ("done", "stopped", "diverged", "failed", "interrupted")


class Lesson:
    """The screens of a class, and what happens on them."""

    def __init__(self, browser: Browser, url: str, home: Path, out: Path) -> None:
        self.url, self.home, self.out = url, home, out
        self.teacher = new_context(browser, "fr").new_page()
        self.pupils = [
            new_context(browser, LANGUAGES[n % 2], THEMES[n // 2 % 2]).new_page() for n in range(PUPILS)
        ]
        self.complaints: list[str] = []
        for page in (self.teacher, *self.pupils):
            page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say how long it takes."""
        began = time.monotonic()
        yield
        print(f"{what}: {time.monotonic() - began:.1f} s (load {os.getloadavg()[0]:.1f})", flush=True)

    def picture(self, name: str, page: Page) -> None:
        """Keep what stands on a screen."""
        page.wait_for_timeout(500)
        page.screenshot(path=self.out / f"{name}.png")

    def press(self, key: str) -> None:
        """Press a button of the teacher's hand."""
        self.teacher.locator(f".st-key-{key} button").first.click()

    def choose(self, opened: str, pressed: str, *ticked: str) -> None:
        """Open one of the hand's menus, tick what is in it, and press its button."""
        self.press(opened)
        for key in ticked:
            self.teacher.locator(f".st-key-{key} label").first.click()
        self.press(pressed)

    def all_see(self, text: str | None = None) -> None:
        """Wait until the teacher's line stands on every pupil's screen; without a text: until it is gone."""
        for page in self.pupils:
            line = page.locator(".mg-teacher")
            expect(line).to_have_count(1 if text is not None else 0)
            if text:
                expect(line).to_contain_text(text)

    def runs(self) -> dict[str, str]:
        """The status of every run of the class."""
        return {run.id: run.status for run in RunStore(self.home).runs() if not run.prepared}

    def until(self, happens: Callable[[], bool]) -> None:
        """Wait for something that stands in the store."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not happens():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so: {self.runs()}")
            self.teacher.wait_for_timeout(50)

    # What happens

    def join(self) -> None:
        """Everybody comes, and some are called otherwise."""
        self.teacher.goto(teacher.link(self.url, teacher.keep_secret(self.home)))
        self.teacher.locator(".mg-class").wait_for()
        with self.timed(f"{PUPILS} pupils open the page"):
            for page in self.pupils:
                page.goto(f"{self.url}/training?settings=notebook~steps~100000", wait_until="commit")
            for page in self.pupils:
                page.locator(".st-key-start button").first.wait_for()
        with self.timed("the last one stands on the teacher's page"):
            expect(self.teacher.locator(".mg-pupil")).to_have_count(PUPILS)
        for page, nickname in zip(self.pupils, NICKNAMES, strict=True):
            page.locator(".st-key-class_name button").first.click()
            page.locator(".st-key-nickname input").fill(nickname)
            page.locator(".st-key-nickname input").press("Enter")
            wait_until_idle(page)
            page.keyboard.press("Escape")
        expect(self.teacher.locator(".mg-pupil").filter(has_text=NICKNAMES[-1])).to_have_count(1)
        print("called:", self.teacher.locator(".mg-pupil-top bdi").all_inner_texts())

    def train(self) -> None:
        """All press Start; what the teacher holds stands still."""
        with self.timed("all have pressed Start, and see a first loss"):
            for page in self.pupils:
                page.locator(".st-key-start button").filter(visible=True).first.click(no_wait_after=True)
            for page in self.pupils:
                page.wait_for_url(lambda address: "run=" in address)
            self.until(lambda: len(self.runs()) == PUPILS and "queued" not in self.runs().values())
        self.picture("pupil-training", self.pupils[0])
        self.picture("pupil-training-en-dark", self.pupils[3])
        self.picture("teacher", self.teacher)
        with self.timed("all are paused"):
            self.press("hand_pause")
            self.until(lambda: not {"running", "queued"} & {*self.runs().values()})
            self.all_see("")
        self.picture("pupil-held", self.pupils[0])
        with self.timed("all go on"):
            self.press("hand_resume")
            self.all_see()

    def look(self) -> None:
        """Everybody looks at one page, and nobody leaves it."""
        with self.timed("everybody looks here, and stays"):
            self.choose("hand_look", "hand_look_now", "hand_stay")
            self.all_see("")
        page = self.pupils[1]
        page.goto(f"{self.url}/model")
        expect(page.locator("h1")).to_have_text("Training")
        self.picture("pupil-locked", page)
        with self.timed("everybody goes where they like"):
            self.press("hand_unlook")
            self.all_see()
        with self.timed("one language for all"):
            self.choose("hand_speak", "hand_speak_fr")
            for page in self.pupils:
                expect(page.locator("h1")).to_have_text("Entraînement")
        self.press("hand_unspeak")
        self.all_see()

    def give(self) -> None:
        """The same text for all, which nobody changes."""
        with self.timed("the same text for all"):
            self.choose("hand_give", "hand_give_now", "hand_lock")
            self.all_see("")
        self.picture("pupil-given", self.pupils[2])
        self.press("hand_ungive")
        self.all_see()

    def project(self) -> None:
        """A sample goes to the wall once it was looked at, with a word covered."""
        wall = self.teacher.context.new_page()
        wall.goto(f"{self.url}/wall")
        wall.locator(".mg-wall .scatterlayer .trace").first.wait_for()
        expect(wall.locator(".mg-wall-samples figure")).to_have_count(0)
        self.teacher.locator(".mg-pupil button").first.click()
        self.teacher.get_by_role("dialog").wait_for()
        wait_until_idle(self.teacher)
        self.picture("teacher-preview", self.teacher)
        with self.timed("what was allowed stands on the wall"):
            self.press("preview_allow")
            expect(wall.locator(".mg-wall-samples figure")).to_have_count(1)
        self.picture("wall", wall)
        wall.close()

    def lose_the_server(self, restart: Callable[[], None]) -> None:
        """The server dies without a word, and comes back."""
        before = {run.id: run.step for run in RunStore(self.home).runs() if not run.prepared}
        with self.timed("killed, started again, and on every screen"):
            restart()
            for page in (self.teacher, *self.pupils):
                page.locator('[data-test-connection-state="CONNECTED"]').wait_for()
            expect(self.teacher.locator(".mg-pupil:not(.mg-away)")).to_have_count(PUPILS)
        wait_until_idle(self.teacher)  # a click before a page is drawn anew is lost
        with self.timed("every training goes on by itself"):
            self.until(lambda: all(run.step > before[run.id] or run.status in ENDED
                                   for run in RunStore(self.home).runs() if run.id in before))  # fmt: skip

    def stop_and_undo(self) -> None:
        """Stop all, and take it back."""
        going = [run for run, status in self.runs().items() if status not in ENDED]
        with self.timed(f"all {len(going)} are stopped"):
            self.choose("hand_stop", "hand_stop_all")
            self.until(lambda: all(status in ENDED for status in self.runs().values()))
        if going:
            with self.timed("and go on again"):
                self.press("hand_unstop")
                self.until(lambda: all(self.runs()[run] not in ("stopped",) for run in going))

    def end(self) -> None:
        """Somebody new at a laptop; then everything is removed, and who stays begins anew."""
        page = self.pupils[5]
        run = parse_qs(urlsplit(page.url).query)["run"][0]
        page.locator(".st-key-class_name button").first.click()
        page.locator("a[href='api/new-pupil']").click()
        wait_until_idle(page)
        page.goto(f"{self.url}/training")
        wait_until_idle(page)
        assert run not in page.content(), "whoever comes next sees nothing of who was here"
        self.teacher.get_by_role("tab").last.click()
        self.picture("teacher-afterwards", self.teacher)
        with self.timed("everything is removed, and every screen says so"):
            self.choose("wipe_ask", "wipe")
            for pupil, lang in zip(self.pupils, LANGUAGES * PUPILS, strict=False):
                title = {"fr": "Ce cours est terminé", "en": "This class is over"}[lang]
                expect(pupil.locator("h1")).to_have_text(title)
        self.picture("pupil-over", self.pupils[0])
        assert self.runs() == {}
        self.pupils[0].locator("a[href='api/new-pupil']").click()
        self.teacher.get_by_role("tab").first.click()
        expect(self.teacher.locator(".mg-pupil")).to_have_count(1)
        print("called:", self.teacher.locator(".mg-pupil-top bdi").all_inner_texts())


def serve(home: Path, port: int) -> subprocess.Popen[bytes]:
    """Start what `make serve` starts, for this machine alone."""
    command = [
        sys.executable,
        "-m",
        "scripts.serve",
        "--server.port",
        str(port),
        "--server.address",
        "127.0.0.1",
    ]
    environment = {**os.environ, "MINIGPT_HOME": str(home), "MINIGPT_HOSTS": HOST}
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}{HEALTH}", timeout=5):
                return process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError((home / "server.log").read_text(errors="replace")[-2000:])


def main() -> None:
    """Hold the lesson."""
    expect.set_options(timeout=PATIENCE)
    parser = argparse.ArgumentParser(prog="benchmarks.lesson", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "lesson")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    executable, port = find_chromium(), free_port()
    if executable is None:
        raise SystemExit("No Chromium or Chrome was found: install one, or give its path in CHROMIUM.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        servers = [serve(Path(folder), port)]

        def restart() -> None:
            servers[-1].kill()
            servers[-1].wait()
            servers.append(serve(Path(folder), port))

        browser = launch(playwright, executable, f"--host-resolver-rules=MAP {HOST} 127.0.0.1")
        try:
            lesson = Lesson(browser, f"http://{HOST}:{port}", Path(folder), out)
            lesson.join()
            lesson.train()
            lesson.look()
            lesson.give()
            lesson.project()
            lesson.lose_the_server(restart)
            lesson.stop_and_undo()
            lesson.end()
            assert not lesson.complaints, lesson.complaints
        finally:
            for n, context in enumerate(browser.contexts):
                context.pages[0].screenshot(path=out / f"end-{n}.png")
            browser.close()
            stop(servers[-1])
    print(f"Pictures: {out}")


if __name__ == "__main__":
    main()
