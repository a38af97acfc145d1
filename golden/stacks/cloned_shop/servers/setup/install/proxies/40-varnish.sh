#!/bin/bash
# Varnish. Amazon Linux 2023 has no package of it; this is the Varnish project's own repository, the
# series with long-term support, built for Enterprise Linux 9, whose libraries Amazon Linux shares.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

# The list of packages is signed and holds the hash of each, so no package needs a signature.
put "$ROOT/etc/yum.repos.d/varnish.repo" 644 <<'REPOSITORY'
[varnish]
name=Varnish Cache 6.0 LTS
baseurl=https://packagecloud.io/varnishcache/varnish60lts/el/9/$basearch
enabled=1
gpgcheck=0
repo_gpgcheck=1
gpgkey=https://packagecloud.io/varnishcache/varnish60lts/gpgkey
sslverify=1
REPOSITORY

# It compiles its rules, and brings the compiler it needs for that.
retry dnf install --assumeyes --quiet varnish
