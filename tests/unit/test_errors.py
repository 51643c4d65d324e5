import re

import pytest

from stancewire import errors
from stancewire.errors import DataError, Problem, StancewireError

HEAD = errors.__doc__ or ""
TREE = re.compile(
    r"^(?P<indent>[│ ]*)[├└]── (?P<name>\w+)\s{2,}(?P<when>.+?)(?:\s{2,}(?P<how>.+))?$"
)


def family(cls: type[StancewireError]) -> list[type[StancewireError]]:
    return [cls, *(below for child in cls.__subclasses__() for below in family(child))]


# Only what this module draws: a test of another room may define a class of its own.
CLASSES = [cls for cls in family(StancewireError) if cls.__module__ == errors.__name__]
DRAWN = {match["name"]: match for line in HEAD.splitlines() if (match := TREE.match(line))}


def test_the_tree_at_the_head_is_the_tree():
    assert set(DRAWN) == {cls.__name__ for cls in CLASSES} - {"StancewireError"}
    for cls in CLASSES[1:]:
        depth = len(DRAWN[cls.__name__]["indent"]) // 4
        assert len(cls.__mro__) - len(StancewireError.__mro__) - 1 == depth, cls


@pytest.mark.parametrize("cls", CLASSES[1:], ids=lambda cls: cls.__name__)
def test_the_head_tells_the_exit_code(cls: type[StancewireError]):
    told = re.search(r"exit (\d+)", DRAWN[cls.__name__]["how"])
    assert cls.exit_code == (int(told[1]) if told else StancewireError.exit_code)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_class_says_when(cls: type[StancewireError]):
    assert cls.__doc__
    assert re.match(r"Raised when \w|Base of ", cls.__doc__)


def test_no_exit_code_means_success_or_a_usage_of_the_shell():
    assert {cls.exit_code for cls in CLASSES} == {1, 2, 3, 4, 5}


def test_a_data_error_lists_every_problem():
    problems = [
        Problem("a.jsonl:3", "stance", "expected favor"),
        Problem("a.jsonl:9", "id", "twice"),
    ]
    error = DataError("a.jsonl cannot be used", problems)
    assert str(error).splitlines() == [
        "a.jsonl cannot be used",
        "  a.jsonl:3: stance: expected favor",
        "  a.jsonl:9: id: twice",
    ]
    assert error.problems == tuple(problems)


def test_errors_carry_what_they_are_about():
    verdict = {"macro_f1": 0.5}
    assert errors.GateRefused("no", verdict).verdict == verdict
    assert errors.Overloaded("full", retry_after_s=1.5).retry_after_s == 1.5


@pytest.mark.parametrize(
    ("where", "renumbered"),
    [("item 0", "item 7"), ("item 1", "item 9"), ("item 2", "item 2"), ("request", "request")],
)
def test_a_problem_is_renumbered_by_the_places_of_its_items(where: str, renumbered: str):
    problem = Problem(where, "text", "is empty")
    assert problem.renumbered([7, 9]) == Problem(renumbered, "text", "is empty")
