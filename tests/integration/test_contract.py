"""The service against its own OpenAPI: what follows it is answered as it says, the rest refused."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from stancewire.serving.app import create_app
from stancewire.serving.settings import Settings

OPERATIONS = {
    ("post", "/v1/stance"),
    ("get", "/v1/model"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


@pytest.fixture(scope="module")
def openapi(small_bundle, tmp_path_factory):
    # `format: words` of the OpenAPI: at least one letter or digit.
    words = st.text(min_size=1).filter(lambda s: any(map(str.isalnum, s)))
    schemathesis.openapi.format("words", words)
    folder = tmp_path_factory.mktemp("contract")
    app = create_app(Settings(bundle=small_bundle.folder, cache=folder))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def check(strategy, examples):
    """All of schemathesis' checks: no server error, documented codes, headers, types and shapes,
    valid requests accepted, invalid ones refused. Gives the codes met."""
    codes = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def every(case):
        codes.add(case.call_and_validate().status_code)

    every()
    return codes


def test_every_operation_is_checked(openapi):
    documented = {(o.ok().method, o.ok().path) for o in openapi.get_all_operations()}
    assert documented == OPERATIONS


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_what_follows_the_openapi_is_answered_as_it_says(openapi, method, path):
    strategy = openapi[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE)
    assert check(strategy, examples=60 if method == "post" else 3) == {200}


def test_what_does_not_follow_the_openapi_is_refused(openapi):
    strategy = openapi["/v1/stance"]["post"].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    assert check(strategy, examples=60) <= {400, 415, 422}
