"""A picture on another page is the chapter's own."""

import json

import pictures


def twin(tmp_path, **figure):
    cell = {
        "metadata": {"mystnb": {"image": {"alt": "a <star>"}, "figure": figure}},
        "outputs": [{"data": {"text/plain": "x"}}, {"data": {"image/png": "iVBO\nRw0=\n"}}],
    }
    path = tmp_path / "02_x.ipynb"
    path.write_text(json.dumps({"cells": [{"metadata": {}}, cell]}), encoding="utf-8")
    return pictures.pictures(path)


def test_a_figure_keeps_its_picture_description_and_caption_and_links_to_its_chapter(tmp_path):
    shown = twin(tmp_path, name="fig-star", caption="No folds\ncan have it.\n")["fig-star"]
    assert 'src="data:image/png;base64,iVBORw0="' in shown
    assert 'alt="a &lt;star&gt;"' in shown
    assert "<p>No folds can have it.</p>" in shown
    assert 'href="../notebooks/02_x.html#fig-star"' in shown


def test_a_cell_without_a_name_gives_no_picture(tmp_path):
    assert twin(tmp_path, caption="No name.") == {}
