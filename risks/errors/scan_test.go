package errors

import (
	"encoding/json"
	"strings"
	"testing"

	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// leaking are texts as services really write them.
func leaking() map[string]string {
	return map[string]string{
		"Java":             "java.lang.IllegalStateException: boom\n\tat com.acme.orders.OrderService.find(OrderService.java:42)\n\tat java.base/java.lang.Thread.run(Thread.java:833)\n",
		"Spring":           `{"timestamp":"2026-01-01","status":500,"trace":"org.springframework.dao.DataIntegrityViolationException: could not execute statement"}`,
		"Kotlin":           "at com.acme.MainKt.main(Main.kt:7)\nat com.acme.MainKt.run(Main.kt:9)",
		"Python":           "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\nKeyError: 'x'",
		"Django":           "<title>ProgrammingError at /users</title> You're seeing this error because you have <code>DEBUG = True</code>",
		"Node":             "TypeError: Cannot read properties of undefined (reading 'id')\n    at getUser (/srv/api/users.js:10:22)\n    at Layer.handle (express/lib/router/layer.js:95:5)",
		"Express":          "Error: x<br> &nbsp; &nbsp;at /usr/src/app/index.js:3:9",
		"ENOENT":           "ENOENT: no such file or directory, open '/data/1.json'",
		"Go":               "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 17 [running]:\nmain.handler(0xc000)\n\t/src/main.go:17 +0x1d",
		"Rust":             "thread 'tokio-runtime-worker' panicked at src/main.rs:4:5:\nboom",
		".NET":             "System.NullReferenceException: Object reference not set to an instance of an object.\r\n   at Acme.Api.Get(Int32 id) in C:\\src\\Api.cs:line 12",
		"ASP.NET":          "<h1>Server Error in '/' Application.</h1>",
		"PHP":              "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/var/www/html/index.php</b> on line <b>3</b><br />",
		"PHP uncaught":     "PHP Fatal error:  Uncaught PDOException: SQLSTATE[42000]: Syntax error in /srv/a.php:12\nStack trace:\n#0 {main}",
		"Laravel":          `{"message":"x","exception":"Illuminate\\Database\\QueryException","file":"/home/forge/a.php","line":3}`,
		"Ruby":             "NoMethodError (undefined method `name' for nil:NilClass):\napp/controllers/users_controller.rb:12:in `show'",
		"MySQL":            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near ''1''' at line 1",
		"PostgreSQL":       `ERROR: syntax error at or near "'" at character 38`,
		"PostgreSQL text":  `unterminated quoted string at or near "'1'"`,
		"a constraint":     `ERROR: duplicate key value violates unique constraint "users_email_key"`,
		"SQLite":           `SQLITE_ERROR: near "'": syntax error`,
		"SQLite in Go":     `SQL logic error: unrecognized token: "'" (1)`,
		"SQL Server":       "Unclosed quotation mark after the character string ''.",
		"Oracle":           `{"message":"ORA-01756: quoted string not properly terminated"}`,
		"Oracle in text":   "java.sql.SQLException: ORA-00933: SQL command not properly ended",
		"MongoDB":          "E11000 duplicate key error collection: app.users index: email_1 dup key",
		"Prisma":           "PrismaClientKnownRequestError: \nInvalid `prisma.user.findMany()` invocation",
		"nginx":            "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center><hr><center>nginx/1.18.0 (Ubuntu)</center></body></html>",
		"Apache":           "<address>Apache/2.4.41 (Ubuntu) Server at localhost Port 80</address>",
		"Tomcat":           "<h3>Apache Tomcat/9.0.31</h3>",
		"Werkzeug":         "<title>KeyError // Werkzeug Debugger</title>",
		"a Windows path":   `cannot open C:\inetpub\wwwroot\web.config`,
		"a path and more":  "open /home/deploy/app/config.yml: no such file or directory",
		"a package's path": `File "/usr/lib/python3.9/site-packages/flask/app.py", line 2`,
	}
}

// lawful are texts of errors that say nothing of the inside.
func lawful() map[string]string {
	return map[string]string{
		"a problem document":     `{"type":"about:blank","title":"Bad Request","status":400,"detail":"limit must be at most 100"}`,
		"a validation error":     `{"errors":[{"field":"email","message":"must be an email address"},{"field":"age","message":"syntax error"}]}`,
		"GraphQL":                `{"errors":[{"message":"Syntax Error: Expected Name, found }","locations":[{"line":3,"column":9}]}]}`,
		"a JSON parser":          `{"error":"SyntaxError: Unexpected token } in JSON at position 9"}`,
		"a link":                 `{"documentation_url":"https://docs.example.com/home/app/errors"}`,
		"a file of the caller":   `{"message":"main.go was not found in the repository"}`,
		"a file with a place":    `{"message":"main.go:12 has no comment"}`,
		"a table of the caller":  `{"message":"the table has no column price"}`,
		"a version that is ours": `{"message":"use API v2"}`,
		"aurora":                 `{"message":"the host aurora-2: is gone"}`,
		"a home":                 `{"message":"/home/devices is not a room"}`,
		"a stack of boxes":       `{"message":"stack trace: not available"}`,
		"the framework's 404":    `{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/app/home/opt/"}`,
		"panic":                  `{"message":"panic button is disabled"}`,
		"goroutines":             `{"message":"goroutine leaks are reviewed on Monday"}`,
		"text":                   "404 page not found\n",
		"nothing":                "",
	}
}

func scanned(text string) tally {
	var t tally
	t.plain([]byte(text))
	return t
}

func TestWhatServicesWriteIsFound(t *testing.T) {
	t.Parallel()
	for name, text := range leaking() {
		for form, f := range forms() {
			if got := f(text); !got.leaks() {
				t.Errorf("%s, %s: %+v", name, form, got)
			}
		}
	}
}

// forms are the ways in which the same text may come.
func forms() map[string]func(string) tally {
	asJSON := func(v any) tally {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		var t tally
		t.escaped(b)
		return t
	}
	return map[string]func(string) tally{
		"as it stands":     scanned,
		"in capitals":      func(s string) tally { return scanned(strings.ToUpper(s)) },
		"in a JSON string": func(s string) tally { return asJSON(map[string]string{"error": s}) },
		"every letter escaped": func(s string) tally {
			var b strings.Builder
			for _, u := range utf16.Encode([]rune(s)) {
				b.WriteString(`\u00`)
				const hex = "0123456789ABCDEF"
				b.WriteByte(hex[u>>4&15])
				b.WriteByte(hex[u&15])
			}
			var t tally
			t.escaped([]byte(`{"a":"` + b.String() + `"}`))
			return t
		},
		"in UTF-16": func(s string) tally {
			var b strings.Builder
			b.WriteString("\xff\xfe")
			for _, u := range utf16.Encode([]rune(s)) {
				b.WriteByte(byte(u))
				b.WriteByte(byte(u >> 8))
			}
			return scanned(b.String())
		},
		"with wide blanks": func(s string) tally { return scanned(strings.ReplaceAll(s, " ", "\r\n\t  ")) },
		"behind much else": func(s string) tally { return scanned(strings.Repeat("lorem ipsum /ho", 700) + s) },
		"behind false starts": func(s string) tally {
			return scanned(strings.Repeat("Tracebac", 9) + "Traceback (most recent call lasjava.lan" + s)
		},
		"before a broken end": func(s string) tally { return scanned(s + "\xff\xfe\\u12") },
		"a string in a string": func(s string) tally {
			b, err := json.Marshal(s)
			if err != nil {
				panic(err)
			}
			return asJSON(string(b))
		},
	}
}

func TestLawfulErrorsAreNotFound(t *testing.T) {
	t.Parallel()
	for name, text := range lawful() {
		for form, f := range forms() {
			if got := f(text); got.leaks() {
				t.Errorf("%s, %s: %+v", name, form, got)
			}
		}
	}
}

func FuzzTheAutomatonFindsWhatASlowSearchFinds(f *testing.F) {
	for _, text := range leaking() {
		f.Add(text)
	}
	for _, text := range lawful() {
		f.Add(text)
	}
	fuzzloop.Run(f, func(t *testing.T, text string) {
		agrees(t, text)
		var escaped tally
		escaped.escaped([]byte(text)) // must end whatever stands there
	})
}

// normal folds text as the classes do, slowly.
func normal(text string) string {
	var b []byte
	for _, c := range []byte(text) {
		switch {
		case c == 0:
			continue
		case c == ' ' || c >= '\t' && c <= '\r':
			c = ' '
		case c >= '0' && c <= '9':
			c = '0'
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '\\':
			c = '/'
		}
		if n := len(b); n > 0 && b[n-1] == c && (c == ' ' || c == '0' || c == '/') {
			continue
		}
		b = append(b, c)
	}
	return string(b)
}

// Not parallel: the count is that of the whole process.
func TestTheScanAllocatesNothing(t *testing.T) {
	text := []byte(strings.Repeat(`{"id":17,"name":"Alice \u0041","note":"a select few"},`, 40))
	leaks()
	if n := testing.AllocsPerRun(100, func() {
		var got tally
		got.escaped(text)
		got.plain(text)
		if got.total() != 0 {
			t.Error("found something")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFewMarksHaveNoCore(t *testing.T) {
	t.Parallel()
	var without []string
	for _, m := range marks() {
		if m.weight != proof && m.weight != frame {
			continue
		}
		list := core(m.text)
		if list == nil {
			without = append(without, m.text)
		}
		for _, c := range list {
			for _, text := range []string{c, "x" + c, strings.ToUpper(c), "x" + strings.ToUpper(c) + "x"} {
				if len(c) != coreLen || cores().calm([]byte(text)) {
					t.Errorf("%q of %q is calm", text, m.text)
				}
			}
		}
	}
	if diff := cmp.Diff([]string{"/usr/src/app/", "/var/www/"}, without); diff != "" {
		t.Error(diff)
	}
}

func TestOrdinaryRepliesAreCalm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"id":17,"name":"Alice Example","url":"https:\/\/api.example.com\/users\/17","note":"\u003cb\u003e a select few \u0026 more \u00e9"}`,
		`[{"status":"open","priority":3,"assignee":{"login":"bob","avatar_url":"https://a.example/u/1.png"},"labels":["bug","ui"],"created_at":"2026-01-01T00:00:00Z"}]`,
	} {
		if !cores().calm([]byte(text)) {
			t.Errorf("%s is scanned", text)
		}
	}
	for _, text := range []string{"a\x00b", `{"a":"\u0074raceback"}`, `\u0041`} {
		if cores().calm([]byte(text)) {
			t.Errorf("%q is calm", text)
		}
	}
}

func BenchmarkCalm2KB(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":17,"name":"Alice Example","note":"a select few of them"},`, 32))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if !cores().calm(text) {
			b.Fatal("not calm")
		}
	}
}

func BenchmarkScan2KB(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":17,"name":"Alice Example","note":"a select few of them"},`, 32))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var t tally
		t.escaped(text)
	}
}
