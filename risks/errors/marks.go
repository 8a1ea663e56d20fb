package errors

// A weight says how much a mark proves.
type weight uint8

const (
	hint  weight = iota + 1 // seen in lawful text too; two different ones are a leak
	frame                   // one line of a stack trace; counts each time
	place                   // a folder of the server; all of them count once
	proof                   // written by a runtime, a driver or a server
)

// A mark is a text that the inside of a service writes. Letters are small, a 0
// stands for any number, a blank for any white space, and / for a run of / and \.
type mark struct {
	text   string
	weight weight
}

// marks lists what is looked for. A new one needs the runtime or server that
// writes it, and a near miss in the tests.
func marks() []mark {
	var out []mark
	add := func(w weight, texts ...string) {
		for _, t := range texts {
			out = append(out, mark{t, w})
		}
	}
	// Java, Kotlin, Scala
	add(frame, ".java:0)", ".kt:0)", ".scala:0)", "(native method)", "(unknown source)")
	add(proof, "exception in thread \"", "caused by: java.", "caused by: org.", "caused by: com.", "org.springframework.", "org.hibernate.", "whitelabel error page", "java.lang.nullpointerexception", "java.lang.illegal", "java.sql.sql")
	add(hint, "java.lang.", "java.util.", "caused by: ")
	// Python
	add(frame, ".py\", line 0")
	add(proof, "traceback (most recent call last)", "werkzeug debugger", "werkzeug.exceptions", "sqlalchemy.exc.", "psycopg0.", "django version:", "django.db.utils", "you're seeing this error because you have")
	// JavaScript
	add(frame, ".js:0:0", ".ts:0:0", ".mjs:0:0", ".cjs:0:0", "(node:internal/", "at node:internal/", "(internal/modules/", "(<anonymous>)")
	add(hint, "typeerror: ", "referenceerror: ", "rangeerror: ", "syntaxerror: ")
	add(proof, "/node_modules/", "sequelizedatabaseerror", "prismaclientknownrequesterror", "mongoservererror", "casterror: cast to")
	// Go, Rust
	add(frame, ".go:0", ".rs:0:0")
	add(proof, "goroutine 0 [", "runtime error: index out of range", "runtime error: invalid memory address", "panic: runtime error", "' panicked at ")
	// .NET
	add(frame, ".cs:line 0", ".vb:line 0")
	add(proof, "--- end of stack trace", "--- end of inner exception stack trace", "system.nullreferenceexception", "system.invalidoperationexception", "system.data.sqlclient", "microsoft.entityframeworkcore", "microsoft.aspnetcore.", "server error in '/")
	add(hint, " at system.", " at microsoft.")
	// PHP
	add(frame, ".php(0)", ".php:0", ".php on line 0", ".php</b> on line ")
	add(proof, "fatal error: uncaught", "<b>fatal error</b>:", "<b>warning</b>:", "<b>notice</b>:", "<b>parse error</b>:", "illuminate/database/", "symfony/component/", "pdoexception", "thrown in /")
	add(hint, "stack trace: #0 ")
	// Ruby
	add(frame, ".rb:0:in ")
	add(proof, "activerecord::", "actionview::", "actioncontroller::", "rails.root: ", "nomethoderror: undefined", "nomethoderror (undefined")
	// databases
	add(proof, "you have an error in your sql syntax", "sqlstate[", "unclosed quotation mark after the character string", "unterminated quoted string at or near",
		"syntax error at or near ", "pg_query()", "sqlite0.operationalerror", "sqlite_error", "sql logic error", "unrecognized token: \"", "mysql_fetch", "mysqli_", "com.mysql.", "org.postgresql.", "org.h0.jdbc",
		"microsoft ole db provider", "odbc sql server driver", "violates unique constraint \"", "violates foreign key constraint \"", "violates not-null constraint", "no such table: ", "no such column: ",
		"unknown column '", "incorrect syntax near '", "e0 duplicate key error", "\"ora-0: ", " ora-0: ", "error: unique constraint failed: ", "error executing query")
	add(hint, "syntax error", "unique constraint failed: ", "foreign key constraint failed", " in statement: ", "insert into ", "select * from ", " from information_schema", "constraint failed", "jdbc:", "unterminated string", "near \"")
	// files of the server
	add(proof, "/usr/src/app/", "/var/www/", "/site-packages/", "/dist-packages/", "c:/inetpub/", "/usr/local/lib/", "/usr/lib/python", "/var/task/",
		"enoent: no such file", "eacces: permission denied")
	add(place, "/home/", "/opt/", "/srv/", "/root/", "/app/", "/var/lib/", "/etc/", "c:/users/", "d:/")
	add(hint, "no such file or directory")
	// servers
	add(proof, "<center>nginx/0", "<address>apache/0", "apache tomcat/0", "phusion passenger", "x-debug-token")
	return out
}
