package disclosure

import (
	"strings"
	"testing"
)

// disclosing lists fields that the OWASP Secure Headers project asks to be
// removed, and those of servers and frameworks that say the same.
const disclosing = `
Server Via Powered-By Product SourceMap Host-Header Liferay-Portal Pega-Host OracleCommerceCloud-Version
MicrosoftSharePointTeamServices K-Proxy-Request
X-AspNet-Version X-AspNetMvc-Version X-Generator X-Generated-By X-Runtime X-Server X-Server-Name X-Served-By X-Host X-Hostname
X-Upstream X-Node X-Instance-ID X-Application-Context X-Framework X-CMS X-PHP-Version X-Python-Version X-Java-Version X-Version-Info
X-OWA-Version X-FEServer X-BEServer X-CalculatedBETarget X-DiagInfo X-SourceFiles X-SourceMap X-Mod-Pagespeed X-Page-Speed
X-Turbo-Charged-By X-Redirect-By X-Jenkins X-Hudson X-Jitsi-Release X-Umbraco-Version X-Cocoon-Version X-Content-Encoded-By
X-Drupal-Cache X-Rack-Cache X-Varnish X-Stack-Trace X-Exception X-Exception-Class X-SQL X-SQL-Query X-Query-Count
X-Debug X-Debug-Token X-Powered-By X-Powered-CMS X-Backend X-Backend-Server X-Backside-Transport X-Envoy-Upstream-Service-Time
X-Varnish-Backend X-LiteSpeed-Cache X-Kubernetes-PF-FlowSchema-UID X-Server-Powered-By X-B3-TraceId X-Upstream-Addr X-Symfony-Cache X-Nextjs-Cache
`

func TestFieldsThatTellWhatRuns(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(disclosing) {
		for _, as := range [...]string{name, strings.ToUpper(name), strings.ToLower(name), strings.ReplaceAll(name, "-", "_")} {
			if !discloses(as) {
				t.Errorf("%s is let through", as)
			}
		}
	}
	for _, name := range []string{"", "Age", "Date", "ETag", "X-Request-Id", "Content-Type", "Serve", "Servers", "X-Debu", "X-Upstreams", "[erver", "X-@untime"} {
		if discloses(name) {
			t.Errorf("%s is taken away", name)
		}
	}
}
