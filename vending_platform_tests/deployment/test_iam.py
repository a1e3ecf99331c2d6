"""The roles' policies allow what the code requests from AWS, and nothing else.

A piece of production plays against the emulator, and every request becomes the action and the resource that AWS would
look for in a policy: a new call fails here before it fails there, and a right that nothing needs any more is found.
"""

import re
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from pydantic import SecretStr

from vending_platform import ingestion, operations
from vending_platform.anonymising import key_of
from vending_platform.arrivals import Request
from vending_platform.connections import open_connections
from vending_platform.connections.provider import Granted
from vending_platform.environment import PROJECT_DIR, ByNotifications, EnvironmentName
from vending_platform.extraction.mysql.connection import target_of
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.alert_sensor import alerting, watch_once
from vending_platform.secrets import SecretUnavailable
from vending_platform.storage.interface import CHUNK
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform.warehouse.snowflake import private_key_of
from vending_platform_tests.deployment.instance import production_instance
from vending_platform_tests.deployment.policies import KEY_ARN, denials, is_allowed, policies
from vending_platform_tests.deployment.rights import ARN, BUCKET, IN_BUCKET, Right, note_calls, right_in_s3
from vending_platform_tests.emulators.aws import ACCOUNT, COMPANY, REGION, EmulatedAws
from vending_platform_tests.emulators.aws import Request as Sent
from vending_platform_tests.emulators.dynamodb import ExportEmulator, emulated_exports
from vending_platform_tests.end_to_end.small_platform import FILES, day_of_sales, name

PLATFORM = f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-platform-prod"
READER = f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-reader-prod"
DELIVERER = f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-deliverer-prod"
NAMED_OTHERWISE = {
    "dagster-logs": ("dagster", "dagster-view"),
    "database-api": ("shop-api",),
    "database-proxy": ("shop-proxy",),
}
"""The roles that have a policy, where they are not called as it is."""
OF_THINGS = {"bucket", "logs-bucket", "queue", "topic", "key"}
"""Policies of a thing, which name who may; all others are of a role."""


@dataclass(frozen=True)
class Requested:
    rights: frozenset[Right]
    requests: list[Sent]


@pytest.fixture(scope="module")
def requested(aws: EmulatedAws, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Requested:
    """Everything that production requests from AWS, from a file's arrival to its export and to the alert about it."""
    folder = tmp_path_factory.mktemp("production")
    environment = aws.environment(EnvironmentName.PRODUCTION, VENDING_KMS_KEY=KEY_ARN, VENDING_SLACK_ALERTS="true")
    environment = replace(
        environment, warehouse=DuckDBSettings(path=str(folder / "w.duckdb")), scratch=folder / "scratch"
    )
    platform = Platform(environment, manifest)
    others: list[Right] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.ephemeral() as history,
        emulated_exports(aws) as emulator,
    ):
        _furnish(aws, platform, emulator)
        note_calls(patch, others)
        _live(platform, history)
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        _print_something(production_instance(folder, patch), patch)
    requests = [request for request in aws.requests if request.path.startswith(f"/{BUCKET}")]
    return Requested(frozenset([*map(right_in_s3, requests), *others]), requests)


def _furnish(aws: EmulatedAws, platform: Platform, emulator: ExportEmulator) -> None:
    """What an administrator has made, and what has arrived: also what can't be used."""
    aws.reset()
    target, arrivals = platform.environment.aws, platform.environment.arrivals
    assert target is not None
    assert isinstance(arrivals, ByNotifications)
    s3, sqs = aws.client("s3"), aws.client("sqs")
    for queue in (arrivals.dead_letters, arrivals.queue):
        url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not a notification")
    aws.client("sns").create_topic(Name=target.alerts_topic.rsplit(":", 1)[1])
    assert target.secrets.pseudonyms is not None
    aws.client("secretsmanager").create_secret(Name=target.secrets.pseudonyms, SecretString="5" * 64)
    for secret in (target.secrets.warehouse, target.secrets.slack):
        aws.client("secretsmanager").create_secret(Name=secret, SecretString="http://127.0.0.1:1/hook")
    for database in platform.environment.databases.values():
        aws.client("secretsmanager").create_secret(
            Name=str(database.secret), SecretString='{"username": "reader", "password": "x"}'
        )
    for connection in platform.environment.connections.values():
        for name_of_secret in (connection.client_secret, connection.token_secret):
            aws.client("secretsmanager").create_secret(Name=str(name_of_secret))
    broken = {name("2024-03-02"): day_of_sales("2024-03-02")[:-20]}
    for path, content in (FILES | broken).items():
        s3.put_object(Bucket=BUCKET, Key=f"raw-data/{path}", Body=content)
    _make_item_table(platform, emulator)
    aws.requests.clear()


