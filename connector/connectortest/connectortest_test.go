package connectortest_test

import (
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

func fixture(t *testing.T, wrap func(*connectortest.Memory) connector.Records) connectortest.Fixture {
	t.Helper()
	m := connectortest.NewMemory(connectortest.Settings{})
	text := m.AddField(connector.Definition{Name: "SSN", Kind: "matter", Type: connector.TextLine})
	typed := m.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Currency})
	f := connectortest.Fixture{Records: wrap(m), Kind: "matter", Field: text.ID, Typed: typed.ID}
	for range 7 {
		f.IDs = append(f.IDs, m.AddRecord("matter"))
	}
	m.Put("matter", f.IDs[0], text.ID, `"078-05-1120"`)
	m.Put("matter", f.IDs[0], typed.ID, "12.50")
	m.Unset("matter", f.IDs[1], text.ID)
	m.Put("matter", f.IDs[2], text.ID, `"x"`)
	m.Clear("matter", f.IDs[2], text.ID)
	f.Edit = func(_ *testing.T, id, text string) { m.Put("matter", id, f.Field, `"`+text+`"`) }
	return f
}

func TestMemory(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		return fixture(t, func(m *connectortest.Memory) connector.Records { return m })
	})
}

// A wrapper that fails by no plan changes nothing.
func TestFaulty(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		return fixture(t, func(m *connectortest.Memory) connector.Records { return connectortest.NewFaulty(m) })
	})
}
