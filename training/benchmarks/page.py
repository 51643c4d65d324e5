"""Measured benchmarks as Markdown tables, published figures beside them, and as plain data."""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from stancewire.data.sources import Frozen
from stancewire.training.benchmarks.measure import TAG_METRIC, Result, Row
from stancewire.training.benchmarks.scores import Score, mean_sd
from stancewire.training.benchmarks.sets import Task, View

PUBLISHED = Path(__file__).with_name("published.toml")


class Published(Frozen):
    """Figures of one model as its source prints them, in percent."""

    family: str
    model: str
    source: str
    """Where they were read."""
    values: dict[str, float]
    """Key of a task → figure."""
    note: str = ""


@cache
def published() -> tuple[Published, ...]:
    """All published figures, in the order of `published.toml`."""
    rows = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["figure"]
    return tuple(Published.model_validate(row) for row in rows)


def cell(score: Score | None) -> str:
    """Mean ± sd (95 % interval), in percent; a dash for what was not measured."""
    if score is None:
        return "–"
    low, high = score.interval
    return f"{mean_sd(score.values)} ({100 * low:.1f}–{100 * high:.1f})"


def page(results: Sequence[Result], *, limit: int | None) -> str:
    """All families, one table each; then the ablations, if there are any."""
    parts = [warning(limit)] if limit else []
    parts += ["\n".join(_family(result, limit)) for result in results]
    if any(row.kind == "ablation" for result in results for row in result.rows):
        parts.append("\n".join(_ablations(results, limit)))
    return "\n\n".join(parts) + "\n"


def warning(limit: int) -> str:
    """What stands above everything that is not the whole."""
    return f"**LIMITED TO ABOUT {limit} PAIRS OF EACH TEST SET: A QUICK LOOK, NOT A RESULT.**"


def _family(result: Result, limit: int | None) -> Iterator[str]:
    family = result.family
    tasks = [task for task in family.tasks if task.key in result.sizes]
    yield f"### {family.name}{' (LIMITED)' if limit else ''}"
    yield ""
    yield family.note
    if family.two_label:
        yield (
            "The set has no neutral: rows say whether the neutral probability was masked; where it "
            "was not, a neutral answer is an error."
        )
    hashes = ", ".join(f"{name} {digest[:12]}" for name, digest in result.hashes.items())
    yield f"Test: {result.pairs:,} pairs of {result.texts:,} texts. Content hashes: {hashes}."
    yield ""
    columns = [f"{task.key}, n = {result.sizes[task.key][0]:,}" for task in tasks]
    yield from _head(["", "trained on the set", "seeds", *columns])
    for row in (row for row in result.rows if row.kind != "ablation"):
        yield from _rows(row, result, tasks)
    for one in published():
        if one.family == family.name:
            figures = [f"{one.values[t.key]:.1f}" if t.key in one.values else "–" for t in tasks]
            yield _line(
                [
                    f"{one.model} [{one.source}]",
                    one.note or "as published, trained on it",
                    "",
                    *figures,
                ]
            )
    seen = [line for row in result.rows if row.kind == "model" for line in _topics(row)]
    if seen:
        yield ""
        yield f"Test topics that are the topic of a training record: {'; '.join(seen)}."
    if family.is_others and not any(one.family == family.name for one in published()):
        yield ""
        yield "No published figure was at hand to be checked."
    if result.tags:
        yield ""
        yield from _tags(result)


def _rows(row: Row, result: Result, tasks: Sequence[Task]) -> Iterator[str]:
    name = f"**{row.name}**" if row.kind == "model" else row.name
    if row.refused:
        yield _line([name, f"REFUSED: {row.refused}", _seeds(row), *("–" for _ in tasks)])
        return
    views = [result.family.views(task) for task in tasks]
    for number in range(max(map(len, views))):
        seen = [view[number] if number < len(view) else None for view in views]
        cells = [
            cell(row.scores.get((task.key, view))) if view else "–"
            for task, view in zip(tasks, seen, strict=True)
        ]
        masked = ", neutral masked" if "neutral masked" in seen else ""
        yield _line([name + masked, _standing(row), _seeds(row), *cells])


