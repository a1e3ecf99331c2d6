"""Tables of DynamoDB as something to extract from: by native exports to S3, or, where these can't be had, by a scan.

`running.extract` is the way in. An export is asked for and waited for (`requests`), held against its manifests
(`verifying`), read by DuckDB (`reading`), and becomes deliveries (`delivering`).
"""

from vending_platform.extraction.dynamodb.points import ExportPoint
from vending_platform.extraction.dynamodb.running import extract
from vending_platform.extraction.dynamodb.settings import ItemTable, item_table

__all__ = ["ExportPoint", "ItemTable", "extract", "item_table"]
