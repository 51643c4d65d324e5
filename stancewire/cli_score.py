"""`stancewire score`: one quote for eyes, or a file of them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import default_bundle
from stancewire.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from stancewire.batch import Scorer, Summary
    from stancewire.pairs import StancePair
    from stancewire.predictor import Predictor, Stance

COLOURS = {"favor": "green", "against": "red", "neutral": "cyan"}


def score(
    quote: Annotated[
        str | None, typer.Argument(help='What was said; "-" reads it from standard input.')
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="What it is about; give several.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Score a .csv or .jsonl file with fields text and target.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it (.csv or .jsonl); else standard output.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model to ask.")] = None,
    url: Annotated[str | None, typer.Option(help="Ask a running service instead.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of a local model.")] = 1,
    alpha: Annotated[
        float | None,
        typer.Option(help="Also give sets of labels that miss the true one in at most this share."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Score a quote toward one or more targets, or every row of a file.

    Without --bundle and --url the model is the folder in $STANCEWIRE_BUNDLE, else the champion that
    a service on this machine served last, else what was installed, else what Stancewire comes with.
    """
    _check(quote, target or [], file, out, as_json)
    scorer, model = _scorer(bundle, url, threads, alpha)
    if file is not None:
        _score_file(scorer, file, out, has_sets=alpha is not None)
    else:
        text = sys.stdin.read() if quote == "-" else quote or ""
        _score_quote(scorer, model, text.strip(), target or [], as_json)


def _check(
    quote: str | None, targets: Sequence[str], file: Path | None, out: Path | None, as_json: bool
) -> None:
    if (quote is None) == (file is None):
        raise ConfigError('give either a quote ("-" reads standard input) or --file')
    if quote is not None and not targets:
        raise ConfigError("give at least one --target: a stance is toward something")
    if quote is not None and out is not None:
        raise ConfigError("--out belongs to --file")
    if file is not None and targets:
        raise ConfigError("with --file the targets stand in the file: leave out --target")
    if file is not None and as_json:
        raise ConfigError("with --file give --out with a name ending in .jsonl instead of --json")


@dataclass(frozen=True)
class _WithSets:
    """A predictor that is always asked for label sets."""

    predictor: "Predictor"
    alpha: float

    def predict(self, pairs: "Sequence[StancePair]") -> "list[Stance]":
        return self.predictor.predict(pairs, alpha=self.alpha)


def _scorer(
    bundle: Path | None, url: str | None, threads: int, alpha: float | None
) -> "tuple[Scorer, dict[str, Any]]":
    """Give what answers, and what to call it in JSON (filled by a service once it has answered)."""
    if url is not None:
        if bundle is not None:
            raise ConfigError("give either --bundle or --url")
        from stancewire.remote import Remote

        remote = Remote(url, alpha=alpha)
        return remote, remote.model
    from stancewire.bundle import Bundle
    from stancewire.predictor import Predictor

    opened = Bundle.open(bundle or default_bundle())
    model = {"bundle": str(opened.folder), "sha256": opened.sha256}
    predictor = Predictor.load(opened, threads=threads)
    if alpha is None:
        return predictor, model
    predictor.calibration.quantile(alpha)  # refused here, or every row of a file would be
    return _WithSets(predictor, alpha), model


def _score_file(scorer: "Scorer", file: Path, out: Path | None, *, has_sets: bool) -> None:
    from stancewire.batch import score_file

    summary = score_file(scorer, file, out, has_sets=has_sets)
    _tell(summary, out)
    if summary.errors:
        raise typer.Exit(2)


def _tell(summary: "Summary", out: Path | None) -> None:
    said = (
        f"{summary.rows} rows: {summary.scored} scored ({summary.abstained} not sure, "
        f"{summary.truncated} truncated), {summary.errors} with an error"
    )
    if summary.lost_lines:
        said += f"; {summary.lost_lines} lines lost to an unclosed quotation mark"
    typer.echo(f"{said}; written to {out}" if out else said, err=True)
    for problem in summary.first_errors:
        typer.echo(f"  {problem.where}: {problem.message}", err=True)
    unseen = summary.errors - len(summary.first_errors)
    if unseen:
        typer.echo(f"  … and {unseen} more: see the field error of each row", err=True)


def _score_quote(
    scorer: "Scorer", model: dict[str, Any], text: str, targets: Sequence[str], as_json: bool
) -> None:
    from stancewire.batch import to_pair

    stances = scorer.predict([to_pair({"text": text, "target": target}) for target in targets])
    if as_json:
        results = [stance_as_json(*both) for both in zip(targets, stances, strict=True)]
        document = {"model": model, "text": text, "results": results}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(text, style="italic"))
    console.print(stance_table(targets, stances))
    if any(stance.truncated for stance in stances):
        console.print("The quote is longer than the model reads: its end was not seen.")


def stance_as_json(target: str, stance: "Stance") -> dict[str, Any]:
    """Lay out the target and what `POST /v1/stance` answers for it."""
    return {
        "target": target,
        "label": stance.label.value,
        "score": stance.score,
        "confidence": stance.confidence,
        "probabilities": {label.value: p for label, p in stance.probabilities.items()},
        "abstained": stance.abstained,
        "truncated": stance.truncated,
        **(
            {}
            if stance.label_set is None
            else {"label_set": [label.value for label in stance.label_set]}
        ),
    }


def stance_table(targets: Sequence[str], stances: "Sequence[Stance]") -> "Table":
    """One row per target; a guess under the model's threshold is called one."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("target", overflow="fold")
    table.add_column("stance")
    for name in ("score", *COLOURS):
        table.add_column(name, justify="right")
    has_sets = any(stance.label_set is not None for stance in stances)
    if has_sets:
        table.add_column("set")
    for target, stance in zip(targets, stances, strict=True):
        label = stance.label.value
        said = f"not sure ({label}?)" if stance.abstained else label
        style = "yellow" if stance.abstained else f"bold {COLOURS[label]}"
        shares = {k.value: p for k, p in stance.probabilities.items()}
        figures = [f"{stance.score:+.2f}", *(f"{shares[name]:.2f}" for name in COLOURS)]
        one_of = [" or ".join(label.value for label in stance.label_set or ())]
        table.add_row(Text(target), Text(said, style), *figures, *(one_of if has_sets else []))
    return table
