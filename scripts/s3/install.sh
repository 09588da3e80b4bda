#!/usr/bin/env bash
# Puts the S3 server that requirements.txt names into the virtual environment FOLDER; nothing to do when it is there.
set -euo pipefail
folder=$1
requirements=$(dirname "$0")/requirements.txt
if cmp -s "$requirements" "$folder/requirements.txt"; then
  exit 0
fi
echo "Fetching the S3 server (about 140 MB) …"
rm -rf "$folder"
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install -q --disable-pip-version-check -r "$requirements"
# Copied last: it marks the folder as complete.
cp "$requirements" "$folder/requirements.txt"
