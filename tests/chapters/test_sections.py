"""What makes no sense on a cohort is left out of its run, and the run says so."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from medlib.chapters import sections
from medlib.run.kernel import execute_cells

DRAWS = {"tags": ["section-draws"]}


@pytest.fixture
def notebook():
    cells = [
        new_code_cell("from medlib.chapters import sections"),
        new_code_cell("sections.leave_out('draws', 'There is one patient.')"),
        new_markdown_cell("## Draws", metadata=DRAWS),
        new_code_cell("print('drawn')", metadata=DRAWS),
        new_markdown_cell("## Another", metadata={"tags": ["section-other"]}),
        new_code_cell("print('kept')"),
    ]
    return new_notebook(cells=cells)


def test_a_section_is_neither_run_nor_kept_and_the_reason_stands_once_in_its_place(
    notebook, tmp_path
):
    found = execute_cells(notebook, {sections.VARIABLE: str(tmp_path / "left")}).cells
    assert [cell.source for cell in found[2:]] == [
        "*Left out on these data: There is one patient.*",
        "## Another",
        "print('kept')",
    ]
    assert "drawn" not in str(found)
    nbformat.validate(new_notebook(cells=found))


def test_without_a_place_to_write_to_everything_stays(notebook):
    found = execute_cells(notebook, {}).cells
    assert [cell.source for cell in found] == [cell.source for cell in notebook.cells]
    assert "drawn" in str(found[3].outputs)
