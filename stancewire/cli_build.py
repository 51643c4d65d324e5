"""`stancewire data build` and `rebuild`: a training set as files, with its manifest."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stancewire.cli_options import Mirror
from stancewire.errors import ConfigError, DataError

if TYPE_CHECKING:
    from stancewire.data.corpus import Corpus
    from stancewire.data.mixture import Mixture

app = typer.Typer()

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
    _not_onto_a_source(out, recipe.data)
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
    except (OSError, ValueError, RecursionError) as error:  # the last: nested too deeply
        raise DataError(f"{manifest} is not a manifest: {error}") from error
    _not_onto_a_source(out, found.mixture(mirror))
    _write(again(found, mirror=mirror), found.to_json(), out)
    typer.echo(f"{out}: as in manifest {found.digest}")


def _not_onto_a_source(out: Path, data: "Mixture") -> None:
    """What was mixed in would be read as the source's own the next time, and be mixed in again."""
    from stancewire.data.corpus import OWN, SPLITS, is_public

    written = {out.resolve(), *((out / f"{split}.jsonl").resolve() for split in SPLITS)}
    for name in [data.source, *(one.source for one in data.also)]:
        if not is_public(name) and OWN.get(name, Path(name)).resolve() in written:
            raise ConfigError(f"--out {out} would overwrite its source {name}: name another folder")


def _write(corpus: "Corpus", manifest: str, out: Path) -> None:
    from stancewire.data.corpus import SPLITS
    from stancewire.data.files import write_records
    from stancewire.data.mixture import MANIFEST

    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        write_records(out / f"{split}.jsonl", getattr(corpus, split))
    (out / MANIFEST).write_text(manifest, encoding="utf-8")
