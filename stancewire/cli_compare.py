"""`stancewire compare`: two models side by side, in the terminal and as a page."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stancewire.cli_options import Corpus, Mirror, OnlyTag, Split, wide_console
from stancewire.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from stancewire.training.compare import Change, Comparison, Difference

COLOURS = {"better": "green", "worse": "bold red"}


def compare(
    a: Annotated[str, typer.Argument(help="A bundle's folder, or a version: 7, latest, champion.")],
    b: Annotated[str, typer.Argument(help="The other one; differences are B − A.")],
    source: Corpus = "press",
    split: Annotated[Split, typer.Option(help="Records to compare on.")] = Split.TEST,
    mirror: Mirror = None,
    only_tag: OnlyTag = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write one self-contained page, with every item.")
    ] = None,
    items: Annotated[int, typer.Option(min=0, help="Changed items to show of each kind.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of a model.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Compare two models: figures with intervals, labels that changed, slices that moved."""
    if html is not None and not html.resolve().parent.is_dir():
        raise ConfigError(f"{html}: there is no such folder")
    from stancewire.training.compare import compare_models

    found = compare_models(
        a, b, source=source, split=split.value, mirror=mirror, only_tag=only_tag, threads=threads
    )
    if html is not None:
        from stancewire.rows import replacing
        from stancewire.training.compare_page import page

        with replacing(html) as stream:
            stream.write(page(found))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        _show(found, items)
    if html is not None:
        typer.echo(f"page in {html}", err=True)


def _show(found: "Comparison", items: int) -> None:
    from rich.text import Text

    from stancewire.training.compare_page import TITLES, said, slices_said

    console = wide_console()
    console.print(Text(f"A: {found.a}\nB: {found.b}"))
    title = f"{found.where}: {found.pairs} pairs, {found.statements} statements"
    console.print(difference_table(title, "figure", found.metrics))
    console.print(Text(slices_said(found)))
    if found.moved:
        console.print(difference_table("accuracy of slices that moved", "slice", found.moved))
    console.print(Text(said(found)))
    for kind, words in TITLES.items():
        changes = [change for change in found.changes if change.kind == kind]
        if changes and items:
            shown = min(items, len(changes))
            console.print(change_table(f"{words} ({shown} of {len(changes)})", changes[:shown]))


def difference_table(title: str, what: str, rows: "Sequence[Difference]") -> "Table":
    """One row per figure; shares in percent points."""
    from rich.table import Table
    from rich.text import Text

    from stancewire.training.compare_page import shown, verdict

    table = Table(title=Text(title), title_justify="left")
    for column in (what, "pairs", "A", "B", "B − A", "95 %", ""):
        table.add_column(column, justify="left" if column in (what, "") else "right")
    for d in rows:
        word = verdict(d)
        low, high = (shown(d.name, bound, signed=True) for bound in (d.low, d.high))
        table.add_row(
            Text(d.name),
            str(d.pairs),
            shown(d.name, d.a),
            shown(d.name, d.b),
            shown(d.name, d.b - d.a, signed=True),
            f"{low} … {high}",
            Text(word, COLOURS.get(word, "dim")),
        )
    return table


def change_table(title: str, changes: "Sequence[Change]") -> "Table":
    """One row per item: quote, target, gold label and both answers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", show_lines=True)
    for column in ("quote", "target", "gold", "A", "B"):
        table.add_column(column, overflow="fold")
    for change in changes:
        table.add_row(
            Text(change.record.text),
            Text(change.record.target),
            change.record.stance.value,
            f"{change.a.value} {change.confidence_a:.0%}",
            f"{change.b.value} {change.confidence_b:.0%}",
        )
    return table
