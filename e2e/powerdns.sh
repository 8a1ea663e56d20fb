#!/bin/sh
# Fetches Debian's PowerDNS server with its SQLite backend and unpacks it below
# .cache/powerdns, without installing it or starting a service. Prints the
# folder that holds it. Needs Debian or Ubuntu, apt-get, dpkg and root.
set -eu
cd "$(dirname "$0")"
mkdir -p .cache/powerdns/debs/partial
cd .cache/powerdns
if [ ! -x root/usr/sbin/pdns_server ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q >&2
	# With the packages installed already apt would fetch nothing: --reinstall.
	apt-get install -q -y --no-install-recommends --download-only --reinstall \
		-o "Dir::Cache::archives=$PWD/debs" pdns-server pdns-backend-sqlite3 >&2
	rm -rf unpacked
	for deb in debs/*.deb; do dpkg -x "$deb" unpacked; done
	mv unpacked root
fi
echo "$PWD/root"
