"""`stancewire behave`: what a bundle can do, capability by capability, and against another."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.cli_options import wide_console

if TYPE_CHECKING:
    from stancewire.training.behaviour.cases import Case
    from stancewire.training.behaviour.report import Report


def behave(
    bundle: Annotated[Path, typer.Option(help="Folder of the model.")],
    against: Annotated[
        Path | None, typer.Option(help="Folder of another model, compared case by case.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything here as JSON.")
    ] = None,
    capability: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    cases: Annotated[int, typer.Option(min=1, max=500, help="Of each capability.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Draws the cases.")] = 13,
    examples: Annotated[int, typer.Option(min=0, help="Failures to show of each.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Test the behaviour of a bundle: failure rates by capability, after CheckList."""
    from stancewire.data.files import check_outputs
    from stancewire.errors import ConfigError
    from stancewire.training.behaviour import show
    from stancewire.training.behaviour.compare import compare

    check_outputs([json_file], [*bundle.glob("*"), *(against.glob("*") if against else ())])
    if json_file is not None and not json_file.parent.is_dir():
        raise ConfigError(f"cannot write {json_file}: there is no folder {json_file.parent}")
    asked = _cases(capability or [], cases, seed)
    report = _report(bundle, asked, threads)
    document: dict[str, Any] = {"seed": seed, "report": report.to_dict(examples=max(examples, 3))}
    console = wide_console()
    console.print(show.table(report))
    if report.leanings:
        console.print(show.groups_table(report))
    for line in show.failures(report, examples):
        typer.echo(line)
    if against is not None:
        other = _report(against, asked, threads)
        comparison = compare(report.marks, other.marks)
        console.print(show.comparison_table(comparison))
        document |= {"against": other.to_dict(), "comparison": comparison.to_dict()}
    if json_file is not None:
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        json_file.write_text(text, encoding="utf-8")


def _cases(wanted: list[str], count: int, seed: int) -> "list[Case]":
    from stancewire.errors import ConfigError
    from stancewire.training.behaviour.expand import expand, names

    known = names()
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(
            f"no capability is named {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    found = expand(seed=seed, per_capability=count)
    return [case for case in found if not wanted or case.capability in wanted]


def _report(folder: Path, cases: "list[Case]", threads: int) -> "Report":
    from stancewire.bundle import Bundle
    from stancewire.predictor import Predictor
    from stancewire.training.behaviour.report import run

    opened = Bundle.open(folder)
    return run(Predictor.load(opened, threads=threads), cases, name=opened.sha256)
