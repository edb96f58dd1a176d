package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
)

// forecast is what somebody should know before values are sealed.
type forecast struct {
	plan    bulk.Plan
	account string
	fields  []forecastField
	export  string
	noCopy  bool
	repair  bool
}

type forecastField struct {
	Name    string `json:"name"`
	On      string `json:"on"`
	Type    string `json:"type"`
	Clear   int64  `json:"in_clear"`
	Sealed  int64  `json:"sealed"`
	Again   int64  `json:"sealed_again"` // of those that are sealed, to be sealed again
	TooLong int64  `json:"too_long"`
	Twin    bool   `json:"twin"`
	Signed  bool   `json:"protected"`
	// Sets are the names of those that the field is in: a new twin is in none.
	Sets     []string `json:"sets"`
	required bool
}

func (x *account) forecast(v *view, p bulk.Plan, targets []bulk.Target, f enableFlags, exp *exporter) forecast {
	s := forecast{plan: p, account: v.place.Account, noCopy: f.noCopy, repair: f.repair, export: exp.shown()}
	for _, t := range targets {
		for _, d := range v.defs {
			if d.ID != t.Field {
				continue
			}
			_, signed := v.signed[d.ID]
			row := forecastField{Name: d.Name, On: d.Kind, Type: string(d.Type), Twin: !d.Type.HoldsToken() || t.Twin, Signed: signed, Sets: []string{}, required: d.Required}
			for _, set := range d.Sets {
				row.Sets = append(row.Sets, set.Name)
			}
			for _, c := range p.Fields {
				if c.Field == d.ID {
					row.Clear, row.Sealed, row.TooLong = c.Of(bulk.Plain), c.Of(bulk.Sealed)+c.Of(bulk.Old), c.TooLong
					row.Again = c.SealedAgain
				}
			}
			s.fields = append(s.fields, row)
		}
	}
	return s
}

func (s forecast) values() (n int64) {
	for _, f := range s.fields {
		n += f.Clear - f.TooLong
	}
	return n
}

func (s forecast) tooLong() (n int64) {
	for _, f := range s.fields {
		n += f.TooLong
	}
	return n
}

func (s forecast) question() string {
	return fmt.Sprintf("Seal %s in %s now?", count(s.values(), "value", "values"), count(int64(len(s.fields)), "field", "fields"))
}

type jsonPlan struct {
	Event    string          `json:"event"` // "plan"
	Account  string          `json:"account"`
	Records  int64           `json:"records"`
	Values   int64           `json:"values"`
	Writes   int64           `json:"records_to_write"`
	Requests int64           `json:"requests"`
	PerMin   float64         `json:"requests_per_minute"`
	Seconds  int64           `json:"seconds"`
	Export   string          `json:"export,omitempty"`
	Fields   []forecastField `json:"fields"`
	Findings []jsonFinding   `json:"findings"`
	More     int64           `json:"more_findings"`
}

func (s forecast) json() jsonPlan {
	j := jsonPlan{
		Event: "plan", Account: s.account, Records: s.plan.Records, Values: s.values(), Writes: s.plan.Writes, Requests: s.plan.Requests,
		PerMin: perMinute(s.plan.Budget), Seconds: int64(takes(s.plan).Seconds()), Export: s.export, Fields: s.fields, Findings: []jsonFinding{}, More: s.plan.More,
	}
	for _, f := range s.plan.Findings {
		j.Findings = append(j.Findings, jsonFindingOf(f))
	}
	return j
}

func perMinute(b connector.Budget) float64 {
	if b.Requests == 0 || b.Window <= 0 {
		return 0
	}
	return float64(b.Requests) / b.Window.Minutes()
}

// sayForecast says what enabling means, before anybody is asked.
func (a *app) sayForecast(s forecast) {
	a.say("%s:", count(int64(len(s.fields)), "field", "fields"))
	for _, f := range s.fields {
		line := fmt.Sprintf("  %s (%s, %s): %s to seal", term.Escape(f.Name), term.Escape(f.On), term.Escape(f.Type), count(f.Clear-f.TooLong, "value", "values"))
		line += some(f.Sealed-f.Again, ", %d sealed already") + some(f.Again, ", %d left of an ended field to seal again") + some(f.TooLong, ", %d too long")
		a.say("%s", line)
	}
	a.say("%s", foldText(fmt.Sprintf("%s are read and %d written: at least %s, %s", count(s.plan.Records, "record", "records"), s.plan.Writes,
		count(s.plan.Requests, "request", "requests"), pace(s.plan))))
	a.sayTwins(s.fields)
	if s.tooLong() > 0 {
		a.say("%s too long to be sealed in place and would be left, never cut; with --twin a new field\nof many lines holds their tokens",
			count(s.tooLong(), "value is", "values are"))
	}
	a.sayObstacles(s.plan)
	if !s.repair {
		a.say(`From then on, in these fields:
  - document templates, reports and exports show tokens instead of values
  - Clio's search does not find the values
  - Clio's phone app, and people without Underseal, see tokens
  - what Clio keeps of the past (its history, its search index, its backups) may still hold the
    values as they were`)
	}
	switch {
	case s.noCopy:
		a.say("No copy is written first.")
	default:
		a.say("A sealed copy of all values is written first (underseal open reads it):\n  %s", term.Escape(s.export))
	}
}

