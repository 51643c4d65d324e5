"""`stancewire data sample | export | import | merge | agreement`: the annotation loop."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stancewire.errors import ConfigError, DataError

if TYPE_CHECKING:
    from stancewire.data.formats.tasks import Returned
    from stancewire.data.pool import Item

app = typer.Typer()


class FormatName(StrEnum):
    """An annotation tool's files, or a sheet."""

    CSV = "csv"
    JSONL = "jsonl"
    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"
    DOCCANO = "doccano"


class StrategyName(StrEnum):
    """What makes an item worth labelling."""

    UNCERTAINTY = "uncertainty"
    DISAGREEMENT = "disagreement"
    RANDOM = "random"
    DIVERSE = "diverse"


ToolFormat = Annotated[FormatName, typer.Option("--format", help="Which tool's files.")]
Bundles = Annotated[
    list[Path] | None, typer.Option("--bundle", help="Model folder; repeat it for several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]


@app.command()
def sample(
    pool: Annotated[Path, typer.Argument(help="Unlabelled items: .jsonl or .csv.")],
    out: Annotated[Path, typer.Option(help="Where the drawn items go, as .jsonl.")],
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many to draw.")] = 100,
    strategy: Annotated[
        StrategyName, typer.Option(help="What makes an item worth labelling.")
    ] = StrategyName.DIVERSE,
    bundle: Bundles = None,
    labelled: Annotated[
        list[Path] | None,
        typer.Option(help="Records or batches that exist; they and near twins are not drawn."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same items.")] = 13,
) -> None:
    """Draw the items of a pool that are worth labelling next."""
    from stancewire.data.files import check_outputs, write_records
    from stancewire.data.pool import read_items
    from stancewire.data.sampling import sample as draw
    from stancewire.predictor import Predictor

    check_outputs([out], [pool, *(labelled or [])])
    items = read_items(pool)
    known = [item for path in labelled or [] for item in read_items(path)]
    predictors = [Predictor.load(folder) for folder in bundle or []]
    drawn = draw(items, n, strategy.value, seed, predictors=predictors, labelled=known)
    write_records(out, drawn)
    why = _why_short(n, items, drawn, known) if len(drawn) < n else ""
    typer.echo(f"{out}: {len(drawn)} of {len(items)} items{why}")


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="Items or records: .jsonl or .csv.")],
    out: Annotated[Path, typer.Option(help="File for the tool to import.")],
    tool: ToolFormat,
    bundle: Annotated[
        Path | None, typer.Option(help="Model whose answers are shown as suggestions.")
    ] = None,
    with_labels: Annotated[
        bool,
        typer.Option(
            help="Let labels that records have travel too, where annotators may see them."
        ),
    ] = False,
) -> None:
    """Write tasks for an annotation tool, and what sets the tool up beside them."""
    from stancewire.data.files import check_outputs
    from stancewire.data.formats import FORMATS
    from stancewire.data.formats.tasks import Task, prelabel
    from stancewire.data.pool import PoolItem, read_items

    chosen = FORMATS[tool.value]
    if out.suffix not in chosen.suffixes:
        raise ConfigError(f"--out {out}: {tool} needs a name ending in {chosen.suffixes[0]}")
    check_outputs([out], [path])
    items: list[Item] = read_items(path)
    if not with_labels:
        items = [PoolItem.of(item) for item in items]
    tasks = [Task(item) for item in items]
    if bundle is not None:
        tasks = _suggested(items, bundle, prelabel)
    for written in chosen.write(out, tasks):
        typer.echo(f"{written}" + (f": {len(tasks)} tasks" if written == out else ""))


@app.command("import")
def import_labels(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The tool's exports.")],
    out: Annotated[Path, typer.Option(help="Where the labels go, as .jsonl.")],
    tool: ToolFormat,
    items: Annotated[
        Path | None, typer.Option(help="Write the labelled items here too, as .jsonl.")
    ] = None,
    annotator: Annotated[
        str | None, typer.Option(help="Who labelled, for files that do not say so.")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Another name for an annotator; repeat it."),
    ] = None,
) -> None:
    """Read labels back from an annotation tool; exit 2, writing nothing, if one is unreadable."""
    from stancewire.data.files import check_outputs, write_records
    from stancewire.data.formats import FORMATS

    check_outputs([out, items], paths)
    names = _names(rename or [])
    returned = [FORMATS[tool.value].read(path, annotator) for path in paths]
    problems = [problem for one in returned for problem in one.problems]
    if problems:
        raise DataError(f"nothing imported: {len(problems)} problem(s)", problems)
    annotations = [a for one in returned for a in one.annotations]
    found = _same_items(returned)
    with out.open("w", encoding="utf-8") as file:
        for one in annotations:
            renamed = one.model_copy(update={"annotator": names.get(one.annotator, one.annotator)})
            file.write(renamed.model_dump_json(exclude_none=True) + "\n")
    if items is not None:
        write_records(items, found)
    labelled = len({one.id for one in annotations})
    typer.echo(f"{out}: {len(annotations)} labels of {labelled} items; {len(found)} items in all")


@app.command()
def merge(
    labels: Annotated[
        list[Path], typer.Argument(metavar="LABELS...", help="As import wrote them.")
    ],
    items: Annotated[
        list[Path], typer.Option(help="The items or records that were labelled; repeat it.")
    ],
    out: Annotated[Path, typer.Option(help="Where the merged records go, as .jsonl.")],
    rule: Annotated[
        str | None,
        typer.Option(help="What decides a dispute: majority, unanimous or expert:NAME."),
    ] = None,
    hard: Annotated[
        Path | None, typer.Option(help="Set disputed items aside here, as .jsonl, not refusing.")
    ] = None,
    single: Annotated[
        Path | None, typer.Option(help="Write all single labels here, as .jsonl.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write what was decided, as JSON.")] = None,
) -> None:
    """Make records of labels; disputes are refused unless a rule decides or --hard takes them."""
    from stancewire.data.files import check_outputs, write_records
    from stancewire.data.merge import merge as join
    from stancewire.data.merge import read_annotations
    from stancewire.data.pool import read_items

    check_outputs([out, hard, single, report], [*labels, *items])
    if rule == "unanimous" and hard is None:
        raise ConfigError("--rule unanimous sets disputed items aside: say where with --hard FILE")
    found = [one for path in items for one in read_items(path)]
    given = [one for path in labels for one in read_annotations(path)]
    merged = join(given, found, rule, set_aside=hard is not None)
    write_records(out, merged.records)
    if hard is not None:
        write_records(hard, merged.hard)
    if single is not None:
        rows = [{"id": item, "labels": said} for item, said in merged.labels.items()]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        single.write_text("".join(lines), encoding="utf-8")
    if report is not None:
        told = json.dumps(merged.report(), ensure_ascii=False, indent=1) + "\n"
        report.write_text(told, encoding="utf-8")
    typer.echo(
        f"{out}: {len(merged.records)} records; {len(merged.hard)} set aside; "
        f"{len(merged.unlabelled)} not labelled"
    )
    for dispute in merged.disputes:
        votes = ", ".join(f"{who} {' and '.join(said)}" for who, said in dispute.labels.items())
        was = f" (was {dispute.was})" if dispute.was else ""
        typer.echo(f"  {dispute.id}: {votes} → {dispute.decision or 'set aside'}{was}")


@app.command()
def agreement(
    labels: Annotated[
        list[Path], typer.Argument(metavar="LABELS...", help="As import or merge --single wrote.")
    ],
    items: Annotated[
        list[Path] | None, typer.Option(help="The items, for agreement by tag; repeat it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far annotators agree: Krippendorff's alpha and per cent, by pair and by tag."""
    from stancewire.data.agreement import report
    from stancewire.data.pool import read_items

    tags = {one.id: one.tags for path in items or [] for one in read_items(path)}
    found = report(_labels(labels), tags if items else None)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    _print_agreement(found)


def _suggested(items: "Sequence[Item]", folder: Path, prelabel: Any) -> Any:
    from stancewire.bundle import Bundle
    from stancewire.predictor import Predictor

    bundle = Bundle.open(folder)
    name = f"stancewire-{bundle.manifest.family}-{bundle.sha256[:12]}"
    return prelabel(items, Predictor.load(bundle), name)


def _why_short(
    n: int, items: "Sequence[Item]", drawn: "Sequence[Item]", known: "Sequence[Item]"
) -> str:
    ids = {item.id for item in known}
    done = sum(item.id in ids for item in items)
    twins = len(items) - len(drawn) - done
    return f" ({n} asked for: {done} are labelled, {twins} nearly equal one labelled or drawn)"


def _names(rename: Sequence[str]) -> dict[str, str]:
    pairs = [pair.rpartition("=") for pair in rename]
    if bad := [
        pair for pair, (old, _, new) in zip(rename, pairs, strict=True) if not (old and new.strip())
    ]:
        raise ConfigError(f"--rename {bad[0]}: expected OLD=NEW")
    return {old: new.strip() for old, _, new in pairs}


def _same_items(returned: "Sequence[Returned]") -> "list[Item]":
    """Items of several annotators' files, each once; two of one id must be the same item."""
    from stancewire.errors import Problem

    found: dict[str, Item] = {}
    problems = []
    for item in (item for one in returned for item in one.items):
        if found.setdefault(item.id, item) != item:
            problems.append(Problem(item.id, "id", "two different items have this id"))
    if problems:
        raise DataError("nothing imported: ids that are not unique", problems)
    return list(found.values())


def _labels(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Labels of files of either kind: one annotation a row, or all labels of an item a row."""
    from stancewire.data.agreement import read_labels
    from stancewire.data.formats.tasks import Annotation
    from stancewire.data.merge import read_annotations, single_labels
    from stancewire.labels import Label

    annotations: list[Annotation] = []
    for path in paths:
        if not _has_rows_of_items(path):
            annotations += read_annotations(path)
            continue
        for item, said in read_labels(path).items():
            annotations += [
                Annotation(id=item, annotator=who, stance=Label(label))
                for who, label in said.items()
            ]
    return single_labels(annotations)


def _has_rows_of_items(path: Path) -> bool:
    from stancewire.data.files import read_text

    first = read_text(path).lstrip().partition("\n")[0]
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):  # whoever reads the rows says what is wrong
        return False
    return isinstance(row, dict) and "labels" in row


def _print_agreement(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"agreement of {', '.join(found['annotators'])}")
    for name in ("on", "items", "alpha", "per cent"):
        table.add_column(name, justify="left" if name == "on" else "right")
    rows = {"all items": found["all"], **found["pairs"]}
    rows |= {f"tag {tag}": figures for tag, figures in found.get("tags", {}).items()}
    for name, figures in rows.items():
        alpha, percent = figures["alpha"], figures["percent"]
        table.add_row(
            Text(name),
            str(figures["items"]),
            "undefined" if alpha is None else f"{alpha:.3f}",
            "–" if percent is None else f"{percent:.1f}",
        )
    Console(highlight=False).print(table)
