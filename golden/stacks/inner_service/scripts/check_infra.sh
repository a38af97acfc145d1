#!/usr/bin/env bash
# Checks the Terraform: layout, validity, its own tests. `make test` calls it.
#
# The tests take minutes, so they are left out where nothing they read has changed since they
# passed: neither files nor the versions of Terraform and provider. Where CI is set they run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

passed=.local/infra-passed

if ! command -v terraform >/dev/null; then
  if [[ -n ${CI:-} ]]; then
    echo "error: terraform was not found; where CI is set, nothing is skipped" >&2
    exit 1
  fi
  echo "skipped: the Terraform was not checked, for terraform was not found"
  exit 0
fi

# The setup of servers travels with the Terraform, so its tests read these folders too.
fingerprint() {
  local folders=() folder
  for folder in infra app servers; do
    [[ ! -d $folder ]] || folders+=("$folder")
  done
  {
    terraform -chdir=infra version
    find "${folders[@]}" \
      \( -name .terraform -o -name '.?*_cache' -o -name __pycache__ -o -name .venv \) -prune -o \
      -type f ! -name '*.tfplan' ! -name '*.tfstate*' -exec cksum {} + | sort
  } | cksum
}

terraform -chdir=infra fmt -check -recursive || {
  echo "error: these files are not laid out as Terraform does it; run: make fmt" >&2
  exit 1
}
terraform -chdir=infra init -backend=false -input=false >/dev/null
now=$(fingerprint)
if [[ -z ${CI:-} && -f $passed && $now == "$(<"$passed")" ]]; then
  echo "the Terraform is just as it was when it passed; to test it again: rm $passed"
  exit 0
fi
rm -f "$passed"
terraform -chdir=infra validate
terraform -chdir=infra test
mkdir -p .local
echo "$now" >"$passed"
