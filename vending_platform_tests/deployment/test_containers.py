"""The image, the machine of containers and Dagster+: nothing is built or started, but everything in them exists."""

import re
import shlex
import shutil
import warnings
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg
import pytest
import typer
import yaml
from dagster._cli import create_dagster_cli
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster._daemon.cli import create_dagster_daemon_cli
from dagster_cloud_cli.config.models import load_dagster_cloud_yaml
from dagster_cloud_cli.config_utils import get_location_document
from dagster_webserver.cli import create_dagster_webserver_cli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vending_platform.catalog import Catalog
from vending_platform.definitions import build_definitions, definitions
from vending_platform.environment import PROJECT_DIR, EnvironmentName, domains, find_domain, known_variables, load
from vending_platform.orchestration.webserver import without_names
from vending_platform_tests.deployment.instance import SETTINGS, VARIABLES
from vending_platform_tests.emulators.aws import EmulatedAws

DEPLOYMENT = PROJECT_DIR / "deployment"
WORKSPACE = PROJECT_DIR / "workspace.yaml"
OPERATING = PROJECT_DIR / "docs" / "operating.md"
MAKE: dict[str, Callable[[], Any]] = {
    "dagster": create_dagster_cli,
    "dagster-daemon": create_dagster_daemon_cli,
    "dagster-webserver": create_dagster_webserver_cli,
    "vending-webserver": create_dagster_webserver_cli,
}
PROXIES = {"view-login": "view", "operate-login": "operate"}
SERVICE, SHOP = "service", "shop"
"""It has a log-in of its own."""


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text())["services"]
    return services


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (PROJECT_DIR / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines) if name]


def arguments_of(instruction: str) -> list[str]:
    return [rest for name, rest in instructions() if name == instruction]


def understood(words: list[str], command: Any = None) -> Any:
    """What a command of Dagster makes of its arguments; it refuses those that it does not know."""
    command = command or MAKE[words[0]]()
    rest, _ = without_names(words[1:])
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    return command.make_context(words[0], rest).params


class TestCompose:
    def test_only_the_logins_are_reached_and_from_this_machine_alone(self, services: dict[str, dict[str, Any]]) -> None:
        published = {name: service["ports"] for name, service in services.items() if "ports" in service}
        assert published.keys() == PROXIES.keys() | {SERVICE, SHOP}
        for (port,) in published.values():
            assert re.fullmatch(r"127\.0\.0\.1:\d+:(4180|8000|8001)", port)
        assert len({port for (port,) in published.values()}) == 4
        assert not any("network_mode" in service for service in services.values())

    def test_each_login_leads_to_its_own_ui_and_lets_its_own_group_in(
        self, services: dict[str, dict[str, Any]]
    ) -> None:
        settings = {name: services[name]["environment"] for name in PROXIES}
        for name, ui in PROXIES.items():
            assert settings[name]["OAUTH2_PROXY_UPSTREAMS"] == f"http://{ui}:3000"
            assert settings[name]["OAUTH2_PROXY_COOKIE_SECURE"] == "true"
            assert settings[name]["OAUTH2_PROXY_COOKIE_SAMESITE"] == "strict"
        for different in ("ALLOWED_GROUPS", "COOKIE_NAME"):  # a cookie of a host is sent to all of its ports
            assert len({one[f"OAUTH2_PROXY_{different}"] for one in settings.values()}) == 2

    def test_viewers_can_change_nothing(self, services: dict[str, dict[str, Any]]) -> None:
        view, operate = (understood(services[name]["command"]) for name in ("view", "operate"))
        assert (view["read_only"], operate["read_only"]) == (True, False)
        for ui in (view, operate):
            assert (ui["port"], ui["workspace"]) == (3000, ("deployment/workspace.yaml",))

    def test_each_ui_answers_only_under_its_own_name(self, services: dict[str, dict[str, Any]]) -> None:
        for name in ("view", "operate"):
            assert services[name]["command"][0] == "vending-webserver"
            _, (host,) = without_names(services[name]["command"])
            assert host.startswith(f"${{{name}_host:?")

    def test_a_ui_listens_on_its_own_machine_by_default(self) -> None:
        assert understood(["dagster-webserver"])["host"] == "127.0.0.1"

    def test_the_daemon_and_the_check_of_the_code_location_are_commands(
        self, services: dict[str, dict[str, Any]]
    ) -> None:
        assert understood(services["daemon"]["command"])["workspace"] == ("deployment/workspace.yaml",)
        assert understood(services["code"]["healthcheck"]["test"][1:])["port"] == 4000
        assert understood(services["daemon"]["healthcheck"]["test"][1:]) == {}

    def test_there_is_no_secret_in_it(self, services: dict[str, dict[str, Any]]) -> None:
        secrets = {
            name: value
            for service in services.values()
            for name, value in service["environment"].items()
            if re.search("PASSWORD|SECRET|CLIENT_ID|TOKEN", name)
        }
        assert len(secrets) >= 5
        for value in secrets.values():
            assert re.fullmatch(r"\$\{[A-Z_]+:\?}", value)
        for service in services.values():  # nor an image that another party may replace
            assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:\?[^}]+by its digest}", service["image"])

    def test_containers_with_our_code_have_no_rights_on_their_machine(
        self, services: dict[str, dict[str, Any]]
    ) -> None:
        for name, service in services.items():
            assert "no-new-privileges:true" in service["security_opt"]
            assert not service.get("privileged")
            assert not any("docker.sock" in volume for volume in service.get("volumes", ()))
            assert name == "database" or service["cap_drop"] == ["ALL"]

    def test_it_sets_what_the_instance_requires(self, services: dict[str, dict[str, Any]]) -> None:
        of_settings = {"DAGSTER_LOGS_BUCKET"}  # in platform.env, with the platform's own
        for name in ("code", "daemon", "view", "operate"):
            assert VARIABLES.keys() - services[name]["environment"].keys() == of_settings
            assert services[name]["env_file"] == ["platform.env"]
        assert set(re.findall(r"env: (\w+)", SETTINGS.read_text())) == VARIABLES.keys()


