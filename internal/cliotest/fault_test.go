package cliotest

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/internal/cliosim/simtest"
	"github.com/underseal/underseal/internal/secret"
)

// faults is what can happen to one request.
var faults = []struct {
	name  string
	fault cliosim.Fault
	// The outcome of a read and of a write; nil: it succeeds.
	read, write error
}{
	{"500 before", cliosim.Fault{Do: cliosim.DoStatus, Status: 500}, nil, nil},
	{"500 after", cliosim.Fault{Do: cliosim.DoStatus, Status: 500, After: true}, nil, connector.ErrUncertain},
	{"502 before", cliosim.Fault{Do: cliosim.DoStatus, Status: 502}, nil, nil},
	{"503 before, with Retry-After", cliosim.Fault{Do: cliosim.DoStatus, Status: 503, RetryAfter: cliosim.Duration(time.Minute)}, nil, nil},
	{"504 after", cliosim.Fault{Do: cliosim.DoStatus, Status: 504, After: true}, nil, connector.ErrUncertain},
	{"429", cliosim.Fault{Do: cliosim.DoStatus, Status: 429, RetryAfter: cliosim.Duration(30 * time.Second)}, nil, nil},
	{"429 without Retry-After", cliosim.Fault{Do: cliosim.DoStatus, Status: 429}, nil, nil},
	{"401 once", cliosim.Fault{Do: cliosim.DoStatus, Status: 401}, nil, nil},
	{"403", cliosim.Fault{Do: cliosim.DoStatus, Status: 403}, connector.ErrForbidden, connector.ErrForbidden},
	{"404", cliosim.Fault{Do: cliosim.DoStatus, Status: 404}, connector.ErrNotFound, connector.ErrNotFound},
	{"cut before", cliosim.Fault{Do: cliosim.DoCut}, nil, nil},
	{"cut after", cliosim.Fault{Do: cliosim.DoCut, After: true}, nil, connector.ErrUncertain},
	{"cut before, twice", cliosim.Fault{Do: cliosim.DoCut, To: 2}, nil, nil},
	{"truncated", cliosim.Fault{Do: cliosim.DoTruncate, Bytes: 20, After: true}, nil, connector.ErrUncertain},
	{"truncated at once", cliosim.Fault{Do: cliosim.DoTruncate, After: true}, nil, connector.ErrUncertain},
	{"no answer before", cliosim.Fault{Do: cliosim.DoHang}, nil, nil},
	{"no answer after", cliosim.Fault{Do: cliosim.DoHang, After: true}, nil, connector.ErrUncertain},
	{"slow", cliosim.Fault{Do: cliosim.DoSlow, Every: cliosim.Duration(time.Millisecond), After: true}, nil, nil},
	{"clock ahead", cliosim.Fault{Do: cliosim.DoSkew, Skew: cliosim.Duration(5 * time.Hour), After: true}, nil, nil},
	{"clock behind", cliosim.Fault{Do: cliosim.DoSkew, Skew: cliosim.Duration(-5 * time.Hour), After: true}, nil, nil},
	{"token expired", cliosim.Fault{Do: cliosim.DoExpire}, nil, nil},
	{"token revoked", cliosim.Fault{Do: cliosim.DoRevoke}, connector.ErrUnauthorized, connector.ErrUnauthorized},
}

// TestFaults: whatever happens to a request, what the connector says of it is
// true, and no value is lost or written twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	described := simtest.Load(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{impatient: f.fault.Do == cliosim.DoHang, description: described})
			reader := w.connect(1) // whom no fault meets any more
			field := w.fields(reader, clio.Contact, connector.TextLine)[0]
			full, _ := w.holding(reader, clio.Contact, field)
			old, _ := full.Value(field)
			happen := func(method, route string) {
				fault := f.fault
				fault.Method, fault.Route, fault.From = method, route, 1
				w.faults(fault)
			}

			happen("GET", "/api/v4/contacts")
			_, err := w.connect(0).List(t.Context(), clio.Contact, []string{field}, "")
			outcome(t, "List", err, f.read)
			happen("GET", "/api/v4/contacts/*")
			_, err = w.connect(0).Get(t.Context(), clio.Contact, full.ID, []string{field})
			outcome(t, "Get", err, f.read)
			happen("GET", "/api/v4/custom_fields")
			_, err = w.connect(0).Definitions(t.Context())
			outcome(t, "Definitions", err, f.read)

			happen("PATCH", "/api/v4/contacts/*")
			written, err := w.connect(0).Write(t.Context(), full, []connector.Change{{Field: field, ID: old.ID, Data: text("sealed")}})
			outcome(t, "Write", err, f.write)
			w.faults()
			now, failed := reader.Get(t.Context(), clio.Contact, full.ID, []string{field})
			w.check(failed)
			value, _ := now.Value(field)
			switch {
			case err == nil:
				if string(value.Data) != `"sealed"` || now.Version != written.Version {
					t.Errorf("written: %s %s, read %s %s", written.Version, "sealed", now.Version, value.Data)
				}
			case errors.Is(err, connector.ErrUncertain):
				if string(value.Data) != `"sealed"` && string(value.Data) != string(old.Data) {
					t.Errorf("uncertain, and %s", value.Data)
				}
			default:
				if string(value.Data) != string(old.Data) || now.Version != full.Version {
					t.Errorf("not written, and %s", value.Data)
				}
			}
		})
	}
}

