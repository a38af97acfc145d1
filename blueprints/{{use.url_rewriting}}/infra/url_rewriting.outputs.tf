output "url_rewriting_base" {
  description = "Where links to static files lead; empty while the filter is off."
  value       = var.url_rewriting_enabled ? local.web_storage_url : ""
}
