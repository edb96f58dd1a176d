package bulk

import (
	"context"
	"slices"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// UndoRekey puts back the tokens that Rekey replaced, by its journal: only where
// a token of that journal still stands, and only one that opens to the same
// value. Nothing becomes visible, and the field stays protected; but what goes
// back is under the earlier epoch again. It may be ended at any instant and
// called again.
//
// It returns ErrLeft where something was left, which the report lists.
func (j *Job) UndoRekey(ctx context.Context) (Report, error) {
	return j.call(ctx, UndoRekey, func() error { return j.undoRekey(ctx) })
}

func (j *Job) undoRekey(ctx context.Context) error {
	if err := j.reread(ctx); err != nil {
		return err
	}
	if err := j.renewable(ctx); err != nil {
		return err
	}
	return j.alone(ctx, UndoRekey, func(*JobInfo) error {
		b := &former{job: j, rekeyed: j.ID(Rekey)}
		if err := j.work(ctx, b.page); err != nil {
			return err
		}
		return j.left(someSkipped)
	})
}

// former decides which tokens go back.
type former struct {
	job     *Job
	rekeyed string // id of the job that replaced them
	// replaced are, of the records at hand, the entries of that job by record
	// and field.
	replaced map[[2]string][]Entry
}

func (b *former) page(ctx context.Context, fields []*field, p connector.Page) error {
	entries, err := b.job.lookup(ctx, b.rekeyed, p)
	if err != nil {
		return err
	}
	b.replaced = map[[2]string][]Entry{}
	for _, e := range entries {
		if e.Token != "" && e.Replaced != "" {
			at := [2]string{e.Record, e.Field}
			b.replaced[at] = append(b.replaced[at], e)
		}
	}
	return b.job.page(ctx, fields, p, b.decide)
}

// before is the token that the job found where token stands now: the first of
// them, where it has replaced its own since.
func before(entries []Entry, token string) string {
	for range entries { // each is gone back over once at most
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Token == token })
		if i < 0 {
			break
		}
		token = entries[i].Replaced
	}
	return token
}

func (b *former) decide(ctx context.Context, w *writer, fields []*field, r connector.Record, count bool) ([]*edit, error) {
	var edits []*edit
	err := w.eachField(fields, r, count, func(f *field, name fieldcrypt.Name, s seen, unwritten []Entry) error {
		entries := b.replaced[[2]string{r.ID, f.def.ID}]
		token := before(entries, s.token)
		ours := slices.ContainsFunc(entries, func(e Entry) bool { return e.Token == s.token })
		back := slices.ContainsFunc(entries, func(e Entry) bool { return e.Replaced == s.token })
		switch {
		case s.state.Empty():
		case s.state > Old:
			if err := w.refuse(ctx, f, r, name, s); err != nil {
				return err
			}
		case s.beside:
			w.skip(f, r, Blocked, Unticked)
		case s.state == Plain, !ours:
			if count && len(entries) > 0 && (s.state == Plain || !back) {
				w.skip(f, r, s.state, ChangedSince)
			}
		case !b.fits(f, name, s, token):
			w.skip(f, r, s.state, OtherBefore)
		default:
			e := b.job.replacing(f, r, s, token, func() bool { return true }) // fits has opened it
			e.unwritten, unwritten = unwritten, nil
			edits = append(edits, e)
		}
		w.forget(unwritten)
		clear(s.value.Data)
		return nil
	})
	return edits, err
}

// fits tells whether a token of the journal, which may be of anybody's making,
// was sealed for this field and record and opens to what stands there.
func (b *former) fits(f *field, name fieldcrypt.Name, s seen, token string) bool {
	t, err := fieldcrypt.Parse([]byte(token))
	if err != nil {
		return false
	}
	if owner, known := b.job.keys.owners.Find(t.KeyID); !known || !f.ever[owner.Resource] {
		return false
	}
	data, ok := spelled(s.value)
	return ok && b.job.opensTo(token, name, data)
}
