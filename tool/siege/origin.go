package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// document is the API of the origin.
const document = `openapi: 3.1.0
info: {title: Siege, version: "1"}
paths:
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer, minimum: 1, maximum: 999999999}}]
    get:
      responses:
        "200": {description: an order, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  /orders:
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses:
        "200": {description: the order, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  /bulk:
    post:
      requestBody: {required: true, content: {application/json: {schema: {type: array, maxItems: 5000, items: {$ref: "#/components/schemas/Order"}}}}}
      responses:
        "200": {description: the last, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  /echo:
    get:
      responses:
        "101": {description: every line comes back}
components:
  schemas:
    Order:
      type: object
      additionalProperties: false
      required: [id]
      properties:
        id: {type: integer, minimum: 1, maximum: 999999999}
        note: {type: string, maxLength: 2000}
`

// An origin is the API behind the gateway. It counts the orders that reached
// it.
type origin struct {
	url string
	srv *http.Server

	mu    sync.Mutex
	wrote map[string]bool // ids of orders that were posted
}

func newOrigin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	o := &origin{url: "http://" + l.Addr().String(), wrote: map[string]bool{}}
	o.srv = &http.Server{Handler: o, ReadHeaderTimeout: time.Minute}
	go func() { _ = o.srv.Serve(l) }() // ends with close
	return o, nil
}

func (o *origin) close() { _ = o.srv.Close() }

// ServeHTTP answers orders, and echoes on an upgraded connection.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/echo" {
		echo(w)
		return
	}
	text := `{"id":7,"note":"tea"}`
	if r.URL.Path == "/bulk" {
		_, _ = drain(r.Body)
	} else if r.Method == http.MethodPost {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		_, id, _ := strings.Cut(string(body), `"id":`)
		id, _, _ = strings.Cut(id, ",")
		o.mu.Lock()
		o.wrote[strings.TrimRight(id, "}")] = true
		o.mu.Unlock()
		text = string(body)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, text)
}

// orders is how many orders reached the origin.
func (o *origin) orders() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.wrote)
}

// echo turns the connection into one that gives back every line.
func echo(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(rw)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(conn, line); err != nil {
			return
		}
	}
}
