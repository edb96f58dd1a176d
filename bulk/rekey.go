package bulk

import (
	"context"
	"fmt"
	"slices"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// PlanRekey reads all records once and says what Rekey would do. It changes
// nothing, neither there nor in the log.
func (j *Job) PlanRekey(ctx context.Context) (Plan, error) { return j.planned(ctx, Rekey) }

// Rekey seals again, under the present epoch of its field, every value whose
// token is under an earlier one or of an ended field whose place it took. Values
// in clear are for Apply, and stay. The plan is a fresh one by PlanRekey. Rekey
// may be ended at any instant and called again, by this or another process.
//
// Where the caller may open the next epoch of a field that was closed, Rekey
// does; where not, it changes nothing and returns a ClosedError. An epoch that is
// opened by somebody else meanwhile is gone on with, and what was sealed before
// is sealed again.
//
// It returns ErrLeft where all went well but some values had to be left, which
// the report lists.
func (j *Job) Rekey(ctx context.Context, p Plan) (Report, error) {
	return j.call(ctx, Rekey, func() error { return j.rekey(ctx, p) })
}

func (j *Job) rekey(ctx context.Context, p Plan) error {
	if err := j.reread(ctx); err != nil {
		return err
	}
	if err := j.renewable(ctx); err != nil {
		return err
	}
	return j.alone(ctx, Rekey, func(info *JobInfo) error { return j.renew(ctx, p, info) })
}

// alone is a job on fields that are signed: it takes the account, and keeps the
// job in the journal.
func (j *Job) alone(ctx context.Context, d Direction, do func(*JobInfo) error) error {
	var err error
	if j.run.leases, err = j.newLeases(); err != nil {
		return err
	}
	if err := j.run.leases.takeAccount(ctx, string(d)+" "+j.ID(d)); err != nil {
		return err
	}
	info, err := j.register(ctx, d)
	if err != nil {
		return err
	}
	return j.close(ctx, info, do(&info))
}

// renewable refuses, before anything is changed, fields under whose key the
// caller may not write.
func (j *Job) renewable(ctx context.Context) error {
	for _, f := range j.fields {
		if f.gone {
			continue
		}
		if f.unsigned() {
			return fmt.Errorf("%s is not protected: %w", f, ErrTarget)
		}
		for _, s := range j.c.Workspace.FieldsAt(ctx, j.place.Connector, j.place.Account) {
			switch {
			case s.ID != f.resource:
			case !s.Mine.Has(officer.Write):
				return fmt.Errorf("%s: the right to write is %w", f, workspace.ErrNotGranted)
			case s.Epoch().Closed && !s.Mine.Has(officer.Share):
				return &ClosedError{Field: s.ID, Err: fmt.Errorf("%s: %w", f, officer.ErrClosed)}
			}
		}
	}
	return nil
}

// renew is all of Rekey that comes after the job is known.
func (j *Job) renew(ctx context.Context, p Plan, info *JobInfo) error {
	if err := j.refreshForWriting(ctx); err != nil {
		return err
	}
	for _, f := range j.fields {
		f.keeps = 0 // a token as long as the new one stands there
	}
	if err := j.export(ctx, p, info); err != nil {
		return err
	}
	for turn := 1; ; turn++ {
		begun := j.epochs()
		if err := j.work(ctx, func(ctx context.Context, fields []*field, p connector.Page) error {
			return j.page(ctx, fields, p, j.toRekey)
		}); err != nil {
			return err
		}
		if err := j.refreshForWriting(ctx); err != nil {
			return err
		}
		if slices.Equal(begun, j.epochs()) {
			return j.left(someSkipped)
		}
		if turn == maxTurns {
			return j.left(func(FieldCounts) bool { return true })
		}
		j.run.recount()
	}
}

// epochs are the present ones.
func (j *Job) epochs() []uint64 {
	list := make([]uint64, 0, len(j.fields))
	for _, f := range j.fields {
		list = append(list, f.epoch)
	}
	return list
}

// toRekey decides what rekeying does to a record.
func (j *Job) toRekey(ctx context.Context, w *writer, fields []*field, r connector.Record, count bool) ([]*edit, error) {
	var edits []*edit
	err := w.eachField(fields, r, count, func(f *field, name fieldcrypt.Name, s seen, unwritten []Entry) error {
		switch {
		case f.again(s, Rekey):
			edits = w.plus(edits, unwritten, f, r, name, s)
			return nil // the edit has the value
		case s.beside:
			w.skip(f, r, Blocked, Unticked)
		case s.state > Old:
			if err := w.refuse(ctx, f, r, name, s); err != nil {
				return err
			}
		}
		w.forget(unwritten)
		clear(s.value.Data)
		return nil
	})
	return edits, err
}
