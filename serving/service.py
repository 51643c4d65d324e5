"""The few objects that live as long as the service."""

from dataclasses import dataclass

from stancewire.serving.follow import Follower
from stancewire.serving.loading import load_model
from stancewire.serving.metrics import Metrics
from stancewire.serving.scorer import Scorer
from stancewire.serving.settings import Settings


@dataclass
class Service:
    """Built once, at the edge, and passed to the routes."""

    settings: Settings
    metrics: Metrics
    scorer: Scorer
    follower: Follower | None
    is_draining: bool = False
    """Told to stop: not ready for more, still answering."""

    @classmethod
    def build(cls, settings: Settings) -> "Service":
        """Service with the given bundle loaded, or one that will follow the registry.

        Raises `BundleError` if the bundle given cannot be served.
        """
        metrics = Metrics()
        scorer = Scorer(settings, metrics)
        if settings.bundle is None:
            return cls(settings, metrics, scorer, Follower(settings, scorer, metrics))
        scorer.swap(
            load_model(
                settings.bundle, name=settings.model, obtained="bundle", threads=settings.threads
            )
        )
        return cls(settings, metrics, scorer, None)

    async def start(self) -> None:
        """Open the pool, take the last good model from disk, start following."""
        self.scorer.start()
        if self.follower is not None:
            await self.follower.start()

    async def stop(self) -> None:
        """Stop following; let what is being scored finish."""
        if self.follower is not None:
            await self.follower.stop()
        self.scorer.stop()
