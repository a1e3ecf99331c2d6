"""The same in AWS: tables in Glue, files in S3, with the credentials and the encryption of the environment."""

import pyarrow as pa
import pytest

from vending_platform.lake import Lake, LakeError, open_lake
from vending_platform.lake.changes import append, merge
from vending_platform.lake.history import tables
from vending_platform.lake.maintenance import maintain
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws
from vending_platform_tests.lake.lakes import STOCK, contents, found, rows, stock_table


@pytest.fixture
def lake(aws: EmulatedAws) -> Lake:
    aws.reset()
    return open_lake(aws.environment())


def test_tables_are_merged_read_and_maintained(aws: EmulatedAws, lake: Lake) -> None:
    stock_table(lake, partitioning=["name"])
    append(lake, STOCK, rows((1, "日本 茶/緑", 5), (2, None, 6)))
    merge(lake, STOCK, rows((2, "milk", 7), (3, "milk", 8)))
    assert contents(lake) == [(1, "日本 茶/緑", 5), (2, "milk", 7), (3, "milk", 8)]
    assert maintain(lake, STOCK).removed_files == 0
    assert [(name.plain, state.rows) for name, state in tables(lake)] == [("staging.stock", 3)]
    keys = [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert all(key.startswith("lake/staging/stock/") for key in keys)


def test_glue_has_each_table_with_its_columns(aws: EmulatedAws, lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)))
    table = aws.client("glue").get_table(DatabaseName="staging_vending_staging", Name="stock")["Table"]
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"),
        ("name", "string"),
        ("units", "int"),
    ]


def test_what_is_written_is_encrypted_as_the_environment_declares(aws: EmulatedAws, lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)))
    s3 = aws.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {key.rpartition(".")[2] for key in keys} == {"json", "avro", "parquet"}
    assert {s3.head_object(Bucket=BUCKET, Key=key)["ServerSideEncryption"] for key in keys} == {"AES256"}


def test_sql_reads_no_other_file_of_the_bucket(aws: EmulatedAws, lake: Lake) -> None:
    stock_table(lake)
    sink = pa.BufferOutputStream()
    aws.client("s3").put_object(Bucket=BUCKET, Key="raw-data/secret.parquet", Body=sink.getvalue().to_pybytes())
    with pytest.raises(LakeError, match="Cannot access file"):
        found(lake, f"select * from read_parquet('s3://{BUCKET}/raw-data/secret.parquet')")
