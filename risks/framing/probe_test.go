package framing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func TestWhatTheProbeSendsToTheByte(t *testing.T) {
	t.Parallel()
	const line, last = "GET /o?q HTTP/1.1\r\nHost: a\r\nX-T: r\r\n", "Connection: close\r\n\r\n"
	for lines, want := range map[string]string{
		"":                        line + "\r\n" + line + last,
		"Content-Length: %d\r\n":  line + "Content-Length: 43\r\n\r\n0\r\n\r\n" + line + "\r\n" + line + last,
		"X: y\r\nLength: 5, %d\r": line + "X: y\r\nLength: 5, 43\r\r\n0\r\n\r\n" + line + "\r\n" + line + last,
	} {
		a := &risk.Attempt{Path: "/o", Query: "q", Fields: risk.Fields{{Name: "X-T", Value: "r"}}}
		if diff := cmp.Diff(want, text(a, "Host: a\r\n", lines)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", lines, diff)
		}
	}
	if got := text(&risk.Attempt{Path: "/o"}, "", ""); !strings.HasPrefix(got, "GET /o HTTP/1.1\r\n\r\n") {
		t.Errorf("without a query: %q", got)
	}
}

func TestEveryTrickThatWorksIsNamedOnce(t *testing.T) {
	t.Parallel()
	weak := func(s string) int {
		if strings.Count(s, "GET ") == 2 || strings.Contains(s, "\r\nContent-Length: ") && !strings.Contains(s, "hunked") && strings.Count(s, "Length: ") == 1 && !strings.Contains(s, "5, ") {
			return 2
		}
		return 3
	}
	got, sent, err := run(t, api("GET"), 200, weak)
	if err != nil || sent != 2+len(tricks) || len(got) != 1 {
		t.Fatalf("%q after %d, %v", got, sent, err)
	}
	const names = "Content-Length with Transfer-Encoding, Transfer-Encoding before Content-Length, a space before the colon, a folded line, a bare line feed, " +
		"a bare carriage return, a vertical tab, NUL in the name, another coding, two codings, two lengths, the short one first, two lengths, the short one last, a list of lengths"
	if want := "two ways (" + names + "); with"; !strings.Contains(got[0], want) || !strings.Contains(got[0], "GET /orders, by") {
		t.Errorf("%q is not in %q", want, got[0])
	}
}

// a scene is a server with several operations, each of which has a status and
// a number of answers.
type scene struct {
	statuses []int
	barred   []string // paths without a lawful attempt
	answers  func(path, text string) (int, error)
	sends    []string // paths, in order; those of raw bytes with a star
	found    []string
}

func (s *scene) run(ctx context.Context) error {
	c := &contract.Contract{}
	for i := range s.statuses {
		path := fmt.Sprintf("/%d", i)
		c.Operations = append(c.Operations, &contract.Operation{Method: "GET", Path: path, Key: "GET " + path})
	}
	return probe(ctx, &risk.Target{
		Contract: c,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, !slices.Contains(s.barred, op.Path)
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			s.sends = append(s.sends, a.Path)
			if status := s.statuses[a.Path[1]-'0']; status > 0 {
				return &risk.Seen{Status: status}, nil
			}
			return nil, errors.New("nobody is there")
		},
		SendRaw: func(_ context.Context, r *risk.Raw) ([]*risk.Seen, error) {
			text := r.Text("Host: a\r\n")
			path := text[4:6]
			if s.sends[len(s.sends)-1] != path+"*" {
				s.sends = append(s.sends, path+"*")
			}
			n, err := s.answers(path, text)
			return make([]*risk.Seen, n), err
		},
		Report: func(f risk.Finding) { s.found = append(s.found, f.Operation) },
	})
}

