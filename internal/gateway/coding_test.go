package gateway

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// coders write each content coding that is undone.
func coders() map[string]func(io.Writer) io.WriteCloser {
	return map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"X-Gzip":  func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		"DEFLATE": func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z },
		"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	}
}

func coded(coding, text string) string {
	var b bytes.Buffer
	z := coders()[coding](&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// undone reads a coded body in pieces of any size.
func undone(coding string, body io.Reader) (string, error) {
	out, err := io.ReadAll(decode([]string{strings.ToLower(coding)}, body, func(int64) bool { return true }))
	return string(out), err
}

// words is text that shrinks as text of an API does.
func words(rnd *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(strconv.FormatUint(rnd.Uint64N(1<<40), 36) + " ")
	}
	return b.String()[:n]
}

func TestACodedBodyIsUndoneOrRefused(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	for coding := range coders() {
		for _, n := range []int{1, 100, 40_000, 300_000} {
			text := words(rnd, n)
			whole := coded(coding, text)
			for name, body := range map[string]io.Reader{"at once": strings.NewReader(whole), "byte by byte": iotest.OneByteReader(strings.NewReader(whole)), "halves": iotest.HalfReader(strings.NewReader(whole))} {
				if got, err := undone(coding, body); err != nil || got != text {
					t.Fatalf("%s, %d bytes, %s: %d bytes, %v", coding, n, name, len(got), err)
				}
			}
			for _, cut := range []int{1, 2, 9, len(whole) / 2} {
				if cut >= len(whole) {
					continue
				}
				if _, err := undone(coding, strings.NewReader(whole[:len(whole)-cut])); err == nil {
					t.Errorf("%s, %d bytes: the last %d are missing, and nobody sees it", coding, n, cut)
				}
			}
			for name, more := range map[string]string{"a byte": "x", "NULs": "\x00\x00", "a second member": whole} {
				if _, err := undone(coding, strings.NewReader(whole+more)); err == nil {
					t.Errorf("%s, %d bytes: %s behind it is not seen", coding, n, name)
				}
			}
		}
		if got, err := undone(coding, strings.NewReader("")); got != "" || err != nil {
			t.Errorf("%s: nothing became %q, %v", coding, got, err)
		}
	}
}

func TestACorruptBodyIsToldFromOneThatBrokeOff(t *testing.T) {
	t.Parallel()
	var bad *codingError
	broke := errors.New("broke off")
	for coding := range coders() {
		whole := coded(coding, words(rand.New(rand.NewPCG(1, 2)), 50_000))
		if _, err := undone(coding, io.MultiReader(strings.NewReader(whole[:1000]), iotest.ErrReader(broke))); !errors.Is(err, broke) || errors.As(err, &bad) {
			t.Errorf("%s: %v", coding, err)
		}
		if _, err := undone(coding, strings.NewReader(whole[:1000])); !errors.As(err, &bad) {
			t.Errorf("%s: %v", coding, err)
		}
	}
	for _, list := range [][]string{{"zstd"}, {"compress"}, {"gzip", "gzip"}, {"br", "gzip"}} {
		if _, err := io.ReadAll(decode(list, strings.NewReader(coded("gzip", "x")), func(int64) bool { return true })); !errors.Is(err, errCoding) {
			t.Errorf("%v: %v", list, err)
		}
	}
}

func TestABombIsRefusedBeforeItIsLarge(t *testing.T) {
	t.Parallel()
	for coding := range coders() {
		bomb := coded(coding, strings.Repeat("a", 64<<20))
		got, err := undone(coding, strings.NewReader(bomb))
		if !errors.Is(err, errBomb) || len(got) > 2<<20 {
			t.Errorf("%s: %d bytes became %d, %v", coding, len(bomb), len(got), err)
		}
	}
}

// An emptyBlocks is bare deflate without end in which nothing is.
type emptyBlocks struct{ n int }

func (e *emptyBlocks) Read(p []byte) (int, error) {
	const block = "\x00\x00\x00\xff\xff"
	for i := range p {
		p[i] = block[e.n%len(block)]
		e.n++
	}
	return len(p), nil
}

func TestACodedBodyThatHoldsNothingEnds(t *testing.T) {
	t.Parallel()
	endless := &emptyBlocks{}
	if _, err := undone("deflate", endless); !errors.Is(err, errSilence) || endless.n > 2*maxSilence {
		t.Errorf("%d bytes, %v", endless.n, err)
	}
	if _, err := undone("gzip", io.MultiReader(strings.NewReader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), &emptyBlocks{})); !errors.Is(err, errSilence) {
		t.Error(err)
	}
}

