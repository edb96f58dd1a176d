package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
)

func newClioFieldsCommand(a *app) *cobra.Command {
	var noCounts bool
	c := &cobra.Command{
		Use: "fields", Short: "List the custom fields: plain, sealed, partly, New, Removed", Args: noArgs,
		Long: `List the custom fields of the account, how each stands, and how many values it has.
Sealed: every value is. Partly: some are in clear. New, Removed or Changed: since
somebody settled the field with underseal clio accept.

To count, every matter and contact is read, 200 at a time, which takes a while for
a large firm; --no-counts leaves it out.`,
		Example: "underseal clio fields",
		RunE:    a.clioCommand(func(ctx context.Context, x *account, _ []string) error { return x.fields(ctx, !noCounts) }),
	}
	c.Flags().BoolVar(&noCounts, "no-counts", false, "read the fields alone, not the records")
	return c
}

type jsonClioField struct {
	Name     string     `json:"name"`
	ID       string     `json:"id"`
	On       string     `json:"on"`
	Type     string     `json:"type"`
	Required bool       `json:"required"`
	State    fieldState `json:"state"`
	News     news       `json:"news"`
	Twin     string     `json:"twin,omitempty"`
	Values   *int64     `json:"values,omitempty"`
	Sealed   *int64     `json:"sealed,omitempty"`
	Clear    *int64     `json:"in_clear,omitempty"`
	Other    *int64     `json:"other,omitempty"`
	Empty    *int64     `json:"empty,omitempty"`
	signed   bool
}

type jsonClioFields struct {
	Account     string          `json:"account"`
	AccountName string          `json:"account_name"`
	Counted     bool            `json:"counted"`
	Fields      []jsonClioField `json:"fields"`
}

// view is the account's fields with all that is known of them.
type view struct {
	place   connector.Place
	defs    []connector.Definition // without those that hold tokens of others
	signed  map[string]protection
	opened  map[string]protection // that were protected once
	twins   map[string]bool
	look    *look
	first   bool // nobody has looked here before
	news    map[string]news
	removed []settled
	loose   []looseTwin // twins that a person should put into a set
	counts  map[string]bulk.FieldCounts
	counted bool
}

