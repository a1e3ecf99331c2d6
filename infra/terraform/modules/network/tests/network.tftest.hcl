mock_provider "aws" {}

variables {
  settings = { cluster = "hinode-vending-prod", region = "ap-northeast-1", warehouse = { type = "snowflake" }, has_items = true }
}

run "subnets_in_three_zones" {
  command = plan
  assert {
    condition     = length(aws_subnet.private) == 3 && length(distinct([for subnet in aws_subnet.private : subnet.cidr_block])) == 3
    error_message = "There is a private subnet in each of three zones."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.private : cidrsubnet(subnet.cidr_block, 4, 15) != aws_subnet.door.cidr_block])
    error_message = "The door's addresses are no private subnet's."
  }
  assert {
    condition     = !contains(keys(aws_vpc_endpoint.interface), "redshift-data")
    error_message = "Only what is used has an endpoint."
  }
  assert {
    condition     = keys(aws_vpc_endpoint.gateway) == ["dynamodb", "s3"]
    error_message = "Tables of DynamoDB are reached without the internet."
  }
}

run "redshift_has_endpoints" {
  command = plan
  variables {
    settings = { cluster = "hinode-dpc-prod", region = "ap-northeast-1", warehouse = { type = "redshift" }, has_items = false }
  }
  assert {
    condition     = aws_vpc_endpoint.interface["redshift-data"].service_name == "com.amazonaws.ap-northeast-1.redshift-data"
    error_message = "The Data API is reached without the internet."
  }
  assert {
    condition     = keys(aws_vpc_endpoint.gateway) == ["s3"]
    error_message = "Without tables of DynamoDB there is no endpoint for them."
  }
}

run "a_small_network" {
  command = plan
  variables {
    range = "10.40.0.0/20"
  }
  expect_failures = [var.range]
}
