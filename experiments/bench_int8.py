"""Per-token int8 against fp32 and against onnxruntime's own dynamic int8, in one run.

For each graph: size, time as a ratio to fp32 (one thread, three shapes, interleaved), largest
difference of a logit from fp32, and how far an answer moves when other targets are asked with it.
Usage: python experiments/bench_int8.py BUNDLE [--rounds 15]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_targets import QUOTE, TARGETS
from onnxruntime.quantization import QuantType, quantize_dynamic

from stancewire import Bundle, StancePair
from stancewire.backends import OnnxBackend
from stancewire.bundle import MODEL, TOKENIZER
from stancewire.pairs import PairEncoder

PAIRS = [StancePair(QUOTE, target) for target in TARGETS]
SHAPES = {
    "1 quote x 1 target": PAIRS[:1],
    "1 quote x 20 targets": PAIRS,
    "8 quotes x 2 targets": [StancePair(f"{i}. {QUOTE}", t) for i in range(8) for t in TARGETS[:2]],
}


def dynamic(graph: bytes) -> bytes:
    """The graph as onnxruntime quantises it: one activation scale for a whole batch."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantize_dynamic(
            source, result, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True
        )
        return result.read_bytes()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    bundle = Bundle.open(args.bundle)
    assert bundle.manifest.encoding is not None
    fp32 = bundle.bytes(MODEL["fp32"])
    graphs = {
        "fp32": fp32,
        "dynamic int8": dynamic(fp32),
        "per-token int8": bundle.bytes(MODEL["int8"]),
    }
    encoder = PairEncoder.from_bytes(bundle.bytes(TOKENIZER), bundle.manifest.encoding)
    backends = {name: OnnxBackend(graph, encoder) for name, graph in graphs.items()}
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(args.rounds):
        for name, backend in backends.items():
            for shape, pairs in SHAPES.items():
                start = time.process_time()
                backend.logits(pairs)
                times.setdefault((name, shape), []).append(time.process_time() - start)
    reference = backends["fp32"].logits(PAIRS)[0]
    print(f"| graph | MB | {' | '.join(SHAPES)} | max logit difference | moved by other targets |")
    print("|" + "---|" * (4 + len(SHAPES)))
    for name, backend in backends.items():
        ratios = [
            statistics.median(times["fp32", s]) / statistics.median(times[name, s]) for s in SHAPES
        ]
        together = backend.logits(PAIRS)[0]
        alone = np.concatenate([backend.logits([p])[0] for p in PAIRS])
        cells = [f"{len(graphs[name]) / 1e6:.0f}", *[f"{r:.2f}x" for r in ratios]]
        cells += [
            f"{np.abs(together - reference).max():.4f}",
            f"{np.abs(together - alone).max():.1e}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
