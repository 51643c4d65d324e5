"""`stancewire explain`: which words made the answer, in colour for eyes or as plain figures."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import default_bundle
from stancewire.cli_score import COLOURS, stance_as_json
from stancewire.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from stancewire.explain import Explanation, Span
    from stancewire.pairs import StancePair

AGAINST_LABEL = "magenta"
"""Colour of words that speak against the label; no label has it."""
FAINT = 0.1
"""Words under this share of the largest weight stay without colour."""


def explain(
    quote: Annotated[str, typer.Argument(help='What was said; "-" reads it from standard input.')],
    target: Annotated[
        list[str], typer.Option("--target", "-t", help="What it is about; give several.")
    ],
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model to ask.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the model.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not words.")] = False,
) -> None:
    """Score a quote and weigh its words: each is taken away in turn and the model asked again.

    Without --bundle the model is the one that `stancewire score` would ask.
    """
    text = (sys.stdin.read() if quote == "-" else quote).strip()
    if not text:
        raise ConfigError("the quote is empty")
    from stancewire.batch import to_pair
    from stancewire.bundle import Bundle
    from stancewire.explain import explain as explained
    from stancewire.pairs import StancePair
    from stancewire.predictor import Predictor

    for each in target:
        to_pair({"text": text, "target": each})  # refused before a model is loaded
    # Not the normalised pair that it gives: spans count characters of what was typed.
    pairs = [StancePair(text, each) for each in target]
    opened = Bundle.open(bundle or default_bundle())
    predictor = Predictor.load(opened, threads=threads)
    found = [explained(predictor, pair) for pair in pairs]
    if as_json:
        results = [_as_json(*both) for both in zip(pairs, found, strict=True)]
        model = {"bundle": str(opened.folder), "sha256": opened.sha256}
        document = {"model": model, "text": text, "results": results}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for pair, explanation in zip(pairs, found, strict=True):
        _show(console, pair, explanation)


def _as_json(pair: "StancePair", explanation: "Explanation") -> dict[str, Any]:
    """Lay out the target and what `POST /v1/stance` answers for it with `explain`."""
    from dataclasses import asdict

    return {
        **stance_as_json(pair.target, explanation.stance),
        "explanation": {
            "text": [asdict(span) for span in explanation.text],
            "target": [asdict(span) for span in explanation.target],
        },
    }


def _show(console: "Console", pair: "StancePair", explanation: "Explanation") -> None:
    from rich.text import Text

    stance = explanation.stance
    label = stance.label.value
    said = f"not sure ({label}?)" if stance.abstained else label
    console.print(Text(f"{said}, {stance.confidence:.2f}", style="bold"))
    sides = (("quote", pair.text, explanation.text), ("target", pair.target, explanation.target))
    for name, text, spans in sides:
        if console.is_terminal:
            shown = coloured(text, spans, _largest(explanation), label)
            console.print(Text(f"{name}: ").append_text(shown))
        else:
            _list(name, text, spans)
    if console.is_terminal:
        console.print(_legend(label), soft_wrap=True)
    if stance.truncated:
        console.print("The quote is longer than the model reads: its end was not seen.")


def _list(name: str, text: str, spans: "Sequence[Span]") -> None:
    """One line per span, in order of reading: columns for people, and for cut and sort."""
    typer.echo(f"{name}: {text}")
    for span in spans:
        typer.echo(f"{span.weight:+.3f}\t{name}\t{span.start}\t{span.end}\t{span.word}")


def _largest(explanation: "Explanation") -> float:
    spans = (*explanation.text, *explanation.target)
    return max((abs(span.weight) for span in spans), default=0.0)


def coloured(text: str, spans: "Sequence[Span]", largest: float, label: str) -> "Text":
    """The text with every word in a colour: the label's if it speaks for it, else another.

    Bold from a third of the largest weight, underlined as well from two thirds.
    """
    from rich.text import Text

    shown = Text(text)
    for span in spans:
        share = abs(span.weight) / largest if largest else 0.0
        if share >= FAINT:
            weight = "bold underline " if share >= 2 / 3 else "bold " if share >= 1 / 3 else ""
            colour = COLOURS[label] if span.weight > 0 else AGAINST_LABEL
            shown.stylize(weight + colour, span.start, span.end)
    return shown


def _legend(label: str) -> "Text":
    from rich.text import Text

    speaks_for, speaks_against = f"for {label}", f"against {label}"
    return Text.assemble(
        ("Words that speak ", "dim"),
        (speaks_for, COLOURS[label]),
        (" or ", "dim"),
        (speaks_against, AGAINST_LABEL),
        ("; the stronger, the bolder.", "dim"),
    )
