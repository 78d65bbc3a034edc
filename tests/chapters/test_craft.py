"""A chapter teaches: it asks before it shows, lets the reader try, and ends with a quiz."""

import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from medlib import chapters
from medlib.run.execution import read_chapter

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "book/glossary.md"
CODE = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?:---\n(?:.*\n)*?---\n|(?::\w+:.*\n)*)")
PREDICTION = re.compile(r"^:::\{admonition\} Predict first\n:class: tip\n(.+?)^:::$", re.M | re.S)
EXERCISE = re.compile(r"^```\{exercise-start\}\n:label: ([\w-]+)\n```$", re.MULTILINE)
SOLUTION = re.compile(
    r"^```\{solution-start\} ([\w-]+)\n(.*?)^```$(.*?)^```\{solution-end\}\n```$", re.M | re.S
)
SECTION = r"^## {}$\n(.*?)(?=^## |\Z)"
QUESTION = re.compile(r"^### (.+)$", re.MULTILINE)
ANSWER = re.compile(r"^:::\{dropdown\} (\S[^\n]*)\n(.*?)^:::$", re.MULTILINE | re.DOTALL)
TERM = re.compile(r"\{term\}`([^`]+)`")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
FEWEST_TERMS = 5
MOST_LONGEST = 1  # of five right answers: who always takes the longest shall not pass
FEWEST_WORDS = 6  # of the explanation of an answer


@dataclass(frozen=True)
class Chapter:
    """What the craft of one chapter is judged by."""

    text: str  # notebooks/NN_name.md
    executed: dict[str, bool]  # code of a cell of the twin -> it has an output
    terms: frozenset[str]  # of the glossary, in lower case


def predictions(chapter):
    """A result can be predicted only if it comes later."""
    found = list(PREDICTION.finditer(chapter.text))
    if not found:
        yield "asks for no prediction: before a result add ':::{admonition} Predict first'"
    for each in found:
        if not CODE.search(chapter.text, each.end()):
            yield f"asks for a prediction after its last result: move '{each[1].strip()[:40]}...'"


def exercises(chapter):
    """Two to four, each with a solution that is hidden, was run and shows or checks something."""
    asked = EXERCISE.findall(chapter.text)
    solved = {label: (options, body) for label, options, body in SOLUTION.findall(chapter.text)}
    if not 2 <= len(asked) <= 4:
        yield f"has {len(asked)} exercises: write two to four, between exercise-start and -end"
    for label in sorted({*asked} ^ {*solved}):
        missing = "solution" if label in asked else "exercise"
        yield f"has no {missing} with the label {label}: add it, or correct the label"
    for label, (options, body) in solved.items():
        if ":class: dropdown" not in options:
            yield f"shows the solution of {label} at once: add ':class: dropdown'"
        yield from unsolved(label, body, chapter.executed)


def unsolved(label, body, executed):
    """What a solution's code cells lack."""
    cells = [source_of(cell) for cell in CODE.findall(body)]
    if not cells:
        yield f"solves {label} in words only: add a code cell that computes the answer"
    elif any(cell not in executed for cell in cells):
        yield f"has a solution of {label} that was not executed: run `medlib execute NN_name`"
    elif not any(executed[cell] or "assert" in cell for cell in cells):
        yield f"has a silent solution of {label}: end it with an assert or a value"


def source_of(cell):
    """The code of a cell without its fence and its options."""
    inside = cell.split("\n", 1)[1].rsplit("\n", 1)[0] + "\n"
    return OPTIONS.sub("", inside, count=1).strip()


