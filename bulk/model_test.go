package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/workspace"
)

// life is an account in which everything happens in any order, with what each
// value is for those who may read it.
type life struct {
	*site
	fields []connector.Definition
	values map[[2]string]string // JSON by matter and field
	seed   int
}

func newLife(t *testing.T) *life {
	l := &life{site: newSite(t, 0), values: map[[2]string]string{}}
	fee := l.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
	l.fields = []connector.Definition{l.ssn, fee}
	for range 7 {
		l.matters = append(l.matters, l.system.AddRecord("matter"))
	}
	for _, m := range l.matters {
		for _, f := range l.fields {
			l.enter(m, f)
		}
	}
	return l
}

// enter is a person who types a value into the field that forms show.
func (l *life) enter(matter string, f connector.Definition) {
	l.seed++
	value := fmt.Sprint(l.seed, ".5")
	if f.Type == connector.TextLine {
		value = fmt.Sprintf("%q", value)
	}
	l.system.Put("matter", matter, f.ID, value)
	l.values[[2]string{matter, f.ID}] = value
}

// holder is where the tokens of a field are.
func (l *life) holder(f connector.Definition) string {
	for _, d := range l.system.Fields() {
		if d.Name == f.Name+" (sealed)" {
			return d.ID
		}
	}
	return f.ID
}

// check opens all that is there, by no code of the engine.
func (l *life) check(t *rapid.T, w *workspace.Workspace) {
	ring, _, err := w.Ring(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range l.matters {
		name, err := fieldcrypt.Record{Connector: "memory", Account: "firm-1", Kind: "matter", ID: m}.Name()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range l.fields {
			want, got := l.values[[2]string{m, f.ID}], l.system.Peek("matter", m, f.ID)
			if holder := l.holder(f); got == "" || got == `""` || got == "null" {
				got = l.system.Peek("matter", m, holder)
			}
			if len(got) > 6 && got[:5] == `"us1.` {
				v, binding, err := ring.Open(got[1:len(got)-1], name)
				if err != nil || binding != fieldcrypt.Bound {
					t.Fatalf("%s of %s: %v", f.Name, m, err)
				}
				if got = string(v.Data); v.Type == fieldcrypt.Text {
					got = fmt.Sprintf("%q", got)
				}
			}
			if got != want {
				t.Fatalf("%s of %s is %s, was entered as %s", f.Name, m, got, want)
			}
		}
	}
}

// faulty are the records as they fail at some call, alone or for good.
func (l *life) faulty(t *rapid.T) connector.Records {
	if rapid.Bool().Draw(t, "sound") {
		return l.system
	}
	return connectortest.NewFaulty(l.system, connectortest.Fault{
		Operation: rapid.SampledFrom([]connectortest.Operation{connectortest.OpWrite, connectortest.OpWrite, connectortest.OpList, connectortest.OpGet}).Draw(t, "operation"),
		Call:      rapid.IntRange(1, 6).Draw(t, "call"),
		Outcome:   rapid.SampledFrom([]connectortest.Outcome{connectortest.Failed, connectortest.Lost, connectortest.Persisted}).Draw(t, "outcome"),
		Dead:      rapid.Bool().Draw(t, "dead"),
	})
}

// Whatever is done, in whatever order, and wherever it is ended: each value is
// there, as what it was entered as, in clear or as one token that opens; and once
// nothing fails, every token is under the present epoch.
func TestPropertyOfALife(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		ctx := context.Background()
		l := newLife(t)
		w := l.Open("alice")
		fields := []string{l.fields[0].ID, l.fields[1].ID}
		config := func() bulk.Config {
			c := l.config(w, fields...)
			c.Records = l.faulty(r)
			return c
		}
		steps := map[string]func(){
			"enable":     func() { _, _ = apply(ctx, config()) },
			"rekey":      func() { _, _ = rekey(ctx, config()) },
			"undo rekey": func() { _, _ = undoRekey(ctx, config()) },
			"undo":       func() { _ = errorOf(undo)(ctx, config()) },
			"disable":    func() { _ = errorOf(disable)(ctx, config()) },
			"rotate":     func() { rotate(t, w) },
			"enter": func() {
				l.enter(rapid.SampledFrom(l.matters).Draw(r, "matter"), rapid.SampledFrom(l.fields).Draw(r, "field"))
			},
		}
		names := []string{"enable", "rekey", "rekey", "rotate", "enter", "undo rekey", "undo", "disable"}
		for range rapid.IntRange(1, 14).Draw(r, "steps") {
			steps[rapid.SampledFrom(names).Draw(r, "step")]()
			l.check(r, w)
		}
		c := l.config(w, fields...)
		if _, err := apply(ctx, c); err != nil {
			r.Fatal(err)
		}
		if _, err := rekey(ctx, c); err != nil {
			r.Fatal(err)
		}
		l.check(r, w)
		v, err := verify(ctx, c)
		if err != nil || of(v, bulk.Old)+of(v, bulk.Plain) != 0 || of(v, bulk.Sealed) != 14 {
			r.Fatalf("%v %+v", err, v)
		}
		if err := errorOf(disable)(ctx, c); err != nil && !errors.Is(err, bulk.ErrLeft) {
			r.Fatal(err)
		}
		l.check(r, w)
		if slices.ContainsFunc(l.system.Dump(), func(line string) bool { return strings.Contains(line, "us1.") }) {
			r.Fatal("a token is left")
		}
	})
}
