package cliotest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/internal/cliosim/simtest"
)

// TestSuite: the connector keeps what every connector promises.
func TestSuite(t *testing.T) {
	t.Parallel()
	described := simtest.Load(t)
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		w := newWorld(t, options{
			seed:     cliosim.SeedOptions{Matters: -1, Contacts: -1},
			settings: cliosim.Settings{LaxRequired: true, RateLimit: 1000}, description: described,
		})
		person := func(method, path string, data any) json.RawMessage {
			answer, _, err := w.sim.Person(t.Context(), w.firm.Users[0], method, path, data)
			w.check(err)
			return answer
		}
		ssn, income := w.firm.Fields["SSN"], w.firm.Fields["Annual income"]
		f := connectortest.Fixture{
			Records: w.connect(0), Kind: clio.Contact,
			Field: strconv.FormatInt(ssn, 10), Typed: strconv.FormatInt(income, 10),
			Reopen: func(*testing.T) connector.Records { return w.connect(1) },
		}
		for i := range 5 {
			data := map[string]any{"type": "Company", "name": "Company " + strconv.Itoa(i)}
			value := func(field int64, value any) map[string]any {
				return map[string]any{"custom_field": map[string]any{"id": field}, "value": value}
			}
			switch i {
			case 0:
				data["custom_field_values"] = []any{value(ssn, "078-05-1120"), value(income, "12.5")}
			case 2:
				data["custom_field_values"] = []any{value(ssn, nil)}
			}
			var made struct {
				ID int64 `json:"id"`
			}
			w.check(json.Unmarshal(person(http.MethodPost, "/contacts", data), &made))
			f.IDs = append(f.IDs, strconv.FormatInt(made.ID, 10))
		}
		f.Edit = func(t *testing.T, id, text string) {
			t.Helper()
			r, err := w.connect(1).Get(t.Context(), clio.Contact, id, []string{f.Field})
			w.check(err)
			change := map[string]any{"value": text, "custom_field": map[string]any{"id": ssn}}
			if v, _ := r.Value(f.Field); v.ID != "" {
				change["id"] = v.ID
			}
			person(http.MethodPatch, "/contacts/"+id, map[string]any{"custom_field_values": []any{change}})
		}
		return f
	})
}
