output "elastic_address_name" {
  description = "Name AWS gave the address; it stays as long as the address does."
  value       = aws_eip.elastic_address.public_dns
}

output "elastic_address_public_ip" {
  description = "The address, whichever server has it; http:// and port 80 lead to the application."
  value       = aws_eip.elastic_address.public_ip
}
