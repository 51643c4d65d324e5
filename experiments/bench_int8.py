"""Per-token int8 against fp32 and against onnxruntime's own dynamic int8, in one run.

The int8 graphs are made anew from the bundle's fp32 graph, as training makes them: what the recipe
of a corpus calls train and dev decides. For each graph: size, time as a ratio to fp32 (one thread,
three shapes, interleaved), the share of dev labels that change and the root mean square of what dev
logits change, and how far answers move when other targets are asked with them: root mean square and
largest, over the first pairs of dev.
Usage: python experiments/bench_int8.py BUNDLE [--source real --mirror DIR] [--rounds 15]
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
from stancewire.data import corpus
from stancewire.pairs import PairEncoder
from stancewire.training.export import SAMPLE
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import REACHES, quantise, read_inputs, round_weights
from stancewire.training.recipe import Parity

PAIRS = [StancePair(QUOTE, target) for target in TARGETS]
SHAPES = {
    "1 quote x 1 target": PAIRS[:1],
    "1 quote x 20 targets": PAIRS,
    "8 quotes x 2 targets": [StancePair(f"{i}. {QUOTE}", t) for i in range(8) for t in TARGETS[:2]],
}
ALONE = 40
"""Pairs of dev that are asked alone as well."""


def dynamic(graph: bytes) -> bytes:
    """The graph as onnxruntime quantises it: one activation scale for a whole batch."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantize_dynamic(
            source, result, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True
        )
        return result.read_bytes()


def made_anew(fp32: bytes, encoder: PairEncoder, data: corpus.Corpus) -> dict[str, bytes]:
    """The graphs to compare: training chooses among those of per-token int8."""
    passes = encoder.passes([r.pair for r in data.train[:SAMPLE]])
    feeds = [encoder.batch(passes[i : i + 8]).feed() for i in range(0, len(passes), 8)]
    head = PackedClassifier.head_products
    inputs = read_inputs(fp32, feeds, keep_last=head)
    bits = Parity().weight_bits
    rounded = round_weights(fp32, weight_bits=bits, keep_last=head, inputs=inputs)
    return {
        "fp32": fp32,
        "dynamic int8": dynamic(fp32),
        **{
            f"per-token int8, {reach:.2f} of the products": quantise(fp32, rounded, reach=reach)
            for reach in REACHES
        },
    }


def times_of(backends: dict[str, OnnxBackend], rounds: int) -> dict[tuple[str, str], float]:
    """Median CPU seconds by graph and shape."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for name, backend in backends.items():
            for shape, pairs in SHAPES.items():
                start = time.process_time()
                backend.logits(pairs)
                found.setdefault((name, shape), []).append(time.process_time() - start)
    return {key: statistics.median(values) for key, values in found.items()}


def rms(difference: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt((difference**2).mean()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--source", default="press")
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--only-tag")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    bundle = Bundle.open(args.bundle)
    assert bundle.manifest.encoding is not None
    encoder = PairEncoder.from_bytes(bundle.bytes(TOKENIZER), bundle.manifest.encoding)
    data = corpus.load(args.source, mirror=args.mirror, only_tag=args.only_tag)
    dev = [record.pair for record in data.dev]
    graphs = made_anew(bundle.bytes(MODEL["fp32"]), encoder, data)
    backends = {name: OnnxBackend(graph, encoder) for name, graph in graphs.items()}
    times = times_of(backends, args.rounds)
    reference = backends["fp32"].logits(dev)[0]
    print(f"| graph | MB | {' | '.join(SHAPES)} | dev labels changed | logits | moved by others |")
    print("|" + "---|" * (5 + len(SHAPES)))
    for name, backend in backends.items():
        ratios = [times["fp32", shape] / times[name, shape] for shape in SHAPES]
        answers = backend.logits(dev)[0]
        alone = np.concatenate([backend.logits([pair])[0] for pair in dev[:ALONE]])
        moved = answers[:ALONE] - alone
        cells = [
            f"{len(graphs[name]) / 1e6:.0f}",
            *[f"{ratio:.2f}x" for ratio in ratios],
            f"{(answers.argmax(-1) != reference.argmax(-1)).mean():.2%}",
            f"{rms(answers - reference):.4f}",
            f"{rms(moved):.1e}, {np.abs(moved).max():.1e}",
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
