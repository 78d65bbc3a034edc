"""On paper nothing is folded or dark, and on the screen nothing has changed afterwards."""

import pytest

CHAPTER = "notebooks/01_can_you_tell"
FOLDED = "document.querySelectorAll('.bd-article details:not([open]), .toggle-hidden').length"
THEME = "document.documentElement.dataset.theme"


@pytest.mark.parametrize("visit", [CHAPTER], indirect=True)
def test_code_answers_and_solutions_print_in_the_light_theme_and_fold_again(visit):
    visit.evaluate(f"{THEME} = 'dark'")
    before = visit.evaluate(FOLDED)
    assert before > 0
    visit.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert visit.evaluate(FOLDED) == 0
    assert visit.evaluate(THEME) == "light"
    visit.evaluate("dispatchEvent(new Event('afterprint'))")
    assert visit.evaluate(FOLDED) == before
    assert visit.evaluate(THEME) == "dark"
