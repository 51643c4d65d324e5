"""The frame of every HTML page of a report: no script, no font, no address outside."""

from collections.abc import Iterable, Sequence
from html import escape

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


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page from parts of HTML; the title is escaped, the parts are as they are."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def table(head: str, rows: Iterable[str]) -> str:
    """A table from rows as `row` makes them."""
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def row(
    tag: str, cells: Sequence[str], *, numbers: Iterable[int] = (), last: str | None = None
) -> str:
    """Escaped cells; those of `numbers` are set as figures, the last one in the style `last`."""
    of = set(numbers)
    styles = ["n" if i in of else "" for i in range(len(cells))]
    if last is not None:
        styles[-1] = last
    inner = (
        f'<{tag} class="{style}">{escape(cell)}</{tag}>'
        for style, cell in zip(styles, cells, strict=True)
    )
    return f"<tr>{''.join(inner)}</tr>"
