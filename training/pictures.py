"""Pictures of an evaluation as PNG bytes, drawn without pyplot: nothing global is touched."""

import io

from matplotlib.figure import Figure

from stancewire.labels import ORDER
from stancewire.training.evaluate import Evaluation
from stancewire.training.metrics import confusion, reliability

_NAMES = [label.value for label in ORDER]


def confusion_matrix(evaluation: Evaluation, title: str) -> bytes:
    """Counts of gold (rows) against predicted (columns), shaded by each row's shares."""
    counts = confusion(evaluation.gold, evaluation.predicted)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(4.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for row in range(len(_NAMES)):
        for column in range(len(_NAMES)):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(_NAMES)), _NAMES)
    axes.set_yticks(range(len(_NAMES)), _NAMES)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.set_title(title, fontsize=10)
    return _png(figure)


def reliability_diagram(evaluation: Evaluation, title: str) -> bytes:
    """Accuracy against confidence per bin; a point's area grows with the items in its bin."""
    rows = reliability(evaluation.gold, evaluation.probabilities)
    confidence, accuracy, counts = zip(*rows, strict=True)
    figure = Figure(figsize=(4.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1, label="calibrated")
    axes.plot(confidence, accuracy, color="tab:blue", linewidth=1)
    areas = [10 + 300 * count / sum(counts) for count in counts]
    axes.scatter(confidence, accuracy, s=areas, color="tab:blue", alpha=0.7)
    axes.set(xlim=(0.3, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="accuracy")
    axes.set_title(f"{title}, ECE {evaluation.figures['ece']:.3f}", fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def risk_coverage_curve(evaluation: Evaluation, title: str) -> bytes:
    """Share of errors against the share of answers, from the surest to all of them."""
    curve = evaluation.risk_coverage
    figure = Figure(figsize=(4.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.axhline(curve.risk[-1], linestyle="--", color="grey", linewidth=1, label="all answered")
    axes.step(curve.coverage, curve.risk, where="post", color="tab:blue", marker=".", markersize=3)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="coverage", ylabel="risk (share of errors)")
    axes.set_title(f"{title}, AURC {curve.area:.3f}", fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")  # a bare Figure draws with Agg
    return out.getvalue()
