package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/underseal/underseal/connector"
)

// check holds an answer against what was intended. What was altered is put
// back at once, even if the run is being ended: nobody else has the value.
func (w *writer) check(ctx context.Context, t task, after connector.Record) error {
	var errs []error
	for _, e := range t.edits {
		if e.landed(after) {
			w.settle(e, Done, "")
			continue
		}
		if e.entry.Token != "" {
			// It will do so to every token. A value that goes back is one of
			// its own kind, and must not keep the others from going.
			w.j.run.stop(e.f, fmt.Errorf("%s: %w", e.f, ErrAltered))
		}
		version, why, err := w.putBack(context.WithoutCancel(ctx), e, after)
		if err != nil {
			errs = append(errs, &connector.RecordError{Kind: after.Kind, ID: after.ID, Err: fmt.Errorf("%w: %w", ErrNotPutBack, err)})
		} else {
			w.settle(e, Skipped, why)
		}
		after.Version = version // or the next would conflict with this one
	}
	return errors.Join(errs...)
}

// putBack writes what stood in a field before, unless somebody has changed it
// since altered was answered. It returns the version that the record has then,
// and what is to be said of the value.
func (w *writer) putBack(ctx context.Context, e *edit, altered connector.Record) (version string, why Reason, err error) {
	r := altered
	for range maxTries {
		changes := e.back(r)
		after, failed := w.j.c.Records.Write(ctx, r, changes)
		switch err = failed; {
		case err == nil && applied(after, changes):
			return after.Version, AlteredAndBack, nil
		case err == nil:
			return after.Version, "", ErrAltered
		case errors.Is(err, connector.ErrNotFound):
			return r.Version, RecordGone, nil
		case !errors.Is(err, connector.ErrConflict) && !errors.Is(err, connector.ErrUncertain):
			return r.Version, "", err
		}
		got, failed := w.j.c.Records.Get(ctx, r.Kind, r.ID, e.f.ids())
		switch {
		case errors.Is(failed, connector.ErrNotFound):
			return r.Version, RecordGone, nil
		case failed != nil:
			return r.Version, "", failed
		case applied(got, e.back(got)): // the answer was lost, and nothing else
			return got.Version, AlteredAndBack, nil
		case !untouched(e.f, altered, got):
			return got.Version, ChangedSince, nil
		}
		r = got
	}
	return r.Version, "", err
}

// applied tells whether a record is as changes make it.
func applied(r connector.Record, changes []connector.Change) bool {
	for _, c := range changes {
		v, times := element(r, c.Field)
		if times > 1 || c.Data == nil && !empty(v.Data) || c.Data != nil && !same(v.Data, c.Data) {
			return false
		}
	}
	return true
}

// untouched tells whether two readings of a record agree on a field.
func untouched(f *field, a, b connector.Record) bool {
	for _, id := range f.ids() {
		x, _ := element(a, id)
		y, _ := element(b, id)
		if !bytes.Equal(x.Data, y.Data) && !(empty(x.Data) && empty(y.Data)) {
			return false
		}
	}
	return true
}

// cut tells whether got is what a system made of token: a part of it, or it in
// other letters or with white space.
func cut(token, got string) bool {
	if token == "" || got == "" || got == token {
		return false
	}
	bare := strings.Join(strings.Fields(got), "")
	return strings.HasPrefix(token, strings.TrimRight(got, ".… \t\r\n")) || strings.EqualFold(bare, token) ||
		len(bare) < len(token) && len(bare) > 0 && strings.EqualFold(token[:len(bare)], bare)
}
