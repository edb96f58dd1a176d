package bulk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/connector"
)

// unit is one page of records.
type unit struct {
	kind   string
	cursor string
	n      int
}

const (
	// maxLater is how many units are put off before they are waited for:
	// memory stays flat, and more processes than slots do not share a job.
	maxLater = 64
	// patience is the longest sleep before a put-off unit is tried again.
	patience = 10 * time.Second
)

// pages reads every page of every kind once and calls do for each.
func (j *Job) pages(ctx context.Context, do func(fields []*field, p connector.Page) error) error {
	for _, kind := range j.kinds() {
		fields, ids := j.of(kind)
		if len(fields) == 0 {
			continue
		}
		err := eachPage(func(cursor string) (connector.Page, error) {
			return j.list(ctx, unit{kind: kind, cursor: cursor}, ids)
		}, func(p connector.Page) (more bool, err error) {
			err = do(fields, p)
			fields, ids = j.of(kind) // some may have been stopped
			return len(fields) > 0, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachPage reads the pages of a list until it ends or do wants no more.
func eachPage(read func(cursor string) (connector.Page, error), do func(connector.Page) (more bool, err error)) error {
	var w walk
	for cursor := ""; ; {
		p, err := read(cursor)
		if err != nil {
			return err
		}
		more, err := do(p)
		if err != nil || !more {
			return err
		}
		if cursor = p.Next; cursor == "" {
			return nil
		}
		if err := w.next(cursor); err != nil {
			return err
		}
	}
}

// walk is the cursors of one list. A list that goes in circles is noticed, by
// Brent's way, with one cursor kept.
type walk struct {
	kept        string
	steps, most int
}

// next goes on to a cursor; it is an error if the walk has been there.
func (w *walk) next(cursor string) error {
	if cursor != "" && cursor == w.kept {
		return fmt.Errorf("%w: the list goes in circles", connector.ErrMalformed)
	}
	if w.steps++; w.steps > w.most {
		w.kept, w.steps, w.most = cursor, 0, 2*w.most+1
	}
	return nil
}

// list reads one page and notes the total.
func (j *Job) list(ctx context.Context, u unit, ids []string) (connector.Page, error) {
	p, err := j.c.Records.List(ctx, u.kind, ids, u.cursor)
	if err != nil {
		return p, fmt.Errorf("list of %.40q: %w", u.kind, err)
	}
	for _, r := range p.Records {
		if r.Kind != u.kind || r.ID == "" {
			return p, fmt.Errorf("list of %.40q: %w: a record of another kind", u.kind, connector.ErrMalformed)
		}
	}
	if u.cursor == "" {
		j.run.expect(u.kind, p.Total)
	}
	return p, nil
}

// work goes through all units, sharing them with other processes, until none
// is left and none is held by others.
func (j *Job) work(ctx context.Context, do func(ctx context.Context, fields []*field, p connector.Page) error) error {
	var later []unit
	n := 0
	for _, kind := range j.kinds() {
		var w walk
		for cursor := ""; ; {
			u := unit{kind, cursor, n}
			n++
			next, _, err := j.unit(ctx, u, do)
			if errors.Is(err, ErrLease) {
				later = append(later, u)
			} else if err != nil {
				return err
			}
			for len(later) >= maxLater {
				if later, err = j.again(ctx, later, do); err != nil {
					return err
				}
			}
			if cursor = next; cursor == "" {
				break
			}
			if err := w.next(cursor); err != nil {
				return err
			}
		}
	}
	for len(later) > 0 {
		var err error
		if later, err = j.again(ctx, later, do); err != nil {
			return err
		}
	}
	return nil
}

// again tries the units that were put off, and waits if none could be had.
func (j *Job) again(ctx context.Context, later []unit, do func(context.Context, []*field, connector.Page) error) ([]unit, error) {
	var left []unit
	var until time.Time
	for _, u := range later {
		_, held, err := j.unit(ctx, u, do)
		if errors.Is(err, ErrLease) {
			left = append(left, u)
			if until.IsZero() || held.Before(until) {
				until = held
			}
		} else if err != nil {
			return nil, err
		}
	}
	if len(left) < len(later) {
		return left, nil
	}
	wait := min(max(until.Sub(j.now()), time.Second), patience)
	j.run.event(Event{Kind: EventWaiting, Until: j.now().Add(wait)})
	if err := j.clock.Sleep(ctx, wait); err != nil {
		return nil, err
	}
	return left, j.run.leases.keep(ctx)
}

// unit works on one page. With ErrLease, somebody else does; next is right in
// either case unless there is another error.
func (j *Job) unit(ctx context.Context, u unit, do func(context.Context, []*field, connector.Page) error) (next string, until time.Time, err error) {
	if err := j.refresh(ctx); err != nil {
		return "", until, err
	}
	fields, ids := j.of(u.kind)
	if len(fields) == 0 {
		return "", until, nil
	}
	if err := j.run.leases.keep(ctx); err != nil {
		return "", until, err
	}
	until, held := j.run.leases.takeUnit(ctx, u.n)
	if held != nil && !errors.Is(held, ErrLease) {
		return "", until, held
	}
	p, err := j.list(ctx, u, ids)
	if err != nil {
		return "", until, err
	}
	if held != nil {
		return p.Next, until, held
	}
	err = do(ctx, fields, p)
	j.run.leases.leaveUnit(context.WithoutCancel(ctx))
	if err == nil {
		j.run.event(Event{Kind: EventPage})
	}
	return p.Next, until, err
}
