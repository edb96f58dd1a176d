package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
)

// findings are what a call found, as people read it: what was not granted to
// them is counted by field, for there is one for each value.
type findings struct {
	notGranted []notGranted
	others     []jsonFinding // the first bulk.MaxFindings
	more       int64
}

// notGranted is how many values of a field the caller was not granted.
type notGranted struct {
	on, name string
	values   int64
}

func (l *findings) add(f jsonFinding) {
	if f.Reason != string(bulk.NotGranted) {
		if len(l.others) == bulk.MaxFindings {
			l.more++
			return
		}
		l.others = append(l.others, f)
		return
	}
	i := slices.IndexFunc(l.notGranted, func(n notGranted) bool { return n.on == f.On && n.name == f.Name })
	if i < 0 {
		i = len(l.notGranted)
		l.notGranted = append(l.notGranted, notGranted{on: f.On, name: f.Name})
	}
	l.notGranted[i].values++
}

// findingsOf is that of a report, which has the first findings alone.
func findingsOf(r jsonReport) findings {
	var l findings
	for _, f := range r.Findings {
		l.add(f)
	}
	l.more += r.More
	return l
}

func (a *app) printFindings(l findings) {
	for _, n := range l.notGranted {
		a.print("%s %s: %s of a key that is not granted to you", term.Escape(n.on), term.Escape(n.name), count(n.values, "token", "tokens"))
	}
	for _, f := range l.others {
		a.print("%s %s%s: %s", term.Escape(f.On), term.Escape(f.Record), inField(f.Name), term.Escape(f.Reason))
	}
	if l.more > 0 {
		a.print("and %d more", l.more)
	}
}

// unverified says what can be done about what verify found.
func (x *account) unverified(ctx context.Context, v *view, l findings, r jsonReport) string {
	var plain, held int64
	for _, f := range r.Fields {
		plain += f.States[bulk.Plain.String()]
		for _, s := range []bulk.State{bulk.Unreadable, bulk.Foreign, bulk.Suspicious, bulk.Blocked} {
			held += f.States[s.String()]
		}
	}
	var hints []string
	switch opened, err := x.openedInClear(ctx, v); {
	case plain == 0:
	case opened || err != nil:
		hints = append(hints, "underseal clio fields says what to do about what is in clear")
	default:
		hints = append(hints, "underseal clio enable --repair seals what is in clear")
	}
	if len(l.notGranted) > 0 {
		hints = append(hints, "ask somebody with the share right to verify, or for: underseal field grant")
	}
	for _, n := range l.notGranted {
		held -= n.values
	}
	if held > 0 || slices.ContainsFunc(l.others, func(f jsonFinding) bool { return f.Reason != string(bulk.InClear) }) {
		hints = append(hints, "a person has to put right what else is listed; "+x.copies())
	}
	return strings.Join(hints, "; ")
}

// copies says where the values are as they were before they were sealed.
func (x *account) copies() string {
	folder := filepath.Join(string(x.home), exportsFolder)
	if list, err := os.ReadDir(folder); err != nil || len(list) == 0 {
		return "the sealed copy that --export named, if there is one, has the values as they were: underseal open"
	}
	return "the sealed copies in " + arg(folder) + " have the values as they were: underseal open"
}
