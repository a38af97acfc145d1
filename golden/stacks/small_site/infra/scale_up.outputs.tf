output "scale_up_instance_type" {
  description = "Size of the server now, by name, with the largest you would pay for."
  value = {
    largest = var.scale_up_largest_type
    now     = { for name, server in aws_instance.standalone_server : name => server.instance_type }
  }
}
