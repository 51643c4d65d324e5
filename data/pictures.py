"""Pictures of a corpus, drawn without pyplot: nothing global is touched."""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.figure import Figure

from stancewire.errors import DataError
from stancewire.labels import ORDER
from stancewire.records import Record

Format = Literal["svg", "png"]
_SPLITS = ("train", "dev", "test", "golden")
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red")


def write_pictures(records: Sequence[Record], folder: Path, kind: Format = "svg") -> list[Path]:
    """Write `labels`, `text-lengths` and `target-lengths` into `folder`; the files written.

    The folder is made if need be. The same records give the same bytes. Raises `DataError` if there
    is no record.
    """
    if not records:
        raise DataError("there is no record to draw")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in _PICTURES.items():
        path = folder / f"{name}.{kind}"
        path.write_bytes(_bytes(draw(records), kind))
        written.append(path)
    return written


def labels(records: Sequence[Record]) -> Figure:
    """Share of each stance per split; the counts stand on the bars."""
    splits = _by_split(records)
    figure, axes = _empty(f"stances of {len(records)} pairs")
    width = 0.8 / len(splits)
    for place, (split, part) in enumerate(splits.items()):
        counts = Counter(r.stance for r in part)
        left = [row + (place - (len(splits) - 1) / 2) * width for row in range(len(ORDER))]
        shares = [counts[label] / len(part) for label in ORDER]
        bars = axes.bar(left, shares, width, label=split, color=_colour(split))
        axes.bar_label(bars, [str(counts[label]) for label in ORDER], fontsize=7)
    axes.set_xticks(range(len(ORDER)), [label.value for label in ORDER])
    axes.set_ylabel("share of the split's pairs")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def text_lengths(records: Sequence[Record]) -> Figure:
    """Words per statement, per split; a statement of several pairs counts once."""
    return _lengths(records, "words per statement", lambda r: r.text)


def target_lengths(records: Sequence[Record]) -> Figure:
    """Words per target, per split; a target of several pairs counts once."""
    return _lengths(records, "words per target", lambda r: r.target)


def _lengths(records: Sequence[Record], title: str, view: Callable[[Record], str]) -> Figure:
    splits = _by_split(records)
    figure, axes = _empty(title)
    counts = {
        s: [len(text.split()) for text in {view(r) for r in part}] for s, part in splits.items()
    }
    most = max(max(lengths) for lengths in counts.values())
    edges = [i * max(1, most // 30) + 0.5 for i in range(most // max(1, most // 30) + 2)]
    for split, lengths in counts.items():
        shares = [1 / len(lengths)] * len(lengths)
        axes.hist(
            lengths, edges, weights=shares, histtype="step", label=split, color=_colour(split)
        )
    axes.set(xlabel=title, ylabel="share of the split")
    axes.legend(frameon=False)
    return figure


def _empty(title: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    return figure, axes


def _by_split(records: Sequence[Record]) -> dict[str, list[Record]]:
    splits = {split: [r for r in records if r.split == split] for split in _SPLITS}
    return {split: part for split, part in splits.items() if part}


def _colour(split: str) -> str:
    return _COLOURS[_SPLITS.index(split)]


def _bytes(figure: Figure, kind: Format) -> bytes:
    out = io.BytesIO()
    # Without a salt, ids inside an SVG are random; without None, it holds the time of drawing.
    with matplotlib.rc_context({"svg.hashsalt": "stancewire"}):
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


_PICTURES: dict[str, Callable[[Sequence[Record]], Figure]] = {
    "labels": labels,
    "text-lengths": text_lengths,
    "target-lengths": target_lengths,
}
