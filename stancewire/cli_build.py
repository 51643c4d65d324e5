"""`stancewire data build` and `rebuild`: a training set as files, with its manifest."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stancewire.errors import DataError

if TYPE_CHECKING:
    from stancewire.data.corpus import Corpus

app = typer.Typer()

Mirror = Annotated[
    Path | None, typer.Option(help="Folder that holds public data sets, read in place.")
]
Out = Annotated[Path, typer.Option(help="Folder to write; made if it is missing.")]


@app.command()
def build(
    config: Annotated[Path, typer.Option(help="Recipe, a YAML file; its `data` decides.")],
    out: Out,
    mirror: Mirror = None,
) -> None:
    """Write the records that a recipe trains on, and the manifest of what they are."""
    from stancewire.data.mixture import build as mix
    from stancewire.training.recipe import load

    recipe = load(config, {"data": {"mirror": mirror}} if mirror else None)
    corpus, manifest = mix(recipe.data)
    _write(corpus, manifest.to_json(), out)
    typer.echo(f"{out}: {len(corpus.train)} training pairs, manifest {manifest.digest}")


@app.command()
def rebuild(
    manifest: Annotated[Path, typer.Argument(help="A manifest (data.json).")],
    out: Out,
    mirror: Mirror = None,
) -> None:
    """Write the very bytes that a manifest was made for, or say which source has changed."""
    from stancewire.data.mixture import Manifest
    from stancewire.data.mixture import rebuild as again

    try:
        found = Manifest(json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"{manifest} is not a manifest: {error}") from error
    _write(again(found, mirror=mirror), found.to_json(), out)
    typer.echo(f"{out}: as in manifest {found.digest}")


def _write(corpus: "Corpus", manifest: str, out: Path) -> None:
    from stancewire.data.corpus import SPLITS
    from stancewire.data.files import write_records
    from stancewire.data.mixture import MANIFEST

    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        write_records(out / f"{split}.jsonl", getattr(corpus, split))
    (out / MANIFEST).write_text(manifest, encoding="utf-8")
