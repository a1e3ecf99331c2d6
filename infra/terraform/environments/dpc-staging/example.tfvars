account = "210987654321"
company = "hinode"
image   = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/hinode-dpc@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
login = {
  image           = "oauth2-proxy@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  issuer          = "https://login.example.com"
  client_id       = "dpc-dagster"
  certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
  view_host       = "dagster.example.com"
  operate_host    = "operate.dagster.example.com"
}
trusted = {
  deliverer = ["arn:aws:iam::123456789012:role/uploader"]
  reader    = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/analysts"]
  operator  = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/on-duty"]
}
delivery_addresses = ["203.0.113.0/24"]
