package schema

// OnlyStreams tells whether every body that the contract declares for a
// success passes as it comes, such as a download, so that nothing will ask for
// it whole.
func (r *Reply) OnlyStreams() bool {
	found := false
	for i := range r.replies {
		if !r.replies[i].of.Success() {
			continue
		}
		for k := range r.replies[i].media {
			m := &r.replies[i].media[k]
			if m.plan(m.media.Type) != Stream {
				return false
			}
			found = true
		}
	}
	return found
}
