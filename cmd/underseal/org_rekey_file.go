package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonRekeyedColumn struct {
	Column string           `json:"column"`
	Field  string           `json:"field"`
	Sealed int64            `json:"sealed_again"`
	Kept   int64            `json:"kept"`
	Left   int64            `json:"left"`
	Reason string           `json:"reason,omitempty"` // why some were left
	Epochs []jsonFileEpochs `json:"epochs"`           // as they were read
}

type jsonFileEpochs struct {
	Epoch  uint64 `json:"epoch"`
	Values int64  `json:"values"`
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
	Done     bool                `json:"done"` // false: it was a plan
}

func (a *app) rekeyFile(cmd *cobra.Command, f rekeyFlags) error {
	file, cols, err := f.file.parse(cmd, f.input)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return a.with(ctx, func(w *workspace.Workspace) error {
		fails := &failures{a: a, input: f.input, keepGoing: f.keepGoing || f.dryRun}
		s, err := a.openRekey(ctx, f)
		if err != nil {
			return err
		}
		defer s.abort()
		what := "sealing again"
		if f.dryRun {
			what = "reading"
		}
		bar, end := a.progress(s.size, what)
		file.Progress, file.Warn, file.Failed = bar, a.warnOfChange(f.input), fails.failed
		var r columns.RekeyReport
		if f.dryRun {
			r, err = columns.PlanRekey(ctx, w, s.in, file, cols)
		} else {
			r, err = columns.Rekey(ctx, w, s.in, s.out, file, cols)
		}
		end()
		switch {
		case errors.Is(err, columns.ErrMixed):
			err = fmt.Errorf("%s: column %s: %w", term.Escape(nameOf(f.input)), term.Escape(strings.Join(r.Mixed, ", ")), err)
			if !fails.keepGoing {
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
		out := rekeyedOf(r, f, fails)
		switch {
		case a.json:
			a.printJSON(out, err)
		case f.dryRun:
			a.sayRekeyFilePlan(out, f, err)
		default:
			a.sayRekeyed(out, f)
		}
		return err
	})
}

// openRekey opens what is read, and what is written unless nothing is.
func (a *app) openRekey(ctx context.Context, f rekeyFlags) (*stream, error) {
	if f.dryRun {
		return a.openInput(ctx, f.input)
	}
	return a.openStream(ctx, f.input, f.file, durable.Shared)
}

func rekeyedOf(r columns.RekeyReport, f rekeyFlags, fails *failures) jsonRekeyed {
	out := jsonRekeyed{
		Rows: r.Rows, Sealed: r.Sealed, Kept: r.Kept, Left: r.Left, Failed: r.Failed, Requoted: r.Requoted,
		Columns: []jsonRekeyedColumn{}, Failures: append([]jsonFailure{}, fails.list...), Done: !f.dryRun,
	}
	if !f.dryRun {
		out.Out = f.file.out
	}
	for _, c := range r.Fields {
		x := jsonRekeyedColumn{c.Column, c.Field, c.Sealed, c.Kept, c.Left, leftWords(c.Err), []jsonFileEpochs{}}
		for _, e := range c.Epochs {
			x.Epochs = append(x.Epochs, jsonFileEpochs(e))
		}
		out.Columns = append(out.Columns, x)
	}
	return out
}

func (a *app) sayRekeyFilePlan(out jsonRekeyed, f rekeyFlags, err error) {
	for _, c := range out.Columns {
		var epochs []string
		for _, e := range c.Epochs {
			epochs = append(epochs, fmt.Sprintf("%d of epoch %d", e.Values, e.Epoch))
		}
		a.say("  %s, field %s: %s to seal again%s (%s)", term.Escape(c.Column), shown(c.Field), count(c.Sealed, "value", "values"),
			some(c.Kept, ", %d under the present key"), strings.Join(epochs, ", "))
		if c.Left > 0 {
			a.say("  %s, field %s: %s would be left: %s", term.Escape(c.Column), shown(c.Field), count(c.Left, "token", "tokens"), c.Reason)
		}
	}
	a.sayRows(out)
	if out.Sealed == 0 {
		a.say("nothing that you can seal again is under an earlier key")
	}
	a.say("nothing was written")
	if err == nil && out.Sealed > 0 && f.input != "-" {
		a.next("underseal org rekey --file %s --out %s%s", arg(f.input), arg("new"+filepath.Ext(f.input)), f.file.again())
	}
}

func (a *app) sayRows(out jsonRekeyed) {
	if len(out.Columns) == 0 {
		a.say("the file holds no token")
	}
	a.say("%s", count(out.Rows, "row", "rows"))
}

func (a *app) sayRekeyed(out jsonRekeyed, f rekeyFlags) {
	for _, c := range out.Columns {
		a.say("%s: sealed %s of field %s again%s", term.Escape(c.Column), count(c.Sealed, "value", "values"), shown(c.Field), some(c.Kept, ", kept %d under the present key"))
		if c.Left > 0 {
			a.say("%s: left %s of field %s: %s", term.Escape(c.Column), count(c.Left, "token", "tokens"), shown(c.Field), c.Reason)
		}
	}
	a.sayRows(out)
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
