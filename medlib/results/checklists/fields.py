"""What a results file says to a checklist: one short text a field, or `Missing`.

Each field reads one `Results` and nothing else, so a checklist can state only what was recorded.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from medlib.errors import InputError
from medlib.results.markdown import code, named, number, plain, with_interval
from medlib.results.records import CONFIDENCE, Record, Results

SPLIT: Final = ("folds", "test_share", "test_patients")
"""Parameters that tell how cases were dealt out for testing."""
TRAINING: Final = ("epochs", "learning_rate", "batch_size", "weight_decay", "augment", "seed")
WEIGHTS: Final = ("pretrained", "resnet50_weights")
"""Parameters that tell where first weights came from."""
SCORES: Final = frozenset(
    (
        *("accuracy", "auc", "sensitivity", "specificity", "ppv", "npv", "f1", "brier"),
        *("calibration", "dice", "iou", "hausdorff"),
    )
)
"""Words of a record's key that mark it as performance."""
WRITTEN: Final[Mapping[str, type]] = {
    **dict.fromkeys(("images", "patients", "sites", "refused_files", "cores"), int),
    **{"classes": list, "notes": list, "images_per_class": dict, "packages": dict},
}
"""Kinds of the entries that are not shown as they are."""
LONGEST: Final = 10
"""Numbers that a cell of a table can show."""
HASH_DIGITS: Final = 16
"""Digits of a hash that a reader is shown."""
NONE_REFUSED: Final = "no file was unreadable"
"""What is said of data of which every file could be read."""
KINDS: Final = {
    "recorded": "patient ids are the recorded ones",
    "simulated": "patient ids are those of the simulation",
    "surrogate": "no patient ids are recorded: groups made from the images stand for patients",
}
"""What a cohort's `patient_id_kind` means, in words."""


class Missing(LookupError):
    """The results file lacks what a field needs; the message names it."""


def get(run: Results, part: str, key: str) -> Any:
    """An entry of the run's cohort, parameters or environment.

    Raises Missing if it is empty or unknown, InputError if it is of a kind medlib does not write.
    """
    value = getattr(run, part).get(key)
    if value is None or value == "unknown" or (hasattr(value, "__len__") and not len(value)):
        raise Missing(f"{part}.{key}")
    kind = WRITTEN.get(key, object)
    if not isinstance(value, kind):
        raise InputError(
            f"{part}.{key} in the results of {run.notebook} is {value!r}, not {kind.__name__}: "
            "make the file again with `medlib run`"
        )
    return value


def is_simulated(run: Results) -> bool:
    """Whether the run's patients were simulated; False where the file does not say."""
    return run.cohort.get("simulated") is True


def has_split(run: Results) -> bool:
    """Whether the run dealt cases into training and test."""
    return any(name in run.parameters for name in SPLIT)


def has_model(run: Results) -> bool:
    """Whether the run trained something: it has a split, or names a network or epochs."""
    return has_split(run) or any(name in run.parameters for name in ("network", "epochs"))


def cohort(run: Results) -> str:
    """Name of the data, and whether they are simulated."""
    kind = "simulated patients" if get(run, "cohort", "simulated") else "real images"
    return f"{plain(get(run, 'cohort', 'name'))}: {kind}"


def source(run: Results) -> str:
    """Citation of the data."""
    return plain(get(run, "cohort", "citation")).rstrip(".")


def licence(run: Results) -> str:
    """Licence of the data."""
    return f"licence {plain(get(run, 'cohort', 'licence'))}"


def content_hash(run: Results) -> str:
    """First digits of the hash of pixels, labels and patients."""
    digits = str(get(run, "cohort", "content_hash"))[:HASH_DIGITS]
    return f"SHA-256 of pixels, labels and patients {code(digits)}..."


def pixels(run: Results) -> str:
    """Modality and units."""
    return f"{plain(get(run, 'cohort', 'modality'))}, {plain(get(run, 'cohort', 'units'))}"


def sites(run: Results) -> str:
    """Number of sites that the source tells apart."""
    apart = get(run, "cohort", "sites")
    return f"{number(apart)} sites are told apart" if apart > 1 else "no sites are told apart"


def size(run: Results) -> str:
    """Images and patients."""
    images, patients = get(run, "cohort", "images"), get(run, "cohort", "patients")
    groups = "surrogate groups" if run.cohort.get("patient_id_kind") == "surrogate" else "patients"
    return f"{number(images)} images of {number(patients)} {groups}"


