# Users fetch files from the edge, and the edge from the bucket: no server carries them, and
# none has to hold a copy.

locals {
  # Where every file is found, at the same path as on the web servers.
  web_storage_url = local.edge_address

  # Large files, which `scripts/publish.py` puts into the bucket, have a path of their own. The
  # application's own files keep theirs.
  web_storage_folders = {
    static = "app/src/app/static"
  }
  web_storage_prefixes = concat([for path in keys(local.web_storage_folders) : "/${path}/"], ["/media/"])
  web_storage_paths    = [for prefix in local.web_storage_prefixes : "${prefix}*"]

  web_storage_files = merge([
    for at, folder in local.web_storage_folders : {
      for file in fileset("${path.module}/../${folder}", "**") : "${at}/${file}" => "${path.module}/../${folder}/${file}"
      if length(regexall("(^|/)\\.", file)) == 0 # what editors and tools leave behind
    }
  ]...)

  # A browser goes by the type alone; `nosniff` forbids it to guess.
  web_storage_types = {
    avif  = "image/avif"
    css   = "text/css; charset=utf-8"
    gif   = "image/gif"
    html  = "text/html; charset=utf-8"
    ico   = "image/vnd.microsoft.icon"
    jpeg  = "image/jpeg"
    jpg   = "image/jpeg"
    js    = "text/javascript; charset=utf-8"
    json  = "application/json"
    map   = "application/json"
    mjs   = "text/javascript; charset=utf-8"
    pdf   = "application/pdf"
    png   = "image/png"
    svg   = "image/svg+xml"
    txt   = "text/plain; charset=utf-8"
    wasm  = "application/wasm"
    webp  = "image/webp"
    woff  = "font/woff"
    woff2 = "font/woff2"
    xml   = "application/xml"
  }
}

# These travel with the repository, and are small: Terraform keeps no more than their hashes.
resource "aws_s3_object" "web_storage" {
  for_each = local.web_storage_files

  bucket       = aws_s3_bucket_versioning.object_storage["content"].bucket # an object older than versioning has no version
  key          = each.key
  source       = each.value
  source_hash  = filesha256(each.value)
  content_type = lookup(local.web_storage_types, lower(try(one(regex("\\.([^./]+)$", each.key)), "")), "application/octet-stream")

  # What is named after its content never changes, and may be kept for good.
  cache_control = can(regex("\\.[0-9a-f]{8,64}\\.[^/]+$", each.key)) ? "public, max-age=31536000, immutable" : "public, max-age=${var.web_storage_seconds}"
}
