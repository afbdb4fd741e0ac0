"""Frames as HTML: a player with buttons and keys, and a strip of pictures where no script runs. Nothing is loaded."""

from __future__ import annotations

import hashlib
from itertools import groupby

from pellucid.inspection.drawing.scene import Part, Scene
from pellucid.inspection.drawing.svg import DARK, LIGHT, clean, coordinate, write_style

_STYLE = """
{scope} {{ font: 14px system-ui, sans-serif; color: {ink}; background: {ground}; padding: 8px; margin: 0 }}
{scope} ol {{ list-style: none; margin: 0; padding: 0 }}
{scope} figure {{ margin: 0 0 24px }}
{scope} figure div {{ overflow-x: auto }}
{scope} figcaption {{ padding: 4px 24px; min-height: 3.6em; overflow-wrap: anywhere }}
{scope} li svg {{ max-width: 100%; height: auto; display: block }}
{scope} nav {{ display: none; gap: 6px; align-items: center; padding: 4px 24px; flex-wrap: wrap }}
{scope} button {{ font: inherit; min-width: 2.6em; padding: 3px 8px; color: {ink}; background: {gate};
  border: 1px solid {rim}; border-radius: 6px; cursor: pointer }}
{scope} input {{ flex: 1 1 12em; max-width: 30em; accent-color: {rim} }}
{scope}.live nav {{ display: flex }}
{scope}.live li {{ display: none }}
{scope}.live li.shown {{ display: block }}
"""

_BUTTONS = (
    ("first", "|\u25c0", "First frame (Home)"),
    ("back", "\u25c0", "Back (left arrow)"),
    ("play", "Play", "Play or stop (space)"),
    ("next", "\u25b6", "Forward (right arrow)"),
    ("last", "\u25b6|", "Last frame (End)"),
)

_SCRIPT = """
document.querySelectorAll('[data-frames="NAME"]:not(.live)').forEach(function (root) {
  var frames = root.querySelectorAll("li"), slider = root.querySelector("input"), at = 0, timer = null;
  var play = root.querySelector('[data-to="play"]');
  function show(to) {
    frames[at].classList.remove("shown");
    at = Math.max(0, Math.min(frames.length - 1, to));
    frames[at].classList.add("shown");
    slider.value = at;
  }
  function stop() { clearInterval(timer); timer = null; play.textContent = "Play"; }
  function start() {
    if (at === frames.length - 1) show(0);
    play.textContent = "Stop";
    timer = setInterval(function () { if (at === frames.length - 1) stop(); else show(at + 1); }, 1200);
  }
  var to = {
    first: function () { stop(); show(0); }, back: function () { stop(); show(at - 1); },
    next: function () { stop(); show(at + 1); }, last: function () { stop(); show(frames.length - 1); },
    play: function () { if (timer === null) start(); else stop(); }
  };
  var keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play" };
  root.querySelectorAll("button").forEach(function (b) { b.onclick = to[b.dataset.to]; });
  slider.oninput = function () { stop(); show(Number(slider.value)); };
  root.addEventListener("keydown", function (event) {
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    if (keys[event.key] && !event.altKey && !event.ctrlKey && !event.metaKey) {
      to[keys[event.key]](); event.preventDefault();
    }
  });
  root.classList.add("live");
  show(0);
});
"""


def write_player(scene: Scene) -> str:
    """Return the frames of a scene as a piece of HTML that needs nothing else.

    Every piece of the picture stands in it once; the frames refer to them.
    """
    name = "p" + hashlib.sha256(scene.picture().encode() + repr(scene.captions).encode()).hexdigest()[:12]
    below, only, above = _split(scene)
    pieces = {"b": below, "a": above}
    ids: dict[str, list[tuple[int, str]]] = {}
    defined = []
    for layer, parts in pieces.items():
        ids[layer] = []
        for since, found in groupby(sorted(parts, key=lambda part: part.since), key=lambda part: part.since):
            ids[layer].append((since, f"{name}-{layer}{since}"))
            inner = "".join(scene.moved([part.text for part in found]))
            # The class stands on what is referred to: rules reach no further out from there.
            defined.append(f'<g id="{name}-{layer}{since}" class="{name}">{inner}</g>')
    wide, high = coordinate(scene.width), coordinate(scene.height)
    # A narrow window shows letters at three quarters of their size, and scrolls.
    least = f'style="min-width: {coordinate(0.75 * scene.width)}px"'
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" {least}'
    frames = []
    for number, caption in enumerate(scene.captions):
        now = "".join(scene.moved([part.text for part in only if part.since == number]))
        inner = _use(ids["b"], number) + now + _use(ids["a"], number)
        ground = f'<rect class="ground" width="{wide}" height="{high}"/>'
        title = f"<b>{number + 1}/{len(scene.captions)} {clean(caption.heading)}</b><br>{clean(caption.told)}"
        picture = f'<div><svg class="{name}" {size} role="img">{ground}{inner}</svg></div>'
        figure = f"{picture}<figcaption>{title}</figcaption>"
        frames.append(f"<li><figure>{figure}</figure></li>")
    buttons = "".join(
        f'<button type="button" data-to="{to}" title="{told}" aria-label="{told}">{sign}</button>'
        for to, sign, told in _BUTTONS
    )
    slider = f'<input type="range" min="0" max="{len(frames) - 1}" value="0" aria-label="Frame">'
    return "\n".join(
        [
            f'<div data-frames="{name}" tabindex="0">',
            f"<style>{_write_styles(scene, name)}</style>",
            '<svg width="0" height="0" style="position: absolute" aria-hidden="true"><defs>',
            *defined,
            "</defs></svg>",
            f"<nav>{buttons}{slider}</nav>",
            "<ol>",
            *frames,
            "</ol>",
            f"<script>{_SCRIPT.replace('NAME', name)}</script>",
            "</div>",
        ]
    )


def write_page(scene: Scene) -> str:
    """Return the frames of a scene as a whole HTML page."""
    title = clean(scene.title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    scheme = '<meta name="color-scheme" content="light dark">'
    body = f'<h1 style="font: bold 16px system-ui, sans-serif; margin: 12px 32px">{title}</h1>{write_player(scene)}'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}{scheme}</head>\n<body>\n{body}\n</body>\n</html>\n'


def _split(scene: Scene) -> tuple[list[Part], list[Part], list[Part]]:
    """Return the parts below those that are seen in one frame only, these, and the parts above."""
    first = next((place for place, part in enumerate(scene.parts) if part.only), len(scene.parts))
    only = [part for part in scene.parts if part.only]
    return list(scene.parts[:first]), only, [part for part in scene.parts[first:] if not part.only]


def _write_styles(scene: Scene, name: str) -> str:
    light, dark = (_STYLE.format(scope=f'[data-frames="{name}"]', **colours) for colours in (LIGHT, DARK))
    return f"{write_style(scene.paints, f'.{name}')}{light}@media (prefers-color-scheme: dark) {{{dark}}}"


def _use(ids: list[tuple[int, str]], number: int) -> str:
    return "".join(f'<use href="#{name}"/>' for since, name in ids if since <= number)
