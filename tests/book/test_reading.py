"""The reading of the first chapter, done by keyboard as a reader would."""

import pytest

CHAPTER = "notebooks/01_can_you_tell"


@pytest.mark.parametrize("visit", [CHAPTER], indirect=True)
def test_a_reader_answers_by_keyboard_and_sees_the_score_beside_the_networks(visit):
    form = visit.locator("#reading")
    assert not form.locator("svg").is_visible(), "nobody's score before the reader's own"
    truth = form.get_attribute("data-truth")
    for number, right in enumerate(truth):
        choice = form.locator(f'input[name="reading-{number}"]').nth(int(right))
        choice.focus()
        visit.keyboard.press("Space")
    form.locator("button").focus()
    visit.keyboard.press("Enter")
    assert f"{len(truth)} of {len(truth)} right" in form.locator("output").inner_text()
    assert form.locator("svg").is_visible()
    assert form.locator(".said").all_inner_texts()[0].startswith("\u2713")


@pytest.mark.parametrize("visit", [CHAPTER], indirect=True)
def test_a_case_without_an_answer_is_named(visit):
    visit.reload()
    visit.locator("#reading button").click()
    assert "Case 1 has no answer yet." in visit.locator("#reading output").inner_text()
