// Command peers measures the contract machine beside other validators, in one
// run and with the same bodies, and prints the ratios. Each body is first
// shown to be refused by each of them when one leaf is spoiled; one that does
// not see the fault is not measured with it.
//
//	peers [-time 1s]
//
// Times are of the processor, garbage collection among it, so that a machine
// that is busy with other things changes them little. All begin with the bytes of the body and end with a verdict.
// libopenapi-validator is absent, since the module proxy lacks a part of it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// A validator judges one body; nil accepts it.
type validator func(text []byte) error

func main() {
	each := flag.Duration("time", time.Second, "time for each measurement")
	flag.Parse()
	if err := compare(bodies(), *each); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// names are the columns, ours first.
var names = [...]string{"sallyport", "santhosh-tekuri", "kin-openapi 3.0", "kin-openapi 3.1"}

// compare measures all and prints a table.
func compare(list []body, each time.Duration) error {
	fmt.Printf("%-8s %8s", "body", "bytes")
	for _, n := range names {
		fmt.Printf("  %28s", n)
	}
	fmt.Println()
	for i := range list {
		b := &list[i]
		all, err := validators(b)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", b.name, err)
		}
		fmt.Printf("%-8s %8d", b.name, len(b.text))
		first := 0.0
		for k, v := range all {
			if !sees(v, b) {
				fmt.Printf("  %28s", "does not see the fault")
				if k == 0 {
					return fmt.Errorf("%s: we do not see the fault", b.name)
				}
				continue
			}
			cost, err := measure(v, b.text, each)
			if err != nil {
				return fmt.Errorf("measure %s with %s: %w", b.name, names[k], err)
			}
			if k == 0 {
				first = cost.micros
			}
			fmt.Printf("  %10.1f µs %5.0f× %6d", cost.micros, cost.micros/first, cost.allocations)
		}
		fmt.Println()
	}
	fmt.Println("time, as a multiple of ours, and allocations of one check")
	return nil
}

// A cost is what one check takes.
type cost struct {
	micros      float64 // of the processor
	allocations uint64
}

// rounds are how often each is measured; the cheapest round counts, since
// whatever else the machine does can only add.
const rounds = 5

// measure runs v for a while, after some runs that do not count.
func measure(v validator, text []byte, each time.Duration) (cost, error) {
	if _, err := round(v, text, 0); err != nil {
		return cost{}, err
	}
	best := cost{}
	for k := range rounds {
		c, err := round(v, text, each/rounds)
		if err != nil {
			return cost{}, err
		}
		if k == 0 || c.micros < best.micros {
			best = c
		}
	}
	return best, nil
}

func round(v validator, text []byte, each time.Duration) (cost, error) {
	var before, behind runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, n := processor(), 0
	for end := time.Now().Add(each); n == 0 || time.Now().Before(end); n += 10 {
		for range 10 {
			if err := v(text); err != nil {
				return cost{}, err
			}
		}
	}
	took := processor() - began
	runtime.ReadMemStats(&behind)
	return cost{float64(took.Nanoseconds()) / 1000 / float64(n), (behind.Mallocs - before.Mallocs) / uint64(n)}, nil
}

// processor is the time that the process has had of processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sees tells whether v accepts the body, and refuses it spoiled.
func sees(v validator, b *body) bool {
	return v(b.text) == nil && v(b.spoiled()) != nil
}

func validators(b *body) ([]validator, error) {
	var out []validator
	for _, make := range []func(*body) (validator, error){
		sallyport, santhosh,
		func(b *body) (validator, error) { return kin(b, "3.0.3") },
		func(b *body) (validator, error) { return kin(b, "3.1.0") },
	} {
		v, err := make(b)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// document is an API of one operation that takes the body.
func document(b *body, version string) []byte {
	return fmt.Appendf(nil, `{"openapi":%q,"info":{"title":"t","version":"1"},"paths":{"/x":{"post":{"requestBody":{"required":true,"content":{
		"application/json":{"schema":{"$ref":"#/components/schemas/Body"}}}},"responses":{"204":{"description":"d"}}}}},
		"components":{"schemas":{"Body":%s}}}`, version, b.schema)
}

func sallyport(b *body) (validator, error) {
	c, list := openapi.Parse(context.Background(), "bench.json", document(b, "3.1.0"), openapi.Options{})
	if c == nil {
		return nil, fmt.Errorf("load: %v", list)
	}
	q, _ := schema.CompileRequest(c.Operations[0], schema.Options{})
	var dst risk.Reading
	in := schema.Body{Type: "application/json"}
	return func(text []byte) error {
		dst.Reset()
		in.Bytes = text
		q.Media(&dst, "application/json", true)
		q.Body(&dst, &in)
		if len(dst.Violations) > 0 {
			return fmt.Errorf("%s at %s", dst.Violations[0].Rule, dst.Violations[0].Pointer)
		}
		return nil
	}, nil
}

func santhosh(b *body) (validator, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(b.schema))
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	whole := map[string]any{"components": map[string]any{"schemas": map[string]any{"Body": doc}}}
	if err := c.AddResource("mem:///doc", whole); err != nil {
		return nil, fmt.Errorf("add the schema: %w", err)
	}
	s, err := c.Compile("mem:///doc#/components/schemas/Body")
	if err != nil {
		return nil, fmt.Errorf("compile the schema: %w", err)
	}
	return func(text []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return s.Validate(v)
	}, nil
}

func kin(b *body, version string) (validator, error) {
	text := document(b, version)
	if !json.Valid(text) {
		return nil, fmt.Errorf("the schema is no JSON: %s", b.schema)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("load with kin-openapi: %w", err)
	}
	item := doc.Paths.Value("/x")
	route := &routers.Route{Spec: doc, Path: "/x", PathItem: item, Method: http.MethodPost, Operation: item.Post}
	return func(text []byte) error {
		req, err := http.NewRequest(http.MethodPost, "http://x/x", bytes.NewReader(text))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		return openapi3filter.ValidateRequestBody(context.Background(), &openapi3filter.RequestValidationInput{Request: req, Route: route}, item.Post.RequestBody.Value)
	}, nil
}
