"""What the plans would make."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from checks.plan import Plan
from checks.rules import RULES, Rule, named_as_declared
from checks.terraform import PROJECT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_plan_keeps_the_rule(plans: list[Plan], rule: Rule) -> None:
    assert len(plans) > 1
    assert [complaint for plan in plans for complaint in rule(plan)] == []


def test_what_is_made_has_the_names_that_the_application_expects(plans: list[Plan]) -> None:
    of_domains = [plan for plan in plans if plan.declared]
    assert len(of_domains) > 1
    assert [complaint for plan in of_domains for complaint in named_as_declared(plan, plan.declared)] == []


def test_services_are_started_as_on_one_machine(plans: list[Plan]) -> None:
    compose = yaml.safe_load((PROJECT / "deployment" / "compose.yaml").read_text())["services"]
    for plan in plans:
        for task in plan.of_type("aws_ecs_task_definition"):
            for container in json.loads(task.values["container_definitions"]):
                declared = compose.get(container["name"], {}).get("command")
                if declared is not None:
                    assert _shape(container["command"]) == _shape(declared), task.address


def _shape(command: list[str]) -> list[str]:
    """Without the names that people open a UI under."""
    words = [word for part in command for word in shlex.split(part)] if len(command) == 1 else command
    at = words.index("--served-as") if "--served-as" in words else len(words)
    return words[:at]


def test_a_run_has_what_the_launcher_looks_for(plans: list[Plan]) -> None:
    for plan in plans:
        if not plan.of_type("aws_ecs_cluster"):
            continue
        run = next(task for task in plan.of_type("aws_ecs_task_definition") if task.name == "run[0]")
        service = next(task for task in plan.of_type("aws_ecs_task_definition") if task.name == "service[daemon]")
        container = json.loads(service.values["container_definitions"])[0]
        variables = {one["name"]: one["value"] for one in container["environment"]}
        assert variables["DAGSTER_RUN_TASK"] == run.values["family"]
        assert variables["DAGSTER_CLUSTER"] == plan.one("aws_ecs_cluster").values["name"]
        assert run.values["task_role_arn"].rsplit("/", 1)[1].split("-")[-2] == "platform"


def test_the_service_asks_the_ui_of_those_on_duty_under_the_name_that_it_answers_to(plans: list[Plan]) -> None:
    found = 0
    for plan in plans:
        tasks = {task.name: task for task in plan.of_type("aws_ecs_task_definition")}
        if "service[service]" not in tasks:
            continue
        found += 1
        (container,) = json.loads(tasks["service[service]"].values["container_definitions"])
        variables = {one["name"]: one["value"] for one in container["environment"]}
        (operate, _) = json.loads(tasks["service[operate]"].values["container_definitions"])
        served_as = operate["command"][operate["command"].index("--served-as") + 1]
        assert variables["VENDING_DAGSTER_URL"] == f"http://{served_as}:3000"
        assert container["secrets"] == []
        connects = {one.name: one.values["service_connect_configuration"][0] for one in plan.of_type("aws_ecs_service")}
        (alias,) = connects["this[operate]"]["service"][0]["client_alias"]
        assert (alias["dns_name"], alias["port"]) == (served_as, 3000)
    assert found == 2


def test_the_folder_of_an_environment_says_which_it_is(plans: list[Plan]) -> None:
    for plan in plans:
        folder = Path(plan.root).name
        if plan.declared:
            domain, _, environment = folder.rpartition("-")
            log_group = plan.one("aws_cloudwatch_log_group").values["name"]
            assert log_group == f"/{domain}/{'prod' if environment == 'production' else environment}"


_SHOW = """
import json
from vending_platform import environment
found = environment.load()
places, arrivals = vars(found.places), vars(found.arrivals)
print(json.dumps({"places": places, "topic": found.aws.alerts_topic, "key": found.kms_key, "arrivals": arrivals}))
"""


def test_the_application_starts_with_the_settings_of_a_run_and_finds_what_is_made(
    plans: list[Plan], tmp_path: Path
) -> None:
    for plan in plans:
        if not plan.declared:
            continue
        run = next(task for task in plan.of_type("aws_ecs_task_definition") if task.name == "run[0]")
        (container,) = json.loads(run.values["container_definitions"])
        variables = {
            one["name"]: one["value"] for one in container["environment"] if one["name"].startswith("VENDING_")
        }
        found = json.loads(
            subprocess.run(
                [PROJECT / ".venv" / "bin" / "python", "-c", _SHOW],
                cwd=tmp_path,
                env=variables | {"PATH": os.environ["PATH"]},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        bucket = next(one for one in plan.of_type("aws_s3_bucket") if one.name == "data").values["bucket"]
        assert {place.split("/")[2] for place in found["places"].values()} == {bucket}
        assert found["topic"].split(":")[-1] == plan.one("aws_sns_topic").values["name"]
        assert set(found["arrivals"].values()) == {queue.values["name"] for queue in plan.of_type("aws_sqs_queue")}
        keys = [key.values["arn"] for key in plan.of_type("aws_kms_key")]
        assert [found["key"]] == (keys or [None])
