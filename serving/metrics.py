"""What the service counts about itself, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from stancewire.labels import ORDER
from stancewire.predictor import Stance
from stancewire.serving.loading import LoadedModel

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one service, in a registry of their own. No label ever holds a text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "stancewire_request_seconds",
            "Time from request to answer, by route and status code.",
            ["route", "code"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.items = self._counter("items", "Items answered.")
        self.quotes = self._counter("quotes", "Quotes read by the model, each once.")
        self.cached = self._counter("cached_answers", "Items answered without the model.")
        self.abstained = self._counter("abstained", "Items on which the model abstained.")
        self.shed = self._counter("shed", "Requests refused for lack of room or time.")
        self.load_failures = self._counter("model_load_failures", "Versions that could not serve.")
        self._labels = Counter(
            "stancewire_labels", "Items by label answered.", ["label"], registry=self.registry
        )
        for label in ORDER:  # zero is an answer too
            self._labels.labels(label.value)
        self.waiting = self._gauge("waiting_requests", "Requests admitted and not yet answered.")
        self.ready = self._gauge("ready", "1 once a model is loaded.")
        self._model = Gauge(
            "stancewire_model_info",
            "1 for the model being served.",
            ["name", "version", "run_id", "bundle_sha256"],
            registry=self.registry,
        )

    def serves(self, model: LoadedModel) -> None:
        """Note that `model` answers from now on."""
        self._model.clear()
        self._model.labels(model.name, model.version, model.run_id or "", model.bundle_sha256).set(
            1
        )
        self.ready.set(1)

    def answered(self, stances: Sequence[Stance]) -> None:
        """Count the answers of one request."""
        self.items.inc(len(stances))
        self.abstained.inc(sum(s.abstained for s in stances))
        for label, n in Tally(s.label.value for s in stances).items():
            self._labels.labels(label).inc(n)

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"stancewire_{name}", meaning, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"stancewire_{name}", meaning, registry=self.registry)
