"""What goes in and out of the API: the contract, as pydantic models."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StringConstraints,
)

from stancewire.explain import Explanation, Span
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.records import MAX_TARGET, MAX_TEXT

MAX_ITEMS = 256
"""Most items of one request, by contract."""
MAX_EXPLAINED = 4
"""Most items of a request that asks for explanations: each costs dozens of answers."""
MAX_NAME = 200
"""Longest speaker or id in characters."""


def _has_words(value: str) -> str:
    # Asks what `records.Words` asks, without normalising a megabyte on the event loop.
    if not any(map(str.isalnum, value)):
        raise ValueError("holds no letter or digit")
    return value


# The format says in the OpenAPI what the validator asks: at least one letter or digit.
Words = Annotated[
    str, AfterValidator(_has_words), Field(json_schema_extra={"format": "words"}, min_length=1)
]
Name = Annotated[str, StringConstraints(max_length=MAX_NAME)]

QUOTE = (
    "The ministry welcomes the grain corridor, but no inspection regime that singles out "
    "our ports will be accepted."
)
ITEM_EXAMPLES: list[JsonValue] = [
    {"id": "a-1", "text": QUOTE, "target": "the grain corridor", "speaker": "A. Spokesperson"},
    {"id": "a-2", "text": QUOTE, "target": "inspections of the country's ports"},
]


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StanceItem(_Input):
    """A quote, and the target to judge it by."""

    text: Annotated[Words, Field(max_length=MAX_TEXT)] = Field(
        description="What was said, in the speaker's words. A quote longer than the model reads "
        "is cut at its end, and the answer says so."
    )
    target: Annotated[Words, Field(max_length=MAX_TARGET)] = Field(
        description="A name or one proposition. Never cut: a target too long is refused."
    )
    speaker: Name | None = Field(None, description="Carried along; the model never reads it.")
    id: Name | None = Field(None, description="Given back with the result.")

    def pair(self) -> StancePair:
        """Give what the predictor takes."""
        return StancePair(text=self.text, target=self.target, speaker=self.speaker, id=self.id)


class StanceRequest(_Input):
    """Items to score. Items that share a quote are scored in one pass of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": ITEM_EXAMPLES}],
            # Checked by the route, which names the items; a client can read it here.
            "anyOf": [
                {"properties": {"explain": {"const": False}}},
                {"properties": {"items": {"maxItems": MAX_EXPLAINED}}},
            ],
        }
    )

    items: Annotated[list[StanceItem], Field(min_length=1, max_length=MAX_ITEMS)]
    alpha: Annotated[float, Field(gt=0, lt=1, strict=True)] | None = Field(
        None,
        description="Ask for `label_set`, which misses the true label in at most this share of "
        "answers. Refused if the model was calibrated without label sets.",
    )
    explain: StrictBool = Field(
        False,
        description="Give the weight of every word with each answer; then at most "
        f"{MAX_EXPLAINED} items, and up to a hundred times the work.",
    )


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str = Field(
        description='The registered version, or "local-" and a hash when a folder is served.'
    )
    run_id: str | None = Field(description="The training run, if known.")


class Probabilities(BaseModel):
    """Calibrated; they sum to 1."""

    favor: float = Field(ge=0, le=1)
    against: float = Field(ge=0, le=1)
    neutral: float = Field(ge=0, le=1)


class WordWeight(BaseModel):
    """What a word, or a run of neighbouring words, did to the answer."""

    start: int = Field(ge=0, description="First character, counted in Unicode code points.")
    end: int = Field(ge=1, description="The character after the last one.")
    word: str = Field(description="What stands there, in straight quotation marks and NFC.")
    weight: float = Field(
        description="log P(label) − log P(label) with the word taken away. Above 0 the word speaks "
        "for the label, below 0 against it."
    )

    @classmethod
    def of(cls, span: Span) -> "WordWeight":
        """Build the part of an answer for `span`."""
        return cls(start=span.start, end=span.end, word=span.word, weight=span.weight)


