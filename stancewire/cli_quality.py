"""`stancewire data noise | drift | pictures`: look closer at a corpus than counts do."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import Mirror, Source

if TYPE_CHECKING:
    from stancewire.calibration import FloatArray
    from stancewire.records import Record

app = typer.Typer(help="Look closer at a corpus.", no_args_is_help=True)

# More than 32 bits no generator of NumPy's older kind takes.
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Draws folds and samples.")]


class PictureFormat(StrEnum):
    """How a picture is stored."""

    SVG = "svg"
    PNG = "png"


@app.command()
def noise(
    path: Source = "press",
    out: Annotated[
        Path | None, typer.Option(help="Write the whole list here: .json or .csv.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Ask this model, of dev, test and golden only; else one is fitted."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to print.")] = 20,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the cross-validation.")] = 5,
    seed: Seed = 0,
    mirror: Mirror = None,
) -> None:
    """List records whose label may be wrong, the likeliest first; nothing is changed."""
    from stancewire.data.corpus import read
    from stancewire.data.files import check_outputs
    from stancewire.data.noise import check_ending, label_noise, write_suspects

    check_outputs([out], [Path(path)])
    if out is not None:
        check_ending(out)
    records = read(path, mirror=mirror)
    answers = None
    if bundle is not None:  # it knows its training records by heart, mistakes included
        records = [r for r in records if r.split != "train"]
        answers = _answers(bundle, records)
    found, accuracy = label_noise(records, answers, folds=folds, seed=seed)
    if out is not None:
        write_suspects(out, found)
    typer.echo(
        f"{len(found)} of {len(records)} labels are in doubt, by a model that gives "
        f"{accuracy:.0%} of them itself"
    )
    for one in found[:top]:
        typer.echo(
            f"{one.given_probability:.2f}  {one.id}: {one.given}, rather {one.suggested} "
            f"({one.suggested_probability:.2f}) toward {one.target!r}"
        )


@app.command()
def drift(
    first: Annotated[str, typer.Argument(metavar="A", help="The corpus that is compared with.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The corpus that may be apart.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    seed: Seed = 0,
    mirror: Mirror = None,
) -> None:
    """Compare two corpora: labels, lengths, words, targets, and what tells them apart."""
    from stancewire.data.corpus import read
    from stancewire.data.drift import drift as compare

    report = compare(read(first, mirror=mirror), read(second, mirror=mirror), seed=seed)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="drift")
    for header in ("", first, second, "apart"):
        table.add_column(Text(header))
    for name, *cells in _rows(report):
        table.add_row(*map(Text, (name, *cells)))
    Console(highlight=False).print(table)


@app.command()
def pictures(
    out: Annotated[Path, typer.Option(help="Folder to write into; made if need be.")],
    path: Source = "press",
    kind: Annotated[PictureFormat, typer.Option("--format")] = PictureFormat.SVG,
    mirror: Mirror = None,
) -> None:
    """Draw the labels and lengths of each split."""
    from stancewire.data.corpus import read
    from stancewire.data.pictures import write_pictures

    for file in write_pictures(read(path, mirror=mirror), out, kind.value):
        typer.echo(file)


def _answers(bundle: Path, records: "Sequence[Record]") -> "FloatArray":
    import numpy as np

    from stancewire.labels import ORDER
    from stancewire.predictor import Predictor

    stances = Predictor.load(bundle).predict([r.pair for r in records])
    rows = [[stance.probabilities[label] for label in ORDER] for stance in stances]
    return np.array(rows, dtype=np.float64).reshape(-1, len(ORDER))


def _rows(report: dict[str, Any], under: str = "") -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for name, value in report.items():
        shown = f"{under} {name}".strip().replace("_", " ")
        if isinstance(value, dict):
            rows += _rows(value, "" if name == "shares" else shown)
        elif isinstance(value, list):
            rows.append((shown, _cell(value[0]), _cell(value[1]), ""))
        else:
            rows.append((shown, "", "", "too few statements" if value is None else _cell(value)))
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
