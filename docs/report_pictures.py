"""Pictures of reports for docs/reports.md: two short trainings on drawn data, looked at in a browser.

    python docs/report_pictures.py [detection] [steps]     writes docs/assets/report-<name>.png

Needs Chromium. The pages stay in the folder that is printed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import mt_core as mt
from mt_report import write_report

ASSETS = Path(__file__).parent / "assets"
WIDTH, LENGTH = 1000, 9000


def detection(folder: Path) -> tuple[object, dict[str, object]]:
    """Light and dark rectangles before noise, in YOLO's layout."""
    random = np.random.default_rng(3)
    (folder / "data.yaml").write_text("names: [light, dark]\n")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for number in range(48):
        pixels = random.integers(90, 150, (96, 128, 3))
        lines = []
        for left, top in ((random.integers(4, 30), random.integers(4, 50)), (random.integers(66, 90), 20)):
            kind, (wide, high) = int(random.integers(2)), random.integers(18, 36, 2)
            pixels[top : top + high, left : left + wide] = (235, 215, 150) if kind == 0 else (30, 40, 70)
            lines.append(f"{kind} {(left + wide / 2) / 128} {(top + high / 2) / 96} {wide / 128} {high / 96}")
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{number:02d}.png")
        (folder / "labels" / f"{number:02d}.txt").write_text("\n".join(lines))
    model = mt.load("image", purpose="train", labels="boxes", size=64, across=1)
    return model, {
        "epochs": 25,
        "batch_size": 2,
        "lr": 2e-3,
        "tune": "probe",
        "val_fraction": 0.2,
        "test_fraction": 0.2,
    }


def steps(folder: Path) -> tuple[object, dict[str, object]]:
    """Loads of a machine that idles, runs, or is stuck."""
    random = np.random.default_rng(5)
    for number in range(14):
        states = np.repeat(random.integers(0, 3, 20), random.integers(15, 60, 20))
        times = np.datetime64("2024-03-01T06:00") + np.arange(len(states)).astype("timedelta64[m]")
        waves = np.sin(np.arange(len(states)) / 2.5)
        load = np.choose(states, [0.4 + 0 * waves, 2 + waves, 1.6 + 0.2 * waves]) + random.normal(0, 0.5, len(states))
        heat = np.convolve(np.choose(states, [20.0, 24.0, 30.0]), np.ones(20) / 20, "same")
        heat += random.normal(0, 0.8, len(states))
        rows = zip(times, load, heat, states, strict=True)
        lines = [f"{t},{a:.3f},{b:.2f},{('idle', 'runs', 'stuck')[c]}" for t, a, b, c in rows]
        (folder / f"{number:02d}.csv").write_text("\n".join(["time,load,heat,state", *lines]))
    model = mt.load("timeseries", purpose="train", labels="steps", lookback=96, patch=8, stride=8)
    options = {"labels": "steps", "label": "state", "lookback": 96, "folds": 7, "fold": 2}
    return model, {"data_options": options, "epochs": 2, "val_fraction": 0.2}


SHOWN = {"detection": ("The worst mistakes", 640), "steps": ("Classes", 1500)}
"""The heading that a picture begins with, and its height."""


def shoot(page: Path, heading: str, height: int) -> Image.Image:
    """A part of a page, from a heading on."""
    text = page.read_text("utf-8")
    others = "<style>section:not(:has(h2#here)) { display: none } h1, header, nav, main > p { display: none }</style>"
    start = text.index(f">{heading}</h2>")
    number = text.rindex('id="s', 0, start)
    name = text[number + 4 : text.index('"', number + 4)]
    shown = page.with_suffix(".shown.html")
    following = "section:has(h2#here) ~ section { display: block !important }"
    shown.write_text(
        text.replace(f'id="{name}"', 'id="here"').replace("</head>", f"{others}</head>")
        + f"<style>{following}</style>",
        "utf-8",
    )
    target = page.with_suffix(".png")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "Chromium is not installed"
    size = f"--window-size={WIDTH},{LENGTH}"
    arguments = ["--headless", "--no-sandbox", "--hide-scrollbars", size, f"--screenshot={target}", shown.as_uri()]
    subprocess.run([browser, *arguments], check=True, capture_output=True)
    return Image.open(target).convert("RGB").crop((0, 0, WIDTH, height))


def main(names: list[str]) -> None:
    for name in names or list(SHOWN):
        folder = Path(tempfile.mkdtemp(prefix=f"report-{name}-"))
        (folder / name).mkdir()
        model, how = globals()[name](folder / name)
        mt.fit(model, folder / name, out=folder / "run", num_workers=0, **how)
        page = write_report(model, folder / "report.html", num_workers=0)
        content = io.BytesIO()
        shot = shoot(page.file, *SHOWN[name])
        shot.resize((800, shot.height * 800 // WIDTH)).quantize(96).save(content, "PNG", optimize=True)
        (ASSETS / f"report-{name}.png").write_bytes(content.getvalue())
        print(f"{name}: {page.headline}; {len(content.getvalue()):,} bytes; {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
