package bulk

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/underseal/underseal/connector"
)

const (
	// agreement is how far the clocks of an outside system may be apart: the
	// one that dates its answers, and the one that dates its records.
	agreement = time.Minute
	// maxTurns bounds how often a twin that somebody fills is emptied again.
	maxTurns = 3
)

// emptied tells whether nothing was written into the twin of a field since a
// pass found nothing there: a look at what was changed since, right before the
// twin is deleted with all that it holds. What can be opened is opened, and
// looked at again. A system that tells nothing of changes is taken at the
// pass's word.
func (o *opener) emptied(ctx context.Context, f *field, since map[string]time.Time) (bool, error) {
	recent, ok := o.job.c.Records.(connector.Recent)
	if !ok {
		return true, nil
	}
	from := since[f.def.Kind]
	if !from.IsZero() {
		from = from.Add(-agreement)
	}
	var held []connector.Record
	for range maxTurns {
		held = nil
		if err := eachPage(func(cursor string) (connector.Page, error) {
			return recent.Changed(ctx, f.def.Kind, f.ids(), from, cursor)
		}, func(p connector.Page) (bool, error) {
			for _, r := range p.Records {
				if !holdsNothing(r, f.twin.ID) {
					held = append(held, r)
				}
			}
			return true, nil
		}); err != nil {
			return false, err
		}
		if len(held) == 0 {
			return true, nil
		}
		if err := o.page(ctx, []*field{f}, connector.Page{Records: held}); err != nil {
			return false, err
		}
	}
	for _, r := range held {
		o.job.run.find(f, r, Blocked, FilledAgain)
	}
	return false, nil
}

// withoutTwin gives the original back what it was and deletes the twin, unless
// that was filled since the pass.
func (o *opener) withoutTwin(ctx context.Context, f *field, since map[string]time.Time) (done bool, err error) {
	if f.twin == nil {
		return true, nil
	}
	j := o.job
	if strings.HasSuffix(f.twin.Name, star) || f.twin.Required {
		if done, err = o.emptied(ctx, f, since); err != nil || !done {
			return false, err
		}
		if err := j.redefine(ctx, &f.def, func(d *connector.Definition) bool {
			change := !d.Required
			d.Required = true
			return change
		}); err != nil {
			return false, err
		}
	}
	definer, ok := j.c.Records.(connector.Definer)
	if !ok {
		return false, ErrTarget
	}
	for tries := 1; ; tries++ {
		// Between this look and the deletion are moments: a connector that
		// gets no answer gives up, and it is looked again.
		if done, err = o.emptied(ctx, f, since); err != nil || !done {
			return false, err
		}
		err = definer.DeleteField(ctx, *f.twin)
		switch {
		case err == nil, tries > 1 && errors.Is(err, connector.ErrNotFound):
			return true, nil
		case tries == maxTries || !errors.Is(err, connector.ErrUncertain) && !errors.Is(err, connector.ErrUnavailable):
			return false, err
		}
	}
}
