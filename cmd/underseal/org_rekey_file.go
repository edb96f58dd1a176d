package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonRekeyedColumn struct {
	Column string `json:"column"`
	Field  string `json:"field"`
	Sealed int64  `json:"sealed_again"`
	Kept   int64  `json:"kept"`
	Left   int64  `json:"left"`
	Reason string `json:"reason,omitempty"` // why some were left
}

type jsonRekeyed struct {
	Rows     int64               `json:"rows"`
	Sealed   int64               `json:"sealed_again"`
	Kept     int64               `json:"kept"`
	Left     int64               `json:"left"`
	Failed   int64               `json:"failed"`
	Requoted int64               `json:"requoted"`
	Columns  []jsonRekeyedColumn `json:"columns"`
	Failures []jsonFailure       `json:"failures"`
	Out      string              `json:"out"`
}

func (a *app) rekeyFile(cmd *cobra.Command, f rekeyFlags) error {
	file, cols, err := f.file.parse(cmd, f.input)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return a.with(ctx, func(w *workspace.Workspace) error {
		fails := &failures{a: a, input: f.input, keepGoing: f.keepGoing}
		s, err := a.openStream(ctx, f.input, f.file, durable.Shared)
		if err != nil {
			return err
		}
		defer s.abort()
		bar, end := a.progress(s.size, "sealing again")
		file.Progress, file.Warn, file.Failed = bar, a.warnOfChange(f.input), fails.failed
		r, err := columns.Rekey(ctx, w, s.in, s.out, file, cols)
		end()
		switch {
		case errors.Is(err, columns.ErrMixed):
			err = fmt.Errorf("%s: column %s: %w", term.Escape(nameOf(f.input)), term.Escape(strings.Join(r.Mixed, ", ")), err)
			if !f.keepGoing {
				return err
			}
		case err != nil:
			return inFile(f.input, err)
		case fails.count > 0:
			err = fmt.Errorf("%s: %d %w", term.Escape(nameOf(f.input)), fails.count, errCells)
		}
		if err := s.commit(); err != nil {
			return err
		}
		a.sayRekeyed(r, f, fails, err)
		return err
	})
}

func (a *app) sayRekeyed(r columns.RekeyReport, f rekeyFlags, fails *failures, err error) {
	out := jsonRekeyed{
		Rows: r.Rows, Sealed: r.Sealed, Kept: r.Kept, Left: r.Left, Failed: r.Failed, Requoted: r.Requoted,
		Columns: []jsonRekeyedColumn{}, Failures: append([]jsonFailure{}, fails.list...), Out: f.file.out,
	}
	for _, c := range r.Fields {
		out.Columns = append(out.Columns, jsonRekeyedColumn{c.Column, c.Field, c.Sealed, c.Kept, c.Left, leftWords(c.Err)})
	}
	if a.json {
		a.printJSON(out, err)
		return
	}
	for _, c := range out.Columns {
		a.say("%s: sealed %s of field %s again%s", term.Escape(c.Column), count(c.Sealed, "value", "values"), shown(c.Field), some(c.Kept, ", kept %d under the present key"))
		if c.Left > 0 {
			a.say("%s: left %s of field %s: %s", term.Escape(c.Column), count(c.Left, "token", "tokens"), shown(c.Field), c.Reason)
		}
	}
	if len(out.Columns) == 0 {
		a.say("the file holds no token")
	}
	a.say("%s", count(out.Rows, "row", "rows"))
	if f.file.out == "-" {
		return
	}
	a.say("wrote %s", term.Escape(f.file.out))
	if f.input != "-" && out.Sealed > 0 {
		a.say("%s still holds the values under the earlier keys", term.Escape(f.input))
	}
}

// leftWords says why tokens of a field were left.
func leftWords(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, officer.ErrClosed):
		return "it is closed, and not yours to open; see: underseal org status"
	case errors.Is(err, officer.ErrEnded):
		return "it is no longer in use"
	default:
		return "you may not read and write it"
	}
}
