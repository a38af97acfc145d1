output "floating_ip_document" {
  description = "Systems Manager automation that moves the address; `scripts/move_address.py` starts it."
  value       = aws_ssm_document.floating_ip.name
}
