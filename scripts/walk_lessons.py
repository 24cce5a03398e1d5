"""Does every lesson to its end in a real Chromium, as a pupil does what it asks: `python -m scripts.walk_lessons`.

Each lesson and language is a fresh visitor with a link. Nothing is noted in the store by this script: it presses, types
and waits, and looks at the tick. It prints a line a step, and ends with the number of steps that could not be done.

    python -m scripts.walk_lessons --lang fr --only by-heart temperature
    python -m scripts.walk_lessons --lang fr --way lycee
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, sync_playwright

from minigpt_core.lessons.catalogue import ORDER, PATHWAYS, find_lesson
from minigpt_core.lessons.conditions import Call
from minigpt_core.lessons.lesson import Step
from minigpt_core.texts import corpus
from scripts.browser import find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import running_app
from ui.words.languages import LANGUAGES

TICK = ".mg-lesson-title .mg-tick"
PATIENCE = 900.0  # seconds for one step: a busy machine trains slowly
OWN = {"en": "the-curious-cat", "fr": "le-chat-curieux"}
MISSING = "z"  # the letter that the text of one's own lacks
SENTENCES = {  # of the pupil's own: known characters, an unknown one, and what surely nobody wrote
    "en": ("a cat and a dog", "a cat 🐱", "the green cat of my aunt"),
    "fr": ("un chat et un chien", "un chat 🐱", "le chat vert de ma tante"),
}
BEGINNINGS = {
    "en": ("the blorp sings", "a zumzum and a cat"),
    "fr": ("le blorp chante", "un zoumzoum et un chat"),
}
QUOTED = re.compile(r"[“«]\s*(.+?)\s*[”»]")


class Stuck(Exception):
    """A step cannot be done."""


@dataclass
class Pupil:
    """One tab, and how its step is done."""

    page: Page
    lang: str

    def press(self, selector: str, nth: int = 0) -> None:
        """Click, and wait for what comes of it."""
        self.page.locator(selector).nth(nth).click()
        wait_until_idle(self.page)

    def ticked(self) -> bool:
        """Whether the step is done."""
        return self.page.locator(TICK).count() > 0

    def guess(self, step: Step) -> None:
        """Answer the question, rightly or not."""
        assert step.question is not None
        field = self.page.locator(".st-key-lesson_guess")
        match step.question.kind:
            case "number":
                field.locator("input").fill("3")
                self.page.keyboard.press("Enter")
            case "choice":
                field.locator("label").filter(has=self.page.locator("input")).nth(1).click()
            case "place":
                field.locator("button").first.click()
            case "order":
                field.locator("input").click()
                for _option in step.question.options:
                    self.page.keyboard.press("Enter")
                    self.page.wait_for_timeout(200)
                self.page.keyboard.press("Escape")
        wait_until_idle(self.page)

    def open(self, page: str) -> None:
        """Another page, by the menu."""
        links = f'[data-testid="stTopNavLink"][href*="/{page}"], [data-testid="stTopNavDropdownLink"][href*="/{page}"]'
        link, menus = (
            self.page.locator(links).filter(visible=True),
            self.page.locator('[data-testid="stTopNavSection"]'),
        )
        for menu in range(menus.count()):
            if link.count():
                break
            menus.nth(menu).click()
            self.page.wait_for_timeout(300)
        link.first.click()
        wait_until_idle(self.page)

    def slide(self, slider: Locator, *keys: str) -> None:
        """Keys on a slider."""
        slider.focus()
        for key in keys:
            self.page.keyboard.press(key)
        wait_until_idle(self.page)

    def view(self, name: str) -> None:
        """A question of the Sampling page."""
        names = ["write", "next", "temperature", "models", "surprise", "copied"]
        self.press(".st-key-sampling_views button", names.index(name))

    def begin_with(self, words: str) -> None:
        """Another beginning for the model to go on from."""
        self.page.locator(".st-key-prompt input, .st-key-prompt textarea").first.fill(words)
        self.page.keyboard.press("Enter")
        wait_until_idle(self.page)

    def use_own_text(self) -> None:
        """500 characters of the story in which a letter is missing."""
        text = corpus.normalize(corpus.load(OWN[self.lang]).text)[2000:2520].replace(MISSING, "")
        self.press(".st-key-vocabulary_own button")
        self.page.locator(".st-key-vocabulary_paste textarea").fill(text)
        self.press(".st-key-vocabulary_paste_use button")
        self.page.wait_for_url(
            re.compile("[?&]text=[0-9a-f]{64}")
        )  # it is the chosen one, and the page shows it
        wait_until_idle(self.page)

    def train(self) -> None:
        """Start, wherever we are, and wait until it has begun."""
        if "/training" not in self.page.url:
            self.open("training")
        self.page.locator(".st-key-start button").filter(visible=True).click()
        wait_until_idle(self.page)

    def stop_below(self, loss: float) -> None:
        """Watch the loss on text it never saw until it is lower, or the run has ended; then stop."""
        figure = self.page.locator(".mg-live-top > :nth-child(3) .mg-live-figure > :first-child")
        stop = self.page.locator(".st-key-training_stop button").filter(visible=True).first
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and stop.is_enabled():
            if float(figure.inner_text().replace(",", ".").replace("–", "inf")) < loss:
                stop.click()
                break
            self.page.wait_for_timeout(500)
        wait_until_idle(self.page)

    def done_within(self, seconds: float) -> bool:
        """Wait for the tick: nobody reloads."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.ticked():
                return True
            self.page.wait_for_timeout(500)
        return False


