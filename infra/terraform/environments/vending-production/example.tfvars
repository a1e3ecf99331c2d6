account           = "123456789012"
company           = "hinode"
snowflake_account = "ab12345.ap-northeast-1.aws"
image             = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/hinode-vending@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
login = {
  image           = "oauth2-proxy@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  issuer          = "https://login.example.com"
  client_id       = "vending-dagster"
  certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
  view_host       = "dagster.example.com"
  operate_host    = "operate.dagster.example.com"
}
trusted = {
  deliverer = ["arn:aws:iam::123456789012:role/machine-gateway"]
  reader    = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/analysts"]
  operator  = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/on-duty"]
}
service = {
  host = "data.example.com"
}
variables = {
  payments_url = "https://api.payments.example.com"
}
database_apis = {
  shop = {
    database        = { cluster = "shop", security_group_id = "sg-0123456789abcdef0", vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] }
    host            = "shop-api.example.com"
    due             = "rate(1 hour)"
    certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}
