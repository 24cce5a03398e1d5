"""Charts and what is drawn with HTML and canvases become files: on light paper also in the dark, with their titles."""

import struct
from pathlib import Path

from playwright.sync_api import Browser, Page

from scripts.browser import go
from scripts.running_app import RunningApp
from scripts.screenshots import parsed, take
from tests.browser.conftest import NewVisitor

LINE = ".mg-pictures-line"


def saved(page: Page, line: int, button: str) -> tuple[str, bytes]:
    """The name and the bytes of the file that a button of a line of the list gives."""
    with page.expect_download() as download:
        page.locator(LINE).nth(line).locator("button", has_text=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def test_pictures_become_files(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en", "dark")
    go(page, app_server.url, "layers", lang="en", run="preparedGptEn")  # a drawing in HTML, and two charts
    page.locator(".js-plotly-plot").nth(1).wait_for()
    page.locator(".mg-save").click()
    assert page.locator(LINE).count() == 3
    name, svg = saved(page, 0, "SVG")
    assert name == "mini-gpt-layer-by-layer-where-does-the-model-make-up-its-mind.svg"
    drawing = svg.decode()
    assert "Where does the model make up its mind?" in drawing and 'fill="#FFFFFF"' in drawing
    assert "rgb(30, 36, 48)" in drawing and "Really next" in drawing  # dark ink
    wide = int(drawing.split('width="', 1)[1].split('"')[0])
    _name, png = saved(page, 0, "PNG")
    assert png[:4] == b"\x89PNG" and size(png)[0] == 2 * wide
    name, chart = saved(page, 1, "SVG")
    assert name.startswith("mini-gpt-layer-by-layer-the-loss-after-each-layer") and name.endswith(".svg")
    assert "loss (nats per character)" in chart.decode() and "The loss after each layer" in chart.decode()
    assert size(saved(page, 1, "PNG")[1])[0] > 400


def test_a_canvas_is_drawn_on_light_paper(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en", "dark")
    go(page, app_server.url, "embeddings", lang="en", run="preparedGptEn")
    page.locator(".mg-emb canvas").wait_for()
    dark = page.locator(".mg-emb").evaluate("root => getComputedStyle(root).color")
    page.locator(".mg-save").click()
    _name, png = saved(page, 0, "PNG")
    brightness = page.evaluate(
        """async (bytes) => {
          const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
          const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext("2d");
          pen.drawImage(picture, 0, 0);
          const { data } = pen.getImageData(0, 0, picture.width, picture.height);
          return data.reduce((sum, value) => sum + value, 0) / data.length;
        }""",
        list(png),
    )
    assert brightness > 235  # of 255: paper with a little ink
    assert (
        page.locator(".mg-emb").evaluate("root => getComputedStyle(root).color") == dark
    )  # the page is as it was


def test_the_pictures_of_the_readme_are_taken(
    app_server: RunningApp, browser: Browser, tmp_path: Path
) -> None:
    query = ["--url", app_server.url, "--run", "preparedTinyEn", "--only", "training"]
    take(browser, app_server.url, "en", "light", parsed([*query, "--out", str(tmp_path)]))
    assert size((tmp_path / "training-en-light.png").read_bytes()) == (1280, 720)
