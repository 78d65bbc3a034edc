"""A quiz keeps the score of first answers, by mouse or keyboard; a figure can be enlarged."""

import pytest

CHAPTER = "notebooks/04_resnet50_cv"
every_visit = pytest.mark.parametrize("visit", [CHAPTER], indirect=True)
ANSWERS = "#quiz > section:nth-of-type({}) details"


def open_answer(page, question, right):
    """Choose a right or a wrong answer of a question, with the keyboard."""
    for answer in page.locator(ANSWERS.format(question)).all():
        if answer.locator("strong").first.text_content().startswith("Right.") == right:
            answer.locator("summary").focus()
            page.keyboard.press("Enter")
            return


def unfolded(page):
    """How many answers are open."""
    return page.locator("#quiz details[open]").count()


@every_visit
def test_the_first_answer_to_each_question_counts(visit):
    score = visit.get_by_role("status")
    assert "nothing answered yet" in score.inner_text()
    visit.evaluate("dispatchEvent(new Event('beforeprint'))")  # opens all, and is no answer
    visit.evaluate("dispatchEvent(new Event('afterprint'))")
    assert "nothing answered yet" in score.inner_text()
    open_answer(visit, 1, right=False)
    open_answer(visit, 1, right=True)  # too late
    assert score.inner_text().startswith("Score: 0 right of 1 answered")
    for question in range(2, 6):
        open_answer(visit, question, right=True)
    assert score.inner_text() == "Score: 4 of 5 right at the first try."
    assert unfolded(visit) == 6
    visit.get_by_role("button", name="Start over").press("Enter")
    assert "nothing answered yet" in score.inner_text()
    assert unfolded(visit) == 0


@every_visit
def test_a_figure_opens_at_its_own_size_on_a_telephone_and_closes_again(visit):
    visit.set_viewport_size({"width": 390, "height": 800})
    figure = visit.locator("#fig-curves img")
    figure.click()
    large = visit.locator("dialog.enlarged")
    assert large.is_visible()
    assert large.locator("img").bounding_box()["width"] > 1.9 * figure.bounding_box()["width"]
    assert large.locator("img").get_attribute("alt") == figure.get_attribute("alt")
    assert large.bounding_box()["width"] <= 390  # it scrolls inside
    visit.keyboard.press("Escape")
    assert not large.is_visible()
    visit.locator("#fig-curves button.enlarge").press("Enter")
    large.get_by_role("button", name="Close").press("Enter")
    assert not large.is_visible()
    visit.set_viewport_size({"width": 1280, "height": 720})


def test_without_scripts_answers_still_explain_themselves(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{CHAPTER}.html")
    answer = page.locator("#quiz details").first
    answer.locator("summary").click()
    assert answer.locator("strong").first.is_visible()
    assert page.locator(".quiz-score").count() == 0
    context.close()