def quoted(step: Step) -> list[str]:
    """What a step says is to be typed."""
    return QUOTED.findall(step.words)


def do(pupil: Pupil, call: Call, step: Step) -> None:
    """What one condition asks."""
    arguments, first = dict(call.named), str(call.positional[0]) if call.positional else ""
    page = pupil.page
    match call.name:
        case "guessed":
            pass  # it was, first of all
        case "page_opened" if first == "sampling":
            pupil.view(str(arguments.get("view", "write")))
            if arguments.get("rows") == "draws":
                pupil.press(
                    '[class*="st-key-page-sampling"] [data-testid="stButtonGroup"] button >> visible=true', -1
                )
        case "page_opened":
            if f"/{first}" not in page.url:
                pupil.open(first)
        case "text_chosen" if first == "own":
            pupil.use_own_text()
        case "text_chosen" if arguments.get("capitals"):
            pupil.press(".st-key-vocabulary_lower label")
        case "text_chosen":
            pass  # the link has chosen it
        case "attention_read":
            field = page.locator(".st-key-attention_controls textarea").first
            field.fill(f"{SENTENCES[pupil.lang][0]} {SENTENCES[pupil.lang][0]}")
            page.locator("h1").first.click()
            wait_until_idle(page)
        case "sentence_typed":
            page.locator(".st-key-vocabulary_questions [role=tab]").nth(2).click()
            field = page.locator(".st-key-page-vocabulary-sentence input")
            field.fill(SENTENCES[pupil.lang][1 if arguments.get("unknown") else 0])
            field.press("Enter")
            wait_until_idle(page)
        case "batch_drawn" if "part" in arguments:
            pupil.press(".st-key-batches_part label >> nth=-1")
        case "batch_drawn":
            for _time in range(int(arguments.get("times", 1)) - 1):  # one was there when the page opened
                pupil.press(".st-key-batches_again button")
        case "run" if "learning_rate_above" in arguments and float(arguments["learning_rate_above"]) < 1:
            slider = page.locator(".st-key-training_at_once input[type=range]").first
            for _key in range(60):  # from 1.0 down, until it is a tenth or less
                if not re.match("[1-9]|0[.,][1-9]", slider.get_attribute("aria-valuetext") or ""):
                    break
                pupil.slide(slider, "ArrowLeft")
            pupil.train()
        case "stepped":
            pupil.train()
            pupil.press(".st-key-training_hold button")
            for _time in range(int(arguments["times"])):
                pupil.press(".st-key-training_step button")
        case "run_ended" if "loss_below" in arguments:
            pupil.train()
            pupil.stop_below(float(arguments["loss_below"]))
        case "run" | "run_ended":
            pupil.train()
        case "temperature_was":
            slider = page.locator('.st-key-temperature input[type="range"]')
            pupil.slide(slider, "Home" if float(first) == 0 else "End")
        case "sampled" if "temperatures" in arguments:
            slider = page.locator('.st-key-temperature input[type="range"]')
            for _time in range(3):
                pupil.slide(slider, "ArrowLeft")
            for words in quoted(step):
                pupil.begin_with(words)
            for _time in range(2):
                pupil.press(".st-key-sampling_another button")
        case "sampled" | "fingerprint_taken" if "prompts" in arguments:
            for words in quoted(step) or BEGINNINGS[pupil.lang]:
                pupil.begin_with(words)
        case "fingerprint_taken":
            for _time in range(int(arguments["texts"])):
                pupil.press(".st-key-sampling_another button")
        case "sampled" if str(arguments.get("run")).startswith("preparedOverfit"):
            pupil.press(".st-key-sampling_checkpoint [role=combobox]")
            pupil.press("[role=option]")  # the last step; the page began with the best
        case "sampled" if int(arguments.get("times", 1)) > 1:
            for _time in range(int(arguments["times"]) - 1):
                pupil.press(".st-key-sampling_another button")
        case "sampled":
            pass  # the page writes when it is opened
        case "copies_searched":
            pupil.view("copied")
            for _time in range(int(arguments["times"]) - 1):
                pupil.press(".st-key-sampling_another button")
        case "character_drawn_by_hand":
            page.locator(".mg-pipe-tile").nth(1).click()
            wait_until_idle(page)
        case "part_switched_off":
            if arguments.get("alone") and page.locator(".st-key-ablation_all_on button").is_enabled():
                pupil.press(".st-key-ablation_all_on button")
            pupil.press('[class*="st-key-ablation_part_positions"] button')
        case "head_switched_off":
            for n in range(int(arguments.get("together", 1))):
                button = page.locator(f".st-key-ablation_part_head_{n // 4}_{n % 4} button")
                if button.locator("del").count() == 0:  # it is not crossed out yet
                    button.click()
                    wait_until_idle(page)
        case "table_edited":
            pupil.press(".st-key-ablation_never button")
        case "text_judged" if "given" in arguments:
            pupil.press(".st-key-sampling_text_learned button")
        case "text_judged":
            page.locator('[class*="st-key-page-sampling"] textarea').first.fill(SENTENCES[pupil.lang][2])
            page.locator("h1").first.click()
            wait_until_idle(page)
        case "code_shown":
            folded = page.locator('[class*="_code"] details summary').last
            folded.scroll_into_view_if_needed()
            folded.click()
            wait_until_idle(page)
        case other:
            raise Stuck(f"nobody knows how to do {other}")


