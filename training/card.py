"""The model card: what a bundle is, how good it is on which data, and what not to use it for."""

from stancewire.labels import ORDER
from stancewire.training.evaluate import Evaluation
from stancewire.training.pipeline import Result

_FAMILIES = {
    "packed": "a fine-tuned transformer that reads a quote and all its targets in one pass",
    "frozen": "logistic regression on the vectors of an untouched sentence encoder",
    "tfidf": "logistic regression on the TF-IDF of quote and target",
}


def card(result: Result) -> str:
    """The card as Markdown; every number in it comes from `result`."""
    return (
        "\n\n".join(
            [
                f"# {result.recipe.name}, seed {result.recipe.seed}",
                _what(result),
                "## Intended use",
                "Labels what a spokesperson said by the stance of the words toward a named target: "
                "favor, against or neutral. It is an aid for people who monitor many statements; "
                "read the statement before anything follows from a label, most of all where the "
                "model abstained or the quote was truncated.",
                "## Data",
                _data(result),
                "## Figures",
                *[_figures(split, rows) for split, rows in result.evaluations.items()],
                "The figures come from this bundle through the code that serves it. The interval "
                "is a 95 % bootstrap over statements.",
                "## Calibration",
                _calibration(result),
                "## Limits",
                _limits(result),
            ]
        )
        + "\n"
    )


def _what(result: Result) -> str:
    made = result.bundle.manifest.made
    encoder = f" Encoder: {made['encoder']}." if "encoder" in made else ""
    return (
        f"Family `{result.recipe.family}`: {_FAMILIES[result.recipe.family]}.{encoder} "
        f"Served precision: {result.bundle.manifest.precision}.\n\n"
        f"Bundle sha256 `{result.bundle.sha256}`, code at `{made.get('git', 'unknown')}`."
    )


def _data(result: Result) -> str:
    lines = [
        f"Corpus `{result.corpus.name}`.",
        "",
        "| split | pairs | statements | targets | sha256 |",
    ]
    lines.append("|---|---|---|---|---|")
    for split, digest in result.corpus.hashes().items():
        records = getattr(result.corpus, split)
        statements, targets = {r.statement for r in records}, {r.target for r in records}
        lines.append(
            f"| {split} | {len(records)} | {len(statements)} | {len(targets)} | `{digest}` |"
        )
    return "\n".join([*lines, "", *_sources(result)])


def _sources(result: Result) -> list[str]:
    lines = ["| source | terms | licence | training pairs |", "|---|---|---|---|"]
    for part in result.manifest.parts:
        pairs = part["splits"].get("train", {}).get("pairs", 0)
        lines.append(f"| {part['source']} | {part['terms']} | {part['licence']} | {pairs} |")
    lines += ["", f"Manifest `{result.manifest.digest}` (`data.json` of the run)."]
    if restricted := result.manifest.restricted:
        lines += [
            "",
            "**Restricted data.** This model was trained on sources without an open licence: "
            f"{', '.join(restricted)}. Check their terms before the model leaves your house.",
        ]
    return lines


def _figures(split: str, evaluations: list[Evaluation]) -> str:
    names = [
        "macro_f1",
        *(f"f1_{label.value}" for label in ORDER),
        "accuracy",
        "nll",
        "brier",
        "ece",
    ]
    lines = [f"| {split} | interval | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for evaluation in evaluations:
        low, high = evaluation.interval()
        values = " | ".join(f"{evaluation.figures[name]:.3f}" for name in names)
        lines.append(f"| {evaluation.name} | {low:.3f}–{high:.3f} | {values} |")
    return "\n".join(lines)


def _calibration(result: Result) -> str:
    calibration = result.bundle.calibration()
    figures = result.evaluations["test"][0].figures
    return (
        f"Temperature {calibration.temperature:.3f}, fitted on dev. Below a confidence of "
        f"{calibration.abstain_below:.3f} the model abstains: on test it answers "
        f"{figures['coverage']:.0%} of the pairs and is right "
        f"in {figures['answered_accuracy']:.0%} of those."
    )


def _limits(result: Result) -> str:
    languages = sorted({r.language for r in result.corpus.train})
    return "\n".join(
        [
            f"- Trained on text in: {', '.join(languages)}. Other languages were not measured.",
            "- The speaker is no input: a stance that only follows from who speaks is not found.",
            "- A label describes words, not what a person or an institution believes.",
            "- One corpus, written or collected in one way: on other sources expect less.",
            "- The test split was seen once per run; many runs chosen by it would wear it out.",
        ]
    )
