output "session_cache_url" {
  description = "Where the sessions are; it leads to the primary, whichever node that is."
  value       = local.session_cache_url
}
