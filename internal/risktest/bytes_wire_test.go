package risktest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An outcome is what a client sees. Status 0 means that the connection or the
// stream was ended without an answer.
type outcome struct {
	status          int
	media, decision string
	body            []byte
}

// A cable sends bytes as they are.
type cable interface {
	send(w *twist) (outcome, error)
	close()
}

// patience bounds every exchange.
const patience = 5 * time.Second

func dial(address, protocol string) (*tls.Conn, error) {
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: serverName, NextProtos: []string{protocol}}) //nolint:gosec // bytes are what this is about
	if err == nil && c.ConnectionState().NegotiatedProtocol != protocol {
		err = fmt.Errorf("%s was not agreed", protocol)
	}
	return c, err
}

// A one is HTTP/1.1.
type one struct {
	address string
	c       *tls.Conn
	r       *bufio.Reader
}

func (o *one) close() {
	if o.c != nil {
		_ = o.c.Close()
		o.c = nil
	}
}

func (o *one) send(w *twist) (outcome, error) {
	if w.own {
		o.close()
		defer o.close()
	}
	if o.c == nil {
		c, err := dial(o.address, "http/1.1")
		if err != nil {
			return outcome{}, err
		}
		o.c, o.r = c, bufio.NewReader(c)
	}
	_ = o.c.SetDeadline(time.Now().Add(patience))
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nX-Api-Key: %s\r\n", w.path, serverName, Key("alice"))
	for _, f := range w.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	b.WriteString("\r\n")
	if w.own {
		b.WriteString("0\r\n\r\n\r\n") // where the head announces a body, this is it
	}
	if _, err := o.c.Write(b.Bytes()); err != nil {
		o.close()
		return outcome{}, nil //nolint:nilerr // the connection was ended
	}
	resp, err := http.ReadResponse(o.r, &http.Request{Method: "GET"})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(o.r, &http.Request{Method: "GET"})
	}
	if err != nil {
		o.close()
		return outcome{}, nil //nolint:nilerr // the connection was ended
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return outcome{}, fmt.Errorf("read answer: %w", err)
	}
	if resp.Close {
		o.close()
	}
	return outcome{status: resp.StatusCode, media: resp.Header.Get("Content-Type"), decision: resp.Header.Get("Sallyport-Decision"), body: body}, nil
}

// A two is HTTP/2, frame by frame.
type two struct {
	address string
	c       *tls.Conn
	f       *http2.Framer
	enc     *hpack.Encoder
	head    bytes.Buffer
	stream  uint32
}

func (o *two) close() {
	if o.c != nil {
		_ = o.c.Close()
		o.c = nil
	}
}

func (o *two) open() error {
	c, err := dial(o.address, "h2")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return fmt.Errorf("send preface: %w", err)
	}
	o.c, o.f, o.stream = c, http2.NewFramer(c, bufio.NewReader(c)), 1
	o.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	o.head.Reset()
	o.enc = hpack.NewEncoder(&o.head)
	if err := o.f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 24}); err != nil {
		return fmt.Errorf("send settings: %w", err)
	}
	if err := o.f.WriteWindowUpdate(0, 1<<30); err != nil {
		return fmt.Errorf("open window: %w", err)
	}
	return nil
}

func (o *two) send(w *twist) (outcome, error) {
	if w.own {
		defer o.close()
	}
	if o.c == nil {
		if err := o.open(); err != nil {
			return outcome{}, err
		}
	}
	_ = o.c.SetDeadline(time.Now().Add(patience))
	o.head.Reset()
	fields := append([][2]string{
		{":method", "GET"}, {":scheme", "https"}, {":authority", serverName}, {":path", w.path}, {"x-api-key", Key("alice")},
	}, w.fields...)
	for i, f := range fields {
		name := f[0]
		if i >= 5 {
			name = strings.ToLower(name)
		}
		if err := o.enc.WriteField(hpack.HeaderField{Name: name, Value: f[1]}); err != nil {
			return outcome{}, fmt.Errorf("encode head: %w", err)
		}
	}
	id := o.stream
	o.stream += 2
	if err := o.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: o.head.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		o.close()
		return outcome{}, nil //nolint:nilerr // the connection was ended
	}
	return o.read(id)
}

// read takes frames until the stream ends.
func (o *two) read(id uint32) (outcome, error) {
	var out outcome
	for {
		frame, err := o.f.ReadFrame()
		if err != nil {
			o.close()
			return outcome{}, nil //nolint:nilerr // the connection was ended
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = o.f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				err = o.f.WritePing(true, f.Data)
			}
		case *http2.GoAwayFrame:
			o.close()
			return outcome{}, nil
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return outcome{}, nil
			}
		case *http2.MetaHeadersFrame:
			for _, h := range f.Fields {
				switch h.Name {
				case ":status":
					out.status, err = strconv.Atoi(h.Value)
				case "content-type":
					out.media = h.Value
				case "sallyport-decision":
					out.decision = h.Value
				}
			}
			if f.StreamEnded() && out.status >= 200 {
				return out, err
			}
		case *http2.DataFrame:
			out.body = append(out.body, f.Data()...)
			if f.StreamEnded() {
				return out, err
			}
		}
		if err != nil {
			return outcome{}, fmt.Errorf("answer a frame: %w", err)
		}
	}
}
