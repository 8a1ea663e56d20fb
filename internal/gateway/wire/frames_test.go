package wire

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/net/http2"
)

func TestErrorsAreSeenHoweverFramesAreCut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	for _, err := range []error{
		f.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 14}), f.WriteData(1, false, bytes.Repeat([]byte{3}, 1000)),
		f.WriteRSTStream(1, http2.ErrCodeProtocol), f.WritePing(true, [8]byte{}), f.WriteRSTStream(3, http2.ErrCodeNo), f.WriteData(5, true, nil),
		f.WriteGoAway(7, http2.ErrCodeEnhanceYourCalm, []byte("calm down")), f.WriteSettingsAck(), f.WriteRSTStream(9, http2.ErrCodeFlowControl),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []http2.ErrCode{http2.ErrCodeProtocol, http2.ErrCodeNo, http2.ErrCodeEnhanceYourCalm, http2.ErrCodeFlowControl}
	for size := 1; size <= b.Len(); size++ {
		var o outward
		var got []http2.ErrCode
		for part := range slices.Chunk(b.Bytes(), size) {
			got = append(got, o.walk(part)...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in parts of %d: %v, want %v", size, got, want)
		}
	}
}