def begin(pupil: Pupil, url: str, name: str, way: str | None) -> None:
    """By the lesson's link; or as its way leads there, from the list of lessons and then from the lesson before it."""
    following = ".st-key-lesson_following button"
    if way and pupil.page.locator(following).count():
        pupil.press(following)
    elif way and pupil.page.url == "about:blank":
        go(pupil.page, url, "lessons", lang=pupil.lang)
        pupil.press(f".st-key-pathway_{way} button")
    else:  # the one before it got stuck
        go(pupil.page, url, lesson=name, lang=pupil.lang)


def walk(pupil: Pupil, name: str, pictures: Path | None = None) -> Iterator[str]:
    """A line for each step, and into `pictures` how it looks at its beginning and once it is done; raises `Stuck`."""

    def picture(of: str) -> None:
        if pictures:
            pupil.page.screenshot(path=pictures / f"{name}.{pupil.lang}.{of}.png")

    lesson = find_lesson(name, pupil.lang)
    for number, step in enumerate(lesson.steps, start=1):
        begun = time.monotonic()
        where = f"{name}.{pupil.lang} {number}/{len(lesson.steps)}"
        if step.title not in pupil.page.locator(".mg-lesson-title").inner_text():
            raise Stuck(f"{where}: another step is shown")
        picture(f"{number}a")
        if step.question:
            pupil.guess(step)
        unasked: list[str] = []
        if step.condition:
            trained = False
            for call in step.condition.calls():
                if pupil.ticked():
                    unasked += [str(call)] * (call.name != "guessed")
                    continue
                if call.name in ("run", "run_ended"):
                    if trained:
                        continue
                    trained = True
                do(pupil, call, step)
            if not pupil.done_within(PATIENCE):
                raise Stuck(f"{where}: no tick after {step.condition.calls()}")
        if step.point and pupil.page.locator(".mg-hint").count():
            raise Stuck(f"{where}: the hint stays after it is done")
        picture(f"{number}b")
        before = f" (its tick came before {', '.join(unasked)})" if unasked else ""
        yield f"{where} done in {time.monotonic() - begun:.0f} s: {step.title}{before}"
        pupil.press(".st-key-lesson_next button")
    if pupil.page.locator(".st-key-lesson_ended .mg-tick").count() != 1:
        raise Stuck(f"{name}.{pupil.lang}: its end does not say that it is done")
    picture("end")


def main() -> int:
    """Walk through all that were asked for; the number of lessons that got stuck."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", nargs="*", default=[*LANGUAGES], choices=[*LANGUAGES])
    parser.add_argument("--only", nargs="*", default=[*ORDER], metavar="LESSON")
    parser.add_argument(
        "--pictures",
        type=Path,
        help="a folder for pictures: each step at its beginning and done, or where it got stuck",
    )
    parser.add_argument(
        "--way",
        choices=[way.name for way in PATHWAYS],
        help="one visitor does all lessons of this way, one after the other",
    )
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    options = parser.parse_args()
    chromium, stuck = find_chromium(), 0
    visits = [way.lessons for way in PATHWAYS if way.name == options.way] or [(one,) for one in options.only]
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    if chromium is None:
        raise SystemExit("There is no Chromium or Chrome here; CHROMIUM names one.")
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium)
        with (
            tempfile.TemporaryDirectory() as folder,
            running_app(
                Path(folder), env={"MINIGPT_SERVE": "1"}
            ) as app,  # each visitor a workspace of their own
        ):
            for lang, names in product(options.lang, visits):
                context = new_context(browser, lang, options.theme)
                page = context.new_page()
                for name in names:
                    try:
                        begin(Pupil(page, lang), app.url, name, options.way)
                        for line in walk(Pupil(page, lang), name, options.pictures):
                            print(line, flush=True)
                    except (Stuck, Error) as error:
                        stuck += 1
                        print(f"STUCK {name}.{lang}: {str(error).splitlines()[0]} at {page.url}", flush=True)
                        if options.pictures:
                            page.screenshot(path=options.pictures / f"{name}.{lang}.png")
                context.close()
        browser.close()
    return stuck


if __name__ == "__main__":
    sys.exit(main())
