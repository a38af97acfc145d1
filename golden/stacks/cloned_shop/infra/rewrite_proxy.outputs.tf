output "rewrite_proxy_links" {
  description = "Paths whose links the proxies change in every page, and where the links lead then."
  value = {
    paths = local.web_storage_prefixes
    to    = local.web_storage_url
  }
}