def quiz(chapter):
    """Five questions at the end; each has one right answer, and every answer is explained."""
    found = section(chapter.text, "Quiz")
    if found is None:
        yield "has no quiz: add '## Quiz' with five questions '### 1. ...?' near the end"
        return
    _, *parts = QUESTION.split(found)
    titles, bodies = parts[::2], parts[1::2]
    if [title.split(" ")[0] for title in titles] != [f"{n}." for n in range(1, 6)]:
        yield f"has {len(titles)} questions in its quiz: number five of them, '### 1.' to '### 5.'"
    if "<script" in found or CODE.search(found):
        yield "has a quiz with code: questions and answers are text, so that they work anywhere"
    rights, longest = [], 0
    for title, body in zip(titles, bodies, strict=True):
        answers = ANSWER.findall(body)
        yield from faults(title, answers)
        rights += [n for n, (_, why) in enumerate(answers) if why.startswith("**Right.**")][:1]
        lengths = {len(text): why for text, why in answers}
        longest += lengths[max(lengths)].startswith("**Right.**") if lengths else False
    if longest > MOST_LONGEST:
        yield f"has {longest} right answers that are the longest: shorten them, or lengthen others"
    if len(rights) > 1 and len({*rights}) == 1:
        yield "has the right answer at the same place in every question: move some"


def faults(title, answers):
    """What is wrong with one question."""
    name = f"question '{title[:40]}'"
    if not title.rstrip().endswith("?"):
        yield f"has a {name} that asks nothing: end it with a question mark"
    if not 3 <= len(answers) <= 4 or len({text for text, _ in answers}) < len(answers):
        yield f"has {len(answers)} answers to {name}: write three or four different dropdowns"
    opened = [re.match(r"\*\*(Right|Not quite|No)\.\*\*\s*(.*)", why, re.S) for _, why in answers]
    if not all(opened):
        begun = "**Right.**, **Not quite.** or **No.**"
        yield f"leaves the reader of {name} alone: begin answers with {begun}"
        return
    if sum(match[1] == "Right" for match in opened) != 1:
        yield f"has to have exactly one **Right.** answer to {name}"
    if any(len(match[2].split()) < FEWEST_WORDS for match in opened):
        yield f"does not explain every answer to {name}: say why it is right or wrong"


def links(chapter):
    """Terms at first use lead to the glossary, which has them."""
    prose = CODE.sub("", chapter.text)
    used = [re.sub(r".*<(.*)>", r"\1", " ".join(each.split())) for each in TERM.findall(prose)]
    for term in sorted({each for each in used if each.lower() not in chapter.terms}):
        yield f"links to '{term}', which book/glossary.md lacks: add it in English and in Chinese"
    if len({*used}) < FEWEST_TERMS:
        few = f"links {len({*used})} terms of the glossary, not at least {FEWEST_TERMS}"
        yield f"{few}: write {{term}}`fold` where a fold is first spoken of"


def endings(chapter):
    """What was shown and what was not, and what to keep."""
    for title in ("What this does and does not show", "Key points"):
        if not (section(chapter.text, title) or "").strip():
            yield f"lacks a section: add '## {title}'"


def section(text, title):
    """The text below a heading of the second level, up to the next one."""
    found = re.search(SECTION.format(re.escape(title)), text, re.MULTILINE | re.DOTALL)
    return found and found[1]


def problems(chapter):
    """One sentence for each thing that the chapter lacks."""
    rules = (predictions, exercises, quiz, links, endings)
    return [sentence for rule in rules for sentence in rule(chapter)]


def entries(text):
    """English, Chinese and definition of each entry of the glossary."""
    body = text.split(":::{glossary}\n")[1].split("\n:::")[0]
    return [block.split("\n", 2) for block in body.strip().split("\n\n")]


def read(name):
    """A chapter of the book; without an executed twin nothing in it was executed."""
    path = ROOT / f"notebooks/{name}.ipynb"
    cells = nbformat.read(path, as_version=4).cells if path.exists() else []
    executed = {
        cell.source.strip(): bool(cell.outputs)
        for cell in cells
        if cell.cell_type == "code" and cell.execution_count
    }
    terms = {word.lower() for entry in entries(GLOSSARY.read_text()) for word in entry[:2]}
    return Chapter(chapters.text_path(name).read_text(), executed, frozenset(terms))


@pytest.mark.parametrize("name", chapters.names(ROOT))
def test_the_chapter_keeps_the_craft(name):
    found = problems(read(name))
    assert not found, "\n".join(f"notebooks/{name}.md {sentence}" for sentence in found)


def test_every_term_has_its_chinese_and_a_definition():
    poor = [
        entry[0]
        for entry in entries(GLOSSARY.read_text())
        if len(entry) < 3 or CHINESE.search(entry[0]) or not CHINESE.search(entry[1])
        or not entry[2].startswith("  ")
    ]  # fmt: skip
    assert not poor, f"two lines, English and Chinese, over an indented definition: {poor}"


