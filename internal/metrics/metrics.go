// Package metrics counts what the gateway does, under the names of the
// OpenTelemetry semantic conventions (HTTP, stable since 1.23) in their
// Prometheus form. Names and labels are frozen by a test.
//
// Labels are bounded: operations come from contracts, risks and codes from the
// program; what a client writes is never a label.
package metrics

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sallyport/sallyport/event"
)

// Metrics holds the counters of one process.
type Metrics struct {
	registry  *prometheus.Registry
	duration  *prometheus.HistogramVec
	upstream  *prometheus.HistogramVec
	requests  *prometheus.HistogramVec
	replies   *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	would     *prometheus.CounterVec
	edits     *prometheus.CounterVec
	faults    *prometheus.CounterVec
	reloads   *prometheus.CounterVec
	expiry    *prometheus.GaugeVec

	mu    sync.RWMutex
	sorts map[sort]*counters
	kinds map[edit]prometheus.Counter // of edits
}

// A Gauge is a number that is read when metrics are.
type Gauge struct {
	Name, Help string
	Value      func() float64
}

// A Sample is one value of a Family, with one text for each of its labels.
type Sample struct {
	Labels []string
	Value  float64
}

// A Family is a number for each of several things, which are read when metrics
// are. Its labels must come from the policy or the program.
type Family struct {
	Name, Help string
	Labels     []string
	Rising     bool // it only grows, from zero at the start
	Read       func() []Sample
}

// goCollector is what the runtime says of itself, and what the last collection
// of garbage left in use, from which growth without bound is seen.
func goCollector() prometheus.Collector {
	live := collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}
	return collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(live))
}

// family is a Family as Prometheus collects it.
type family struct {
	Family
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (f *family) Describe(out chan<- *prometheus.Desc) { out <- f.desc }

// Collect implements prometheus.Collector.
func (f *family) Collect(out chan<- prometheus.Metric) {
	kind := prometheus.GaugeValue
	if f.Rising {
		kind = prometheus.CounterValue
	}
	for _, s := range f.Read() {
		out <- prometheus.MustNewConstMetric(f.desc, kind, s.Value, s.Labels...)
	}
}

// Add shows a family too. It must be called before Handler is used.
func (m *Metrics) Add(families ...Family) {
	for _, f := range families {
		m.registry.MustRegister(&family{Family: f, desc: prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)})
	}
}

// New returns Metrics with the given gauges beside its own.
func New(gauges ...Gauge) *Metrics {
	seconds := []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	sizes := prometheus.ExponentialBuckets(64, 4, 10)
	m := &Metrics{registry: prometheus.NewRegistry(), sorts: map[sort]*counters{}, kinds: map[edit]prometheus.Counter{}}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.duration = histogram("http_server_request_duration_seconds", "Duration of requests to the gateway.", seconds,
		"http_request_method", "http_response_status_code", "http_route", "sallyport_api")
	m.upstream = histogram("http_client_request_duration_seconds", "Time until the head of the upstream's reply.", seconds,
		"http_request_method", "http_response_status_code", "sallyport_api")
	m.requests = histogram("http_server_request_body_size_bytes", "Size of request bodies.", sizes, "sallyport_api")
	m.replies = histogram("http_server_response_body_size_bytes", "Size of reply bodies.", sizes, "sallyport_api")
	m.decisions = counter("sallyport_decisions_total", "Exchanges by how they were decided.",
		"sallyport_api", "sallyport_decision", "sallyport_risk", "sallyport_code")
	m.would = counter("sallyport_would_deny_total", "Denials that observe mode held back.", "sallyport_api", "sallyport_risk", "sallyport_code")
	m.edits = counter("sallyport_edits_total", "Changes made to messages.", "sallyport_api", "sallyport_edit")
	m.faults = counter("sallyport_faults_total", "Faults of the gateway itself.", "sallyport_part")
	m.reloads = counter("sallyport_reloads_total", "Reloads of policy and contracts.", "sallyport_result")
	m.expiry = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sallyport_certificate_expiry_seconds", Help: "Unix time at which a certificate ends.",
	}, []string{"sallyport_certificate"})
	m.registry.MustRegister(m.expiry, goCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range gauges {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.Name, Help: g.Help}, g.Value))
	}
	return m
}

