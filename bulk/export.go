package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// exportLine is a line of the export. "underseal open" opens it.
type exportLine struct {
	Kind   string `json:"kind"`
	Record string `json:"record"`
	Field  string `json:"field"`
	Value  string `json:"value"`
}

// export has the caller write a copy of all values, sealed, before anything is
// changed.
func (j *Job) export(ctx context.Context, p Plan, info *JobInfo) error {
	if j.c.Export == nil || info.Exported {
		return nil
	}
	if err := j.c.Export(func(out io.Writer) error { return j.exportTo(ctx, out, p) }); err != nil {
		return err
	}
	info.Exported, info.Updated = true, j.now()
	if err := j.c.Journal.PutJob(ctx, *info); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *Job) exportTo(ctx context.Context, out io.Writer, p Plan) error {
	enc := json.NewEncoder(out)
	var values int64
	err := j.pages(ctx, func(fields []*field, page connector.Page) error {
		for _, r := range page.Records {
			name, err := j.recordName(r)
			if err != nil {
				return &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
			}
			for _, f := range fields {
				n, err := j.exportValue(enc, f, r, name)
				if err != nil {
					return err
				}
				values += n
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if values < p.values() {
		return fmt.Errorf("%w: %d values, and the plan had %d: plan again", ErrExport, values, p.values())
	}
	j.run.mu.Lock()
	j.run.report.Exported = values
	j.run.mu.Unlock()
	return nil
}

// exportValue writes what a record holds in a field, and tells how many values
// that is: the value in clear, and the token that stands beside it.
func (j *Job) exportValue(enc *json.Encoder, f *field, r connector.Record, name fieldcrypt.Name) (n int64, err error) {
	s := j.look(f, r, name)
	clear(s.value.Data)
	var tokens []string
	if s.state == Plain || s.state == Blocked {
		token, err := f.key.Seal(name, sealable(f.def.Type, s.original.Data))
		n = 1
		if err == nil { // what cannot be sealed will not be changed either
			tokens = append(tokens, token)
		}
	}
	if s.state == Sealed || s.state == Old {
		tokens, n = append(tokens, s.token), 1
	} else if s.replaces {
		tokens = append(tokens, s.token)
	}
	for _, t := range tokens {
		if err := enc.Encode(exportLine{r.Kind, r.ID, f.def.Name, t}); err != nil {
			return n, err
		}
	}
	return n, nil
}
