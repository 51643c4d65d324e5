"""The promotion gate: what a candidate must show before it serves.

Evidence is gathered (`gather`), judged by checks that each say what was measured and what was asked
(`judge`), and written down (`verdict`, `page`). `docs/promotion.md` explains every check.
"""
