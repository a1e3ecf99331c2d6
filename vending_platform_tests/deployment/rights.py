"""What the code requests from AWS, as the actions and resources that AWS would look for in a policy."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.client import BaseClient

from vending_platform_tests.emulators.aws import ACCOUNT, COMPANY, REGION
from vending_platform_tests.emulators.aws import Request as Sent

Right = tuple[str, str]
"""An action, and the resource that it is done to."""
ARN = "arn:aws:{}:" + f"{REGION}:{ACCOUNT}:"
BUCKET = f"{COMPANY}-vending-data-prod"
IN_BUCKET = f"arn:aws:s3:::{BUCKET}/"
_AS_ONE_WRITES = ("s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload")
"""What DynamoDB does in the bucket, in the name of who requests an export."""


def note_calls(patch: pytest.MonkeyPatch, rights: list[Right]) -> None:
    """What boto3 requests from other services than S3, where it can't be read from the request itself."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noting(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        if service not in ("s3", "sts"):  # everyone may ask for their own identity
            rights.append((f"{service}:{operation.removesuffix('Batch')}", _resource(service, arguments)))
        if operation == "ExportTableToPointInTime":
            laid_down = f"arn:aws:s3:::{arguments['S3Bucket']}/{arguments['S3Prefix']}/AWSDynamoDB/x"
            rights.extend((action, laid_down) for action in _AS_ONE_WRITES)
        return call(client, operation, arguments)

    patch.setattr(BaseClient, "_make_api_call", noting)


def _resource(service: str, arguments: dict[str, Any]) -> str:
    match service:
        case "sqs":
            queue = arguments.get("QueueName") or arguments["QueueUrl"].rsplit("/", 1)[1]
            return f"{ARN.format('sqs')}{queue}"
        case "secretsmanager":
            return f"{ARN.format(service)}secret:{arguments['SecretId']}-AbCdEf"
        case "sns":
            return str(arguments["TopicArn"])
        case "dynamodb":
            by_arn = arguments.get("ExportArn") or arguments.get("TableArn")
            return str(by_arn or f"{ARN.format(service)}table/{arguments['TableName']}")
    raise AssertionError(f"it is not listed which policy {service} needs: {arguments}")


def right_in_s3(request: Sent) -> Right:
    """Of a request about the data bucket."""
    key = request.path.removeprefix(f"/{BUCKET}").removeprefix("/")
    query = parse_qs(request.query, keep_blank_values=True).keys()
    if not key:
        assert request.method == "HEAD" or (request.method == "GET" and "list-type" in query), request
        return "s3:ListBucket", f"arn:aws:s3:::{BUCKET}"
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
    if request.method == "DELETE" and "uploadId" in query:
        return "s3:AbortMultipartUpload", f"{IN_BUCKET}{key}"
    if request.method == "POST":
        assert query & {"uploads", "uploadId"}, request
        return "s3:PutObject", f"{IN_BUCKET}{key}"
    assert "x-amz-copy-source" not in {header.lower().replace("_", "-") for header in request.headers}
    return actions[request.method], f"{IN_BUCKET}{key}"
