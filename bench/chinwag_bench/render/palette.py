"""The colours of everything that is drawn, once: Okabe-Ito, told apart by colour-blind readers, in
a light and a dark form, with the ink itself and two more for the servers that it has no colour for.
"""

from __future__ import annotations

LIGHT = {
    "ink": "#1d2327", "muted": "#5b6670", "rule": "#dfe3e6", "edge": "#aab3ba",
    "paper": "#ffffff", "panel": "#f6f7f8", "link": "#005a8d",
    "good": "#00734f", "warn": "#8a5300", "bad": "#b03a00", "quiet": "#5b6670",
    "c0": "#0072b2", "c1": "#d55e00", "c2": "#009e73", "c3": "#b3669a", "c4": "#c98a00",
    "c5": "#3a9bd0", "c6": "#1d2327", "c7": "#6a4bb5", "c8": "#7d7a00",
}  # fmt: skip
DARK = {
    "ink": "#e8eaec", "muted": "#a3adb5", "rule": "#343b41", "edge": "#56616a",
    "paper": "#15191c", "panel": "#1d2327", "link": "#7cc4f0",
    "good": "#4fd0a4", "warn": "#f0b95a", "bad": "#ff9a5c", "quiet": "#a3adb5",
    "c0": "#4ba3d9", "c1": "#f08a3c", "c2": "#2fc79a", "c3": "#d99cc0", "c4": "#e9b63f",
    "c5": "#8fd0f5", "c6": "#e8eaec", "c7": "#b5a0f5", "c8": "#c3c05a",
}  # fmt: skip
PAPER = LIGHT | {
    "ink": "#000000", "muted": "#444444", "rule": "#bbbbbb", "edge": "#888888",
    "panel": "#f2f2f2", "link": "#000000", "quiet": "#444444", "c6": "#000000",
}  # fmt: skip
"""Printed: black on white, whatever the reader's mode."""

SERVERS = sum(name[1:].isdigit() for name in LIGHT)
"""How many servers can be told apart; a server keeps its colour in every chart."""


def css() -> str:
    """The variables of every style sheet, by mode."""
    modes = [
        ("", LIGHT),
        ("@media (prefers-color-scheme: dark) ", DARK),
        ("@media print ", PAPER),
    ]
    return "".join(_block(where, colours) for where, colours in modes)


def _block(where: str, colours: dict[str, str]) -> str:
    values = " ".join(f"--{name}: {value};" for name, value in colours.items())
    root = f":root {{ {values} }}"
    return f"{where}{{ {root} }}\n" if where else f"{root}\n"
