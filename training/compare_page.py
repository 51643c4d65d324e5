"""A comparison as one HTML page that needs nothing else: no script, no font, no address outside."""

from collections.abc import Iterable, Sequence
from html import escape

from stancewire.training.compare import Change, Comparison, Difference, Kind

TITLES: dict[Kind, str] = {
    "broken": "Broken: right before, wrong now",
    "fixed": "Fixed: wrong before, right now",
    "other": "Wrong both times, with another label",
}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
th.n, td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.better { color: #17803d; font-weight: 600; } .worse { color: #c0262d; font-weight: 600; }
.quiet { opacity: .75; } td.quote { max-width: 36rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { .better { color: #58c97b; } .worse { color: #ff7b7b; } }
"""  # noqa: E501


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
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


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
    head = _row("th", (what, "pairs", "A", "B", "B − A", "95 %", ""), numbers=range(1, 6))
    body = "".join(_difference(d) for d in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _difference(d: Difference) -> str:
    interval = f"{shown(d.name, d.low, signed=True)} … {shown(d.name, d.high, signed=True)}"
    difference = shown(d.name, d.b - d.a, signed=True)
    cells = (d.name, str(d.pairs), shown(d.name, d.a), shown(d.name, d.b), difference, interval)
    word = verdict(d)
    style = "quiet" if word == "within noise" else word
    return _row("td", (*cells, word), numbers=range(1, 6), last=style)


def _row(
    tag: str, cells: Sequence[str], *, numbers: Iterable[int] = (), last: str | None = None
) -> str:
    of = set(numbers)
    styles = ["n" if i in of else "" for i in range(len(cells))]
    if last is not None:
        styles[-1] = last
    inner = (
        f'<{tag} class="{style}">{escape(cell)}</{tag}>'
        for style, cell in zip(styles, cells, strict=True)
    )
    return f"<tr>{''.join(inner)}</tr>"


def _changes(title: str, changes: Sequence[Change]) -> str:
    head = _row("th", ("quote", "target", "gold", "A", "B"))
    body = "".join(_change(change) for change in changes)
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    is_open = " open" if changes else ""
    return f"<details{is_open}><summary>{escape(title)}: {len(changes)}</summary>{table}</details>"


def _change(change: Change) -> str:
    r = change.record
    return (
        f'<tr><td class="quote" dir="auto">{escape(r.text)}<br><small class="quiet">'
        f'{escape(r.id)}</small></td><td dir="auto">{escape(r.target)}</td>'
        f"<td>{escape(r.stance.value)}</td>"
        f"<td>{escape(change.a.value)} {change.confidence_a:.0%}</td>"
        f"<td>{escape(change.b.value)} {change.confidence_b:.0%}</td></tr>"
    )