func TestTheProbeLooksForOneOperationThatCanBeJudged(t *testing.T) {
	t.Parallel()
	two := func(string, string) (int, error) { return 2, nil }
	for name, c := range map[string]struct {
		statuses []int
		answers  func(path, text string) (int, error)
		want     []string
		err      error
	}{
		"the first that can":            {[]int{200, 200}, two, []string{"/0", "/0*"}, nil},
		"any success will do":           {[]int{299, 200}, two, []string{"/0", "/0*"}, nil},
		"not what redirects":            {[]int{300, 199, 200}, two, []string{"/0", "/1", "/2", "/2*"}, nil},
		"past those that do not answer": {[]int{0, 200}, two, []string{"/0", "/1", "/1*"}, nil},
		"five at most":                  {[]int{404, 404, 404, 404, 404, 200}, two, []string{"/0", "/1", "/2", "/3", "/4"}, nil},
		"nobody answers":                {[]int{0, 0}, two, []string{"/0", "/1"}, errNoAnswer},
		"nothing may be called":         {nil, two, nil, nil},

		"a connection that breaks is not judged": {[]int{200, 200}, func(path, _ string) (int, error) {
			if path == "/0" {
				return 2, errors.New("reset")
			}
			return 2, nil
		}, []string{"/0", "/0*", "/1", "/1*"}, nil},
		"nor one that answers once": {[]int{200, 200}, func(path, _ string) (int, error) {
			if path == "/0" {
				return 1, nil
			}
			return 2, nil
		}, []string{"/0", "/0*", "/1", "/1*"}, nil},
		"nor one that answers a body of GET oddly": {[]int{200, 200}, func(path, text string) (int, error) {
			if path == "/0" && strings.Contains(text, "Length") {
				return 4, nil
			}
			return 2, nil
		}, []string{"/0", "/0*", "/1", "/1*"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scene{statuses: c.statuses, answers: c.answers}
			if err := s.run(t.Context()); !errors.Is(err, c.err) || !slices.Equal(s.sends, c.want) || len(s.found) > 0 {
				t.Errorf("%v, found %v, %v; want %v, %v", s.sends, s.found, err, c.want, c.err)
			}
		})
	}
}

func TestAnOperationWithoutALawfulAttemptIsPassedBy(t *testing.T) {
	t.Parallel()
	s := &scene{statuses: []int{200, 200}, barred: []string{"/0"}, answers: func(string, string) (int, error) { return 2, nil }}
	if err := s.run(t.Context()); err != nil || !slices.Equal(s.sends, []string{"/1", "/1*"}) {
		t.Errorf("%v, %v", s.sends, err)
	}
}

func TestAnErrorIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := &scene{statuses: []int{200}, answers: func(_, text string) (int, error) {
		if strings.Contains(text, "hunked") {
			return 3, errors.New("reset in the middle")
		}
		return 2, nil
	}}
	if err := s.run(t.Context()); err != nil || len(s.found) > 0 {
		t.Errorf("found %v, %v", s.found, err)
	}
}

func TestTheProbeSaysThatItWasStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	s := &scene{statuses: []int{404, 404}, answers: func(string, string) (int, error) { return 2, nil }}
	stop()
	if err := s.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestABodyOfGETThatIsDroppedIsFoundOnce(t *testing.T) {
	t.Parallel()
	s := &scene{statuses: []int{200, 200}, answers: func(_, text string) (int, error) { return strings.Count(text, "HTTP/1.1\r\n"), nil }}
	if err := s.run(t.Context()); err != nil || !slices.Equal(s.found, []string{"GET /0"}) || !slices.Equal(s.sends, []string{"/0", "/0*"}) {
		t.Errorf("found %v by %v, %v", s.found, s.sends, err)
	}
}

func TestAHiddenRequestIsFoundWhereItIsAnswered(t *testing.T) {
	t.Parallel()
	s := &scene{statuses: []int{404, 200, 200}, answers: func(_, text string) (int, error) {
		if strings.Contains(text, "xchunked") {
			return 3, nil
		}
		return 2, nil
	}}
	if err := s.run(t.Context()); err != nil || !slices.Equal(s.found, []string{"GET /1"}) {
		t.Errorf("found %v, %v", s.found, err)
	}
}