class TestImage:
    def test_copied_files_exist_and_are_not_ignored(self) -> None:
        rules = [line for line in (PROJECT_DIR / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")]
        assert rules[0] == "*", "what is not named stays out"
        copied = [
            name for line in arguments_of("COPY") if not line.startswith("--from") for name in shlex.split(line)[:-1]
        ]
        assert len(copied) > 5
        for name in copied:
            assert (PROJECT_DIR / name).exists()
            assert f"!{name}" in rules
        for kept_out in (".env", "data", ".git", "vending_platform_tests"):
            assert not any(fnmatch(kept_out, rule[1:]) for rule in rules if rule.startswith("!"))

    def test_it_runs_as_an_unprivileged_user(self) -> None:
        assert arguments_of("USER") == ["10001"]
        assert instructions().index(("USER", "10001")) > max(
            number for number, (name, _) in enumerate(instructions()) if name in ("RUN", "COPY")
        )

    def test_it_has_only_what_is_locked_with_its_hash(self) -> None:
        (installs, *_) = arguments_of("RUN")
        for words in installs.split("&&")[1:]:
            assert "--require-hashes" in shlex.split(words)
        assert "--constraint requirements.lock --requirement pyproject.toml --extra production" in installs
        lock = (PROJECT_DIR / "requirements.lock").read_text()
        locked = set(re.findall(r"^([a-z0-9.-]+)==\S+ .*\\\s+--hash", lock, re.MULTILINE))
        needed = set(_needed("vending-platform", {"production"}))
        assert {"dagster-postgres", "dagster-k8s", "dagster-cloud", "psycopg2-binary"} <= needed
        assert needed - locked == {"vending-platform"}
        assert needed & {"moto", "pytest", "fakesnow", "playwright", "flask"} == set()

    def test_it_starts_the_definitions_that_dagster_loads_elsewhere(self) -> None:
        (command,) = arguments_of("CMD")
        params = understood(yaml.safe_load(command))
        (origin,) = location_origins_from_yaml_paths([str(DEPLOYMENT / "workspace.yaml")])
        assert isinstance(origin, GrpcServerCodeLocationOrigin)
        assert (origin.host, origin.port, origin.location_name) == ("code", params["port"], params["location_name"])
        (location,) = load_dagster_cloud_yaml((PROJECT_DIR / "dagster_cloud.yaml").read_text()).locations
        assert location.code_source is not None
        for module, attribute in (
            (params["module_name"], params["attribute"]),
            (location.code_source.module_name, location.attribute),
        ):
            assert getattr(import_module(str(module)), str(attribute)) is definitions
        assert location.working_directory == arguments_of("WORKDIR")[-1]

    def test_each_domain_is_a_code_location_at_home(self) -> None:
        locations = [entry["python_module"] for entry in yaml.safe_load(WORKSPACE.read_text())["load_from"]]
        assert {location["attribute"] for location in locations} == {domain.name for domain in domains()}
        for location in locations:
            assert location["location_name"] == location["attribute"]
            loaded = getattr(import_module(location["module_name"]), location["attribute"])
            assert isinstance(loaded, dg.Definitions)

    def test_a_code_location_starts_without_dbt_and_without_a_network(
        self, aws: EmulatedAws, catalog: Catalog, manifest_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From the parsed project that the image has where production looks for it."""
        (parses,) = (line for line in arguments_of("RUN") if "load_catalog" in line)
        environment = aws.environment(EnvironmentName.PRODUCTION)
        assert f"Path('{environment.scratch / 'manifest'}')" in parses
        assert f"chown -R vending {environment.scratch} " in arguments_of("RUN")[-1], "it is kept for its owner's eyes"
        shutil.copytree(manifest_cache, tmp_path / environment.scratch / "manifest")
        monkeypatch.chdir(tmp_path)

        def refuse(what: str, *_: object) -> NoReturn:
            raise AssertionError(f"it should not have to {what}")

        monkeypatch.setattr("vending_platform.catalog.manifest._parse", partial(refuse, "parse"))
        monkeypatch.setattr("socket.socket.connect", partial(refuse, "connect"))
        definitions = build_definitions(environment)
        assert definitions.resolve_job_def("daily").name == "daily"
        assert not (tmp_path / "data").exists()


class TestHandbook:
    TEXT = (PROJECT_DIR / "docs" / "deployment.md").read_text()

    def test_its_settings_are_productions_and_complete(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("VENDING_DATA_DIR", raising=False)
        settings = dict(re.findall(r"^(VENDING_\w+)=(\S+)$", self.TEXT, re.MULTILINE))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        environment = load()
        assert (environment.name, environment.slack_alerts) == (EnvironmentName.PRODUCTION, True)
        assert environment.places.work == f"s3://{VARIABLES['DAGSTER_LOGS_BUCKET']}/staging"
        for handbook, left_out in ((self.TEXT, {"VENDING_DATA_DIR"}), (OPERATING.read_text(), set[str]())):
            documented = set(re.findall(r"VENDING_[A-Z0-9_]*[A-Z0-9]", handbook))
            assert set(known_variables(find_domain("vending").declared)) - documented == left_out

    def test_its_commands_are_those_of_dagster(self) -> None:
        commands = [shlex.split(line) for line in re.findall(r"^dagster-cloud .*$", self.TEXT, re.MULTILINE)]
        assert len(commands) == 5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # dagster-cloud's own, while it is imported
            from dagster_cloud_cli.entrypoint import app
        for words in commands:
            understood(words, typer.main.get_command(app))

    def test_dagster_makes_a_release_of_our_file_and_an_image(self) -> None:
        file = str(PROJECT_DIR / "dagster_cloud.yaml")
        document = get_location_document("vending", {"location_file": file, "image": "vending@sha256:0"})
        assert document == {
            "location_name": "vending",
            "code_source": {"module_name": "vending_platform.definitions"},
            "attribute": "definitions",
            "working_directory": "/srv/vending",
            "image": "vending@sha256:0",
            "git": {},
        }

    def test_it_names_every_policy(self) -> None:
        for path in (DEPLOYMENT / "iam").iterdir():
            assert f"`{path.stem}`" in self.TEXT


def _needed(name: str, extras: set[str]) -> Iterator[str]:
    """Everything that a distribution needs, as far as this machine is concerned."""
    seen: set[tuple[str, str]] = set()
    waiting: list[tuple[str, str]] = [(name, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        yield name
        for line in distribution(name).requires or ():
            required = Requirement(line)
            if required.marker is None or required.marker.evaluate({"extra": extra}):
                other = canonicalize_name(required.name)
                waiting += [(other, one) for one in ("", *required.extras)]
