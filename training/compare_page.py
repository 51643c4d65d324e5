"""A comparison as one HTML page that needs nothing else: no script, no font, no address outside."""

from collections.abc import Iterable, Sequence
from html import escape

from stancewire.training.compare import Change, Comparison, Difference, Kind
from stancewire.training.page import document, row, table

TITLES: dict[Kind, str] = {
    "broken": "Broken: right before, wrong now",
    "fixed": "Fixed: wrong before, right now",
    "other": "Wrong both times, with another label",
}


def page(comparison: Comparison) -> str:
    """The whole page. Every word that comes from data or from a name is escaped."""
    c = comparison
    title = f"{c.a} and {c.b}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>A is <b>{escape(c.a)}</b>, B is <b>{escape(c.b)}</b>; {escape(c.where)}: "
        f"{c.pairs} pairs of {c.statements} statements. {escape(said(c))}</p>",
        "<h2>Figures</h2>",
        _differences(c.metrics, "figure"),
        "<h2>Accuracy by slice</h2>",
        f'<p class="quiet">{escape(slices_said(c))}</p>',
        _differences(sorted(c.slices, key=lambda s: not s.moved), "slice"),
        "<h2>Labels that changed</h2>",
        *(_changes(title, [x for x in c.changes if x.kind == kind]) for kind, title in _titles()),
    ]
    return document(title, parts)


def said(comparison: Comparison) -> str:
    """How many labels changed, in a sentence."""
    c = comparison
    return (
        f"{len(c.changes)} labels changed: {c.count('fixed')} fixed, {c.count('broken')} broken, "
        f"{c.count('other')} wrong both times."
    )


def slices_said(comparison: Comparison) -> str:
    """How many slices moved, and how many would by chance."""
    total, moved = len(comparison.slices), len(comparison.moved)
    return (
        f"{moved} of {total} slices moved: their 95 % interval leaves zero out. Of {total} slices "
        f"that did not move, about {0.05 * total:.0f} would look as if they had."
    )


def shown(name: str, value: float, *, signed: bool = False) -> str:
    """A figure in percent if it is a share of right answers, else as it is."""
    sign = "+" if signed else ""
    if name in ("nll", "brier", "ece", "aurc"):
        return f"{value:{sign}.3f}"
    return f"{100 * value:{sign}.1f}"


def verdict(d: Difference) -> str:
    """In a word: what the interval says."""
    if not d.moved:
        return "within noise"
    return "better" if d.improved else "worse"


def _titles() -> Iterable[tuple[Kind, str]]:
    return TITLES.items()


def _differences(rows: Sequence[Difference], what: str) -> str:
    head = row("th", (what, "pairs", "A", "B", "B − A", "95 %", ""), numbers=range(1, 6))
    return table(head, map(_difference, rows))


def _difference(d: Difference) -> str:
    interval = f"{shown(d.name, d.low, signed=True)} … {shown(d.name, d.high, signed=True)}"
    difference = shown(d.name, d.b - d.a, signed=True)
    cells = (d.name, str(d.pairs), shown(d.name, d.a), shown(d.name, d.b), difference, interval)
    word = verdict(d)
    style = "quiet" if word == "within noise" else word
    return row("td", (*cells, word), numbers=range(1, 6), last=style)


def _changes(title: str, changes: Sequence[Change]) -> str:
    head = row("th", ("quote", "target", "gold", "A", "B"))
    inner = table(head, map(_change, changes))
    is_open = " open" if changes else ""
    return f"<details{is_open}><summary>{escape(title)}: {len(changes)}</summary>{inner}</details>"


def _change(change: Change) -> str:
    r = change.record
    return (
        f'<tr><td class="quote" dir="auto">{escape(r.text)}<br><small class="quiet">'
        f'{escape(r.id)}</small></td><td dir="auto">{escape(r.target)}</td>'
        f"<td>{escape(r.stance.value)}</td>"
        f"<td>{escape(change.a.value)} {change.confidence_a:.0%}</td>"
        f"<td>{escape(change.b.value)} {change.confidence_b:.0%}</td></tr>"
    )
