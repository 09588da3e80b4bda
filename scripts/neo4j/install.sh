#!/usr/bin/env bash
# Puts the jars of the Neo4j Community server that pom.xml names into FOLDER/lib; nothing to do when they are there.
set -euo pipefail
folder=$1
pom=$(dirname "$0")/pom.xml
if cmp -s "$pom" "$folder/pom.xml"; then
  exit 0
fi
echo "Fetching the Neo4j server (about 120 MB) …"
rm -rf "$folder"
mkdir -p "$folder"
mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DoutputDirectory="$(realpath "$folder")/lib" -DincludeScope=runtime
# Copied last: it marks the folder as complete.
cp "$pom" "$folder/pom.xml"
