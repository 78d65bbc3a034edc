"""What a browser is asked about a page."""

from importlib.resources import files

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
# axe would fetch style sheets again, and from the wrong folder
VIOLATIONS = """axe.run(document, {preload: false, resultTypes: ["violations"]}).then(found =>
  found.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${rule.help}: ${node.target}: ${node.html.slice(0, 120)}`)))"""
UNRENDERED = """[...document.querySelectorAll(".math")]
  .filter(each => !each.querySelector("mjx-container"))
  .map(each => each.textContent)"""
BROKEN = """[...document.images].filter(each => !(each.complete && each.naturalWidth))
  .map(each => each.src)"""


WIDE_LETTERS = "* { font-family: monospace !important; letter-spacing: 0.2em !important; }"
# What ends beyond the right edge, unless it scrolls in a box of its own, opens over the page, or is
# there for screen readers only.
CUT_OFF = """width => [...document.querySelectorAll("body *")].filter(each => {
    const box = each.getBoundingClientRect();
    if (!box.width || box.right < width + 1 || getComputedStyle(each).visibility == "hidden")
      return false;
    for (let outer = each; outer != document.body; outer = outer.parentElement) {
      const style = getComputedStyle(outer);
      if (style.position == "fixed" || outer.localName == "mjx-assistive-mml") return false;
      if (outer != each && outer.localName != "main" && /auto|scroll/.test(style.overflowX)
          && outer.getBoundingClientRect().right < width + 1) return false;
    }
    return true;
  }).map(each => `${each.localName} ${each.className}: ${each.textContent.trim().slice(0, 80)}`)"""

SCROLL_WIDTH = "document.documentElement.scrollWidth"
