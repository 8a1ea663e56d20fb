package main

// A target is what is measured of one package.
type target struct {
	pkg   string // its folder
	bench string // as go test takes it
	what  string // it stands for
}

// targets are the benchmarks that have a budget, from the ground up. What needs
// other programs is measured by make bench and make corpus.
func targets() []target {
	return []target{
		{"internal/lib/match", `^BenchmarkFind$/^(200|1000)$`, "the router: < 150 ns at 1,000 operations, no allocation"},
		{"internal/lib/canon", `^Benchmark(Path|Query)$`, "canonical path and query"},
		{"internal/lib/ratelimit", `^BenchmarkTake$`, "a rate; with the token: 4 µs"},
		{"internal/identity", `^BenchmarkVerify$/^(valid|unknown)$`, "a key that is known; with the rate: 4 µs"},
		{"event", `^Benchmark(AppendCanonicalAndHash|Usual|SealPersonal|NewID)$`, "the record: 2 µs for all of an event"},
		{"internal/ledger", `^Benchmark(HotPath|IntentAndSeal)$`, "a hash-chained event: 2 µs, no allocation"},
		{"internal/schema", `^Benchmark(OrderOf2KB|OrderOf100KB|GETWithParameters|JSONReaderAlone)$`, "the contract machine: 10 µs for 2 KB, 500 µs for 100 KB, no allocation"},
		{"risks/errors", `^BenchmarkCalm2KB$`, "a reply that shows nothing of the inside"},
		{"internal/metrics", `^BenchmarkExchange$`, "counters"},
		{"internal/gateway/wire", `^BenchmarkHead$|^BenchmarkKeepAlive$/^wire$`, "the front: a head, and a request on a connection that is kept"},
		{"internal/gateway/upstream", `^BenchmarkParse$|^BenchmarkClient$/^(GET|POST)$/^ours$`, "the client: its server is in the figure"},
		{"internal/gateway", `^BenchmarkGuards40$`, "40 guards that pass: < 1 µs, no allocation"},
		{"internal/app", `^Benchmark(Exchange|Load200)$`, "everything on, without network and disk; a policy with 200 operations: 50 ms"},
	}
}