// see reads the fields and compares them with the last look. The first look
// settles all that is there.
func (x *account) see(ctx context.Context) (*view, error) {
	defs, place, err := x.definitions(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{place: place, counts: map[string]bulk.FieldCounts{}}
	v.signed, v.twins = protectedAt(ctx, x.w, place.Account)
	v.opened = openedAt(ctx, x.w, place.Account)
	v.loose = looseTwins(defs, v.signed)
	for _, d := range defs {
		if !v.twins[d.ID] {
			v.defs = append(v.defs, d)
		}
	}
	slices.SortFunc(v.defs, func(a, b connector.Definition) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	if v.look, err = loadLook(x.home, x.a.me.Keys(), place.Account); err != nil {
		return nil, err
	}
	if v.look == nil {
		v.first = true
		v.look = &look{Account: place.Account}
		for _, d := range v.defs {
			v.look.settle(d)
		}
	}
	v.look.Name = place.Name
	v.compare()
	return v, nil
}

// compare finds what is new since the last look.
func (v *view) compare() {
	v.news, v.removed = v.look.since(v.defs,
		func(id string) bool { return v.twins[id] },
		func(id string) bool { return v.signed[id].Twin != "" })
}

// count reads every record and counts. Only fields of kinds that have any are
// read.
func (x *account) count(ctx context.Context, v *view, only func(connector.Definition) bool) error {
	var targets []bulk.Target
	for _, d := range v.defs {
		if !d.Deleted && only(d) {
			targets = append(targets, bulk.Target{Field: d.ID, Label: d.Name})
		}
	}
	if len(targets) == 0 {
		v.counted = true
		return nil
	}
	w, end := x.a.watch()
	defer end()
	w.quiet = true
	j, err := x.job(ctx, bulk.Config{Targets: targets, Events: w.event})
	if err != nil {
		return err
	}
	p, err := j.Plan(ctx)
	if err != nil {
		return err
	}
	for _, c := range p.Fields {
		v.counts[c.Field] = c
	}
	v.counted = true
	x.noteClear(v, p.Counts)
	return nil
}

// noteClear keeps what a pass over the records found in clear in protected
// fields, so that status can tell without asking Clio.
func (x *account) noteClear(v *view, c bulk.Counts) {
	v.look.Passed = x.a.now().UTC()
	v.look.noteEpochs(c, x.a.now())
	v.look.Clear = []clearField{}
	for _, f := range c.Fields {
		if _, signed := v.signed[f.Field]; signed && f.Of(bulk.Plain)+f.Of(bulk.Blocked) > 0 {
			v.look.Clear = append(v.look.Clear, clearField{ID: f.Field, Name: f.Name, Values: f.Of(bulk.Plain) + f.Of(bulk.Blocked)})
		}
	}
}

func (x *account) saveLook(v *view) error { return v.look.save(x.home, x.a.me.Keys()) }

func (x *account) fields(ctx context.Context, counts bool) error {
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	if counts {
		if err := x.count(ctx, v, func(connector.Definition) bool { return true }); err != nil {
			return err
		}
	}
	if err := x.saveLook(v); err != nil {
		return err
	}
	out := v.json()
	if x.a.json {
		x.a.printJSON(out, nil)
		return nil
	}
	var opening map[string]bulk.JobInfo
	if counts { // otherwise it is not known what is in clear
		if opening, err = x.opening(ctx); err != nil {
			return err
		}
	}
	return x.a.printClioFields(out, opening)
}

func (v *view) json() jsonClioFields {
	out := jsonClioFields{Account: v.place.Account, AccountName: v.place.Name, Counted: v.counted, Fields: []jsonClioField{}}
	for _, d := range v.defs {
		p, signed := v.signed[d.ID]
		if d.Deleted && !signed {
			continue
		}
		f := jsonClioField{Name: d.Name, ID: d.ID, On: d.Kind, Type: string(d.Type), Required: d.Required, News: v.news[d.ID], Twin: p.Twin, signed: signed}
		var counted *bulk.FieldCounts
		if c, ok := v.counts[d.ID]; ok {
			counted = &c
			f.Sealed, f.Clear = number(c.Of(bulk.Sealed)+c.Of(bulk.Old)), number(c.Of(bulk.Plain)+c.Of(bulk.Blocked))
			f.Other = number(c.Of(bulk.Unreadable) + c.Of(bulk.Foreign) + c.Of(bulk.Suspicious))
			f.Values, f.Empty = number(*f.Sealed+*f.Clear+*f.Other), number(c.Of(bulk.Absent)+c.Of(bulk.Unset)+c.Of(bulk.Cleared))
		}
		f.State = stateOf(signed, counted)
		if d.Deleted {
			f.State, f.News = stateRemoved, isRemoved
		}
		out.Fields = append(out.Fields, f)
	}
	for _, s := range v.removed {
		if slices.ContainsFunc(out.Fields, func(f jsonClioField) bool { return f.ID == s.ID }) {
			continue
		}
		out.Fields = append(out.Fields, jsonClioField{
			Name: s.Name, ID: s.ID, On: s.Kind, Type: s.Type, Required: s.Required, State: stateRemoved, News: isRemoved,
		})
	}
	return out
}

func number(n int64) *int64 { return &n }

func (a *app) printClioFields(out jsonClioFields, opening map[string]bulk.JobInfo) error {
	a.say("%s (%s)", term.Escape(out.AccountName), term.Escape(out.Account))
	t := a.table()
	if out.Counted {
		t.row("FIELD", "ON", "TYPE", "STATE", "VALUES", "SEALED", "IN CLEAR", "OTHER")
	} else {
		t.row("FIELD", "ON", "TYPE", "STATE")
	}
	for _, f := range out.Fields {
		cells := []string{term.Escape(f.Name), term.Escape(f.On), term.Escape(f.Type), stateWords(f)}
		if f.Values != nil {
			cells = append(cells, fmt.Sprint(*f.Values), fmt.Sprint(*f.Sealed), fmt.Sprint(*f.Clear), fmt.Sprint(*f.Other))
		}
		t.row(cells...)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if !out.Counted {
		a.say("records were not read: a protected field may hold values in clear")
	}
	a.nextForFields(out, opening)
	return nil
}

// stateWords is a field's state with its news.
func stateWords(f jsonClioField) string {
	switch f.News {
	case noNews:
		return string(f.State)
	case isRemoved:
		return "Removed"
	case isNew:
		return string(f.State) + ", New"
	default:
		return string(f.State) + ", Changed"
	}
}

// nextForFields says what the state of the fields asks for, the most urgent
// first.
func (a *app) nextForFields(out jsonClioFields, opening map[string]bulk.JobInfo) {
	if a.nextForClear(out, opening) {
		return
	}
	for _, f := range out.Fields {
		switch {
		case f.State != statePartly:
		case f.signed:
			a.next("underseal clio verify")
			return
		case *f.Sealed > 0: // it was opened by somebody who could not open all
			a.next("underseal clio disable %s%s", arg(f.Name), f.onArg(out))
			return
		}
	}
	for _, f := range out.Fields {
		if f.News != noNews {
			a.next("underseal clio accept %s%s", arg(f.Name), f.onArg(out))
			return
		}
	}
	for _, f := range out.Fields {
		if f.State == statePlain {
			a.next("underseal clio enable %s%s", arg(f.Name), f.onArg(out))
			return
		}
	}
}

// onArg is the flag that tells a field apart from another of its name.
func (f jsonClioField) onArg(out jsonClioFields) string {
	for _, other := range out.Fields {
		if other.ID != f.ID && strings.EqualFold(other.Name, f.Name) && other.On != f.On {
			return " --on " + f.On
		}
	}
	return ""
}