class WordWeights(BaseModel):
    """Why the label: occlusion, one word after the other taken away."""

    text: list[WordWeight] = Field(description="Of the quote, as far as it was read.")
    target: list[WordWeight]

    @classmethod
    def of(cls, explanation: Explanation) -> "WordWeights":
        """Build the part of an answer for `explanation`."""
        return cls(
            text=[WordWeight.of(span) for span in explanation.text],
            target=[WordWeight.of(span) for span in explanation.target],
        )


class StanceResult(BaseModel):
    """Stance of one item."""

    id: str | None
    label: Literal["favor", "against", "neutral"]
    score: float = Field(ge=-1, le=1, description="P(favor) − P(against).")
    confidence: float = Field(ge=0, le=1, description="The highest of the probabilities.")
    probabilities: Probabilities
    abstained: bool = Field(description="The model is not sure: read the label as a guess.")
    truncated: bool = Field(description="The end of the quote was not read.")
    label_set: list[Literal["favor", "against", "neutral"]] | None = Field(
        None,
        description="Labels that together hold the true one; there with `alpha`, else left out.",
        exclude_if=lambda it: it is None,
    )
    explanation: WordWeights | None = Field(
        None, description="There if asked for, else left out.", exclude_if=lambda it: it is None
    )

    @classmethod
    def of(
        cls, item: StanceItem, stance: Stance, explanation: Explanation | None = None
    ) -> "StanceResult":
        """Build the result for `item`."""
        return cls(
            id=item.id,
            label=stance.label.value,
            score=stance.score,
            confidence=stance.confidence,
            probabilities=Probabilities(
                favor=stance.probabilities[Label.FAVOR],
                against=stance.probabilities[Label.AGAINST],
                neutral=stance.probabilities[Label.NEUTRAL],
            ),
            abstained=stance.abstained,
            truncated=stance.truncated,
            label_set=None if stance.label_set is None else [s.value for s in stance.label_set],
            explanation=WordWeights.of(explanation) if explanation else None,
        )


def _example_result(identity: str, label: str, favor: float, against: float) -> dict[str, Any]:
    neutral = round(1 - favor - against, 2)
    return {
        "id": identity,
        "label": label,
        "score": round(favor - against, 2),
        "confidence": max(favor, against, neutral),
        "probabilities": {"favor": favor, "against": against, "neutral": neutral},
        "abstained": False,
        "truncated": False,
    }


class StanceResponse(BaseModel):
    """Results in the order of the items, all from the one model that is named."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": {
                        "name": "stancewire",
                        "version": "7",
                        "run_id": "0f3c9a52e1b04d6c8a7e5d4c3b2a1908",
                    },
                    "results": [
                        _example_result("a-1", "favor", 0.86, 0.04),
                        _example_result("a-2", "against", 0.07, 0.79),
                    ],
                }
            ]
        }
    )

    model: ModelName
    results: list[StanceResult]


Obtained = Literal["bundle", "registry", "last-good", "installed", "release"]
OBTAINED = (
    "From a folder given, from the registry, from disk while it was away, from "
    "`stancewire install`, or the release that comes with the package."
)
Trouble = Literal["registry", "bundle", "cache", "load", "follower", "installed", "release"]


class RegistryTrouble(BaseModel):
    """The last thing that went wrong with the registry, or with what stands in for it."""

    at: datetime
    kind: Trouble
    message: str


class ModelCard(ModelName):
    """The model being served and how it was obtained."""

    alias: str | None = Field(description="The alias followed; none when a folder is served.")
    bundle_sha256: str
    family: str
    precision: str
    labels: list[str]
    calibration: dict[str, Any]
    loaded_at: datetime
    obtained: Obtained = Field(description=OBTAINED)
    trouble: RegistryTrouble | None = Field(description="None since the registry last answered.")


class Health(BaseModel):
    """A short word."""

    status: Literal["ok", "ready"]
    obtained: Obtained | None = Field(default=None, description=OBTAINED)
