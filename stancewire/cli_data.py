"""`stancewire data`: look at a corpus before it is trained on."""

from typing import Annotated, Any

import typer

from stancewire.errors import DataError

MOST = 12  # entries of one kind that a table shows

app = typer.Typer(help="Check and count a corpus.", no_args_is_help=True)

Source = Annotated[
    str, typer.Argument(metavar="[PATH]", help='"press", or a file or folder of records.')
]


@app.command()
def validate(path: Source = "press") -> None:
    """Check a corpus; every finding is listed, and the exit code is 2 if there is one."""
    from stancewire.data.quality import stats
    from stancewire.data.quality import validate as check

    problems = check(path)
    if problems:
        raise DataError(f"corpus {path!r}: {len(problems)} finding(s)", problems)
    found = stats(path)
    counts = ", ".join(f"{found[name]} {name}" for name in ("pairs", "statements", "targets"))
    typer.echo(f"corpus {path!r} is sound: {counts}")


@app.command()
def stats(
    path: Source = "press",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Count what a corpus holds."""
    import json

    from stancewire.data.quality import stats as count

    found = count(path)
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


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        is_nested = any(isinstance(v, dict) for v in value.values())
        parts = [f"{name}: {_shown(v)}" for name, v in list(value.items())[:MOST]]
        if len(value) > MOST:
            parts.append(f"… and {len(value) - MOST} more (--json shows all)")
        return ("\n" if is_nested else ", ").join(parts)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
