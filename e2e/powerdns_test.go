package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	_ "modernc.org/sqlite" // makes the server's database
)

const (
	powerdnsRoot = ".cache/powerdns/root"
	powerdnsKey  = "scratch-key-of-the-test"
	// powerdnsWithBody is how many operations of its document have a body.
	powerdnsWithBody = 10
)

// startPowerDNS runs a scratch server with a database of its own, on loopback
// and without a service, and returns its base URL.
func startPowerDNS(t *testing.T) string {
	t.Helper()
	root := need(t, powerdnsRoot, "e2e/powerdns.sh as root")
	libs, err := filepath.Glob(root + "/usr/lib/*/pdns")
	if err != nil || len(libs) != 1 {
		t.Fatalf("%d folders of backends in %s", len(libs), root)
	}
	schema, err := os.ReadFile(root + "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir, api := t.TempDir(), freePort(t)
	db, err := sql.Open("sqlite", dir+"/pdns.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(schema)); err != nil {
		t.Fatalf("make the server's database: %v", err)
	}
	cmd := exec.Command(root+"/usr/sbin/pdns_server", "--no-config", "--launch=gsqlite3", "--module-dir="+libs[0],
		"--gsqlite3-database="+dir+"/pdns.db", "--gsqlite3-dnssec=yes", "--local-address=127.0.0.1", "--local-port="+freePort(t),
		"--api=yes", "--api-key="+powerdnsKey, "--webserver=yes", "--webserver-address=127.0.0.1", "--webserver-port="+api,
		"--webserver-allow-from=127.0.0.1", "--socket-dir="+dir, "--daemon=no", "--guardian=no", "--disable-syslog=yes",
		"--write-pid=no", "--security-poll-suffix=")
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(libs[0]))
	base := "http://127.0.0.1:" + api
	run(t, cmd).until(t, "listen", func(string) bool { return reaches(base) })
	return base
}