// sayTwins says what becomes of fields whose values need a twin, and what
// nobody can do for the firm: Clio's API puts no field into a set.
func (a *app) sayTwins(fields []forecastField) {
	var names, required, sets []string
	for _, f := range fields {
		if !f.Twin || f.Signed {
			continue
		}
		names = append(names, f.Name)
		if f.required {
			required = append(required, f.Name)
		}
		for _, set := range f.Sets {
			sets = append(sets, fmt.Sprintf("    %s: set %s", term.Escape(f.Name), term.Escape(set)))
		}
	}
	if len(names) == 0 {
		return
	}
	a.say("%s\n"+
		"  Each has the name of its field and \"(sealed)\", and is shown on every record of its kind. The field\n"+
		"  itself stays, empty.", foldNames("New fields hold the tokens of:", names, "  "))
	if len(required) > 0 {
		a.say("%s", foldNames("  Required is from then on the new field instead:", required, "    "))
	}
	if len(sets) > 0 {
		a.say("  Clio lets no program put a field into a set. Do that by hand afterwards, in Clio's settings\n  under Custom fields:\n%s", strings.Join(sets, "\n"))
	}
}

// maxObstacles is how many values that cannot be sealed are named one by one.
const maxObstacles = 5

// sayObstacles lists values that would be left as they are.
func (a *app) sayObstacles(p bulk.Plan) {
	var left []bulk.Finding
	for _, f := range p.Findings {
		if f.Reason != bulk.TooLong {
			left = append(left, f)
		}
	}
	if len(left) == 0 {
		return
	}
	a.say("These cannot be sealed and would be left as they are:")
	for i, f := range left {
		if i == maxObstacles {
			a.say("  and %d more%s", len(left)-i, map[bool]string{true: ", or others", false: ""}[p.More > 0])
			break
		}
		a.say("  %s %s%s: %s", f.Kind, term.Escape(f.Record), inField(f.Name), f.Reason)
	}
}

// looseTwin is a twin that is not in a set that its original is in.
type looseTwin struct {
	Field string `json:"name"` // the twin's
	Set   string `json:"set"`
}

// looseTwins are the twins that a person should put into a set.
func looseTwins(defs []connector.Definition, signed map[string]protection) []looseTwin {
	byID := map[string]connector.Definition{}
	for _, d := range defs {
		byID[d.ID] = d
	}
	list := []looseTwin{}
	for _, d := range defs {
		twin, ok := byID[signed[d.ID].Twin]
		if !ok || d.Deleted || twin.Deleted {
			continue
		}
		for _, set := range d.Sets {
			if !slices.ContainsFunc(twin.Sets, func(s connector.Set) bool { return s.ID == set.ID }) {
				list = append(list, looseTwin{twin.Name, set.Name})
			}
		}
	}
	slices.SortFunc(list, func(a, b looseTwin) int { return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Set, b.Set)) })
	return list
}

// sayLooseTwins says what is left to do by hand after fields were sealed. What
// was sealed stays so when Clio does not answer any more.
func (x *account) sayLooseTwins(ctx context.Context) {
	defs, place, err := x.definitions(ctx)
	if err != nil {
		x.a.warn("which sets the new fields belong into could not be read: %s", classify(err).message)
		return
	}
	signed, _ := protectedAt(ctx, x.w, place.Account)
	loose := looseTwins(defs, signed)
	if len(loose) == 0 {
		return
	}
	x.a.say("to do by hand in Clio's settings, under Custom fields, so that they show where the old fields do:")
	for _, t := range loose {
		x.a.say("  put %s into the set %s", term.Escape(t.Field), term.Escape(t.Set))
	}
}

// pace is how long the requests take, by what Clio allows.
func pace(p bulk.Plan) string {
	if p.Budget.Requests == 0 {
		return "for which Clio names no limit"
	}
	return fmt.Sprintf("about %s at today's %.0f a minute", roughly(takes(p)), perMinute(p.Budget))
}

// takes is the time of all requests at the rate that is allowed just now.
func takes(p bulk.Plan) time.Duration {
	if p.Budget.Requests == 0 {
		return 0
	}
	return time.Duration(float64(p.Requests) / float64(p.Budget.Requests) * float64(p.Budget.Window))
}
