"""`stancewire train`, `evaluate`, `promote` and `rollback`: what is done to models."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

Mirror = Annotated[
    Path | None, typer.Option(help="Folder that holds public data sets, read in place.")
]
OnlyTag = Annotated[
    str | None, typer.Option(help="Only the dev and test records with this tag (VAST: zero-shot).")
]


class Split(StrEnum):
    """What a bundle may be measured on."""

    DEV = "dev"
    TEST = "test"


def train(
    config: Annotated[Path, typer.Option(help="Recipe, a YAML file.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    mirror: Mirror = None,
    base_model: Annotated[
        str | None, typer.Option(help="Encoder: minilm, a local folder, or a hub id.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of a hub id.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Log nothing and register no version.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print what would run, and stop.")
    ] = False,
) -> None:
    """Train a model by a recipe, export and measure it, and register the result."""
    from stancewire.training.recipe import dump, load

    overrides = _overrides(
        {
            ("seed",): seed,
            ("data", "mirror"): mirror,
            ("base", "path"): base_model,
            ("base", "revision"): revision,
        }
    )
    recipe = load(config, overrides)
    if print_config:
        typer.echo(dump(recipe), nl=False)
        return
    from rich.console import Console

    from stancewire.training import pipeline, report

    result = pipeline.run(recipe, out=out, resume=resume)
    console = Console()
    for table in report.tables(result):
        console.print(table)
    typer.echo(f"bundle in {result.folder / 'bundle'}")
    note = result.folder / "registered.json"
    note.unlink(missing_ok=True)  # of an earlier run into the same folder
    if no_register:
        return
    from stancewire.training import tracking

    version = tracking.log(result, register=True)
    note.write_text(json.dumps({"version": version}) + "\n", encoding="utf-8")
    typer.echo(f"registered as version {version}")


def _overrides(given: Mapping[tuple[str, ...], object]) -> dict[str, Any]:
    """Nest what was given on the command line as the recipe is nested."""
    nested: dict[str, Any] = {}
    for path, value in given.items():
        if value is not None:
            inner = nested
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = value
    return nested


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Folder of the model.")],
    source: Annotated[str, typer.Option(help="press, vast, or a path to records.")] = "press",
    mirror: Mirror = None,
    only_tag: OnlyTag = None,
    split: Annotated[Split, typer.Option(help="Records to measure on.")] = Split.TEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure a bundle, beside the baselines that see only one side or nothing."""
    from stancewire.bundle import Bundle
    from stancewire.data import corpus
    from stancewire.predictor import Predictor
    from stancewire.training.evaluate import baselines
    from stancewire.training.evaluate import evaluate as measure
    from stancewire.training.recipe import Linear

    opened = Bundle.open(bundle)
    predictor = Predictor.load(opened)
    data = corpus.load(source, mirror=mirror, only_tag=only_tag)
    records = data.test if split is Split.TEST else data.dev
    found = [
        measure(opened.manifest.family, predictor, records),
        *baselines(data.train, records, Linear(), seed=0),
    ]
    figures = {e.name: {**e.figures, "macro_f1_interval": list(e.interval())} for e in found}
    if as_json:
        document = {
            "bundle": opened.sha256,
            "source": source,
            "split": split.value,
            "records": len(records),
            "figures": figures,
        }
        typer.echo(json.dumps(document, indent=2))
        return
    from rich.console import Console

    Console().print(_figures_table(f"{source}, {split}, {len(records)} pairs", figures))


def _figures_table(title: str, figures: Mapping[str, Mapping[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table("model", title=title)
    names = [name for name, value in next(iter(figures.values())).items() if _is_number(value)]
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for model, values in figures.items():
        table.add_row(model, *(f"{values[name]:.3f}" for name in names))
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def promote(
    version: Annotated[str, typer.Argument(help="Version of the registered model.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge, and move nothing.")] = False,
) -> None:
    """Make a version the champion, if it passes the gate; exit code 4 if it must not serve."""
    from stancewire.training import promote as gate

    verdict = gate.promote(version, dry_run=dry_run)
    _show_verdict(verdict)
    typer.echo(f"version {version} would be the champion" if dry_run else f"champion: {version}")


def rollback() -> None:
    """Make the previous champion the champion again."""
    from stancewire.training import promote as gate

    gate.rollback()