def _make_item_table(platform: Platform, emulator: ExportEmulator) -> None:
    """With one item, which was written a minute ago."""
    now = datetime.now(UTC)
    emulator.set_to = now - timedelta(minutes=1)
    table = platform.environment.dynamodb["app"].table
    emulator.create_table(table, "pk", "sk", recovery_since=now - timedelta(days=1))
    item = {"pk": "CUSTOMER#1", "sk": "REFUND#1", "kind": "refund_request"}
    emulator.client.put_item(TableName=table, Item={name: {"S": value} for name, value in item.items()})
    emulator.set_to = None


def _live(platform: Platform, history: dg.DagsterInstance) -> None:
    """A day of production. The requests of dbt and of exports are sent here directly: building marts takes
    half a minute."""
    now = datetime.now(UTC)
    context = dg.build_sensor_context(instance=history, resources={"platform": platform})
    assemble(platform, {}).resolve_sensor_def("arrivals")(context)
    operations.ingest(platform)
    ingestion.replay(platform.context)
    storage = platform.context.storage
    storage.artifacts.write("run/run_results.json", b"{}")
    storage.processed.write("an_export/part", b"x")
    assert list(storage.processed.read_path("an_export/part")) == [b"x"]
    for file in list(storage.processed.files("an_export")):
        storage.processed.delete(file.path)
    request = Request((), None, None, 1)
    platform.lists.keep(request, [])
    assert platform.lists.forget(now + timedelta(days=60))
    storage.work.write("large", iter([bytes(CHUNK), b"x"]))
    with pytest.raises(ZeroDivisionError):
        storage.work.write("broken off", (bytes(CHUNK // part) for part in (1, 1, 0)))
    assert private_key_of(platform.environment)
    for database, settings in platform.environment.databases.items():
        assert target_of(database, settings, platform.environment.aws).user == "reader"
    for connection in open_connections(platform.environment, storage.work).values():
        agreed = Granted(SecretStr("access"), SecretStr("refresh"), timedelta(hours=1), None)
        connection.connect(agreed, "an operator")
        assert connection.access_token() == agreed.access
        with pytest.raises(SecretUnavailable, match=f"the secret {connection.provider.settings.client_secret} "):
            connection.disconnect()  # no one has put the client's secret in yet
    storage.raw.write("extracted/part.parquet", b"x")
    done = operations.extract(platform, ["app_refund_requests"])
    assert [(one.rows, one.problem) for one in done.sources] == [(1, None)], done.failures
    assert key_of(platform.environment, None)
    notified = watch_once(history, ["ingest"], platform, alerting(platform.environment), now)
    assert notified.sent


def _print_something(instance: InstanceRef, patch: pytest.MonkeyPatch) -> None:
    manager = instance.compute_log_manager
    patch.setattr(manager, "_upload_interval", 1)  # the thread that uploads ends at the end of its pause
    with manager.capture_logs(["run", "compute_logs", "step"]):
        print("something")  # noqa: T201
    for thread in threading.enumerate():
        if thread.name == "upload-watch":
            thread.join()


def test_the_platform_may_do_what_it_does(requested: Requested) -> None:
    missing = {right for right in requested.rights if not is_allowed(policies()["platform"], *right)}
    assert missing == set()


def test_the_platform_may_do_nothing_else(requested: Requested) -> None:
    for statement in policies()["platform"]:
        for action in statement.actions:
            for pattern in statement.resources:
                if action.startswith("kms:"):  # S3 uses the key, in the platform's name
                    assert pattern == KEY_ARN
                    continue
                if action == "s3:AbortMultipartUpload":  # where it may write, it may also break off
                    assert "s3:PutObject" in statement.actions
                    assert action in {one for one, _ in requested.rights}
                    continue
                single = replace(statement, actions=[action], resources=[pattern])
                assert any(single.is_about(*right) for right in requested.rights), (
                    f"nothing needs {action} on {pattern}"
                )


def test_staging_has_the_same_rights_in_its_own_account_and_no_key() -> None:
    for role, statements in policies("prod").items():
        if role in {"bucket", "key"}:
            continue
        without_key = [statement for statement in statements if statement.sid != "UseTheKey"]
        of_production = f"{ARN.format('secretsmanager')}secret:vending/production/pseudonyms-??????"
        for statement in without_key:
            if of_production in statement.resources:
                statement.resources.remove(of_production)
        as_staging = str(without_key).replace("vending-app-production", "vending-app-staging")
        as_staging = as_staging.replace("-prod", "-staging").replace("/production/", "/staging/")
        for mark in "_-":
            as_staging = as_staging.replace(f"production{mark}vending{mark}", f"staging{mark}vending{mark}")
        assert as_staging.replace("/vending/prod", "/vending/staging") == str(policies("staging")[role])
    assert [statement.sid for statement in policies("staging")["bucket"]] == [
        statement.sid for statement in policies("prod")["bucket"] if statement.sid != "NoOtherKey"
    ]


@pytest.mark.parametrize("suffix", ["prod", "staging"])
def test_no_role_has_more_rights_than_it_needs(suffix: str) -> None:
    of_everything = []
    for role, statements in policies(suffix).items():
        for statement in statements:
            if statement.effect == "Allow":
                assert not any("*" in action for action in statement.actions), f"{role}: {statement.sid}"
                if "*" in statement.resources:
                    of_everything.append((role, *statement.actions))
    # A key's own policy names the key so; and of that action AWS knows no resource.
    assert {entry for entry in of_everything if entry[0] != "key"} == {("dagster-ecs", "ecs:DescribeTaskDefinition")}


def test_only_the_platform_may_read_deliveries() -> None:
    raw = f"{IN_BUCKET}raw-data/sales/sales_VM001_20240305.csv"
    for role, statements in policies().items():
        for action in ("s3:GetObject", "s3:GetObjectVersion"):
            if role not in OF_THINGS:
                assert is_allowed(statements, action, raw) == ((role, action) == ("platform", "s3:GetObject"))
    bucket = policies()["bucket"]
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        assert list(denials(bucket, action, raw, _over_tls(DELIVERER))) == ["OnlyThePlatformReadsDeliveries"]
        assert list(denials(bucket, action, raw, _over_tls(PLATFORM))) == []


def test_only_deliverer_and_extractions_may_write_them_and_no_one_may_remove_them() -> None:
    raw = f"{IN_BUCKET}raw-data/sales/sales_VM001_20240305.csv"
    roles = {role: statements for role, statements in policies().items() if role not in OF_THINGS}
    may = {
        action: {role for role, statements in roles.items() if is_allowed(statements, action, raw)}
        for action in _CHANGES
    }
    writers = {"deliverer", "platform"}
    assert may == {"s3:PutObject": writers, "s3:DeleteObject": set(), "s3:DeleteObjectVersion": set()}
    for action in _CHANGES:
        assert list(denials(policies()["bucket"], action, raw, _over_tls(PLATFORM))) == []
        assert list(denials(policies()["bucket"], action, raw, _over_tls(READER))) == [
            "OnlyDelivererAndExtractionsWriteThem"
        ]
    assert {action for statement in roles["deliverer"] for action in statement.actions} == {
        *("s3:PutObject", "s3:AbortMultipartUpload", "kms:Decrypt", "kms:GenerateDataKey")
    }


_CHANGES = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")


def test_readers_see_exports_and_snowflake_its_batches_and_nothing_else() -> None:
    readable = {"reader": "processed-data/", "snowflake": "staging/publications/", "dagster-logs": "dagster-logs/"}
    for role, prefix in readable.items():
        resources = {
            resource
            for statement in policies()[role]
            for resource in statement.resources
            if set(statement.actions) & {"s3:GetObject", "s3:GetObjectVersion"}
        }
        assert resources == {f"{IN_BUCKET}{prefix}*"}
        for statement in policies()[role]:
            if "s3:ListBucket" in statement.actions:
                assert statement.conditions == {"StringLike": {"s3:prefix": [f"{prefix}*"]}}


def test_the_bucket_accepts_the_platforms_writes_and_nothing_encrypted_otherwise(requested: Requested) -> None:
    bucket = policies()["bucket"]
    for request in requested.requests:
        if request.method in ("PUT", "POST"):
            encryption = _encryption(request)
            assert list(denials(bucket, *right_in_s3(request), _over_tls(PLATFORM) | encryption)) == []
            # A part of an upload is encrypted like its beginning, and what runs print by the bucket's default.
            assert (
                encryption.keys() == {_SSE, _SSE_KEY} or "uploadId" in request.query or "/dagster-logs/" in request.path
            )
    work = f"{IN_BUCKET}staging/x"
    for changed, sid in {
        (_SSE, "AES256"): "NoOtherEncryption",
        (_SSE_KEY, KEY_ARN.replace("1234", "9999")): "NoOtherKey",
        (_SSE_CUSTOMER, "AES256"): "NoKeyOfTheSender",
        ("aws:SecureTransport", "false"): "OnlyOverTls",
    }.items():
        context = _over_tls(PLATFORM) | {_SSE: "aws:kms", _SSE_KEY: KEY_ARN} | dict([changed])
        assert list(denials(bucket, "s3:PutObject", work, context)) == [sid]


_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY, _SSE_CUSTOMER = f"{_SSE}-aws-kms-key-id", f"{_SSE}-customer-algorithm"


def _encryption(request: Sent) -> dict[str, str]:
    """What S3 lets a policy check about a request that writes."""
    headers = {f"s3:{header.lower().replace('_', '-')}": value for header, value in request.headers.items()}
    return {key: headers[key] for key in (_SSE, _SSE_KEY, _SSE_CUSTOMER) if key in headers}


def _over_tls(principal: str) -> dict[str, str]:
    return {"aws:SecureTransport": "true", "aws:PrincipalArn": principal}


def test_the_queue_accepts_the_bucket_alone_and_the_topic_the_platform_and_alarms() -> None:
    (sends,) = (statement for statement in policies()["queue"] if statement.effect == "Allow")
    assert sends.principals == {"Service": ["s3.amazonaws.com"]}
    assert sends.holds({"aws:SourceArn": f"arn:aws:s3:::{BUCKET}", "aws:SourceAccount": ACCOUNT})
    for other in ({"aws:SourceArn": "arn:aws:s3:::other"}, {"aws:SourceAccount": "999999999999"}, {}):
        context = {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}", "aws:SourceAccount": ACCOUNT} | other
        assert sends.holds(context) == (not other)
    publishes = [statement for statement in policies()["topic"] if statement.effect == "Allow"]
    assert [statement.principals for statement in publishes] == [
        {"AWS": [PLATFORM]},
        {"Service": ["cloudwatch.amazonaws.com"]},
    ]


def test_the_key_is_used_by_the_roles_whose_policies_need_it_and_by_no_other() -> None:
    needed = {
        f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-{name}-prod": (statement.actions, statement.conditions)
        for policy, statements in policies().items()
        for statement in statements
        if policy not in OF_THINGS and statement.sid == "UseTheKey"
        for name in (NAMED_OTHERWISE.get(policy, (policy,)))
    }
    assert len(needed) == 11
    given = {
        principal: (statement.actions, statement.conditions)
        for statement in policies()["key"]
        for principal in statement.principals.get("AWS", ())
    }
    administration, _ = given.pop(f"arn:aws:iam::{ACCOUNT}:root")
    assert given.pop(f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-terraform-apply-prod") == (
        ["kms:CreateGrant", "kms:DescribeKey"],  # by which the database and the registry use the key for themselves
        {"Bool": {"kms:GrantIsForAWSResource": ["true"]}},
    )
    assert given == needed
    usage = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant")
    assert {f"kms:{action}" for action in usage}.isdisjoint(administration)


def test_operators_have_the_rights_for_the_handbooks_commands() -> None:
    documented = re.findall(r"`aws (sqs) ([a-z-]+)", (PROJECT_DIR / "docs" / "operating.md").read_text())
    actions = {f"{service}:{''.join(word.capitalize() for word in verb.split('-'))}" for service, verb in documented}
    assert actions == {"sqs:ReceiveMessage", "sqs:StartMessageMoveTask"}
    dead_letters = f"{ARN.format('sqs')}{COMPANY}-vending-arrivals-prod-dlq"
    for action in actions:
        assert is_allowed(policies()["operator"], action, dead_letters)
    assert is_allowed(policies()["operator"], "sqs:SendMessage", dead_letters.removesuffix("-dlq"))
