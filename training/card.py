"""The model card: what a bundle is, how good it is on which data, and what not to use it for."""

from stancewire.training import card_parts, energy
from stancewire.training.pipeline import Result, machine

_USE = (
    "Labels what a spokesperson said by the stance of the words toward a named target: favor, "
    "against or neutral. It is an aid for people who monitor many statements; read the statement "
    "before anything follows from a label, most of all where the model abstained or the quote was "
    "truncated."
)

_FAMILIES = {
    "packed": "a fine-tuned transformer that reads a quote and all its targets in one pass",
    "frozen": "logistic regression on the vectors of an untouched sentence encoder",
    "tfidf": "logistic regression on the TF-IDF of quote and target",
}


def card(result: Result) -> str:
    """The card as Markdown; every number in it comes from `result`."""
    model = result.evaluations["test"][0]
    sections = {
        "Intended use": _USE,
        "Data": _data(result),
        "Figures": _figures(result),
        "Slices": card_parts.slices(model),
        "Speakers": card_parts.speakers(model, result.behaviour),
        "Behaviour": card_parts.behaviour(result.behaviour),
        "Calibration and refusal": _calibration(result),
        "What training cost": _cost(result),
        "Limits": _limits(result),
    }
    parts = [f"# {result.recipe.name}, seed {result.recipe.seed}", in_short(result), _what(result)]
    for title, text in sections.items():
        parts += [f"## {title}", text]
    return "\n\n".join(parts) + "\n"


def in_short(result: Result) -> str:
    """What a reader should know who reads no further."""
    model, majority, *_ = result.evaluations["test"]
    low, high = model.interval()
    found = model.figures
    restricted = (
        " Some of its training data has no open licence." if result.manifest.restricted else ""
    )
    return (
        f"On {len(model.records)} pairs of the corpus `{result.corpus.name}` that it was not "
        f"trained on, macro-F1 is {100 * found['macro_f1']:.1f} (95 %: {100 * low:.1f}–"
        f"{100 * high:.1f}); always giving the commonest stance has "
        f"{100 * majority.figures['macro_f1']:.1f}. {found['accuracy']:.0%} of its labels are "
        f"right, {found['answered_accuracy']:.0%} of those it is sure of "
        f"({found['coverage']:.0%} of all).{restricted}"
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
    return "\n".join([*lines, "", *_sources(result), "", *_held_out(result)])


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


def _held_out(result: Result) -> list[str]:
    """Whether training saw what a gate judges on."""
    lines = []
    for one in result.held_out:
        split = f"the {one['split']} split of `{one['corpus']}`"
        told = "; ".join(f"{reason}: {n}" for reason, n in one["leaked"].items())
        lines.append(
            f"**Training records give away {split}**: {told}."
            if told
            else f"No training record shares a topic or nearly a text with {split}."
        )
    return lines


def _figures(result: Result) -> str:
    tables = [card_parts.figures(split, rows) for split, rows in result.evaluations.items()]
    return "\n\n".join([
        *tables,
        "The figures come from this bundle through the code that serves it. The interval is a 95 % "
        "bootstrap over statements. For nll, brier, ece and aurc lower is better.",
    ])  # fmt: skip


def _calibration(result: Result) -> str:
    calibration = result.bundle.calibration()
    model = result.evaluations["test"][0]
    figures = model.figures
    return (
        f"Temperature {calibration.temperature:.3f}, fitted on dev. Below a confidence of "
        f"{calibration.abstain_below:.3f} the model abstains: on test it answers "
        f"{figures['coverage']:.0%} of the pairs and is right "
        f"in {figures['answered_accuracy']:.0%} of those. Expected calibration error on test "
        f"{figures['ece']:.3f}, Brier {figures['brier']:.3f}, negative log-likelihood "
        f"{figures['nll']:.3f}, AURC {figures['aurc']:.3f}.\n\n{card_parts.refusal(model)}"
    )


def _cost(result: Result) -> str:
    cost, hardware = energy.Cost(result.cpu_seconds), machine()
    return (
        f"{result.seconds / 60:.1f} minutes on {hardware['cpu']} with {hardware['threads']} "
        f"thread(s), {cost.cpu_seconds / 60:.1f} minutes of processor time, evaluation and "
        "behaviour tests included; earlier sittings of a resumed run, the training of the encoder "
        "itself and whatever was tried before are not.\n\n"
        f"An estimate, not a measurement: {1000 * cost.kwh:.2g} Wh and {cost.grams:.2g} g of "
        f"CO2-equivalent, assuming {energy.WATTS_PER_CORE:g} W for a busy core and "
        f"{energy.GRAMS_PER_KWH:g} g per kWh (mean of the world, 2023)."
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
