package main

import (
	"context"

	"github.com/underseal/underseal/bulk"
)

// opening are the jobs of this device that opened fields last, by definition id:
// a field among them that is protected is so because something was left, and
// what is in clear in it is what somebody wanted there. The journal may be of
// anybody's making: nothing is done by it, only offered.
func (x *account) opening(ctx context.Context) (map[string]bulk.JobInfo, error) {
	jobs, err := x.a.jobs(ctx, x.home)
	if err != nil {
		return nil, err
	}
	last := map[string]bulk.JobInfo{}
	for _, j := range jobs {
		if j.Place.Account != x.conn.Account || !j.Direction.Opens() && j.Direction != bulk.Enable {
			continue
		}
		for _, f := range j.Fields {
			if l, known := last[f.Field]; !known || j.Updated.After(l.Updated) {
				last[f.Field] = j
			}
		}
	}
	for id, j := range last {
		if j.Direction == bulk.Enable {
			delete(last, id)
		}
	}
	return last, nil
}

// nextForClear says what a protected field with values in clear asks for, if
// one does: one that was not opened on purpose first.
func (a *app) nextForClear(out jsonClioFields, opening map[string]bulk.JobInfo) (said bool) {
	var opened *jsonClioField
	for i, f := range out.Fields {
		if !f.signed || f.Clear == nil || *f.Clear == 0 {
			continue
		}
		if _, ok := opening[f.ID]; !ok {
			a.next("underseal clio enable %s%s --repair", arg(f.Name), f.onArg(out))
			return true
		}
		if opened == nil {
			opened = &out.Fields[i]
		}
	}
	if opened == nil {
		return false
	}
	if j := opening[opened.ID]; j.State != bulk.Finished {
		a.next("underseal job resume %s", arg(j.ID))
		return true
	}
	a.say("%s", foldText("a job opened these fields again but for what it left, and they are still protected: disable opens the rest, enable --repair would seal all of it again"))
	a.next("underseal clio disable %s%s", arg(opened.Name), opened.onArg(out))
	return true
}

// openedInClear tells whether some of what was found in clear is so because a
// job opened it: enable --repair would seal that again.
func (x *account) openedInClear(ctx context.Context, v *view) (bool, error) {
	opening, err := x.opening(ctx)
	for _, c := range v.look.Clear {
		if _, ok := opening[c.ID]; ok {
			return true, err
		}
	}
	return false, err
}