def _topics(row: Row) -> Iterator[str]:
    """Shares of topics seen, tasks over the same topics together."""
    by_share: dict[str, list[str]] = {}
    for key, share in row.topics_seen.items():
        by_share.setdefault(f"{share:.0%}", []).append(key)
    if len(by_share) == 1:
        yield f"{row.name} {next(iter(by_share))}"
    elif by_share:
        told = (f"{share} ({', '.join(keys)})" for share, keys in by_share.items())
        yield f"{row.name} {', '.join(told)}"


def _tags(result: Result) -> Iterator[str]:
    """Behaviour tags as rows, models and baselines as columns."""
    rows = [row for row in result.rows if row.kind != "ablation" and not row.refused]
    yield "Accuracy by behaviour tag:"
    yield ""
    yield from _head(["tag", "n", "texts", *(row.name for row in rows)])
    for tag in result.tags:
        cells = [cell(row.scores.get((tag, "three-way"))) for row in rows]
        yield _line([tag, *(f"{size:,}" for size in result.sizes[tag]), *cells])


def _ablations(results: Sequence[Result], limit: int | None) -> Iterator[str]:
    """Models and what is taken from them as rows, the families' headlines as columns."""
    yield f"### Ablations{' (LIMITED)' if limit else ''}"
    yield ""
    headlines = [(result, next(iter(result.sizes))) for result in results]
    yield from _head(["", *(f"{result.family.name}, {key}" for result, key in headlines)])
    kinds = ("model", "ablation")
    names = [row.name for result in results for row in result.rows if row.kind in kinds]
    for name in dict.fromkeys(names):
        cells = []
        for result, key in headlines:
            rows = {row.name: row for row in result.rows if row.kind in kinds}
            cells.append(cell(_headline(rows[name], result, key) if name in rows else None))
        yield _line([name, *cells])


def _headline(row: Row, result: Result, key: str) -> Score | None:
    (view,) = [result.family.views(t)[0] for t in result.family.tasks if t.key == key]
    return row.scores.get((key, view))


def _standing(row: Row) -> str:
    if row.kind == "baseline":
        return "baseline, fitted on its train"
    if row.standing is None:
        return "not known"
    leaked = f", {row.standing.leaked} test pairs in its train" if row.standing.leaked else ""
    return row.standing.word + leaked


def _seeds(row: Row) -> str:
    return ", ".join("?" if seed is None else str(seed) for seed in row.seeds) or "–"


def _head(cells: Sequence[str]) -> Iterator[str]:
    yield _line(cells)
    yield f"|{'---|' * len(cells)}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(result: Result) -> dict[str, Any]:
    """A family's result as plain data; figures from 0 to 1."""
    return {
        "family": result.family.name,
        "source": result.family.source,
        "metric": result.family.note,
        "pairs": result.pairs,
        "texts": result.texts,
        "hashes": dict(result.hashes),
        "sizes": {key: {"pairs": n, "texts": t} for key, (n, t) in result.sizes.items()},
        "tags": list(result.tags),
        "rows": [_plain_row(row, result) for row in result.rows],
        "published": [
            one.model_dump(mode="json") for one in published() if one.family == result.family.name
        ],
    }


def _plain_row(row: Row, result: Result) -> dict[str, Any]:
    tasks = {task.key: task.metric for task in result.family.tasks}
    return {
        "name": row.name,
        "kind": row.kind,
        "seeds": list(row.seeds),
        "standing": row.standing and {"is": row.standing.word, **vars(row.standing)},
        "topics_seen": dict(row.topics_seen),
        "refused": row.refused,
        "seconds": round(row.seconds, 1),
        "figures": [_plain_score(*about, tasks, score) for about, score in row.scores.items()],
    }


def _plain_score(key: str, view: View, tasks: dict[str, str], score: Score) -> dict[str, Any]:
    return {
        "task": key,
        "metric": tasks.get(key, TAG_METRIC),
        "view": view,
        "by_seed": list(score.values),
        "mean": score.mean,
        "sd": score.sd,
        "interval": list(score.interval),
    }
