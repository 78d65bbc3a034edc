"""A model that was taken home is the model that was fitted; a damaged one is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from stored_models import LEARNERS, made_cases, stored

from medlib.errors import InputError
from medlib.takehome.stored_model import load_model, save_model


@pytest.fixture(scope="module")
def models():
    return {name: stored(learner, made_cases()) for name, learner in LEARNERS.items()}


@pytest.fixture(params=sorted(LEARNERS))
def model(request, models):
    return models[request.param]


def test_a_model_from_disk_predicts_what_the_fitted_one_did_to_the_last_byte(model, tmp_path):
    images = made_cases(seed=1).images(model.size)
    save_model(model, tmp_path)
    again = load_model(tmp_path).probabilities(images)
    assert again.tobytes() == model.fitted.predict(images).tobytes()


def test_a_network_says_the_same_of_an_image_whatever_stands_beside_it(models):
    network = models["network"]
    images = made_cases(each=20, seed=1).images(network.size)
    together = network.probabilities(images)
    order = np.random.default_rng(0).permutation(len(images))[:33]
    assert network.probabilities(images[order]).tobytes() == together[order].tobytes()
    assert network.probabilities(images[7:8]).tobytes() == together[7:8].tobytes()


def test_the_same_model_is_the_same_bytes_on_disk(model, tmp_path):
    first = [path.read_bytes() for path in save_model(model, tmp_path / "a")]
    assert [path.read_bytes() for path in save_model(model, tmp_path / "b")] == first


def test_what_is_kept_beside_the_tensors_comes_back(model, tmp_path):
    save_model(model, tmp_path)
    again = load_model(tmp_path / "model.json")
    assert again.seen.tolist() == model.seen.tolist()
    assert again.classes == ["kind 0", "kind 1"]
    for name, tensor in model.likeness.tensors().items():
        assert again.likeness.tensors()[name].tolist() == tensor.tolist()


def test_of_more_classes_the_most_probable_one_is_predicted(tmp_path):
    cases = made_cases(classes=3)
    learner = LEARNERS["features"]
    fitted = learner.fit(cases.images(learner.size), cases.labels, seed=0)
    two = stored(learner, made_cases())
    card = dict(two.card) | {"classes": list(cases.classes)}
    save_model(replace(two, card=card, fitted=fitted), tmp_path)
    again = load_model(tmp_path)
    given = again.probabilities(cases.images(learner.size))
    assert again.predicted(given) == [cases.classes[k] for k in given.argmax(axis=1)]
    assert len(set(again.predicted(given))) == 3


def test_the_card_says_what_the_model_is_takes_reaches_and_is_not_for(model):
    card = json.loads(json.dumps(model.card))
    assert "not a medical device" in card["not_a_medical_device"]
    assert "was tested on none" in card["performance"]["what"]
    accuracy = card["performance"]["accuracy"]
    assert 0 <= accuracy["low"] <= accuracy["estimate"] <= accuracy["high"] <= 1
    assert card["input"]["units"] == "grey level 0-255"
    assert card["training_data"]["content_hash"] == made_cases().content_hash
    assert card["training_data"]["patients"] == 16
    assert card["threshold"] == 0.5


def test_the_card_names_no_patient_and_no_place(model):
    text = json.dumps(model.card)
    assert '"p3"' not in text
    assert "made.npz" not in text


def damaged(folder, name, change):
    path = folder / name
    content = change(path.read_bytes())
    path.unlink() if content is None else path.write_bytes(content)


def other_card(**parts):
    return lambda content: json.dumps(json.loads(content) | parts).encode()


def without(part):
    def change(content):
        card = json.loads(content)
        del card[part]
        return json.dumps(card).encode()

    return change


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("model.json", lambda content: None, "holds no model: there is no"),
        ("model.json", lambda content: content[:100], "no model card of this version, or damaged"),
        ("model.json", lambda content: b"[]", "no model card of this version"),
        ("model.json", lambda content: b"\xff\xfe", "no model card of this version"),
        ("model.json", other_card(format="medlib model 9"), "its format is not"),
        ("model.json", other_card(classes="two"), "classes is no list"),
        ("model.json", without("input"), "lacks input"),
        ("model.json", other_card(classes=["a", "b", "c"]), "does not fit model.json beside it"),
        ("model.json", other_card(model={"kind": "oracle"}), "does not fit model.json beside it"),
        ("model.safetensors", lambda content: None, "which is not beside it: copy both"),
        ("model.safetensors", lambda content: content[:-1], "is damaged or of another model"),
        ("model.safetensors", lambda content: b"", "is damaged or of another model"),
    ],
)
def test_a_damaged_model_is_refused_in_a_sentence(model, tmp_path, name, change, words):
    save_model(model, tmp_path)
    damaged(tmp_path, name, change)
    with pytest.raises(InputError, match=words) as refused:
        load_model(tmp_path)
    assert "\n" not in str(refused.value)


def test_tensors_of_another_size_than_the_card_says_are_refused(models, tmp_path):
    network = models["network"]
    other = dict(network.card) | {"model": {**network.card["model"], "network": "resnet50"}}
    save_model(replace(network, card=other), tmp_path)
    with pytest.raises(InputError, match=r"does not fit model\.json beside it"):
        load_model(tmp_path)
