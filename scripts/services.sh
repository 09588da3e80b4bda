#!/usr/bin/env bash
# Installs the real servers that the tests talk to: Neo4j Community (Maven), an S3 server (pip),
# PostgreSQL, Redis, curl and Chromium (apt).
# Needs root for apt only; a second call finds everything there and ends at once.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need COMMAND PACKAGE
  command -v "$1" >/dev/null || missing+=("$2")
}
need java openjdk-17-jre-headless
need mvn maven
need chromium chromium
need curl curl
need redis-server redis-server
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
ldconfig -p | grep -q libgomp.so.1 || missing+=(libgomp1)

if ((${#missing[@]})); then
  if [[ $(id -u) -ne 0 ]]; then
    echo "Not installed: ${missing[*]}. Run 'make services' as root, or install them yourself." >&2
    exit 1
  fi
  echo "Installing ${missing[*]} …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

bash scripts/neo4j/install.sh .services/neo4j
bash scripts/s3/install.sh .services/s3
echo "Services are ready: Neo4j and S3 in .services, PostgreSQL, Redis, $(chromium --version 2>/dev/null | head -n 1)."
