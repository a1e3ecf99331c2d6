output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "range" {
  description = "Its addresses."
  value       = var.range
}

output "subnet_ids" {
  description = "The private subnets, one in each of three zones."
  value       = [for subnet in aws_subnet.private : subnet.id]
}
