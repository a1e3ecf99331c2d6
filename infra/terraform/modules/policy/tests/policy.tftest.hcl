variables {
  file = "./tests/example.json"
}

run "blanks_are_filled" {
  command = plan
  variables {
    values = { bucket = "b", key = "arn:aws:kms:::key/k", one_role = "arn:one", other_role = "arn:other" }
  }
  assert {
    condition     = length(jsondecode(output.json).Statement) == 3 && jsondecode(output.json).Statement[0].Resource == ["arn:aws:s3:::b/x", "arn:aws:kms:::key/k"]
    error_message = "With a value for each blank every statement is there."
  }
  assert {
    condition     = jsondecode(output.json).Statement[2].Principal == "*"
    error_message = "A principal that is no role stays as it is."
  }
}

run "what_is_absent_is_left_out" {
  command = plan
  variables {
    values = { bucket = "b", key = "absent", one_role = "absent", other_role = "arn:other" }
  }
  assert {
    condition     = [for statement in jsondecode(output.json).Statement : statement.Sid] == ["Read", "Roles"]
    error_message = "A statement with nothing left is left out."
  }
  assert {
    condition     = jsondecode(output.json).Statement[0].Resource == ["arn:aws:s3:::b/x"] && jsondecode(output.json).Statement[1].Principal.AWS == ["arn:other"]
    error_message = "Of a statement only what is there stays."
  }
}

run "nothing_left" {
  command = plan
  variables {
    values = { bucket = "absent", key = "absent", one_role = "absent", other_role = "absent" }
  }
  expect_failures = [output.json]
}