// powerdnsDocument fetches the document that the server publishes, and writes
// it for the gateway as it is.
func powerdnsDocument(t *testing.T, base string) (object, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, base+"/api/docs", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	got, err := (&target{header: "X-API-Key", key: powerdnsKey, client: http.DefaultClient}).do(req)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("fetch the document: %d %v", got.status, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
	if err != nil {
		t.Fatalf("read the document: %v", err)
	}
	file := t.TempDir() + "/powerdns.json"
	if err := os.WriteFile(file, got.body, 0o600); err != nil {
		t.Fatal(err)
	}
	return v.(object), file
}

// step is one call of a client of PowerDNS.
type step struct {
	op     string // its operationId
	method string
	path   string // below /api/v1/servers/localhost
	body   object // nil for none
	want   int
	shows  string // must stand in the reply
}

const zonePath = "/zones/example.org."

// zoneSteps make, change and read a zone and its records.
func zoneSteps() []step {
	rrset := func(change, kind string, content ...string) object {
		records := []any{}
		for _, c := range content {
			records = append(records, object{"content": c, "disabled": false})
		}
		return object{"name": "www.example.org.", "type": kind, "ttl": 300, "changetype": change, "records": records}
	}
	return []step{
		{"createZone", "POST", "/zones", object{"name": "example.org.", "kind": "Native", "nameservers": []any{"ns1.example.net."}}, 201, `"example.org."`},
		{"listZones", "GET", "/zones?zone=example.org.", nil, 200, `"example.org."`},
		{"listZone", "GET", zonePath, nil, 200, "ns1.example.net."},
		{"patchZone", "PATCH", zonePath, object{"rrsets": []any{rrset("REPLACE", "A", "192.0.2.1", "192.0.2.2")}}, 204, ""},
		{"listZone", "GET", zonePath + "?rrset_name=www.example.org.&rrset_type=A", nil, 200, "192.0.2.2"},
		{"searchData", "GET", "/search-data?q=www*&max=10", nil, 200, "www.example.org."},
		{"axfrExportZone", "GET", zonePath + "/export", nil, 200, "192.0.2.1"},
		{"patchZone", "PATCH", zonePath, object{"rrsets": []any{rrset("DELETE", "A")}}, 204, ""},
		{"listZone", "GET", zonePath, nil, 200, `"rrsets"`},
		{"putZone", "PUT", zonePath, object{"kind": "Master", "account": "operations", "api_rectify": true}, 204, ""},
		{"listZone", "GET", zonePath + "?rrsets=false", nil, 200, `"operations"`},
	}
}

// metadataSteps do the same for the metadata of the zone. The document says
// that createMetadata answers 204; the server answers 201.
func metadataSteps() []step {
	const kind = zonePath + "/metadata/ALLOW-AXFR-FROM"
	return []step{
		{"createMetadata", "POST", zonePath + "/metadata", object{"kind": "ALLOW-AXFR-FROM", "metadata": []any{"AUTO-NS"}}, 201, "AUTO-NS"},
		{"listMetadata", "GET", zonePath + "/metadata", nil, 200, "AUTO-NS"},
		{"modifyMetadata", "PUT", kind, object{"kind": "ALLOW-AXFR-FROM", "metadata": []any{"192.0.2.0/24"}}, 200, "192.0.2.0/24"},
		{"getMetadata", "GET", kind, nil, 200, "192.0.2.0/24"},
		{"deleteMetadata", "DELETE", kind, nil, 200, ""},
	}
}

// keySteps make, change, read and remove keys; the first key of a fresh
// database has number 1.
func keySteps() []step {
	const key, tsig, secret = zonePath + "/cryptokeys/1", "/tsigkeys/transfer.", "c2FtcGxlLXNlY3JldC1vZi10aGUtdGVzdA=="
	return []step{
		{"createCryptokey", "POST", zonePath + "/cryptokeys", object{"keytype": "csk", "active": true, "algorithm": "ecdsa256"}, 201, "ECDSAP256SHA256"},
		{"listCryptokeys", "GET", zonePath + "/cryptokeys", nil, 200, "dnskey"},
		{"rectifyZone", "PUT", zonePath + "/rectify", nil, 200, "Rectified"},
		{"modifyCryptokey", "PUT", key, object{"active": false}, 204, ""},
		{"getCryptokey", "GET", key, nil, 200, `"active": false`},
		{"deleteCryptokey", "DELETE", key, nil, 204, ""},
		{"createTSIGKey", "POST", "/tsigkeys", object{"name": "transfer", "algorithm": "hmac-sha256"}, 201, "hmac-sha256"},
		{"listTSIGKeys", "GET", "/tsigkeys", nil, 200, "transfer."},
		{"putTSIGKey", "PUT", tsig, object{"key": secret}, 200, secret},
		{"getTSIGKey", "GET", tsig, nil, 200, secret},
		{"deleteTSIGKey", "DELETE", tsig, nil, 204, ""},
	}
}

// serverSteps use what belongs to the whole server, and remove the zone.
func serverSteps() []step {
	return []step{
		{"createAutoprimary", "POST", "/autoprimaries", object{"ip": "192.0.2.53", "nameserver": "ns1.example.net", "account": "operations"}, 201, ""},
		{"getAutoprimaries", "GET", "/autoprimaries", nil, 200, "192.0.2.53"},
		{"deleteAutoprimary", "DELETE", "/autoprimaries/192.0.2.53/ns1.example.net", nil, 204, ""},
		{"listServer", "GET", "", nil, 200, "authoritative"},
		{"getConfig", "GET", "/config", nil, 200, "gsqlite3"},
		{"getStats", "GET", "/statistics?includerings=false", nil, 200, "uptime"},
		{"cacheFlushByName", "PUT", "/cache/flush?domain=example.org.", nil, 200, "Flushed"},
		{"notifyZone", "PUT", zonePath + "/notify", nil, 200, "Notification"},
		{"deleteZone", "DELETE", zonePath, nil, 204, ""},
		{"listZone", "GET", zonePath, nil, 404, ""},
	}
}

func TestPowerDNSIsDrivenThroughCreateReadUpdateAndDelete(t *testing.T) {
	t.Parallel()
	base := startPowerDNS(t)
	root, file := powerdnsDocument(t, base)
	judge := &swagger{&document{root: root, oracle: newOracle(t, root)}}
	server := count(t, base)
	gate := guard(t, server.url, file)
	if gate.guarded {
		refuses(t, gate, server)
	}
	gate.header, gate.key = "X-API-Key", powerdnsKey // its own scheme, which passes through
	used, broken := map[string]bool{}, map[string]int{}
	for _, s := range slices.Concat(zoneSteps(), metadataSteps(), keySteps(), serverSteps()) {
		before := server.calls.Load()
		got := s.send(t, gate)
		if n := server.calls.Load() - before; n != 1 {
			t.Errorf("%s %s: %d calls upstream: %d %.300s", s.method, s.path, n, got.status, got.body)
		}
		if got.status != s.want || !bytes.Contains(got.body, []byte(s.shows)) {
			t.Errorf("%s %s: status %d, want %d with %q: %.600s", s.method, s.path, got.status, s.want, s.shows, got.body)
		}
		if err := judge.body(s); err != nil {
			t.Errorf("%s %s: the test's own body is not lawful: %v", s.method, s.path, err)
		}
		for _, b := range judge.reply(s, got) {
			broken[s.op+": "+b]++
		}
		if s.body != nil {
			used[s.op] = true
		}
	}
	if len(used) != powerdnsWithBody {
		t.Errorf("%d operations with bodies, want %d", len(used), powerdnsWithBody)
	}
	t.Logf("%d operations with bodies driven; replies that break the server's own document:%s", len(used), sorted(broken))
}

// send makes the call.
func (s step) send(t *testing.T, gate *target) reply {
	t.Helper()
	var body []byte
	if s.body != nil {
		var err error
		if body, err = json.Marshal(s.body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequest(s.method, gate.base+"/api/v1/servers/localhost"+s.path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if s.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	got, err := gate.do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", s.method, s.path, err)
	}
	return got
}

// refuses wants the gateway to stop what the document rules out.
func refuses(t *testing.T, gate *target, server *upstream) {
	t.Helper()
	lawful := zoneSteps()[0]
	wrongKind := object{"name": "example.org.", "kind": "Imaginary"}
	for _, c := range []struct {
		name, key string
		step
	}{
		{"no key at all", "", lawful},
		{"a kind of zone that there is not", powerdnsKey, step{"", "POST", "/zones", wrongKind, 0, ""}},
		{"a number for a name", powerdnsKey, step{"", "POST", "/zones", object{"name": 7, "kind": "Native"}, 0, ""}},
		{"a path that is not declared", powerdnsKey, step{"", "GET", "/undeclared", nil, 0, ""}},
		{"a method that is not declared", powerdnsKey, step{"", "DELETE", "/zones", nil, 0, ""}},
		{"a parameter that is not declared", powerdnsKey, step{"", "GET", "/zones?undeclared=1", nil, 0, ""}},
	} {
		gate.header, gate.key = "X-API-Key", c.key
		before := server.calls.Load()
		got := c.send(t, gate)
		if n := server.calls.Load() - before; n != 0 || got.status < 400 || got.status > 422 || !got.problem() {
			t.Errorf("%s: %d calls upstream, status %d: %.300s", c.name, n, got.status, got.body)
		}
	}
}

// swagger judges by a Swagger 2.0 document.
type swagger struct{ *document }

// operation is the place of an operation.
func (d *swagger) operation(s step) string {
	for path, item := range d.root["paths"].(object) {
		if op, ok := item.(object)[strings.ToLower(s.method)].(object); ok && op["operationId"] == s.op {
			return "#/paths/" + escape(path) + "/" + strings.ToLower(s.method)
		}
	}
	return ""
}

// body is nil where the body is one that the document allows.
func (d *swagger) body(s step) error {
	if s.body == nil {
		return nil
	}
	at := d.operation(s)
	params, _ := d.at(at)["parameters"].([]any)
	for i, p := range params {
		if p.(object)["in"] == "body" {
			return d.oracle.check(fmt.Sprintf("%s/parameters/%d/schema", at, i), plainJSON(s.body))
		}
	}
	return fmt.Errorf("%q declares no body", s.op)
}

// reply lists where a reply is not what the document says.
func (d *swagger) reply(s step, r reply) []string {
	at := fmt.Sprintf("%s/responses/%d", d.operation(s), r.status)
	declared := d.at(at)
	if len(declared) == 0 {
		return []string{fmt.Sprintf("status %d is not declared", r.status)}
	}
	schema, _ := declared["schema"].(object)
	if schema == nil {
		if len(r.body) > 0 {
			return []string{fmt.Sprintf("status %d has a body, none is declared", r.status)}
		}
		return nil
	}
	if !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		return []string{"media type " + r.header.Get("Content-Type") + " is not declared"}
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.body))
	if err != nil {
		return []string{"the body is not JSON: " + err.Error()}
	}
	var out []string
	if err := d.oracle.check(at+"/schema", v); err != nil {
		text := err.Error()
		out = append(out, strings.Join(strings.Fields(text[strings.IndexByte(text, '\n')+1:]), " "))
	}
	for name := range d.undeclared(schema, v) {
		out = append(out, "member "+name+" is not declared")
	}
	return out
}

// undeclared lists the members of v that the schema does not name.
func (d *swagger) undeclared(schema object, v any) map[string]bool {
	schema, _ = d.follow(schema, "")
	out := map[string]bool{}
	switch v := v.(type) {
	case []any:
		items, _ := schema["items"].(object)
		for _, x := range v {
			for name := range d.undeclared(items, x) {
				out[name] = true
			}
		}
	case object:
		props, _ := schema["properties"].(object)
		for name, x := range v {
			p, ok := props[name].(object)
			if !ok && len(props) > 0 {
				out[name] = true
			}
			for below := range d.undeclared(p, x) {
				out[name+"."+below] = true
			}
		}
	}
	return out
}

// plainJSON is v as a JSON decoder would have read it.
func plainJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return out
}
