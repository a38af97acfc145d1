output "network_nat_addresses" {
  description = "Public addresses the servers' own requests come from, by zone; for allow-lists of partners."
  value       = { for zone, address in aws_eip.network_nat : zone => address.public_ip }
}

output "network_private_subnet_ids" {
  description = "Private subnets, by zone."
  value       = { for zone, subnet in aws_subnet.network_private : zone => subnet.id }
}

output "network_public_subnet_ids" {
  description = "Public subnets, by zone."
  value       = { for zone, subnet in aws_subnet.network_public : zone => subnet.id }
}

output "network_vpc_id" {
  description = "The VPC."
  value       = aws_vpc.network.id
}
