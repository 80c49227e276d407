"""The report in a real browser, Chromium without a window.

Skipped where it or selenium is missing, or failed with REQUIRE_BROWSER=1.
"""

import os
import shutil

import numpy as np
import pytest

from metaworld_py.evaluation import evaluate
from metaworld_py.report import write_report
from metaworld_py.report.films import Film

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESKTOP = 375, 1280


def missing(reason):
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page with everything on it: three tasks, a film, a long agent name."""
    import io

    from PIL import Image

    def half_expert(observations):
        return (
            np.where(np.arange(len(observations))[:, np.newaxis] % 2, observations[:, 36:39] - observations[:, :3], 0.0) @ np.eye(3, 4) * 10
        )

    result = evaluate(half_expert, ["reach", "push", "button-press-topdown-wall"], instances_per_task=50, max_episode_steps=40)
    file = io.BytesIO()
    Image.fromarray(np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 32)[None, :, None].repeat(24, 0).repeat(3, 2)).save(file, "WEBP")
    film = Film(0, file.getvalue(), tuple(range(0, 36, 3)), 5, "no success in 40 steps", "no success in 40 steps")
    return write_report(result, tmp_path_factory.mktemp("report") / "report.html", films={"reach": film})


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    try:
        from selenium import webdriver
    except ImportError:
        missing("the browser test needs selenium")
    browser, chromedriver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which("chromedriver")
    if not browser or not chromedriver:
        missing("the browser test needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


def show(driver, report, width=DESKTOP, scheme="light"):
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    )
    # reduced motion: clicks wait for no scrolling
    media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": name, "value": value} for name, value in media.items()]})
    driver.get(report.as_uri())


def column(driver, index):
    return driver.execute_script(f"return [...document.querySelectorAll('tbody tr')].map(row => row.children[{index}].dataset.value)")


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(driver, report):
    show(driver, report)
    buttons = driver.find_elements("css selector", "thead button")
    unsorted = column(driver, 0)
    buttons[0].click()
    assert column(driver, 0) == sorted(unsorted)
    buttons[5].click()
    returns = [float(value) for value in column(driver, 5)]
    assert returns == sorted(returns, reverse=True)
    buttons[5].click()
    assert [float(value) for value in column(driver, 5)] == returns[::-1]
    marked = driver.find_elements("css selector", "[aria-sort]")
    assert [mark.get_attribute("aria-sort") for mark in marked] == ["ascending"]


def test_rows_without_a_value_stay_last(driver, report):
    show(driver, report)
    button = driver.find_elements("css selector", "thead button")[4]
    for _ in range(2):
        button.click()
        steps = column(driver, 4)
        assert steps.count("") == 2 and steps[1:] == ["", ""]


def test_the_switch_changes_the_curves(driver, report):
    show(driver, report)
    charts = driver.find_elements("css selector", ".of-reward, .of-return")
    before = [chart.is_displayed() for chart in charts]
    driver.find_elements("css selector", ".switch label")[1].click()
    assert [chart.is_displayed() for chart in charts] == [not shown for shown in before]


def test_the_slider_and_a_click_move_the_film(driver, report):
    show(driver, report)
    slider, at = driver.find_element("css selector", ".film input"), driver.find_element("css selector", ".at")
    assert at.text == "15"
    slider.send_keys("\ue012")  # arrow left
    assert at.text == "12" and slider.get_attribute("aria-valuetext") == "step 12"
    driver.find_element("css selector", ".screen").click()
    assert at.text in ("0", "3"), "it plays from the start"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_is_loaded_reported_or_wider_than_the_window(width, scheme, driver, report):
    driver.get_log("browser")
    show(driver, report, width, scheme)
    root = "document.documentElement"
    assert driver.execute_script(f"return [innerWidth, {root}.scrollWidth - {root}.clientWidth]") == [width, 0]
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name.slice(0, 40))")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert driver.get_log("browser") == []


def test_dark_mode_is_dark_and_light_mode_light(driver, report):
    brightness = {}
    for scheme in ("light", "dark"):
        show(driver, report, scheme=scheme)
        colors = driver.execute_script("const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]")
        brightness[scheme] = [sum(map(int, color[4:-1].split(", "))) / 765 for color in colors]
    assert brightness["light"][0] > 0.9 and brightness["light"][1] < 0.25
    assert brightness["dark"][0] < 0.15 and brightness["dark"][1] > 0.8


def test_text_stands_out_from_its_ground(driver, report):
    """WCAG AA: a contrast of 4.5 for all text, in both modes."""
    measure = """
      const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
          .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = (node) => { for (; node; node = node.parentElement) { const color = getComputedStyle(node).backgroundColor;
          if (!/, 0\\)$/.test(color)) return color; } return "rgb(255, 255, 255)"; };
      const texts = [...document.querySelectorAll("p, dt, dd, h1, h2, h3, td, th, button, span, label, pre")];
      return texts.filter(n => n.textContent.trim()).map(n => {
          const [a, b] = [light(getComputedStyle(n).color), light(ground(n))].sort((x, y) => y - x);
          return [(a + 0.05) / (b + 0.05), n.tagName + "." + n.className]; }).sort((x, y) => x[0] - y[0])[0];"""
    for scheme in ("light", "dark"):
        show(driver, report, scheme=scheme)
        contrast, where = driver.execute_script(measure)
        assert contrast >= 4.5, (scheme, where, contrast)