func outcome(t *testing.T, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
	if want != nil && want != connector.ErrUncertain && errors.Is(err, connector.ErrUncertain) { //nolint:errorlint // the table's own
		t.Errorf("%s: uncertain of what is certain: %v", what, err)
	}
}

// TestFieldsUnderFaults: a field is made once, changed once and deleted once.
func TestFieldsUnderFaults(t *testing.T) {
	t.Parallel()
	described := simtest.Load(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{impatient: f.fault.Do == cliosim.DoHang, description: described})
			happen := func(method, route string) {
				fault := f.fault
				fault.Method, fault.Route, fault.From = method, route, 1
				w.faults(fault)
			}
			want := f.write
			if want == connector.ErrUncertain { //nolint:errorlint // the table's own
				want = nil // settled by looking
			}
			count := func() (n int) {
				defs, err := w.connect(1).Definitions(t.Context())
				w.check(err)
				for _, d := range defs {
					if d.Name == "SSN (Underseal)" && !d.Deleted {
						n++
					}
				}
				return n
			}
			twin := connector.Definition{Name: "SSN (Underseal)", Kind: clio.Contact, Type: connector.TextArea}
			happen("POST", "/api/v4/custom_fields")
			made, err := w.connect(0).CreateField(t.Context(), twin)
			outcome(t, "CreateField", err, want)
			w.faults()
			if n := count(); n != 1 && err == nil || n != 0 && err != nil {
				t.Errorf("%d fields, %v", n, err)
			}
			if err != nil {
				if made, err = w.connect(0).CreateField(t.Context(), twin); err != nil {
					t.Fatal(err)
				}
			}

			happen("PATCH", "/api/v4/custom_fields/*")
			made.Required = true
			updated, err := w.connect(0).UpdateField(t.Context(), made)
			outcome(t, "UpdateField", err, want)
			w.faults()
			if err != nil {
				if updated, err = w.connect(0).UpdateField(t.Context(), made); err != nil {
					t.Fatal(err)
				}
			}
			if !updated.Required {
				t.Errorf("%+v", updated)
			}

			happen("DELETE", "/api/v4/custom_fields/*")
			err = w.connect(0).DeleteField(t.Context(), updated)
			outcome(t, "DeleteField", err, want)
			w.faults()
			if n := count(); n != 0 && err == nil || n != 1 && err != nil {
				t.Errorf("%d fields left, %v", n, err)
			}
		})
	}
}