def test_terms_are_in_the_order_of_the_alphabet_and_there_once():
    words = [entry[0].lower() for entry in entries(GLOSSARY.read_text())]
    wrong = [second for first, second in pairwise(words) if not first < second]
    assert not wrong, f"in book/glossary.md move, or take out where it is there twice: {wrong}"


ANSWERS = """\
:::{dropdown} They are a seventh
**Not quite.** A seventh would be more than there are of them.
:::

:::{dropdown} They are a fifth
**Right.** One fold of five is tested while four are trained on.
:::

:::{dropdown} They are all
**Not quite.** Then nothing would be left that was not trained on.
:::
"""
# the right answer of the fifth question comes last
QUESTIONS = "\n".join(f"### {n}. How many are tested?\n\n{ANSWERS}" for n in range(1, 5))
LAST = ANSWERS.split("\n\n")
GOOD = f"""\
# Trial

{{term}}`Many folds <Fold>`, {{term}}`折`, {{term}}`one`, {{term}}`two`, {{term}}`three`

:::{{admonition}} Predict first
:class: tip
How many?
:::

```{{code-cell}} python
:tags: [hide-input]

1 + 1
```

## What this does and does not show

Little.

```{{exercise-start}}
:label: ex-one
```
Add.
```{{exercise-end}}
```

```{{solution-start}} ex-one
:class: dropdown
```

```{{code-cell}} python
:tags: [nbval-ignore-output]

assert 2 + 2 == 4
```

```{{solution-end}}
```

```{{exercise-start}}
:label: ex-two
```
Print.
```{{exercise-end}}
```

```{{solution-start}} ex-two
:class: dropdown
```

```{{code-cell}} python
print(3 + 3)
```

```{{solution-end}}
```

## Quiz

{QUESTIONS}
### 5. How many, once more?

{LAST[1]}

{LAST[0]}

{LAST[2]}

## Key points

- Ask.
"""
TRIAL = Chapter(
    GOOD,
    {"assert 2 + 2 == 4": False, "print(3 + 3)": True},
    frozenset({"fold", "折", "one", "two", "three"}),
)


def test_a_chapter_with_everything_has_no_problems():
    assert problems(TRIAL) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Predict first", "Note", "asks for no prediction"),
        (":label: ex-two", ":label: ex-too", "no solution with the label ex-too"),
        ("ex-two\n:class: dropdown\n", "ex-two\n", "shows the solution of ex-two at once"),
        ("print(3 + 3)", "print(3 + 4)", "was not executed"),
        ("```{code-cell} python\nprint(3 + 3)\n```", "Six.", "in words only"),
        ("## Quiz", "## Test", "has no quiz"),
        ("### 4. How", "### 3. How", "number five of them"),
        ("How many, once more?", "How many.", "asks nothing"),
        ("**Right.** One", "**Yes.** One", "alone"),
        ("**Not quite.** A seventh would", "**Right.** A seventh would", "exactly one"),
        ("A seventh would be more than there are of them.", "No.", "does not explain"),
        ("They are all", "They are a fifth", "different dropdowns"),
        (
            "They are a fifth",
            "They are a fifth, ten of fifty",
            "5 right answers that are the longest",
        ),
        ("{term}`two`, {term}`three`", "two", "not at least 5"),
        ("{term}`one`", "{term}`many <eleven>`", "lacks: add it in English"),
        ("## Key points", "## Summary", "'## Key points'"),
        ("## What this does", "## What it does", "'## What this does and does not show'"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_what_to_do(old, new, said):
    assert old in GOOD
    found = problems(Chapter(GOOD.replace(old, new), TRIAL.executed, TRIAL.terms))
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize("name", chapters.names())
def test_the_code_of_a_chapter_uses_what_it_defines_and_imports_what_it_uses(name, tmp_path):
    cells = read_chapter(name).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    (tmp_path / "chapter.py").write_text(code, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F401,F821"]
    done = subprocess.run([*ruff, "chapter.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
