package main

import "time"

// calibrate is the time in nanoseconds that this machine takes for a fixed piece
// of work: steps of a hash over a table that fits the second cache, which is
// what parsing and matching are like. The best of several tries counts.
func calibrate() float64 {
	table := make([]uint64, 1<<13)
	for i := range table {
		table[i] = uint64(i) * 0x9e3779b97f4a7c15
	}
	best, sum := time.Duration(1<<62), uint64(0)
	for range 40 {
		start := time.Now()
		sum += work(table)
		best = min(best, time.Since(start))
	}
	if sum == 1 { // so that the work is done
		best++
	}
	return float64(best.Nanoseconds()) / steps
}

const steps = 200_000

func work(table []uint64) uint64 {
	h := uint64(14695981039346656037)
	for range steps {
		h = (h ^ table[h>>51]) * 1099511628211
	}
	return h
}
