package wire

import (
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/fault"
)

// Codes of what the front refuses. Each has a page: `sallyport help CODE`.
const (
	CodeLine     fault.Code = "framing/request-line"      // the request line is malformed
	CodeMethod   fault.Code = "framing/method"            // a method that no server of ours knows, CONNECT above all
	CodeVersion  fault.Code = "framing/version"           // neither HTTP/1.1 nor HTTP/1.0
	CodeTarget   fault.Code = "framing/target"            // the target has a form that does not go with the method, or control characters
	CodeLongURI  fault.Code = "framing/target-too-long"   // the target is over its limit
	CodeBigHead  fault.Code = "framing/head-too-large"    // the head has too many bytes or fields
	CodeSlowHead fault.Code = "framing/head-slow"         // the head took too long
	CodeCutHead  fault.Code = "framing/head-cut"          // the connection ended within the head
	CodeLineEnd  fault.Code = "framing/line-end"          // a line ends otherwise than by CR LF
	CodeControl  fault.Code = "framing/control"           // NUL or another control character
	CodeFold     fault.Code = "framing/fold"              // a line begins with white space (obs-fold)
	CodeName     fault.Code = "framing/field-name"        // a field name is no token
	CodeColon    fault.Code = "framing/colon"             // no colon, or white space before it
	CodeHost     fault.Code = "framing/host"              // no Host, two of them, or another one in the target
	CodeLength   fault.Code = "framing/content-length"    // Content-Length is doubled or no number
	CodeCoding   fault.Code = "framing/transfer-encoding" // Transfer-Encoding is not exactly "chunked"
	CodeBoth     fault.Code = "framing/two-lengths"       // Content-Length and Transfer-Encoding
	CodeChunk    fault.Code = "framing/chunk"             // a chunk is malformed
	CodeTrailer  fault.Code = "framing/trailer"           // a trailer is malformed or over its limit
	CodeFlood    fault.Code = "framing/flood"             // frames of HTTP/2 beyond every use
	CodeFrames   fault.Code = "framing/h2-frames"         // frames that RFC 9113 forbids
	CodePseudo   fault.Code = "framing/h2-head"           // a head that RFC 9113 forbids
)

// malformed is a refusal of a head that says in private what was wrong.
func malformed(code fault.Code, why string) *fault.Fault {
	return fault.New(code, http.StatusBadRequest, "the request is malformed").Because(errors.New(why))
}

// The refusals, made once (RFC 9112 unless another one is named).
var (
	badLine      = malformed(CodeLine, "not a method, a target and a version with one space between them")      // section 3
	badMethod    = malformed(CodeLine, "the method is no token")                                                // RFC 9110 section 9.1
	longMethod   = fault.New(CodeMethod, http.StatusNotImplemented, "the method is not known")                  // RFC 9110 section 15.6.2
	badVersion   = fault.New(CodeVersion, http.StatusHTTPVersionNotSupported, "the version is not spoken here") // section 2.3
	badTarget    = malformed(CodeTarget, "the target has none of the forms that go with the method")            // section 3.2
	ctlTarget    = malformed(CodeTarget, "a control character in the target")                                   // section 3.2
	longTarget   = fault.New(CodeLongURI, http.StatusRequestURITooLong, "the target is too long")               // section 3
	bigHead      = fault.New(CodeBigHead, http.StatusRequestHeaderFieldsTooLarge, "the head is too large")      // RFC 6585 section 5
	manyFields   = bigHead.Because(errors.New("too many fields"))                                               // RFC 6585 section 5
	slowHead     = fault.New(CodeSlowHead, http.StatusRequestTimeout, "the head came too slowly")               // RFC 9110 section 15.5.9
	cutHead      = malformed(CodeCutHead, "the connection ended within the head")                               // section 8
	bareLF       = malformed(CodeLineEnd, "a line feed without a carriage return")                              // section 2.2
	bareCR       = malformed(CodeLineEnd, "a carriage return without a line feed")                              // section 2.2
	ctlValue     = malformed(CodeControl, "a control character in a field")                                     // RFC 9110 section 5.5
	foldedLine   = malformed(CodeFold, "a line begins with white space")                                        // section 5.2
	badName      = malformed(CodeName, "a field name is no token")                                              // RFC 9110 section 5.1
	noColon      = malformed(CodeColon, "a line of the head has no colon")                                      // section 5
	spacedColon  = malformed(CodeColon, "white space before the colon")                                         // section 5.1
	noHost       = malformed(CodeHost, "no Host")                                                               // section 3.2
	twoHosts     = malformed(CodeHost, "more than one Host")                                                    // section 3.2
	otherHost    = malformed(CodeHost, "the target names another host than Host")                               // section 3.2.2
	twoLengths   = malformed(CodeLength, "more than one Content-Length")                                        // section 6.3
	badLength    = malformed(CodeLength, "Content-Length is no number of at most 18 digits")                    // section 6.3
	twoCodings   = malformed(CodeCoding, "more than one Transfer-Encoding")                                     // section 6.1
	badCoding    = malformed(CodeCoding, "Transfer-Encoding does not end in chunked, or has it twice")          // section 6.3
	oldCoding    = malformed(CodeCoding, "Transfer-Encoding in HTTP/1.0")                                       // section 6.1
	strange      = fault.New(CodeCoding, http.StatusNotImplemented, "the transfer coding is not known")         // section 6.1
	bothLengths  = malformed(CodeBoth, "Content-Length and Transfer-Encoding")                                  // section 6.1
	badWish      = fault.New(fault.Expectation, http.StatusExpectationFailed, "the expectation cannot be met")  // RFC 9110 section 10.1.1
	badChunk     = malformed(CodeChunk, "a chunk size is no hexadecimal number of at most 15 digits")           // section 7.1
	badExtension = malformed(CodeChunk, "a chunk extension is malformed or too long")                           // section 7.1.1
	badChunkEnd  = malformed(CodeChunk, "a chunk does not end where its size says")                             // section 7.1
	badTrailer   = malformed(CodeTrailer, "a trailer field is malformed, or the trailers are too long")         // section 7.1.2
	slowBody     = fault.New(fault.BodyIncomplete, http.StatusRequestTimeout, "the body came too slowly")       // RFC 9110 section 15.5.9
	cutBody      = fault.New(fault.BodyIncomplete, http.StatusBadRequest, "the body ended early")               // section 8
	flood        = fault.New(CodeFlood, http.StatusTooManyRequests, "too many frames")                          // RFC 9113 section 10.5
	badFrames    = fault.New(CodeFrames, http.StatusBadRequest, "the frames are malformed")                     // RFC 9113 section 5.4
	badPseudo    = malformed(CodePseudo, "the head is one that RFC 9113 forbids")                               // RFC 9113 section 8
)

// Errors that are no refusals.
var (
	// ErrClosed is what Serve returns after Shutdown or Close.
	ErrClosed = errors.New("the front is closed")
	// ErrGone is the cause of an Exchange's context when the client left.
	ErrGone = errors.New("the client left")

	errOver    = errors.New("the exchange is over")
	errTwice   = errors.New("the reply has begun already")
	errLong    = errors.New("more bytes than the head of the reply announced")
	errUpgrade = errors.New("this connection cannot change its protocol")
)

// faultOf is the refusal inside an error of Read, or nil.
func faultOf(err error) *fault.Fault {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}
