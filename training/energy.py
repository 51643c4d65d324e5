"""What a training cost: processor time, and from it an estimate of energy and carbon.

Nothing is measured here but time; the two constants below turn it into a figure of the right order.
"""

import resource
from dataclasses import dataclass

WATTS_PER_CORE = 10.0
"""Of a busy core: a server CPU of 200 W has some 24, and memory and cooling come on top."""
GRAMS_PER_KWH = 480.0
"""CO2-equivalent of electricity, mean of the world in 2023 (Ember, Global Electricity Review 2024).
A country's own figure may be a tenth of it, or half as much again."""


@dataclass(frozen=True)
class Cost:
    """Energy and carbon that some processor time stands for."""

    cpu_seconds: float

    @property
    def kwh(self) -> float:
        """Kilowatt hours."""
        return self.cpu_seconds * WATTS_PER_CORE / 3.6e6

    @property
    def grams(self) -> float:
        """Grams of CO2-equivalent."""
        return self.kwh * GRAMS_PER_KWH

    def to_dict(self) -> dict[str, float]:
        """The cost and what was assumed, as plain data."""
        return {
            "cpu_seconds": round(self.cpu_seconds, 1),
            "kwh": round(self.kwh, 5),
            "grams_co2e": round(self.grams, 2),
            "watts_per_core": WATTS_PER_CORE,
            "grams_per_kwh": GRAMS_PER_KWH,
        }


def cpu_seconds() -> float:
    """Processor time of this process and of its ended children so far, over all cores."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