func TestADecoderAsksForItsRoom(t *testing.T) {
	t.Parallel()
	for bits, first := range map[int]byte{16: 0, 17: 1, 18: 3, 20: 0x07, 22: 0x0b, 24: 0x0f, 10: 0x21, 15: 0x71} {
		if got := brotliRoom(first); got != 1<<bits+1<<20 {
			t.Errorf("%#x: %d", first, got)
		}
	}
	for coding := range coders() {
		asked := int64(0)
		body := decode([]string{strings.ToLower(coding)}, strings.NewReader(coded(coding, "text")), func(n int64) bool { asked += n; return false })
		if _, err := io.ReadAll(body); !errors.Is(err, errNoRoom) || asked < deflateRoom {
			t.Errorf("%s asked for %d: %v", coding, asked, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for coding := range coders() {
		f.Add(byte(len(coding)), []byte(coded(coding, "a text, a text")))
	}
	f.Fuzz(func(t *testing.T, pick byte, body []byte) {
		coding := []string{"gzip", "deflate", "br"}[pick%3]
		got, err := undone(coding, bytes.NewReader(body))
		also, other := undone(coding, iotest.OneByteReader(bytes.NewReader(body)))
		if len(got) > len(body)*maxRatio+freeBytes {
			t.Fatalf("%d bytes became %d", len(body), len(got))
		}
		switch {
		case err == nil && other == nil && got != also:
			t.Fatalf("%q, but byte by byte %q", got, also)
		case err != nil && other == nil, err == nil && other != nil && !errors.Is(other, errBomb):
			t.Fatalf("%v at once, and %v byte by byte", err, other)
		}
	})
}

func TestACodedReplyTooLargeToHoldIsStrippedWhileItPasses(t *testing.T) {
	t.Parallel()
	body, lawful := listing(20000)
	for coding := range coders() {
		sent := coded(coding, body)
		t.Run(coding, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				for name, value := range map[string]string{
					"Content-Type": "application/json", "Content-Encoding": coding, "Etag": `W/"1"`, "Vary": "Accept-Encoding", "Accept-Ranges": "bytes",
					"Content-Md5": "x", "Digest": "sha-256=x", "Content-Digest": "sha-256=:x:", "Repr-Digest": "sha-256=:x:", "X-Own": "y",
				} {
					rw.Header().Set(name, value)
				}
				_, _ = io.WriteString(rw, sent)
			}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
			get, got := w.do(t, "GET", "/list", "", "Accept-Encoding", "gzip, br")
			if get.StatusCode != 200 || got != lawful || get.ContentLength >= 0 {
				t.Fatalf("%d, %d bytes in place of %d, %v", get.StatusCode, len(got), len(lawful), get.Header)
			}
			if up, _ := w.got(t); up.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("the upstream was asked for %q", up.Header.Get("Accept-Encoding"))
			}
			if e := w.log.last(t); e.Kind != event.StreamClose || e.Decision != event.Allow || e.BytesOut != int64(len(lawful)) {
				t.Errorf("the record is %+v", e)
			}
			head, none := w.do(t, "HEAD", "/list", "")
			for _, resp := range []*http.Response{get, head} {
				for _, name := range []string{"Content-Encoding", "Etag", "Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
					if resp.Header.Get(name) != "" {
						t.Errorf("%s: %s is %q", resp.Request.Method, name, resp.Header.Get(name))
					}
				}
				if resp.Header.Get("Vary") != "Accept-Encoding" || resp.Header.Get("X-Own") != "y" || resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: %v", resp.Request.Method, resp.Header)
				}
			}
			if head.StatusCode != 200 || none != "" || head.ContentLength >= 0 {
				t.Errorf("HEAD: %d %q, %d", head.StatusCode, none, head.ContentLength)
			}
		})
	}
}

func TestASmallCodedReplyLosesTheDigestsOfItsCodedForm(t *testing.T) {
	t.Parallel()
	for coding := range coders() {
		w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Content-Encoding", coding)
			rw.Header().Set("Content-Digest", "sha-256=:x:")
			rw.Header().Set("Repr-Digest", "sha-256=:x:")
			rw.Header().Set("Content-Md5", "x")
			rw.Header().Set("Etag", `"1"`)
			_, _ = io.WriteString(rw, coded(coding, `{"a":1}`))
		}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")})
		resp, body := w.do(t, "GET", "/a", "")
		if resp.StatusCode != 200 || body != `{"a":1}` || resp.Header.Get("Content-Digest")+resp.Header.Get("Repr-Digest")+resp.Header.Get("Content-Md5")+resp.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(resp.Header.Get("Etag"), `"sp.`) {
			t.Errorf("%s: %d %q %v", coding, resp.StatusCode, body, resp.Header)
		}
	}
}

func TestACodedReplyThatIsWrongLateNeverEndsCleanly(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	for coding := range coders() {
		whole := coded(coding, body)
		for name, spoiled := range map[string]string{"cut off": whole[:len(whole)-5], "a second member": whole + whole, "something behind": whole + "x"} {
			t.Run(coding+", "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
					rw.Header().Set("Content-Type", "application/json")
					rw.Header().Set("Content-Encoding", coding)
					_, _ = io.WriteString(rw, spoiled)
				}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
				req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/list", nil)
				resp, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if resp.StatusCode != 200 || err == nil || bytes.Contains(got, []byte("secret")) {
					t.Fatalf("%d %v, %d bytes", resp.StatusCode, err, len(got))
				}
				waitKinds(t, w, event.StreamClose)
				if e := w.log.last(t); e.Decision != event.Failed || e.Code != string(fault.ReplyEncoding) {
					t.Errorf("the record is %v %s %s", e.Decision, e.Code, e.Reason)
				}
			})
		}
	}
}

func TestACodedReplyThatIsWrongEarlyIsAProblem(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	for coding, text := range map[string]string{"gzip": body, "br": "\x11" + body, "zstd": body, "gzip, br": body, "deflate": body} {
		w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Content-Encoding", coding)
			_, _ = io.WriteString(rw, text)
		}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
		for _, method := range []string{"GET", "HEAD"} {
			if resp, got := w.do(t, method, "/list", ""); resp.StatusCode != 502 || method == "GET" && !strings.Contains(got, "gateway/reply-encoding") {
				t.Errorf("%s, %s: %d %.200s", coding, method, resp.StatusCode, got)
			}
		}
	}
}
