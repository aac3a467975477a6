"""The page as a person meets it: in a real browser, as wide as a phone or a desk, in the light and in the dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from eval.statistics import summarise

SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1280, 900)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "these tests need a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def look(browser, written):
    """Opens the page, and holds at the end that it was silent: nothing logged, no error, nothing loaded."""
    opened: list[Page] = []
    said: list[str] = []
    asked: list[str] = []

    def open_page(size: str = "desk", scheme: str = "light", scripts: bool = True) -> Page:
        width, height = SIZES[size]
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
        )
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(written.page.as_uri())
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert said == []
    assert asked == [written.page.as_uri()] * len(opened)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_everything_is_shown_and_fits(look, size, scheme):
    page = look(size, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], "it scrolls sideways"
    figures = page.locator("figure:visible")
    assert figures.count() == 6, "summary, bars, violins, one of two anytime figures, profile, one of three of fast_p"
    for index in range(figures.count()):
        svg = figures.nth(index).locator("svg[role=img]:visible")
        expect(svg).to_have_count(1)
        assert svg.bounding_box()["width"] > 0.8 * min(SIZES[size][0], 480) - 40
    assert page.evaluate(CUT_OR_COVERED) == []
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (_brightness(ink) > _brightness(paper)) == (scheme == "dark")
    drawn_in = page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
    assert drawn_in == ink, "figures follow the theme"


CUT_OR_COVERED = """() => {
  const wrong = [];
  for (const svg of document.querySelectorAll('figure svg[role=img]')) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([words, box], index) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1
          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        wrong.push(`${svg.getAttribute('aria-label')}: ${words} is cut`);
      for (const [others, other] of texts.slice(index + 1)) {
        const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
        const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
        if (across > 1 && down > 0.4 * Math.min(box.height, other.height))
          wrong.push(`${svg.getAttribute('aria-label')}: ${words} covers ${others}`);
      }
    });
  }
  return wrong;
}"""
"""Texts of figures that reach out of their figure, or lie on each other."""


def _brightness(colour: str) -> float:
    return sum(float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def _column(page: Page, table: str, column: int) -> list[str]:
    return page.locator(f"{table} tbody tr").evaluate_all(
        "(rows, column) => rows.map((row) => row.cells[column].textContent)", column
    )


def test_a_click_on_a_head_sorts_and_another_one_turns_round(look, written):
    page = look()
    table = "[aria-label=Methods]"
    summaries = summarise(written.comparison)
    assert _column(page, table, 0) == [one.method for one in summaries], "the best first, before anything is clicked"
    head = page.locator(f"{table} thead th", has_text="total time")
    with_time = sorted((one for one in summaries if one.total_seconds > 0), key=lambda one: one.total_seconds)
    without = [one.method for one in summaries if one.total_seconds == 0]
    assert without == ["halfway", "first_dial", "absent"]

    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert _column(page, table, 0) == [one.method for one in reversed(with_time)] + without
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert _column(page, table, 0) == [one.method for one in with_time] + without, "what is missing stays last"

    names = page.locator(f"{table} thead th").first
    names.get_by_role("button").press("Space")
    expect(names).to_have_attribute("aria-sort", "ascending")
    assert head.get_attribute("aria-sort") is None
    assert _column(page, table, 0) == sorted(one.method for one in summaries)


def test_numbers_in_names_sort_as_numbers(look, written):
    page = look()
    table = "#benchmarks .option:visible"
    head = page.locator(f"{table} thead th").first
    head.get_by_role("button").click()
    assert _column(page, table, 0) == list(written.comparison.benchmarks), "dials2 comes before dials10"
    head.get_by_role("button").click()
    assert _column(page, table, 0) == list(reversed(written.comparison.benchmarks))


def test_a_filter_leaves_the_benchmarks_with_the_text(look, written):
    page = look("phone")
    wanted = [name for name in written.comparison.benchmarks if "dials1" in name]
    assert 1 < len(wanted) < len(written.comparison.benchmarks)
    page.get_by_label("Show benchmarks with").fill(" DIALS1")
    assert page.locator("#benchmarks tbody tr:visible th").all_text_contents() == wanted
    assert page.locator("#answers > details:visible > summary b").all_text_contents() == wanted
    expect(page.locator("#benchmarks output")).to_have_text(f"{len(wanted)} of {len(written.comparison.benchmarks)}")
    page.get_by_text("tuning time", exact=True).first.click()
    assert page.locator("#benchmarks tbody tr:visible th").all_text_contents() == wanted, "in the other tables too"
    page.get_by_label("Show benchmarks with").fill("")
    assert page.locator("#benchmarks tbody tr:visible").count() == len(written.comparison.benchmarks)


def test_a_switch_shows_one_of_several_by_mouse_and_by_keys(look):
    page = look()
    over_time, over_evaluations = (
        page.locator(f"#anytime figure:has-text('Best value so far over {what}')") for what in ("time", "evaluations")
    )
    expect(over_evaluations).to_be_hidden()
    page.get_by_text("over evaluations", exact=True).click()
    expect(over_time).to_be_hidden()
    expect(over_evaluations).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(over_time).to_be_visible()
    expect(over_evaluations).to_be_hidden()


def test_a_method_of_the_legend_is_brought_out_in_every_figure(look):
    page = look()
    chip = page.locator("#profiles button[data-method=beam2]:visible").first
    lines = page.locator("figure g[data-method]")
    assert lines.count() > 20
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#anytime button[data-method=beam2]:visible")).to_have_attribute("aria-pressed", "true")
    assert page.locator("figure g[data-method=beam2].faded").count() == 0
    others = page.locator("figure g[data-method]:not([data-method=beam2])").count()
    assert page.locator("figure g[data-method].faded").count() == others
    chip.press("Enter")
    assert page.locator(".faded").count() == 0


def test_a_graph_zooms_by_buttons_keys_and_wheel_and_moves(look):
    page = look()
    frame = page.get_by_role("group", name="Graph of dials0 <b>random</b>, seed 0")
    expect(frame).to_be_hidden()
    page.get_by_label("Search").select_option("dials0 <b>random</b>, seed 0")
    expect(frame).to_be_visible()
    expect(page.locator(".zoom:visible")).to_have_count(1)

    def scale() -> float:
        return frame.locator("svg").evaluate("(svg) => svg.getBoundingClientRect().width / svg.clientWidth")

    def left() -> float:
        return frame.locator("svg").evaluate("(svg) => svg.getBoundingClientRect().left")

    assert scale() * frame.locator("svg").evaluate("(svg) => svg.clientWidth") == pytest.approx(2000, rel=0.02), (
        "its size"
    )
    tools = frame.locator("xpath=..")
    tools.get_by_role("button", name="show all").click()
    assert scale() == pytest.approx(1, rel=0.01)
    tools.get_by_role("button", name="zoom in").click()
    assert scale() == pytest.approx(1.4, rel=0.01)
    frame.hover()
    page.evaluate("document.activeElement.blur()")
    page.mouse.wheel(0, -300)
    assert scale() == pytest.approx(1.4, rel=0.01), "the wheel belongs to the page until the frame is clicked"
    frame.click()
    page.mouse.wheel(0, -300)
    assert scale() > 2
    page.keyboard.press("-")
    before = left()
    page.keyboard.press("ArrowRight")
    assert left() == pytest.approx(before - 60)
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 100, steps=3)
    page.mouse.up()
    assert left() == pytest.approx(before - 30)
    page.keyboard.press("0")
    assert scale() == pytest.approx(1, rel=0.01)


def test_an_answer_shows_its_actions_and_the_state_before_and_after(look, written):
    page = look("phone")
    name = written.comparison.benchmarks[0]
    fold = page.locator("#answers > details").first
    fold.locator("> summary").click()
    best = max(
        (row for row in written.comparison.rows if row.benchmark == name and row.seed is not None),
        key=lambda row: row.speedup,
    )
    answer = fold.locator("details[open]")
    assert answer.locator(".steps li b").all_text_contents() == ["untuned", *best.actions]
    assert answer.locator("pre").all_text_contents() == [best.before, best.after]
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]


def test_without_scripts_everything_is_there_and_nothing_that_does_nothing(look, written):
    page = look(scripts=False)
    expect(page.locator("figure:visible")).to_have_count(6)
    expect(page.locator(".tools:visible")).to_have_count(0)
    expect(page.locator("thead button")).to_have_count(0)
    expect(page.locator(".graphs summary:visible")).to_have_count(2)
    expect(page.locator("#benchmarks tbody tr:visible")).to_have_count(len(written.comparison.benchmarks))
