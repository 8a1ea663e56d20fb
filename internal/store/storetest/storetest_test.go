package storetest_test

import (
	"testing"

	"github.com/sallyport/sallyport/internal/store/storetest"
)

func TestMemoryIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) storetest.Keys { return storetest.NewMemory() })
}
