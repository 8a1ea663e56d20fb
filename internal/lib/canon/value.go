package canon

// ValueEnd is where a field value that begins at s[at] ends (RFC 9110 section
// 5.5): at the first control character but the tab, or with s. It looks at eight
// bytes at once.
func ValueEnd[T string | []byte](s T, at int) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	for ; at+8 <= len(s); at += 8 {
		p := s[at : at+8]
		w := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		del := w ^ 0x7f*ones
		// A top bit stays where a byte is below 0x20, or was 0x7f. Above such a
		// byte one may stay for nothing, which the loop below finds out.
		if ((w-0x20*ones)&^w|(del-ones)&^del)&tops == 0 {
			continue
		}
		for i := range 8 {
			if c := p[i]; ctl(c) && c != '\t' {
				return at + i
			}
		}
	}
	for ; at < len(s); at++ {
		if c := s[at]; ctl(c) && c != '\t' {
			return at
		}
	}
	return at
}