// Exchange counts a finished exchange.
func (m *Metrics) Exchange(e *event.Event) {
	c := m.counters(e)
	c.duration.Observe(float64(e.Micros) / 1e6)
	if c.upstream != nil {
		c.upstream.Observe(float64(e.Upstream.Micros) / 1e6)
	}
	c.requests.Observe(float64(e.BytesIn))
	c.replies.Observe(float64(e.BytesOut))
	c.decisions.Inc()
	for i := range e.Would {
		m.would.WithLabelValues(e.API, e.Would[i].Risk, e.Would[i].Code).Inc()
	}
	for i := range e.Edits {
		m.edited(edit{api: e.API, kind: e.Edits[i].Kind}).Inc()
	}
}

// A sort is what exchanges have in common that count in the same places.
type sort struct {
	api, template, method, risk, code string
	status, behind                    int // behind: the status of the upstream; -1: it was not called
	decision                          event.Decision
}

// counters are the places in which the exchanges of one sort count.
type counters struct {
	duration, upstream, requests, replies prometheus.Observer
	decisions                             prometheus.Counter
}

// maxSorts bounds the sorts whose counters are found at once: the others look
// up each label, which takes about five times as long.
const maxSorts = 4096

// counters finds the places of e.
func (m *Metrics) counters(e *event.Event) *counters {
	k := sort{
		api: e.API, template: e.Template, method: knownMethod(e.Method), risk: e.Risk, code: e.Code,
		status: e.Status, behind: -1, decision: e.Decision,
	}
	if e.Upstream.Called {
		k.behind = e.Upstream.Status
	}
	m.mu.RLock()
	c := m.sorts[k]
	m.mu.RUnlock()
	if c != nil {
		return c
	}
	c = &counters{
		duration: m.duration.WithLabelValues(k.method, strconv.Itoa(k.status), k.template, k.api),
		requests: m.requests.WithLabelValues(k.api), replies: m.replies.WithLabelValues(k.api),
		decisions: m.decisions.WithLabelValues(k.api, k.decision.String(), k.risk, k.code),
	}
	if k.behind >= 0 {
		c.upstream = m.upstream.WithLabelValues(k.method, strconv.Itoa(k.behind), k.api)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sorts) < maxSorts {
		k.api, k.template, k.method = strings.Clone(k.api), strings.Clone(k.template), strings.Clone(k.method)
		k.risk, k.code = strings.Clone(k.risk), strings.Clone(k.code)
		m.sorts[k] = c
	}
	return c
}

// An edit is the labels of a counter of edits.
type edit struct{ api, kind string }

// edited finds the counter of k.
func (m *Metrics) edited(k edit) prometheus.Counter {
	m.mu.RLock()
	c := m.kinds[k]
	m.mu.RUnlock()
	if c != nil {
		return c
	}
	c = m.edits.WithLabelValues(k.api, k.kind)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kinds) < maxSorts {
		m.kinds[edit{api: strings.Clone(k.api), kind: strings.Clone(k.kind)}] = c
	}
	return c
}

// knownMethod keeps invented methods from becoming labels.
func knownMethod(s string) string {
	switch s {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return s
	}
	return "_OTHER"
}

// Fault counts a fault of a part of the gateway; part is a constant.
func (m *Metrics) Fault(part string) { m.faults.WithLabelValues(part).Inc() }

// Reload counts a reload by its result, "applied" or "refused".
func (m *Metrics) Reload(result string) { m.reloads.WithLabelValues(result).Inc() }

// Expiry notes when a certificate ends.
func (m *Metrics) Expiry(name string, at time.Time) {
	m.expiry.WithLabelValues(name).Set(float64(at.Unix()))
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}