// TestAccounts: what an account may not see or do is said, and never taken for
// nothing.
func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	field := w.fields(c, clio.Contact, connector.TextLine)[0]
	full, bare := w.holding(c, clio.Contact, field)
	v, _ := full.Value(field)
	permit := func(p cliosim.Permissions) { w.check(w.sim.Permit(t.Context(), w.firm.Users[0], p)) }
	write := func(r connector.Record, data string) error {
		_, err := c.Write(t.Context(), r, []connector.Change{{Field: field, ID: v.ID, Data: text(data)}})
		return err
	}

	permit(cliosim.Permissions{NoDefinitions: true})
	_, err := c.Definitions(t.Context())
	want(t, err, connector.ErrForbidden)

	permit(cliosim.Permissions{StripValues: true})
	_, err = c.List(t.Context(), clio.Contact, []string{field}, "")
	want(t, err, connector.ErrWithheld)
	_, err = c.Get(t.Context(), clio.Contact, full.ID, []string{field})
	want(t, err, connector.ErrWithheld)
	_, err = c.Get(t.Context(), clio.Contact, bare.ID, w.fields(w.connect(1), clio.Contact, ""))
	want(t, err, connector.ErrWithheld)
	// It was written, and cannot be read back.
	want(t, write(full, "sealed"), connector.ErrUncertain, connector.ErrWithheld)

	permit(cliosim.Permissions{ReadOnly: true})
	full, err = c.Get(t.Context(), clio.Contact, full.ID, []string{field})
	w.check(err)
	want(t, write(full, "again"), connector.ErrForbidden)
	permit(cliosim.Permissions{NoFieldAdmin: true})
	want(t, write(full, "again"))
	_, err = c.CreateField(t.Context(), connector.Definition{Name: "a", Kind: clio.Contact, Type: connector.TextArea})
	want(t, err, connector.ErrForbidden)
	want(t, c.Probe(t.Context(), clio.Contact, connector.TextArea, 10), connector.ErrForbidden)
	permit(cliosim.Permissions{})

	w.check(w.sim.RevokeUser(t.Context(), w.firm.Users[0]))
	_, err = c.Get(t.Context(), clio.Contact, full.ID, nil)
	want(t, err, connector.ErrUnauthorized)
}

// TestWrongRegion: tokens of one region are nothing to another.
func TestWrongRegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	elsewhere := httptest.NewServer(w.sim.RegionHandler("eu"))
	defer elsewhere.Close()
	site, err := clio.At(elsewhere.URL)
	w.check(err)
	c := w.connect(0, func(cfg *clio.Config) { cfg.App.Site = site })
	_, err = c.Place(t.Context())
	want(t, err, connector.ErrUnauthorized)
}

// TestOutage: an hour without Clio is survived, in the middle of a list and of
// a write.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	field := w.fields(c, clio.Contact, connector.TextLine)[0]
	full, _ := w.holding(c, clio.Contact, field)
	v, _ := full.Value(field)
	away := func() {
		ends := w.clock.Now().Add(time.Hour)
		w.faults(cliosim.Fault{Route: "/*/*/*", From: 1, To: -1, Do: cliosim.DoCut}, cliosim.Fault{Route: "/*/*/*/*", From: 1, To: -1, Do: cliosim.DoCut})
		w.clock.onSleep = func(now time.Time) {
			if !now.Before(ends) {
				w.faults()
			}
		}
	}
	away()
	if _, err := c.List(t.Context(), clio.Contact, []string{field}, ""); err != nil {
		t.Error(err)
	}
	away()
	if _, err := c.Write(t.Context(), full, []connector.Change{{Field: field, ID: v.ID, Data: text("sealed")}}); err != nil {
		t.Error(err)
	}
	if n := c.Counters(); n.Retries < 100 || n.Retries > 300 || n.BackedOff < 2*time.Hour {
		t.Errorf("%+v", n)
	}
	// Whoever does not want to wait that long says so.
	away()
	impatient := w.connect(0, func(cfg *clio.Config) { cfg.Patience = 5 * time.Minute })
	_, err := impatient.List(t.Context(), clio.Contact, nil, "")
	want(t, err, connector.ErrUnavailable)
}

// TestNewTokens: a connector that gets a new access token hands it over, and
// another goes on with it.
func TestNewTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	var kept clio.Tokens
	c := w.connect(0, func(cfg *clio.Config) {
		cfg.Keep = func(_ context.Context, tokens clio.Tokens) error { kept = tokens; return nil }
	})
	w.check(w.sim.ExpireTokens(t.Context(), w.firm.Users[0]))
	if _, err := c.Place(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.Counters().Refreshes != 1 || kept.Access.Len() == 0 || kept.Refresh.Len() == 0 || !kept.Expires.After(w.clock.Now().Add(29*24*time.Hour)) {
		t.Errorf("%+v %+v", c.Counters(), kept)
	}
	next := w.connect(0, func(cfg *clio.Config) {
		cfg.Tokens = clio.Tokens{Access: secret.New(kept.Access.Expose()), Refresh: kept.Refresh, Expires: kept.Expires}
	})
	if _, err := next.Place(t.Context()); err != nil || next.Counters().Refreshes != 0 {
		t.Errorf("%v %+v", err, next.Counters())
	}
}