def per_class(run: Results) -> str:
    """Images of each class."""
    counts = get(run, "cohort", "images_per_class")
    return "images a class: " + ", ".join(f"{plain(c)} {plain(n)}" for c, n in counts.items())


def outcome(run: Results) -> str:
    """The classes, and which is the positive one."""
    classes = [plain(name) for name in get(run, "cohort", "classes")]
    if (n := len(classes)) != 2:
        return f"{'one of ' * (n > 1)}{n} class{'es' * (n > 1)}: {', '.join(classes)}"
    return f"positive class {classes[1]}, against {classes[0]}"


def patient_ids(run: Results) -> str:
    """What a patient is in this run."""
    kind = get(run, "cohort", "patient_id_kind")
    return KINDS.get(kind, plain(kind))


def label_level(run: Results) -> str:
    """Whether a label belongs to a patient or to an image."""
    whose = "a patient" if get(run, "cohort", "label_level") == "patient" else "an image"
    return f"one label {whose}"


def refused(run: Results) -> str:
    """Files that could not be read."""
    files = get(run, "cohort", "refused_files")
    return f"{number(files)} files could not be read and were left out" if files else NONE_REFUSED


def notes(run: Results) -> str:
    """What the loader noted about the data."""
    if run.cohort.get("notes") == []:
        return "nothing was noted on loading"
    told = " ".join(plain(note) for note in get(run, "cohort", "notes"))
    return f"noted on loading: {told}"


def draw(run: Results) -> str:
    """How cases were drawn."""
    drawn = get(run, "parameters", "per_class")
    return f"at most {plain(drawn)} patients a class, drawn with {seed(run)}"


def seed(run: Results) -> str:
    """Seed of draws, folds and first weights."""
    return f"seed {plain(get(run, 'parameters', 'seed'))}"


def folds(run: Results) -> str:
    """How cases were dealt out."""
    dealt = {name: run.parameters[name] for name in SPLIT if name in run.parameters}
    if not dealt:
        raise Missing("how cases were dealt out")
    return f"dealt out by {named(dealt)}, {seed(run)}"


def image_size(run: Results) -> str:
    """Size of the images a model gets."""
    side = get(run, "parameters", "image_size")
    return f"images of {plain(side)} x {plain(side)} pixels"


def network(run: Results) -> str:
    """Name of the network."""
    return f"network {plain(get(run, 'parameters', 'network'))}"


def weights(run: Results) -> str:
    """Whether weights were pretrained."""
    told = {name: run.parameters[name] for name in WEIGHTS if name in run.parameters}
    if not told:
        raise Missing(" or ".join(f"parameters.{name}" for name in WEIGHTS))
    return named(told)


def training(run: Results) -> str:
    """Settings of the training."""
    chosen = {name: run.parameters[name] for name in TRAINING if name in run.parameters}
    if not chosen:
        raise Missing("parameters of training")
    return named(chosen)


def parameters(run: Results) -> str:
    """All parameters."""
    if not run.parameters:
        raise Missing("parameters")
    return named(run.parameters)


def notebook(run: Results) -> str:
    """The chapter, and the version of medlib that ran it."""
    return f"chapter {code(run.notebook)} of medlib {plain(_packages(run).get('medlib', '?'))}"


def _packages(run: Results) -> Mapping[str, str]:
    return get(run, "environment", "packages")  # type: ignore[no-any-return]


def command(run: Results) -> str:
    """The command that makes the same numbers from the same data."""
    names = [str(name) for name in run.cohort.get("classes", [])]
    simple = len(names) == 2 and all(re.fullmatch(r"[\w .-]+", name) for name in names)
    outlines = "mask_labels" in run.parameters  # its classes stand in the masks
    classes = {"classes": ",".join(names)} if simple and not outlines else {}
    asked = {name: v for name, v in run.parameters.items() if name != "precision"}  # an outcome
    given = " ".join(f"-p {k} {shlex.quote(str(v))}" for k, v in {**classes, **asked}.items())
    return code(f"medlib run {run.notebook} -p cohort COHORT {given} --out DIR")


