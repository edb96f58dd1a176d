package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/workspace"
)

func newSealCommand(a *app) *cobra.Command {
	var f fileFlags
	c := &cobra.Command{
		Use:   "seal FILE --out FILE --record-id COLUMN --column COLUMN[=FIELD]...",
		Short: "Seal columns of a CSV or JSON Lines file", Args: oneArg("FILE"),
		Long: `Seal columns of a CSV or JSON Lines file. Every other byte stays as it is. Empty
cells stay empty. A token that is already one of its record and field is kept;
any other token in a column to be sealed is an error. FILE may be - for standard
input.

The record id is what ties a value to its row: choose the column with the number
that the row keeps for ever, such as an id or a matter's number.`,
		Example: `underseal seal people.csv --out sealed.csv --record-id id \
    --column phone --column address=home-address`,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, cols, err := f.parse(cmd, args[0])
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				return a.seal(cmd.Context(), w, args[0], f, file, cols)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.recordID, "record-id", "", "the `COLUMN` with each row's own id")
	c.Flags().StringArrayVar(&f.columns, "column", nil, "`COLUMN` to seal, as the field of its name, or COLUMN=FIELD; repeat it")
	required(c, "record-id", "column")
	return c
}

type jsonSealedColumn struct {
	Column string `json:"column"`
	Field  string `json:"field"`
	Sealed int64  `json:"sealed"`
	Kept   int64  `json:"kept"`
	Empty  int64  `json:"empty"`
}

type jsonSealed struct {
	Rows     int64              `json:"rows"`
	Sealed   int64              `json:"sealed"`
	Kept     int64              `json:"kept"`
	Requoted int64              `json:"requoted"`
	Columns  []jsonSealedColumn `json:"columns"`
	Out      string             `json:"out"`
}

func (a *app) seal(ctx context.Context, w *workspace.Workspace, input string, f fileFlags, file columns.File, cols []columns.Column) error {
	s, err := a.openStream(ctx, input, f, durable.Shared)
	if err != nil {
		return err
	}
	defer s.abort()
	bar, end := a.progress(s.size, "sealing")
	file.Progress, file.Warn = bar, a.warnOfChange(input)
	r, err := columns.Seal(ctx, w, s.in, s.out, file, cols)
	end()
	if err != nil {
		return inFile(input, err)
	}
	if err := s.commit(); err != nil {
		return err
	}
	out := jsonSealed{Rows: r.Rows, Kept: r.Kept, Requoted: r.Requoted, Columns: []jsonSealedColumn{}, Out: f.out}
	for i, c := range r.Columns {
		out.Sealed += c.Replaced
		out.Columns = append(out.Columns, jsonSealedColumn{c.Column, cols[i].Field, c.Replaced, c.Cells - c.Replaced, c.Empty})
	}
	a.saySealed(out, input, f)
	return nil
}

func (a *app) saySealed(out jsonSealed, input string, f fileFlags) {
	if a.json {
		a.printJSON(out, nil)
		return
	}
	for _, c := range out.Columns {
		a.say("%s: sealed %s as field %s%s%s", term.Escape(c.Column), count(c.Sealed, "value", "values"), term.Escape(c.Field),
			some(c.Kept, ", kept %d sealed before"), some(c.Empty, ", left %d empty"))
	}
	a.say("%s", count(out.Rows, "row", "rows"))
	if f.out == "-" {
		return
	}
	a.say("wrote %s", term.Escape(f.out))
	if input != "-" {
		a.say("%s still holds the values as they were", term.Escape(input))
	}
	a.next("underseal open %s --out %s%s", arg(f.out), arg("plain"+filepath.Ext(f.out)), f.again())
}
