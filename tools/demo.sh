#!/usr/bin/env bash
# Usage: tools/demo.sh BIN DEST. Generates the four-pattern web shop into DEST with the `cdp` in
# BIN, and where Terraform is found starts it on a mock AWS. A DEST that exists is left as it is.
set -euo pipefail

bin=$1
dest=$2
answer=$dest/.local/answer

if [[ -e $dest ]]; then
  echo "./$dest exists and is left as it is; remove it to have it generated anew."
else
  "$bin/cdp" new "$dest" --no-input --set project=demo-shop \
    -p multi_datacenter -p state_sharing -p cache_distribution -p bootstrap
fi

if ! command -v terraform >/dev/null; then
  echo "Terraform was not found, so the stack was not built; with it, run: make -C $dest local"
elif [[ -s $answer && -z $(find "$dest" -newer "$answer" -type f -not -path '*/.local/*' -not -path '*/.venv/*' -print -quit) ]]; then
  echo
  echo "The stack was built from these very files before; the application answered:"
  cat "$answer"
  echo "Build it again with: make -C $dest local"
else
  make -C "$dest" local
fi
