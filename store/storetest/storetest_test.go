package storetest_test

import (
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
)

func organization() wire.OrganizationID {
	return wire.OrganizationID(wire.Sum("underseal/test/organization"))
}

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) func() store.Store {
		m := storetest.NewMemory(organization())
		return func() store.Store { return m }
	})
}
