package bulk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
)

// The form of an outside system may say false of a checkbox that nobody
// touched. What was ticked and sealed is not given up for it.
func TestAFormSaysFalse(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		counts   bulk.Counting
		original string // after the repair
		disabled string // after disabling
		left     bool
	}{
		"nobody says what counts":   {"", "false", "", true},
		"what was entered counts":   {bulk.CountsEntered, "", "false", false},
		"what was sealed counts":    {bulk.CountsSealed, "", "true", false},
		"it was false all the time": {"", "", "false", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 0)
			box := s.system.AddField(connector.Definition{Name: "Minor", Kind: "matter", Type: connector.Checkbox, Required: true})
			m, other := s.system.AddRecord("matter"), s.system.AddRecord("matter")
			value := "true"
			if strings.HasPrefix(name, "it was") {
				value = "false"
			}
			s.system.Put("matter", m, box.ID, value)
			s.system.Put("matter", other, box.ID, "false")
			c := s.config(s.Open("alice"), box.ID)
			_, err := apply(t.Context(), c)
			must(t, err)
			twin := s.system.Fields()[len(s.system.Fields())-1].ID
			token := s.system.Peek("matter", m, twin)
			s.system.Put("matter", m, box.ID, "false")
			s.system.Put("matter", other, box.ID, "true") // no form does that

			c.Unticked = x.counts
			if x.left || x.counts != "" {
				r, err := verify(t.Context(), c)
				if !errors.Is(err, bulk.ErrNotVerified) || !slices.Contains(reasons(r), bulk.Unticked) {
					t.Errorf("verify: %v %+v", err, r.Findings)
				}
			}
			p, err := newJob(t, c).Plan(t.Context())
			must(t, err)
			if want := map[bool]int64{true: 1, false: 2}[x.left]; p.Writes != want {
				t.Errorf("%d writes planned", p.Writes)
			}
			r, err := apply(t.Context(), c)
			if x.left != errors.Is(err, bulk.ErrLeft) || x.left != slices.Contains(reasons(r), bulk.Unticked) || !x.left && err != nil {
				t.Errorf("repair: %v %+v", err, r.Findings)
			}
			if got := s.system.Peek("matter", m, box.ID); got != x.original {
				t.Errorf("the checkbox says %q", got)
			}
			if got := s.system.Peek("matter", m, twin); (x.left || x.counts == bulk.CountsSealed) && got != token {
				t.Errorf("the token was touched: %q", got)
			}
			if got := s.system.Peek("matter", other, box.ID); got != "" {
				t.Errorf("another checkbox says %q", got)
			}
			r, err = newJob(t, c).Disable(t.Context())
			if x.left {
				if !errors.Is(err, bulk.ErrLeft) || s.system.Peek("matter", m, twin) != token || s.system.Peek("matter", m, box.ID) != "false" {
					t.Errorf("disable: %v %+v", err, r.Findings)
				}
				c.Unticked = bulk.CountsSealed // also to disable
				_, err = newJob(t, c).Disable(t.Context())
				x.disabled = "true"
			}
			if got := s.system.Peek("matter", m, box.ID); err != nil || got != x.disabled || s.system.Peek("matter", other, box.ID) != "true" {
				t.Errorf("%v, the checkbox says %q", err, got)
			}
		})
	}
}
