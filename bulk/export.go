package bulk

import (
	"context"
	"fmt"
	"io"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
)

// exported writes the lines of the export, which "underseal open" opens:
// {"kind":"contact","record":"77","SSN":"us1.…"}. The token's member has the
// name of its field, since tokens of several fields in one column are a sign
// that they were moved (attack 19).
type exported struct {
	out   io.Writer
	names map[officer.ResourceID]string
	taken map[string]bool
}

func newExported(out io.Writer) *exported {
	return &exported{out, map[officer.ResourceID]string{}, map[string]bool{"kind": true, "record": true}}
}

// name is the member for tokens of a resource: the definition's name, with
// more where that is another's.
func (x *exported) name(d connector.Definition, of officer.ResourceID) string {
	if name, known := x.names[of]; known {
		return name
	}
	name := d.Name
	for _, more := range []string{"", " (" + d.Kind + ")", " (" + d.Kind + " " + d.ID + ")", " " + of.String()} {
		if name = d.Name + more; name != "" && !x.taken[name] {
			break
		}
	}
	x.names[of], x.taken[name] = name, true
	return name
}

func (x *exported) line(r connector.Record, name, token string) error {
	var b []byte
	for i, s := range []string{"kind", r.Kind, "record", r.ID, name, token} {
		b = append(b, "{:,:,:"[i])
		b = tabular.AppendJSONString(b, []byte(s))
	}
	_, err := x.out.Write(append(b, "}\n"...))
	return err
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
	x := newExported(out)
	var values int64
	err := j.pages(ctx, func(fields []*field, page connector.Page) error {
		for _, r := range page.Records {
			name, err := j.recordName(r)
			if err != nil {
				return &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
			}
			for _, f := range fields {
				n, err := j.exportValue(x, f, r, name)
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
func (j *Job) exportValue(x *exported, f *field, r connector.Record, name fieldcrypt.Name) (n int64, err error) {
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
		of := f.resource
		if token, err := fieldcrypt.Parse([]byte(t)); err == nil {
			if owner, known := j.keys.owners.Find(token.KeyID); known {
				of = owner.Resource // of an earlier field of the same definition, perhaps
			}
		}
		if err := x.line(r, x.name(f.def, of), t); err != nil {
			return n, err
		}
	}
	return n, nil
}
