"""`stancewire train` and `evaluate`: making models and measuring them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import (
    Corpus,
    Mirror,
    OnlyTag,
    Split,
    WithoutTag,
    default_bundle,
    wide_console,
)
from stancewire.errors import DataError

if TYPE_CHECKING:
    from stancewire.training.recipe import Recipe


def train(
    config: Annotated[Path, typer.Option(help="Recipe, a YAML file.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    mirror: Mirror = None,
    base_model: Annotated[
        str | None, typer.Option(help="Encoder: minilm, a local folder, or a hub id.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of a hub id.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    no_behaviour: Annotated[
        bool,
        typer.Option("--no-behaviour", help="No behaviour tests; the gate refuses such a model."),
    ] = False,
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
            ("behaviour",): False if no_behaviour else None,
        }
    )
    recipe = load(config, overrides)
    if print_config:
        typer.echo(dump(recipe), nl=False)
        return
    _train(recipe, out, resume, register=not no_register)


def _train(recipe: "Recipe", out: Path | None, resume: bool, *, register: bool) -> None:
    from stancewire.training import artifacts, card, pipeline, report

    try:
        result = pipeline.run(recipe, out=out, resume=resume)
    except Exception as error:
        # Work was done and lost: it is logged as failed. A bad input is refused before any work.
        if register and not isinstance(error, DataError):
            from stancewire.training import tracking

            tracking.log_failure(recipe, error)
        raise
    console = wide_console()
    for table in report.tables(result):
        console.print(table)
    path = result.folder / artifacts.CARD
    path.write_text(card.card(result), encoding="utf-8")
    typer.echo(f"bundle in {result.folder / 'bundle'}, model card in {path}")
    note = result.folder / "registered.json"
    note.unlink(missing_ok=True)  # of an earlier run into the same folder
    if register:
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
    bundle: Annotated[
        Path | None, typer.Argument(help="Folder of the model; else that of `stancewire score`.")
    ] = None,
    source: Corpus = "press",
    mirror: Mirror = None,
    only_tag: OnlyTag = None,
    without_tag: WithoutTag = None,
    split: Annotated[Split, typer.Option(help="Records to measure on.")] = Split.TEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure a bundle, beside the baselines that see only one side or nothing."""
    from stancewire.bundle import Bundle
    from stancewire.data import corpus
    from stancewire.predictor import Predictor
    from stancewire.training.evaluate import baselines, with_intervals
    from stancewire.training.evaluate import evaluate as measure
    from stancewire.training.recipe import Linear
    from stancewire.training.report import refusal_tables, split_table

    opened = Bundle.open(bundle or default_bundle())
    predictor = Predictor.load(opened)
    data = corpus.load(source, mirror=mirror, only_tag=only_tag)
    chosen = data.test if split is Split.TEST else data.dev
    records = [record for record in chosen if without_tag not in record.tags]
    if not records:
        raise DataError(f"no record of {source!r}, {split}, is left to measure on")
    found = [
        measure(opened.manifest.family, predictor, records),
        *baselines(data.train, records, Linear(), seed=0),
    ]
    if not as_json:
        console = wide_console()
        for table in (split_table(f"{source}, {split}", found), *refusal_tables(found[0])):
            console.print(table)
        return
    document = {
        "bundle": opened.sha256,
        "source": source,
        "split": split.value,
        "records": len(records),
        "figures": with_intervals(found),
        "risk_coverage": found[0].risk_coverage.points(),
    }
    typer.echo(json.dumps(document, indent=2))
