"""What `environments.yml` says about a web API: where it is, who makes its requests, and how many it takes."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1)]


class ApiAuth(StrEnum):
    """How a request proves who makes it; `extraction/web/authorizing.py` has each kind."""

    NONE = "none"
    KEY = "key"
    """A key that stands in a header or in a parameter of every request."""
    OAUTH = "oauth"
    """The token of a service that a person has connected: of the API's name among `connections`."""


class ApiSettings(BaseModel):
    """A web API that extractions ask."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: _Text
    """What the paths of contracts follow."""
    auth: ApiAuth
    secret: _Text | None
    """The secret in AWS Secrets Manager; without AWS a file that only its owner may read."""
    sent_as: Annotated[str, StringConstraints(pattern=r"^(header|param) [A-Za-z0-9_-]+$")] | None
    """Where a key stands, such as `header X-Api-Key` or `param appid`."""
    requests_a_minute: int = Field(ge=1)
    timeout: int = Field(ge=1)
    """Seconds for a connection, and between two pieces of an answer; ten times that for all of one answer."""
    attempts: int = Field(ge=1)
    """How often a request is made before the API counts as unavailable."""
    longest_wait: int = Field(ge=0)
    """For how many seconds a request may be put off because the API says so."""

    @property
    def access_problem(self) -> str:
        """What to look at if the API gives no access."""
        if self.auth is ApiAuth.OAUTH:
            return "look at what the connection may do, or connect it again"
        return "it is asked without a key" if self.secret is None else f"look at the key in {self.secret}"


def contradictions_of_api(api: ApiSettings) -> Iterator[str]:
    """What can't be meant, each as one sentence that begins with the key."""
    has_key = api.auth is ApiAuth.KEY
    if (api.sent_as is not None) != has_key:
        yield f"sent_as is what auth key needs, and only that; auth is {api.auth}"
    if has_key and api.secret is None:
        yield "secret is missing, and auth is key"
    if not has_key and api.secret is not None:
        yield f"secret means nothing, as auth is {api.auth}"
