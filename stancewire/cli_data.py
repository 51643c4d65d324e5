"""`stancewire data`: look at a corpus before it is trained on; get the public data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_annotation import app as annotation
from stancewire.cli_build import app as build
from stancewire.cli_options import Mirror, Source, WithoutTag
from stancewire.cli_quality import app as quality
from stancewire.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from stancewire.data.sources import Source as Declared

MOST = 12  # entries of one kind that a table shows

app = typer.Typer(help="Check and count a corpus; get public data sets.", no_args_is_help=True)
for verbs in (quality, annotation, build):
    app.add_typer(verbs)

Cache = Annotated[
    Path | None,
    typer.Option(help="Where fetched files lie.", show_default="~/.cache/stancewire/data"),
]


@app.command()
def validate(path: Source = "press", mirror: Mirror = None) -> None:
    """Check a corpus; every finding is listed, and the exit code is 2 if there is one."""
    from stancewire.data.quality import stats
    from stancewire.data.quality import validate as check

    problems = check(path, mirror=mirror)
    if problems:
        raise DataError(f"corpus {path!r}: {len(problems)} finding(s)", problems)
    found = stats(path, mirror=mirror)
    counts = ", ".join(f"{found[name]} {name}" for name in ("pairs", "statements", "targets"))
    typer.echo(f"corpus {path!r} is sound: {counts}")


@app.command()
def stats(
    path: Source = "press",
    mirror: Mirror = None,
    without_tag: WithoutTag = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Count what a corpus holds."""
    import json

    from stancewire.data.quality import stats as count

    found = count(path, mirror=mirror, without_tag=without_tag)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"corpus {path}", show_header=False)
    for name, value in found.items():
        table.add_row(Text(name.replace("_", " ")), Text(_shown(value)))
    Console(highlight=False).print(table)


@app.command("list")
def list_sources(
    mirror: Annotated[Path | None, typer.Option(help="Look in this folder too.")] = None,
    cache: Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Show the public data sets: licence, terms, languages, files, and whether they are here."""
    import json

    from stancewire.data.fetch import default_cache, present
    from stancewire.data.sources import declared

    places = {"cached": cache or default_cache()} | ({"mirrored": mirror} if mirror else {})
    rows = []
    for source in declared().values():
        row = source.model_dump(mode="json")
        row["fetchable"] = all(file.repository for file in source.files)
        for name, folder in places.items():
            row[name] = all(present(folder / source.folder, file) for file in source.files)
        rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    _print_sources(rows, list(places))


def _print_sources(rows: list[dict[str, Any]], places: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="public data sets")
    for name in ("name", "licence", "terms", "languages", "files", "here"):
        table.add_column(name)
    for row in rows:
        here = [name for name in places if row[name]]
        here = here or ["" if row["fetchable"] else "only in a mirror"]
        cells = [row["name"], row["licence"], row["terms"], " ".join(row["languages"])]
        cells += [str(len(row["files"])), ", ".join(here)]
        table.add_row(*map(Text, cells))
    Console(highlight=False).print(table)


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, but for those only a mirror holds.")
    ] = False,
    mirror: Annotated[
        Path | None, typer.Option(help="Verify the files in this folder; no network.")
    ] = None,
    cache: Cache = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Fetch from here instead of raw.githubusercontent.com."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="TERMS", help="share-alike, non-commercial or not-stated; repeat it."),
    ] = None,
) -> None:
    """Fetch public data sets into the cache, or verify them in a mirror; exit 2 if any failed."""
    from stancewire.data.sources import declared, find

    if bool(names) == everything:
        raise ConfigError(
            "give either names of data sets or --all; `stancewire data list` has them"
        )
    sources = list(declared().values()) if everything else [find(name) for name in names or ()]
    if mirror:
        _verify(sources, mirror)
        return
    if everything:
        sources = _fetchable(sources)
    _check_terms(sources, accept or [])
    _fetch(sources, cache, base)


def _verify(sources: "list[Declared]", mirror: Path) -> None:
    from stancewire.data.fetch import verify

    problems: list[Problem] = []
    for source in sources:
        found = verify(source, mirror / source.folder)
        if not found:
            typer.echo(f"{source.name}: {len(source.files)} file(s) as declared")
        problems += found
    if problems:
        raise DataError(f"{mirror}: {len(problems)} file(s) not as declared", problems)


def _fetchable(sources: "list[Declared]") -> "list[Declared]":
    kept = [source for source in sources if all(file.repository for file in source.files)]
    left = ", ".join(source.name for source in sources if source not in kept)
    if left:
        typer.echo(f"only a mirror holds, and left out: {left}", err=True)
    return kept


def _check_terms(sources: "list[Declared]", accepted: list[str]) -> None:
    """Refuse, before anything is fetched, what is not open and whose terms nobody accepted."""
    from stancewire.data.sources import TERMS

    if unknown := [terms for terms in accepted if terms not in TERMS]:
        raise ConfigError(f"--accept {unknown[0]}: expected one of {', '.join(TERMS)}")
    problems = [
        Problem(source.name, "terms", f"{source.terms} ({source.licence}): --accept {source.terms}")
        for source in sources
        if source.terms not in ("open", *accepted)
    ]
    if problems:
        raise DataError("nothing fetched: there are terms to accept first", problems)


def _fetch(sources: "list[Declared]", cache: Path | None, base: str | None) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from stancewire.data.fetch import BASE, default_cache
    from stancewire.data.fetch import fetch as get

    problems: list[Problem] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        for source in sources:
            bar = bars.add_task(source.name, total=None)

            def move(name: str, done: int, total: int | None, bar: Any = bar) -> None:
                bars.update(bar, description=name, completed=done, total=total)

            try:
                folder = get(source, cache or default_cache(), base=base or BASE, progress=move)
                typer.echo(f"{source.name}: {folder}")
            except DataError as error:
                problems += error.problems
            bars.remove_task(bar)
    if problems:
        raise DataError(f"{len(problems)} file(s) could not be fetched", problems)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        is_nested = any(isinstance(v, dict) for v in value.values())
        parts = [f"{name}: {_shown(v)}" for name, v in list(value.items())[:MOST]]
        if len(value) > MOST:
            parts.append(f"… and {len(value) - MOST} more (--json shows all)")
        return ("\n" if is_nested else ", ").join(parts)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
