package disclosure

// known is how much of a name is looked at, in bytes; the longest name below
// is shorter.
const known = 40

// discloses tells whether a field by this name says what runs behind the
// gateway, without regard to case.
func discloses(name string) bool {
	if name == "" || !begins(name[0]) {
		return false
	}
	var buf [known]byte
	low := buf[:copy(buf[:], name)]
	for i, c := range low {
		switch {
		case c == '_':
			low[i] = '-' // as CGI and its heirs write it
		case c >= 'A' && c <= 'Z':
			low[i] = c + 'a' - 'A'
		}
	}
	return tells(low)
}

// begins tells whether a name in tells begins with c, without regard to case.
// Most fields of most replies are told by that.
func begins(c byte) bool {
	switch c | 0x20 {
	case 'h', 'k', 'l', 'm', 'o', 'p', 's', 'v', 'x':
		return true
	}
	return false
}

// tells holds the fields that say which software, version or host answered.
// The list follows that of the OWASP Secure Headers project; fields of
// content delivery that clients use, such as Age, are not in it.
func tells(low []byte) bool {
	switch string(low) {
	case "server", "via", "powered-by", "product", "sourcemap", "host-header", "liferay-portal", "pega-host", "oraclecommercecloud-version",
		"microsoftsharepointteamservices", "k-proxy-request",
		"x-aspnet-version", "x-aspnetmvc-version", "x-generator", "x-generated-by", "x-runtime", "x-server", "x-served-by", "x-host", "x-hostname",
		"x-upstream", "x-node", "x-instance-id", "x-application-context", "x-framework", "x-cms", "x-php-version", "x-python-version", "x-java-version", "x-version-info",
		"x-owa-version", "x-feserver", "x-beserver", "x-calculatedbetarget", "x-diaginfo", "x-sourcefiles", "x-sourcemap", "x-mod-pagespeed", "x-page-speed",
		"x-turbo-charged-by", "x-redirect-by", "x-jenkins", "x-hudson", "x-jitsi-release", "x-umbraco-version", "x-cocoon-version", "x-content-encoded-by",
		"x-drupal-cache", "x-rack-cache", "x-varnish", "x-stack-trace", "x-exception", "x-exception-class", "x-sql", "x-sql-query", "x-query-count":
		return true
	}
	for _, prefix := range [...]string{
		"x-debug", "x-powered", "x-backend", "x-backside", "x-envoy-", "x-varnish-", "x-litespeed-", "x-kubernetes-", "x-server-", "x-b3-", "x-upstream-", "x-symfony-", "x-nextjs-",
	} {
		if string(low[:min(len(low), len(prefix))]) == prefix {
			return true
		}
	}
	return false
}
