package journaltest_test

import (
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(*testing.T) func() bulk.Journal {
		m := journaltest.NewMemory()
		return func() bulk.Journal { return m }
	})
}