def software(run: Results) -> str:
    """Python and the packages behind the numbers."""
    versions = ", ".join(f"{plain(name)} {plain(v)}" for name, v in _packages(run).items())
    return f"Python {plain(get(run, 'environment', 'python'))}, {versions}"


def hardware(run: Results) -> str:
    """Processor, cores, system and memory."""
    system, kind = get(run, "environment", "system"), get(run, "environment", "processor")
    machine = f" ({plain(run.environment['machine'])})" if "machine" in run.environment else ""
    text = f"{plain(kind)}{machine}, {get(run, 'environment', 'cores')} cores, {plain(system)}"
    memory = run.environment.get("memory_gib")
    return f"{text}, {memory} GiB of memory" if memory else f"{text}, memory not recorded"


def precision(run: Results) -> str:
    """The arithmetic of networks."""
    if "precision" in run.parameters:
        return f"precision {plain(run.parameters['precision'])}"
    if get(run, "environment", "bf16_in_hardware"):
        return "bf16 in hardware: networks left to choose compute in it"
    return "no bf16 in hardware: networks left to choose compute in fp32"


def caution(run: Results) -> str:
    """What the audit of the data found, to stand before accuracies; empty where nothing was."""
    return plain((run.audit or {}).get("caution", ""))


def scores(run: Results) -> str:
    """Performance, with intervals; first what the data give away."""
    return f"{caution(run)} {_list(performance(run), 'a measure of performance')}".lstrip()


def score_names(run: Results) -> str:
    """Names of the measures of performance."""
    return _listing((code(r.key) for r in performance(run)), "a measure of performance")


def intervals(run: Results) -> str:
    """Performance that has a confidence interval, and what has none."""
    every = performance(run)
    bare = [code(r.key) for r in every if r.kind != CONFIDENCE]
    text = _list([r for r in every if r.kind == CONFIDENCE], "an interval of performance")
    text = f"{caution(run)} {text}".lstrip()
    return f"{text}; no interval for {_listing(bare, '')}" if bare else text


def spread(run: Results) -> str:
    """Standard deviations."""
    return _list(_records(run, {"sd"}), "a standard deviation")


def p_values(run: Results) -> str:
    """p-values."""
    tests = [r for r in run.records.values() if r.key.startswith("p_")]
    return _list(tests, "a p-value")


def confusion(run: Results) -> str:
    """Counts of right and wrong by class."""
    return _list(_records(run, {"confusion"}), "a confusion matrix")


def external(run: Results) -> str:
    """Whether there was a test on other data."""
    return f"one cohort, {plain(get(run, 'cohort', 'name'))}: no external test in this run"


def files(run: Results) -> str:
    """What the run left."""
    return f"the executed notebook {code(run.notebook + '.ipynb')} and {code('results.json')}"


def performance(run: Results) -> list[Record]:
    """Return the scores themselves: no spread of them, no list, no yes or no."""
    found = _records(run, SCORES)
    return [r for r in found if "sd" not in r.key.split("_") and type(r.value) in (int, float)]


def _records(run: Results, words: Iterable[str]) -> list[Record]:
    return [r for r in run.records.values() if set(words) & set(r.key.split("_"))]


def _list(records: Iterable[Record], what: str) -> str:
    return _listing((_shown(record) for record in records), what)


def _shown(record: Record) -> str:
    if record.interval and record.interval[0] > record.interval[1]:
        raise InputError(f"the interval of {record.key!r} is reversed: {record.interval}")
    value = plain(record.value) if isinstance(record.value, str) else with_interval(record)
    return f"{code(record.key)} {value} {plain(record.unit)}".rstrip()


def _listing(texts: Iterable[str], what: str) -> str:
    every = list(texts)
    if not every:
        raise Missing(what)
    more = f" and {len(every) - LONGEST} more" if len(every) > LONGEST else ""
    return "; ".join(every[:LONGEST]) + more


FIELDS: Final[Mapping[str, Callable[[Results], str]]] = {
    "hash": content_hash,
    **{
        field.__name__: field
        for field in (
            cohort, source, licence, pixels, sites, size, per_class, outcome, patient_ids,
            label_level, refused, notes, draw, seed, folds, image_size, network, weights, training,
            parameters, notebook, command, software, hardware, precision, scores, score_names,
            intervals, spread, p_values, confusion, external, files,
        )
    },
}  # fmt: skip
"""What `fill` in a checklist may name."""
