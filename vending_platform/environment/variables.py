"""The variables of a deployment, `VENDING_…`: the only module that reads them, from the process or from `.env`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from os import environ

from dotenv import dotenv_values

from vending_platform.environment.declared import EnvironmentsFile
from vending_platform.environment.domain import DEFAULT_DOMAIN
from vending_platform.environment.errors import SettingsError
from vending_platform.environment.model import EnvironmentName, S3Addressing

PREFIX = "VENDING_"
SETTINGS_FILE = ".env"
_CHOICES = ("env", "domain")
_OF_SERVICE = ("service_host", "token_issuer", "token_audience")
AWS_ONLY = ("aws_endpoint", "s3_endpoint", "s3_addressing", "warehouse_endpoint", "slack_alerts", *_OF_SERVICE)
"""What means nothing in an environment without AWS."""
_OF_PLATFORM = (*AWS_ONLY, "ui_url", "dagster_url", "revision")
"""What every domain understands, beside the variables that its `environments.yml` declares."""
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d{1,5}")
_WEB_ADDRESS = re.compile(r"https?://[^\s/@]+(/[^\s/@?#]+)*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_ENDPOINT = re.compile(
    r"(?P<scheme>https?)://(?P<name>(?P<ip>[0-9.]+|\[[0-9a-f:]+])|[a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?"
)
_THIS_MACHINE = re.compile(r"localhost|127(\.[0-9]+){3}|\[::1]")


def variable(name: str) -> str:
    return PREFIX + name.upper()


@dataclass(frozen=True)
class Variables:
    """The variables that are set, without the prefix. One that is empty is not set."""

    values: Mapping[str, str]

    @property
    def domain(self) -> str:
        return self.values.get("domain", DEFAULT_DOMAIN)

    @property
    def environment(self) -> EnvironmentName:
        name = self.values.get("env", EnvironmentName.DEVELOPMENT.value)
        try:
            return EnvironmentName(name)
        except ValueError:
            allowed = ", ".join(EnvironmentName)
            raise SettingsError(f"{variable('env')}={name!r} is not an environment; it is one of: {allowed}.") from None

    def get(self, name: str) -> str | None:
        return self.values.get(name)


def read_variables() -> Variables:
    """A variable of the process wins over the same one in the settings file."""
    try:
        of_file = dotenv_values(SETTINGS_FILE)
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"The settings file {SETTINGS_FILE} is not UTF-8 at byte {error.start}: save it as UTF-8."
        ) from None
    values = {name: value for name, value in {**of_file, **environ}.items() if name.upper().startswith(PREFIX)}
    return Variables({name.upper().removeprefix(PREFIX).lower(): value for name, value in values.items() if value})


def refuse_unknown(variables: Variables, declared: EnvironmentsFile) -> None:
    """A misspelt variable would otherwise be ignored, and the run would go where no one meant it to."""
    known = _known(declared)
    problems = []
    for name in variables.values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {variable(near[0])}?" if near else f"known are: {', '.join(map(variable, known))}."
            problems.append(f"{variable(name)} is not a setting of the platform; {hint}")
    if problems:
        raise SettingsError(" ".join(problems))


def _known(declared: EnvironmentsFile) -> list[str]:
    return [*_CHOICES, *declared.variables, *_OF_PLATFORM]


def known_variables(declared: EnvironmentsFile) -> list[str]:
    """Every variable that this domain understands, by its whole name."""
    return list(map(variable, _known(declared)))


def mistakes(variables: Variables, declared: EnvironmentsFile) -> Iterator[str]:
    """What is wrong with values that are set, whatever the environment makes of them."""
    for name, rule in declared.variables.items():
        value = variables.get(name)
        if value is not None and rule.pattern is not None and not re.fullmatch(rule.pattern, value):
            expected = rule.must_be or f"it has to match {rule.pattern}"
            yield f"{variable(name)}={value!r} is not valid: {expected} ({rule.description})"
    addressing = variables.get("s3_addressing")
    if addressing is not None and addressing not in set(S3Addressing):
        yield f"{variable('s3_addressing')}={addressing!r} is none of: {', '.join(S3Addressing)}"
    yield from _mistakes_in_endpoints(variables)
    endpoint = variables.get("warehouse_endpoint")
    if endpoint is not None and not _LOOPBACK.fullmatch(endpoint):
        yield (
            f"{variable('warehouse_endpoint')}={endpoint!r} is not an address on this machine,"
            " as http://127.0.0.1:8000 is"
        )
    for name in ("ui_url", "dagster_url", "token_issuer"):
        address = variables.get(name)
        if address is not None and not _WEB_ADDRESS.fullmatch(address):
            yield f"{variable(name)}={address!r} is not an address such as https://dagster.example.com"
    host = variables.get("service_host")
    if host is not None and not _HOST.fullmatch(host):
        yield f"{variable('service_host')}={host!r} is not the name of a host, such as data.example.com"
    if (variables.get("token_issuer") is None) != (variables.get("token_audience") is None):
        yield f"{variable('token_issuer')} and {variable('token_audience')} need each other"
    slack = variables.get("slack_alerts")
    if slack not in (None, "true", "false"):
        yield f"{variable('slack_alerts')}={slack!r} is neither true nor false"


def _mistakes_in_endpoints(variables: Variables) -> Iterator[str]:
    for name in ("aws_endpoint", "s3_endpoint"):
        if (endpoint := variables.get(name)) is None:
            continue
        host = _ENDPOINT.fullmatch(endpoint)
        if "@" in endpoint:
            yield f"{variable(name)} must not hold a user or a password: they come from the profile or the role"
        elif host is None:
            yield f"{variable(name)}={endpoint!r} is not of the form https://host or https://host:port"
        elif host["scheme"] == "http" and not _THIS_MACHINE.fullmatch(host["name"]):
            yield f"{variable(name)}={endpoint!r} is not encrypted: http:// is for this machine alone (127.0.0.1)"
        elif name == "s3_endpoint" and host["ip"] and variables.get("s3_addressing") != S3Addressing.PATH:
            yield (
                f"{variable(name)}={endpoint!r} can't have a bucket's name in front of it: "
                f"set {variable('s3_addressing')}={S3Addressing.PATH}"
            )
    if variables.get("aws_endpoint") is not None and variables.get("s3_endpoint") is None:
        # A process that checks the account of an emulator must not write into the real account's bucket.
        yield f"{variable('aws_endpoint')} needs {variable('s3_endpoint')}: all of AWS is elsewhere, or none of it"
