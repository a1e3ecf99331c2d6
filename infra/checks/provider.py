"""A provider with the AWS provider's schema and no AWS behind it: for Terraform to validate, plan and test against.

It runs as a server of its own, to which Terraform is pointed by `TF_REATTACH_PROVIDERS`. What the code leaves to AWS is
"known after apply" in a plan, but for what policies and containers name: that is made up, so plans have them whole.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import msgpack
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc, tfplugin_pb2_grpc
from tf.gen import tfplugin_pb2 as protocol

from checks.schema import Block, Schema

NAME = "hashicorp/aws"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
"""Of every customer key in a plan."""
_UNKNOWN = msgpack.ExtType(0, b"\0")
_NESTING = {
    "single": protocol.Schema.NestedBlock.SINGLE,
    "list": protocol.Schema.NestedBlock.LIST,
    "set": protocol.Schema.NestedBlock.SET,
}


@contextmanager
def serving(schema: Schema) -> Iterator[dict[str, str]]:
    """The variables with which Terraform uses this provider, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/provider"
        server = grpc.server(ThreadPoolExecutor(max_workers=16))
        tfplugin_pb2_grpc.add_ProviderServicer_to_server(_Provider(schema), server)
        grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(), server)
        grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        address = {"Network": "unix", "String": socket}
        attached = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
        try:
            yield {"TF_REATTACH_PROVIDERS": json.dumps({NAME: attached}), "CHECKPOINT_DISABLE": "1"}
        finally:
            server.stop(grace=None).wait()


class _Provider(tfplugin_pb2_grpc.ProviderServicer):  # type: ignore[misc]  # gRPC generates it without types
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._account, self._region = "000000000000", "nowhere"

    def GetMetadata(self, request: Any, context: Any) -> Any:
        answer = protocol.GetMetadata.Response
        return answer(
            resources=[answer.ResourceMetadata(type_name=name) for name in self._schema.resources],
            data_sources=[answer.DataSourceMetadata(type_name=name) for name in self._schema.data_sources],
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return protocol.GetProviderSchema.Response(
            provider=_schema(self._schema.provider),
            resource_schemas={name: _schema(block) for name, block in self._schema.resources.items()},
            data_source_schemas={name: _schema(block) for name, block in self._schema.data_sources.items()},
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        config = _unpacked(request.config)
        self._account, self._region = next(iter(config.get("allowed_account_ids") or [self._account])), config["region"]
        return protocol.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        return protocol.UpgradeResourceState.Response(upgraded_state=protocol.DynamicValue(json=request.raw_state.json))

    def ReadResource(self, request: Any, context: Any) -> Any:
        return protocol.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        planned = _unpacked(request.proposed_new_state)
        if planned is not None:
            for name, attribute in self._schema.resources[request.type_name].attributes.items():
                if attribute.get("computed") and planned.get(name) is None:
                    planned[name] = _UNKNOWN
            planned |= self._made_up(request.type_name, planned)
        return protocol.PlanResourceChange.Response(
            planned_state=protocol.DynamicValue(msgpack=msgpack.packb(planned, use_bin_type=True))
        )

    def _made_up(self, kind: str, planned: dict[str, Any]) -> dict[str, Any]:
        match kind:
            case "aws_iam_role":
                return {"arn": f"arn:aws:iam::{self._account}:role/{planned['name']}"}
            case "aws_kms_key":
                return {"arn": f"arn:aws:kms:{self._region}:{self._account}:key/{KEY_ID}"}
            case "aws_secretsmanager_secret":
                return {"arn": f"{self._secrets}:{planned['name']}-AbCdEf"}
            case "aws_db_instance":
                of_password = [{"secret_arn": f"{self._secrets}:rds!db-{KEY_ID}-AbCdEf"}]
                type_of_it = b'["list",["object",{"secret_arn":"string"}]]'  # what has no fixed type carries its own
                return {
                    "address": f"{planned['identifier']}.example.com",
                    "master_user_secret": [type_of_it, of_password],
                }
        return {}

    @property
    def _secrets(self) -> str:
        return f"arn:aws:secretsmanager:{self._region}:{self._account}:secret"

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return protocol.GetFunctions.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        return protocol.StopProvider.Response()


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]  # gRPC generates it without types
    def Shutdown(self, request: Any, context: Any) -> Any:
        """Terraform ends what it started; this server is ours."""
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]  # gRPC generates it without types
    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:
        return iter(())


def _unpacked(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, ext_hook=msgpack.ExtType, strict_map_key=False)


def _schema(block: Block) -> Any:
    return protocol.Schema(version=0, block=_block(block))


def _block(block: Block) -> Any:
    return protocol.Schema.Block(
        version=0,
        attributes=[
            protocol.Schema.Attribute(name=name, **{**values, "type": json.dumps(values["type"]).encode()})
            for name, values in block.attributes.items()
        ],
        block_types=[
            protocol.Schema.NestedBlock(
                type_name=name,
                nesting=_NESTING[nested.nesting],
                min_items=nested.min_items,
                max_items=nested.max_items,
                block=_block(nested.block),
            )
            for name, nested in block.blocks.items()
        ],
    )
