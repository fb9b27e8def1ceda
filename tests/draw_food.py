"""Draw the ten sample images of the food page into assets/samples/food: `python tests/draw_food.py`."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "samples" / "food"
BIG = 768
"""Size while drawing, three times the final size for smooth edges."""


class Table:
    """A plate on a wooden table from above; lengths are fractions of the image side."""

    def __init__(self, seed: int, plate: str = "#f4f1ea", wood: str = "#8a6a4a") -> None:
        self.rng = np.random.default_rng(seed)
        self.image = Image.new("RGB", (BIG, BIG), wood)
        self.draw = ImageDraw.Draw(self.image)
        for _ in range(90):
            y = int(self.rng.integers(BIG))
            self.draw.line((0, y, BIG, y + int(self.rng.integers(-20, 20))), fill=self.vary(wood, 16), width=5)
        self.disc(0.515, 0.525, 0.44, "#4b3a2a")
        self.disc(0.5, 0.5, 0.44, plate)
        self.disc(0.5, 0.5, 0.36, self.vary(plate, 6))

    def vary(self, color: str, spread: int) -> str:
        parts = [int(color[i : i + 2], 16) + int(self.rng.integers(-spread, spread + 1)) for i in (1, 3, 5)]
        return "#" + "".join(f"{min(255, max(0, part)):02x}" for part in parts)

    def disc(self, x: float, y: float, r: float, color: str, *, flat: float = 1.0) -> None:
        x, y, r = x * BIG, y * BIG, r * BIG
        self.draw.ellipse((x - r, y - r * flat, x + r, y + r * flat), fill=color)

    def polygon(self, points: list[tuple[float, float]], color: str) -> None:
        self.draw.polygon([(x * BIG, y * BIG) for x, y in points], fill=color)

    def line(self, points: list[tuple[float, float]], color: str, width: float) -> None:
        self.draw.line([(x * BIG, y * BIG) for x, y in points], fill=color, width=int(width * BIG), joint="curve")

    def crumbs(self, x: float, y: float, r: float, colors: list[str], count: int, size: float) -> None:
        for _ in range(count):
            angle, distance = self.rng.random() * math.tau, r * math.sqrt(self.rng.random())
            color = self.vary(colors[int(self.rng.integers(len(colors)))], 18)
            self.disc(
                x + distance * math.cos(angle), y + distance * math.sin(angle), size * (0.6 + self.rng.random()), color
            )

    def save(self, name: str) -> None:
        small = self.image.filter(ImageFilter.GaussianBlur(2)).resize((256, 256), Image.Resampling.LANCZOS)
        grain = self.rng.normal(0, 3, (256, 256, 1))
        pixels = np.clip(np.asarray(small) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).quantize(96).save(FOLDER / f"{name}.png", optimize=True)


def apple_pie() -> None:
    t = Table(1)
    t.polygon([(0.2, 0.68), (0.8, 0.62), (0.5, 0.2)], "#a8642a")
    t.polygon([(0.24, 0.64), (0.76, 0.59), (0.5, 0.24)], "#e0b060")
    for i in range(6):
        t.line([(0.28 + 0.08 * i, 0.64), (0.42 + 0.03 * i, 0.34)], "#c98b3c", 0.022)
        t.line([(0.3 + 0.012 * i, 0.6 - 0.055 * i), (0.74 - 0.03 * i, 0.57 - 0.05 * i)], "#d49a48", 0.02)
    t.polygon([(0.2, 0.68), (0.8, 0.62), (0.8, 0.68), (0.2, 0.75)], "#c98b3c")
    t.crumbs(0.5, 0.7, 0.2, ["#e8c46a", "#d8a848"], 40, 0.014)
    t.disc(0.74, 0.34, 0.085, "#fffaf0")
    t.save("apple_pie")


def baby_back_ribs() -> None:
    t = Table(2, plate="#e9e4da")
    for i in range(6):
        x = 0.22 + 0.1 * i
        t.line([(x, 0.28), (x + 0.04, 0.74)], "#efe3c8", 0.03)
        t.line([(x, 0.33), (x + 0.035, 0.68)], t.vary("#6b2413", 8), 0.088)
        t.line([(x - 0.015, 0.36), (x + 0.012, 0.6)], "#a8472a", 0.02)
    t.crumbs(0.5, 0.52, 0.26, ["#3a120a", "#8a3218", "#c26a3a"], 260, 0.007)
    t.save("baby_back_ribs")


def baklava() -> None:
    t = Table(3)
    for row in range(3):
        for column in range(3):
            x, y = 0.32 + 0.18 * column, 0.3 + 0.19 * row
            diamond = [(x, y - 0.1), (x + 0.085, y), (x, y + 0.1), (x - 0.085, y)]
            t.polygon([(a + 0.012, b + 0.022) for a, b in diamond], "#8a541c")
            t.polygon(diamond, t.vary("#d99a3c", 10))
            for i in range(4):
                t.line(
                    [(x - 0.06 + 0.02 * i, y - 0.02 * i), (x + 0.02 + 0.015 * i, y + 0.07 - 0.02 * i)], "#b8772a", 0.005
                )
            t.crumbs(x, y, 0.03, ["#6f9a3a", "#8ab04a"], 14, 0.008)
    t.save("baklava")


def beef_carpaccio() -> None:
    t = Table(4)
    for i in range(14):
        a = i * math.tau / 14
        t.disc(0.5 + 0.21 * math.cos(a), 0.5 + 0.21 * math.sin(a), 0.105, t.vary("#a3283a", 14))
        t.disc(0.49 + 0.21 * math.cos(a), 0.49 + 0.21 * math.sin(a), 0.075, t.vary("#b83a4a", 12))
    t.disc(0.5, 0.5, 0.15, "#ad3042")
    t.crumbs(0.5, 0.5, 0.13, ["#3f7a2e", "#5c9a3e", "#2f5f24"], 46, 0.022)
    t.crumbs(0.5, 0.5, 0.28, ["#f3e6b8", "#efe0a8"], 34, 0.014)
    t.save("beef_carpaccio")


def beef_tartare() -> None:
    t = Table(5)
    t.disc(0.5, 0.52, 0.21, "#6f1820")
    t.crumbs(0.5, 0.5, 0.19, ["#9a2530", "#b5333c", "#7f1c26"], 420, 0.015)
    t.crumbs(0.5, 0.5, 0.18, ["#e9e0d0", "#4a7a34"], 60, 0.007)
    t.disc(0.5, 0.48, 0.078, "#f6eedf")
    t.disc(0.5, 0.48, 0.06, "#f0a81e")
    t.disc(0.48, 0.46, 0.016, "#fbd878")
    for x, y in ((0.2, 0.34), (0.24, 0.72), (0.78, 0.7)):
        t.polygon([(x - 0.06, y), (x + 0.03, y - 0.06), (x + 0.07, y + 0.02), (x - 0.02, y + 0.07)], "#c99a58")
    t.save("beef_tartare")


def beet_salad() -> None:
    t = Table(6)
    t.crumbs(0.5, 0.5, 0.3, ["#3c7a30", "#568f3a", "#2f6426"], 120, 0.034)
    for _ in range(22):
        x, y = (0.5 + t.rng.normal(0, 0.13, 2)).tolist()
        w = 0.045
        cube = [(x - w, y), (x, y - w), (x + w, y), (x, y + w)]
        t.polygon([(a + 0.008, b + 0.016) for a, b in cube], "#4a0a28")
        t.polygon(cube, t.vary("#8a1548", 14))
    t.crumbs(0.5, 0.5, 0.22, ["#faf7ef", "#f2ecdc"], 26, 0.018)
    t.crumbs(0.5, 0.5, 0.24, ["#a8703a"], 14, 0.016)
    t.save("beet_salad")


def beignets() -> None:
    t = Table(7)
    for x, y in ((0.37, 0.4), (0.62, 0.38), (0.5, 0.6), (0.7, 0.6), (0.31, 0.62)):
        t.disc(x + 0.01, y + 0.02, 0.115, "#8a5420", flat=0.85)
        t.disc(x, y, 0.11, t.vary("#cf9142", 8), flat=0.85)
        t.crumbs(x, y - 0.02, 0.075, ["#fdfcf8", "#f4f1ea"], 130, 0.011)
    t.crumbs(0.5, 0.5, 0.34, ["#fbfaf6"], 150, 0.006)
    t.save("beignets")


def bibimbap() -> None:
    t = Table(8, plate="#33302e")
    parts = ["#e8862a", "#3f7f35", "#f1ead6", "#7a4a26", "#c8d27a", "#5a3a2a", "#d94a32", "#8fae4e"]
    for i, color in enumerate(parts):
        for j in range(26):
            a, distance = (i + t.rng.random()) * math.tau / len(parts), 0.12 + 0.2 * t.rng.random()
            x, y = 0.5 + distance * math.cos(a), 0.5 + distance * math.sin(a)
            t.line([(x, y), (x + 0.04 * math.cos(a + 1 + j), y + 0.04 * math.sin(a + 1 + j))], t.vary(color, 20), 0.016)
    t.disc(0.5, 0.5, 0.135, "#fdfaf2")
    t.disc(0.5, 0.5, 0.066, "#f4ae22")
    t.crumbs(0.5, 0.5, 0.3, ["#f7efd2"], 50, 0.006)
    t.save("bibimbap")


def bread_pudding() -> None:
    t = Table(9)
    t.disc(0.5, 0.53, 0.27, "#e6b45a", flat=0.82)
    for _ in range(30):
        x, y = (0.5 + np.clip(t.rng.normal(0, 0.1, 2), -0.2, 0.2)).tolist()
        t.polygon(
            [(x - 0.05, y - 0.03), (x + 0.04, y - 0.05), (x + 0.055, y + 0.04), (x - 0.04, y + 0.045)],
            t.vary("#c58a3e", 26),
        )
    t.crumbs(0.5, 0.5, 0.2, ["#4a2414", "#3a1a10"], 30, 0.013)
    t.line([(0.3, 0.4), (0.42, 0.5), (0.55, 0.42), (0.7, 0.55)], "#fbe9bf", 0.028)
    t.save("bread_pudding")


def breakfast_burrito() -> None:
    t = Table(10)
    t.line([(0.26, 0.62), (0.7, 0.36)], "#a87a46", 0.27)
    t.line([(0.25, 0.6), (0.69, 0.34)], "#e6cf9f", 0.25)
    for _ in range(34):
        x, y = 0.25 + 0.42 * t.rng.random(), 0
        y = 0.6 - 0.59 * (x - 0.25) + 0.09 * t.rng.normal()
        t.disc(x, y, 0.012, t.vary("#b98848", 14), flat=0.7)
    t.disc(0.71, 0.35, 0.125, "#c49a5c")
    t.disc(0.72, 0.345, 0.105, "#f2cf52")
    t.crumbs(0.72, 0.345, 0.09, ["#f6dd74", "#7a3a20", "#c8402c", "#4f8a36", "#2f2018"], 130, 0.013)
    t.disc(0.32, 0.3, 0.07, "#b5301f")
    t.save("breakfast_burrito")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (
        apple_pie,
        baby_back_ribs,
        baklava,
        beef_carpaccio,
        beef_tartare,
        beet_salad,
        beignets,
        bibimbap,
        bread_pudding,
        breakfast_burrito,
    ):
        draw()


if __name__ == "__main__":
    main()
