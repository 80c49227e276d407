"""Glyphs: characters of many scripts with handwriting-like distortion, made from the fonts that matplotlib ships (DejaVu, free to use).

Omniglot's protocol without a download: letters and digits of Latin, Greek, Cyrillic, Georgian, Armenian, Hebrew, Arabic, Lao, N'Ko,
Canadian syllabics and other scripts; 28 × 28; twenty examples of each, every one bent, turned, scaled and written with another pen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from metaworld_baselines.supervised.problems.class_images import ClassImages
from metaworld_baselines.supervised.problems.picture_cache import cached

SIZE = 28  # pixels
EXAMPLES = 20  # of each class
CANVAS = 56  # pixels in which a glyph is drawn and bent
LETTER_HEIGHT = 34  # pixels of the canvas
TRAIN_SHARE = 5 / 6  # of classes, as of Omniglot's 1 200 and 423, rounded
SAME = 0.93  # cosine of two glyphs' pictures from which they count as one
GRID = 4  # cells of the mesh that bends a glyph
DIGIT_FONTS = (
    "DejaVuSans",
    "DejaVuSerif",
    "DejaVuSansMono",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "DejaVuSans-BoldOblique",
)


def glyphs() -> ClassImages:
    """About 1 200 classes; made at the first use (half a minute), then read from the user's cache."""
    return cached("glyphs-1", ClassImages, lambda: _split(draw_classes(distinct_letters(), ["DejaVuSans"], EXAMPLES, seed=0)))


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits 0 to 9 in eight fonts, bent as glyphs are: (10, 500, 28, 28) to train on and (10, 100, 28, 28) to test on; cached likewise."""
    parts = ((500, 1), (100, 2))  # examples of each digit, seed
    made = cached("digits-1", ClassImages, lambda: ClassImages(*(draw_classes("0123456789", DIGIT_FONTS, *of) for of in parts)))
    return made.train[..., 0], made.test[..., 0]


def distinct_letters() -> list[str]:
    """Letters and digits of the font, without accents, and one of each group that look alike."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415  # loads slowly

    kinds = ("Lu", "Ll", "Lo", "Nd")
    codes = FT2Font(str(_font_path("DejaVuSans"))).get_charmap()
    letters = [chr(code) for code in sorted(codes) if unicodedata.category(chr(code)) in kinds and not unicodedata.decomposition(chr(code))]
    font, kept, pictures = _font("DejaVuSans", 40), [], np.zeros((0, 144))
    for letter in letters:
        picture = Image.new("L", (64, 64))
        ImageDraw.Draw(picture).text((32, 32), letter, fill=255, font=font, anchor="mm")
        box = picture.getbbox()
        if box is None or box[2] - box[0] < 6 or box[3] - box[1] < 10:
            continue  # a mark too small to be told from others
        pixels = np.asarray(picture.crop(box).resize((12, 12)), float).reshape(1, -1)
        pixels /= np.linalg.norm(pixels)
        if not len(pictures) or (pictures @ pixels[0]).max() < SAME:
            kept.append(letter)
            pictures = np.concatenate([pictures, pixels])
    return kept


def draw_classes(letters: Sequence[str], fonts: Sequence[str], examples: int, seed: int) -> NDArray[np.uint8]:
    """Distorted pictures (class, example, 28, 28, 1), ink 255."""
    rng = np.random.default_rng(seed)
    sheets = {font: [_font(font, LETTER_HEIGHT + size) for size in (-3, 0, 3)] for font in fonts}
    made = np.empty((len(letters), examples, SIZE, SIZE, 1), np.uint8)
    for place, letter in enumerate(letters):
        for example in range(examples):
            font = sheets[fonts[int(rng.integers(len(fonts)))]][rng.integers(3)]
            made[place, example, ..., 0] = _distorted(letter, font, rng)
    return made


def _distorted(letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> NDArray[np.uint8]:
    picture = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(picture).text((CANVAS / 2, CANVAS / 2), letter, fill=255, font=font, anchor="mm", stroke_width=int(rng.integers(2)))
    angle, shear = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(-0.15, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, 1.0]]) * rng.uniform(0.9, 1.1, 2)
    # Corners of the mesh, where each looks for its ink: an affine map, and a bend of its own.
    corners = np.stack(np.meshgrid(*(np.linspace(-1, 1, GRID + 1),) * 2), axis=-1)
    sources = corners @ matrix.T + rng.normal(0.0, 0.07, corners.shape) + rng.uniform(-0.08, 0.08, 2)
    sources, cell = (sources + 1) * CANVAS / 2, CANVAS // GRID
    mesh = []
    for row in range(GRID):
        for column in range(GRID):
            quad = [sources[row + down, column + right] for down, right in ((0, 0), (1, 0), (1, 1), (0, 1))]
            box = (column * cell, row * cell, (column + 1) * cell, (row + 1) * cell)
            mesh.append((box, tuple(float(value) for corner in quad for value in corner)))
    bent = picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    return np.asarray(bent.resize((SIZE, SIZE), Image.Resampling.BOX))


def _split(classes: NDArray[np.uint8]) -> ClassImages:
    order = np.random.default_rng(0).permutation(len(classes))
    number = int(len(classes) * TRAIN_SHARE)
    return ClassImages(classes[order[:number]], classes[order[number:]])


def _font(name: str, height_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_font_path(name)), height_px)


def _font_path(name: str) -> Path:
    import matplotlib  # noqa: PLC0415  # an extra

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
