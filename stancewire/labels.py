"""The three stances and their order, which every array of probabilities follows."""

from enum import StrEnum


class Label(StrEnum):
    """Stance of a text toward a target."""

    FAVOR = "favor"
    AGAINST = "against"
    NEUTRAL = "neutral"


ORDER: tuple[Label, ...] = (Label.FAVOR, Label.AGAINST, Label.NEUTRAL)
"""Column order of logits and probabilities, in every bundle and every array."""

INDEX: dict[str, int] = {label.value: index for index, label in enumerate(ORDER)}


class NeutralKind(StrEnum):
    """Why a pair is neutral: spoken of without taking sides, or not spoken of at all."""

    MENTION = "mention"
    UNRELATED = "unrelated"
