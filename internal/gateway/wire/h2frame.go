package wire

import (
	"encoding/binary"
	"errors"

	"github.com/sallyport/sallyport/fault"
)

// Types of frames (RFC 9113 section 6).
const (
	frameData byte = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePush
	framePing
	frameGoAway
	frameWindow
	frameContinuation
)

// Flags of frames (RFC 9113 section 6).
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Settings that matter here (RFC 9113 section 6.5.2).
const (
	settingPush     = 0x2
	settingStreams  = 0x3
	settingWindow   = 0x4
	settingFrame    = 0x5
	settingHeadList = 0x6
)

// A code is one of RFC 9113 section 7.
type code uint32

const (
	codeNo            code = 0x0
	codeProtocol      code = 0x1
	codeInternal      code = 0x2
	codeFlowControl   code = 0x3
	codeSettingsTime  code = 0x4
	codeStreamClosed  code = 0x5
	codeFrameSize     code = 0x6
	codeRefusedStream code = 0x7
	codeCancel        code = 0x8
	codeCompression   code = 0x9
	codeCalm          code = 0xb
)

// Limits of HTTP/2 (RFC 9113 sections 6.5.2 and 10.5).
const (
	maxStreams    = 100
	maxFrame      = 16 << 10
	streamWindow  = 64 << 10
	connWindow    = 1 << 20
	tableSize     = 4 << 10
	maxWindow     = 1<<31 - 1
	defaultWindow = 1<<16 - 1 // section 6.9.2
	maxID         = 1<<31 - 1
)

// frameHeadBytes is the length of what stands before each payload.
const frameHeadBytes = 9

// A frameHead is what stands before a payload (RFC 9113 section 4.1).
type frameHead struct {
	length int
	kind   byte
	flags  byte
	id     uint32
}

func readFrameHead(b []byte) frameHead {
	return frameHead{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]), kind: b[3], flags: b[4],
		id: binary.BigEndian.Uint32(b[5:9]) & maxID,
	}
}

func (h *frameHead) has(flag byte) bool { return h.flags&flag != 0 }

// appendFrameHead writes the head of a frame.
func appendFrameHead(b []byte, h frameHead) []byte {
	b = append(b, byte(h.length>>16), byte(h.length>>8), byte(h.length), h.kind, h.flags) //nolint:gosec // 24 bits of it go
	return binary.BigEndian.AppendUint32(b, h.id)
}

// appendReset writes RST_STREAM (section 6.4).
func appendReset(b []byte, id uint32, c code) []byte {
	b = appendFrameHead(b, frameHead{length: 4, kind: frameReset, id: id})
	return binary.BigEndian.AppendUint32(b, uint32(c))
}

// appendGoAway writes GOAWAY (section 6.8).
func appendGoAway(b []byte, last uint32, c code) []byte {
	b = appendFrameHead(b, frameHead{length: 8, kind: frameGoAway})
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, uint32(c))
}

// appendWindow writes WINDOW_UPDATE (section 6.9).
func appendWindow(b []byte, id, n uint32) []byte {
	b = appendFrameHead(b, frameHead{length: 4, kind: frameWindow, id: id})
	return binary.BigEndian.AppendUint32(b, n)
}

// appendPing writes PING (section 6.7).
func appendPing(b []byte, flags byte, data [8]byte) []byte {
	b = appendFrameHead(b, frameHead{length: 8, kind: framePing, flags: flags})
	return append(b, data[:]...)
}

// appendSetting writes one setting (section 6.5.1).
func appendSetting(b []byte, id uint16, v uint32) []byte {
	b = binary.BigEndian.AppendUint16(b, id)
	return binary.BigEndian.AppendUint32(b, v)
}

// A breach is an error of the connection (RFC 9113 section 5.4.1): it is told,
// said in GOAWAY, and ends the connection.
type breach struct {
	code  code
	fault *fault.Fault
}

func (b *breach) Error() string { return b.fault.Error() }

// breaks is a breach that says in private what was wrong.
func breaks(c code, why string) error {
	return &breach{code: c, fault: badFrames.Because(errors.New(why))}
}

// floods is the breach of a client that sends more of one kind than any use
// could have.
func floods(why string) error {
	return &breach{code: codeCalm, fault: flood.Because(errors.New(why))}
}
