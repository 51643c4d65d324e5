"""Whether a model treats speakers alike: figures by country and kind, and swapped names."""

from stancewire.training.behaviour.report import Report, Tally
from stancewire.training.evaluate import Evaluation
from stancewire.training.slices import Slice, figures_by_slice, speaker_slices

MIN_PAIRS = 15
"""Fewest pairs of a country or kind that is shown: five statements with three targets each."""
SWAPS = ("speaker-name", "speaker-gender", "speaker-role", "speaker-party", "country")
"""Capabilities in which only the speaker changes, and the label must not."""


def by_speaker(evaluation: Evaluation) -> list[Slice]:
    """Accuracy and leanings by country, kind and group of kinds, as far as there are enough pairs.

    Empty for records that do not say who speaks, such as those of most public sets.
    """
    return figures_by_slice(evaluation, speaker_slices, min_pairs=MIN_PAIRS)


def name_swaps(report: Report) -> list[Tally]:
    """How often the label follows the speaker, while the words stay the same."""
    return [tally for tally in report.tallies if tally.capability in SWAPS]
