"""The command `medlib grim`; what it needs is imported when it runs, so that help comes at once."""

import json as jsonlib
from typing import Annotated

import typer

Text = str | None


def grim(
    n: Annotated[Text, typer.Option(metavar="COUNT", help="Number of cases")] = None,
    folds: Annotated[Text, typer.Option(metavar="COUNT", help="Folds, or sizes: 10,10,12")] = None,
    mean: Annotated[Text, typer.Option(metavar="NUMBER", help="Accuracy as printed: 92%")] = None,
    sd: Annotated[Text, typer.Option(metavar="NUMBER", help="The number after +-")] = None,
    classes: Annotated[Text, typer.Option(help="Negative and positive cases: 25,25")] = None,
    repeats: Annotated[Text, typer.Option(metavar="COUNT", help="Repeats of all folds")] = None,
    unit_per_case: Annotated[Text, typer.Option(metavar="COUNT", help="Slices a case")] = None,
    sensitivity: Annotated[Text, typer.Option(metavar="NUMBER", help="As printed")] = None,
    specificity: Annotated[Text, typer.Option(metavar="NUMBER", help="As printed")] = None,
    ppv: Annotated[Text, typer.Option(metavar="NUMBER", help="Precision, as printed")] = None,
    npv: Annotated[Text, typer.Option(metavar="NUMBER", help="As printed")] = None,
    f1: Annotated[Text, typer.Option(metavar="NUMBER", help="Of the positive class")] = None,
    auc: Annotated[Text, typer.Option(metavar="NUMBER", help="Area under the ROC curve")] = None,
    prevalence: Annotated[Text, typer.Option(metavar="NUMBER", help="Share of positives")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Say whether reported numbers can be true; give them as printed: 92%, 0.92, 92,0%, ±2%.

    Exit code 0: they can; 1: they cannot; 2: a number cannot be read;
    3: only if digits were cut off, not rounded; 4: too long to decide.
    """
    from medlib.consistency.report.examination import examine
    from medlib.consistency.report.text import show

    result = examine(
        n, folds, mean, sd, classes, repeats, unit_per_case,
        sensitivity=sensitivity, specificity=specificity, ppv=ppv, npv=npv, f1=f1, auc=auc,
        prevalence=prevalence,
    )  # fmt: skip
    if json:
        typer.echo(jsonlib.dumps(result.as_dict(), indent=2, ensure_ascii=False))
    else:
        show(result)
    raise typer.Exit(result.exit_code)
