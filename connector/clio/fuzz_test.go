package clio

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/underseal/underseal/connector"
)

// FuzzAnswer: whatever a server answers, what comes out is either an error of
// the contract or keeps its promises.
func FuzzAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body, etag string) {
		if status >= statusFault || status == statusTimeout || status == statusLimited {
			t.Skip() // repeated for hours
		}
		c, d := connect(t, func(sent) reply { return reply{status: status, body: body} })
		fields := []string{"3", "4"}
		known := func(what string, err error) bool {
			if err == nil {
				return false
			}
			for _, one := range []error{
				connector.ErrConflict, connector.ErrNotFound, connector.ErrForbidden, connector.ErrWithheld,
				connector.ErrUnauthorized, connector.ErrRefused, connector.ErrMalformed,
			} {
				if errors.Is(err, one) {
					return true
				}
			}
			t.Errorf("%s: %v", what, err)
			return true
		}
		check := func(r connector.Record) {
			if r.ID == "" || !isEtag(r.Version) {
				t.Errorf("%+v", r)
			}
			seen := map[string]bool{}
			for _, v := range r.Values {
				if v.Field != "3" && v.Field != "4" || seen[v.Field] || v.ID == "" && v.Data != nil || v.Data != nil && !json.Valid(v.Data) {
					t.Errorf("%+v", v)
				}
				seen[v.Field] = true
			}
		}
		if page, err := c.List(t.Context(), Matter, fields, ""); !known("List", err) {
			for _, r := range page.Records {
				check(r)
			}
		}
		r, err := c.Get(t.Context(), Matter, "7", fields)
		if !known("Get", err) {
			check(r)
		}
		r, err = c.Write(t.Context(), connector.Record{Kind: Matter, ID: "7", Version: etag}, []connector.Change{{Field: "3", Data: raw(`"a"`)}})
		if !known("Write", err) {
			check(r)
		}
		defs, err := c.Definitions(t.Context())
		if !known("Definitions", err) {
			for _, x := range defs {
				if x.ID == "" || x.Name == "" || x.Kind != Matter && x.Kind != Contact {
					t.Errorf("%+v", x)
				}
			}
		}
		_, err = c.Place(t.Context())
		known("Place", err)
		for _, s := range d.seen {
			for name, value := range s.header {
				if !headerSafe(value) && name != "Content-Type" && name != "Authorization" {
					t.Errorf("%s: %q", name, value)
				}
			}
		}
	})
}
