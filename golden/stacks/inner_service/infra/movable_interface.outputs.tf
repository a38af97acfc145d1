output "movable_interface_id" {
  description = "The network card that has the address."
  value       = aws_network_interface.movable_interface.id
}

output "movable_interface_ip" {
  description = "The private address, whichever server has it; port 8000 leads to the application."
  value       = aws_network_interface.movable_interface.private_ip
}
