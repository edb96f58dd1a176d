package bulk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
)

// What an altered journal, and an outside system that plays along, get.
func TestTamperedJournal(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	second := s.system.AddField(connector.Definition{Name: "Minor's name", Kind: "matter", Type: connector.TextLine})
	s.system.Put("matter", s.matters[3], second.ID, `"Zoë"`)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	r, err := apply(t.Context(), c)
	must(t, err)
	_, err = apply(t.Context(), s.config(w, second.ID))
	must(t, err)
	token := strings.Trim(s.system.Peek("matter", s.matters[3], second.ID), `"`)
	clean := s.journal

	// The token of a field that is not worked on is said to have been meant for
	// this one, and the outside system shows a part of it.
	s.journal = journaltest.NewMemory()
	must(t, s.journal.Intend(t.Context(), r.Job, []bulk.Entry{{Kind: "matter", Record: s.matters[3], Field: s.ssn.ID, Token: token}}))
	mine := s.system.Peek("matter", s.matters[3], s.ssn.ID)
	s.system.Put("matter", s.matters[3], s.ssn.ID, `"`+token[:60]+`"`)
	c = s.config(w, s.ssn.ID)
	rep, err := apply(t.Context(), c)
	if !errors.Is(err, bulk.ErrLeft) || s.system.Holds("Zoë") {
		t.Errorf("it was opened: %v %+v", err, rep.Findings)
	}
	s.system.Put("matter", s.matters[3], s.ssn.ID, mine)

	// Undo by a journal that says that this job sealed the other field's token,
	// and tokens of nobody, in place of what stands there.
	before := s.system.Dump()
	s.journal = journaltest.NewMemory()
	for _, m := range s.matters {
		must(t, s.journal.Settle(t.Context(), r.Job, []bulk.Entry{
			{Kind: "matter", Record: m, Field: s.ssn.ID, Token: token, State: bulk.Done},
			{Kind: "matter", Record: m, Field: s.ssn.ID, Token: `x","y":"`, Replaced: `"`, State: bulk.Intended},
		}))
	}
	rep, err = newJob(t, s.config(w, s.ssn.ID)).Undo(t.Context())
	if !errors.Is(err, bulk.ErrLeft) || !slices.Equal(s.system.Dump(), before) || rep.Fields[0].Changed != 0 {
		t.Errorf("%v %+v", err, rep.Findings)
	}
	// With the journal that is ours it works.
	s.journal = clean
	if _, err = newJob(t, s.config(w, s.ssn.ID)).Undo(t.Context()); err != nil || !s.system.Holds("078-05-0009") {
		t.Errorf("%v", err)
	}
}
